"""Settings of `digitdet synth`: how many pictures, from what, in which mixture of looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from digitdet.common.errors import ConfigError, did_you_mean
from digitdet.configs.base import Config, Share, build_config, load_preset, preset_names, replace
from digitdet.configs.look import LookConfig, Weights

_TYPE_SOURCES = ("fonts", "stencils")  # those that font files feed


class LegibilityConfig(Config, frozen=True, kw_only=True):
    """Below which a digit counts as one that nobody could read: its number is left out, ink and label."""

    min_contrast: Annotated[float, Meta(ge=0, le=255)] = 12.0
    """Grey levels between the ink and the ground around it in the finished picture."""

    min_contrast_to_noise: Annotated[float, Meta(ge=0, le=20)] = 1.0
    """The same contrast in standard deviations of the ground around the digit: grain can drown a clear grey."""

    min_height: Annotated[float, Meta(ge=1, le=100)] = 6.0
    """Pixels from the top of the ink to its bottom."""

    max_covered: Share = 0.5
    """Part of a digit's visible ink that other ink or the picture's border may hide."""


class SynthConfig(Config, frozen=True, kw_only=True):
    """What `digitdet synth` composes."""

    count: Annotated[int, Meta(ge=1, le=10_000_000)] = 6000
    """Pictures in all three splits together. 6,000 train a model that clearly works in minutes on two cores."""

    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    """The same seed and settings give the same bytes, whatever the number of workers."""

    val_share: Share = 0.05
    """Part of the pictures that choose the best epoch. Their digits, fonts and backgrounds are in no other split."""

    test_share: Share = 0.1
    """Part of the pictures that measure the trained model. Theirs are in no other split; MNIST's are its test."""

    looks: dict[str, LookConfig] = msgspec.field(default_factory=lambda: {"mnist": LookConfig()})
    """The kinds of picture, drawn by their weights. In YAML a look that ships is named with its weight alone
    (`print: 2`) or with the settings that differ; another name is a look of your own, with what differs from plain
    MNIST. A mapping that you give (such as `sources`) takes the place of the whole one.
    """

    legibility: LegibilityConfig = LegibilityConfig()

    font_folders: tuple[str, ...] | None = None
    """Folders with TTF, OTF and WOFF files, subfolders too; null: where this system keeps its fonts."""

    hand_font_folders: tuple[str, ...] | None = None
    """Folders with handwriting typefaces, the source `hands`; null: the source `pen` writes in its place."""

    background_folder: str | None = None
    """Folder with pictures that hold no digits; any format that OpenCV reads."""

    crops: str | None = None
    """Your own pictures of single digits, the source `crops`: a folder with 0/ to 9/, or a CSV of image,label."""

    digit_sets: str | None = None
    """Folder in which torchvision keeps EMNIST, QMNIST and USPS, the sources of those names."""

    def check(self) -> None:
        """Refuse splits and weights that leave nothing to draw."""
        if self.split_counts()["train"] < 1:
            raise ConfigError(
                f"count: {self.count} leaves nothing to train on beside val_share {self.val_share} "
                f"and test_share {self.test_share}; expected more pictures or smaller shares"
            )
        if not any(look.weight for look in self.looks.values()):
            raise ConfigError("looks: none has a weight above 0")

    @classmethod
    def expand(cls, data: Mapping[Any, Any], source: str) -> Mapping[Any, Any]:
        """Looks by name become whole looks: a preset, with what differs laid over it."""
        if not isinstance(data.get("looks"), Mapping):
            return data
        return {**data, "looks": {str(n): expand_look(str(n), v, source) for n, v in data["looks"].items()}}

    def split_counts(self) -> dict[str, int]:
        """Pictures per split: {'train': ..., 'val': ..., 'test': ...}; at least one where the share is not 0."""
        val, test = (max(round(self.count * share), int(share > 0)) for share in (self.val_share, self.test_share))
        return {"train": self.count - val - test, "val": val, "test": test}


def expand_look(name: str, value: object, source: str) -> LookConfig:
    """One entry of `looks`: a weight, or what differs from the preset of that name or from the built-in look."""
    where, shipped = f"{source}: looks: {name}", preset_names("looks")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if name not in shipped:
            raise ConfigError(f"{where}: a weight alone needs a look that ships{did_you_mean(name, shipped)}")
        value = {"weight": value}
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: expected a weight or 'key: value' lines")
    base = load_preset(LookConfig, "looks", name) if name in shipped else LookConfig()
    return build_config(LookConfig, value, where, base)


def add_materials(
    config: SynthConfig,
    fonts: Sequence[Path] = (),
    backgrounds: Path | None = None,
    crops: Path | None = None,
    hand_fonts: Sequence[Path] = (),
) -> SynthConfig:
    """The settings with the user's own material, which is then drawn from: where no look names the crops or the
    backgrounds, each takes them for half of its pages.

    Raises:
        ConfigError: There are fonts, and no look draws from any.
    """
    looks = config.looks
    if fonts and not any(look.sources.get(name) for look in looks.values() for name in _TYPE_SOURCES):
        raise ConfigError("fonts are given, but no look of these settings draws from them; 'print' does, for one")
    if hand_fonts and not any(look.sources.get("hands") for look in looks.values()):
        raise ConfigError(
            "hand fonts are given, but no look of these settings draws from them; 'cheques' does, for one"
        )
    if crops is not None and not any(look.sources.get("crops") for look in looks.values()):
        looks = {name: replace(look, sources=_and_half(look.sources, "crops")) for name, look in looks.items()}
    if backgrounds is not None and not any(look.surfaces.get("folder") for look in looks.values()):
        looks = {name: replace(look, surfaces=_and_half(look.surfaces, "folder")) for name, look in looks.items()}
    return replace(
        config,
        looks=looks,
        font_folders=tuple(str(folder.resolve()) for folder in fonts) or None,
        hand_font_folders=tuple(str(folder.resolve()) for folder in hand_fonts) or None,
        background_folder=str(backgrounds.resolve()) if backgrounds else None,
        crops=str(crops.resolve()) if crops else None,
    )


def _and_half(weights: Weights, name: str) -> Weights:
    """The weights with one more name, which is drawn as often as all the others together."""
    total = sum(weights.values())
    return {**{key: weight / total for key, weight in weights.items()}, name: 1.0}
