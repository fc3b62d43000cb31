"""Settings: one frozen, validated class per command, and presets."""

from digitdet.common.errors import (
    ConfigError,
    DataError,
    DigitdetError,
    ImageError,
    MissingExtraError,
    ModelError,
    TimeLimitError,
)
from digitdet.configs.base import Config, load_config, load_preset, parse_config, preset_names, replace
from digitdet.configs.look import LookConfig
from digitdet.configs.read import ReadConfig
from digitdet.configs.recogniser import RecogniserConfig
from digitdet.configs.synth import SynthConfig
from digitdet.configs.train import TrainConfig

__all__ = [
    "Config",
    "ConfigError",
    "DataError",
    "DigitdetError",
    "ImageError",
    "LookConfig",
    "MissingExtraError",
    "ModelError",
    "ReadConfig",
    "RecogniserConfig",
    "SynthConfig",
    "TimeLimitError",
    "TrainConfig",
    "load_config",
    "load_preset",
    "parse_config",
    "preset_names",
    "replace",
]
