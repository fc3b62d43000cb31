"""Settings: one frozen, validated class per command, and presets."""

from digitdet.configs.base import Config, load_config, load_preset, parse_config, preset_file, preset_names, replace
from digitdet.configs.look import LookConfig
from digitdet.configs.read import ReadConfig
from digitdet.configs.synth import SynthConfig
from digitdet.configs.train import LineReaderConfig, ProposalConfig, TrainConfig

__all__ = [
    "Config",
    "LineReaderConfig",
    "LookConfig",
    "ProposalConfig",
    "ReadConfig",
    "SynthConfig",
    "TrainConfig",
    "load_config",
    "load_preset",
    "parse_config",
    "preset_file",
    "preset_names",
    "replace",
]
