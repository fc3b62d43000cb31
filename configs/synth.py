"""Settings of `digitdet synth`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from digitdet.common.errors import ConfigError, did_you_mean
from digitdet.configs.base import Config, Seed, Share, build_config, load_preset, preset_names, replace
from digitdet.configs.look import LookConfig, Weights

# Which digit sources draw from the material of an option, and a preset that uses one of them.
_SOURCES_OF = {
    "fonts": ({"fonts", "stencils"}, "print"),
    "hand fonts": ({"hands"}, "cheques"),
    "strokes": ({"strokes"}, "cheques"),
    "drums": ({"drums"}, "meters"),
}


class LegibilityConfig(Config, frozen=True, kw_only=True):
    """Limits beyond which a digit counts as illegible; its number is then left out of the picture and of the labels."""

    min_contrast: Annotated[float, Meta(ge=0, le=255)] = 12.0
    """Minimum contrast between the ink and its background in the finished picture, in grey levels (0 to 255)."""

    min_contrast_to_noise: Annotated[float, Meta(ge=0, le=20)] = 1.0
    """Minimum of the same contrast in standard deviations of the background around the digit."""

    min_height: Annotated[float, Meta(ge=1, le=100)] = 6.0
    """Minimum height of the ink in pixels."""

    max_covered: Share = 0.5
    """Maximum fraction of a digit's ink that is covered by other ink or cut off by the picture's border."""


class SynthConfig(Config, frozen=True, kw_only=True):
    """How a dataset is composed."""

    count: Annotated[int, Meta(ge=1, le=10_000_000)] = 6000
    """Number of pictures in all splits together."""

    seed: Seed = 0
    """Seed of the random generators. The same seed and settings give the same bytes, with any number of workers."""

    val_share: Share = 0.05
    """Share of the validation pictures. Their digits, fonts and backgrounds are in no other split."""

    test_share: Share = 0.1
    """Share of the test pictures. Their digits, fonts and backgrounds are in no other split."""

    looks: dict[str, LookConfig] = msgspec.field(default_factory=lambda: {"mnist": LookConfig()})
    """Kinds of pictures by name. In YAML, a preset look is given by its weight alone (`print: 2`) or by the settings
    that differ from it; any other name is a new look, given by the settings that differ from the defaults of
    `LookConfig`. A mapping such as `sources` replaces the one of the preset."""

    legibility: LegibilityConfig = LegibilityConfig()
    """Limits of legibility."""

    font_folders: tuple[str, ...] | None = None
    """Folders with TTF, OTF and WOFF files, also in subfolders; null: the system's fonts."""

    hand_font_folders: tuple[str, ...] | None = None
    """Folders with handwriting typefaces for the source `hands`; null: the source `pen` is used instead."""

    strokes: str | None = None
    """Folder with recorded pen strokes (.jsonl, .jsonl.gz) for the source `strokes`; null: the source `pen` is used
    instead."""

    background_folder: str | None = None
    """Folder with pictures without digits, in any format that OpenCV reads."""

    crops: str | None = None
    """Pictures of single digits for the source `crops`: a folder with 0/ to 9/, or a CSV file with image,label."""

    drums: str | None = None
    """Pictures of counter drums for the source `drums`: a folder that holds drums.zip, or labels.csv with the columns
    image,reading (in tenths, such as 3.6) and the pictures; null: the source `fonts` is used instead."""

    digit_sets: str | None = None
    """torchvision's folder of EMNIST, QMNIST and USPS, for the sources of these names."""

    def check(self) -> None:
        """Require pictures to train on and to validate with, and a look with a weight."""
        if self.split_counts()["train"] < 1:
            raise ConfigError(
                f"count: {self.count} leaves nothing to train on beside val_share {self.val_share} "
                f"and test_share {self.test_share}; expected more pictures or smaller shares"
            )
        if self.split_counts()["val"] < 1:
            raise ConfigError("val_share: 0 is not allowed; expected a share for validation")
        if not any(look.weight for look in self.looks.values()):
            raise ConfigError("looks: none has a weight above 0")

    @classmethod
    def expand(cls, data: Mapping[Any, Any], source: str) -> Mapping[Any, Any]:
        """Replace the entries of `looks` by complete looks."""
        if not isinstance(data.get("looks"), Mapping):
            return data
        return {**data, "looks": {str(n): _expand_look(str(n), v, source) for n, v in data["looks"].items()}}

    def split_counts(self) -> dict[str, int]:
        """Return the number of pictures of 'train', 'val' and 'test'; at least 1 where the share is not 0."""
        val, test = (max(round(self.count * share), int(share > 0)) for share in (self.val_share, self.test_share))
        return {"train": self.count - val - test, "val": val, "test": test}


def _expand_look(name: str, value: object, source: str) -> LookConfig:
    where, presets = f"{source}: looks: {name}", preset_names("looks")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if name not in presets:
            raise ConfigError(f"{where}: a weight alone needs a preset look{did_you_mean(name, presets)}")
        value = {"weight": value}
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: expected a weight or 'key: value' lines")
    base = load_preset(LookConfig, "looks", name) if name in presets else LookConfig()
    return build_config(LookConfig, value, where, base)


def add_materials(
    config: SynthConfig,
    fonts: Sequence[Path] = (),
    backgrounds: Path | None = None,
    crops: Path | None = None,
    hand_fonts: Sequence[Path] = (),
    strokes: Path | None = None,
    drums: Path | None = None,
) -> SynthConfig:
    """Return the settings with the user's own material.

    If no look has the source `crops` or the surface `folder`, every look uses the given crops or backgrounds for half
    of its pages.

    Raises:
        ConfigError: Fonts, strokes or drums are given, but no look uses them.
    """
    looks = config.looks
    given = {"fonts": fonts, "hand fonts": hand_fonts, "strokes": strokes, "drums": drums}
    used = {source for look in looks.values() for source, weight in look.sources.items() if weight}
    for name, (sources, preset) in _SOURCES_OF.items():
        if given[name] and not sources & used:
            raise ConfigError(f"{name} are given, but no look of these settings uses them; the preset {preset} does")
    if crops is not None and not any(look.sources.get("crops") for look in looks.values()):
        looks = {name: replace(look, sources=_add_half(look.sources, "crops")) for name, look in looks.items()}
    if backgrounds is not None and not any(look.surfaces.get("folder") for look in looks.values()):
        looks = {name: replace(look, surfaces=_add_half(look.surfaces, "folder")) for name, look in looks.items()}
    return replace(
        config,
        looks=looks,
        font_folders=tuple(str(folder.resolve()) for folder in fonts) or None,
        hand_font_folders=tuple(str(folder.resolve()) for folder in hand_fonts) or None,
        strokes=str(strokes.resolve()) if strokes else None,
        background_folder=str(backgrounds.resolve()) if backgrounds else None,
        crops=str(crops.resolve()) if crops else None,
        drums=str(drums.resolve()) if drums else None,
    )


def _add_half(weights: Weights, name: str) -> Weights:
    """Add a name that is drawn as often as all the others together."""
    total = sum(weights.values())
    return {**{key: weight / total for key, weight in weights.items()}, name: 1.0}
