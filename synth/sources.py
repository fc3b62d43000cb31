"""Load digit sources and backgrounds by split: no digit, typeface or background is in two splits.

Recorded strokes are divided by writer; MNIST and the sets of torchvision by position, so a writer may be in two splits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from digitdet.common.errors import ConfigError, DataError
from digitdet.common.registry import Registry, check_names
from digitdet.common.splits import name_hash
from digitdet.common.types import Image
from digitdet.configs.synth import SynthConfig
from digitdet.datasets.crops import load_crops, split_crops
from digitdet.datasets.drums import load_drums, split_drums
from digitdet.datasets.formats.yolo import SPLITS
from digitdet.datasets.mnist import load_split_digits
from digitdet.datasets.strokes import load_pen_digits, split_writers
from digitdet.datasets.torchvision_digits import load_torchvision_digits
from digitdet.synth.digits.crops import CropGlyphs
from digitdet.synth.digits.displays import sample_segment_display
from digitdet.synth.digits.dot_matrix import sample_dot_display
from digitdet.synth.digits.drums import DrumGlyphs
from digitdet.synth.digits.fonts import (
    FontGlyphs,
    Typeface,
    find_fonts,
    handwriting_fonts,
    load_fonts,
    system_font_folders,
)
from digitdet.synth.digits.glyphs import GlyphSource, ImageGlyphs, StyledGlyphs
from digitdet.synth.digits.pen import Hand
from digitdet.synth.digits.stencils import StencilGlyphs
from digitdet.synth.digits.strokes import StrokeGlyphs
from digitdet.synth.surfaces.backgrounds import load_backgrounds, split_backgrounds
from digitdet.synth.surfaces.surfaces import FOLDER

# Percent of the font families, in the order of the hashes of their names, that the val and the test split each get.
_HELD_OUT_PERCENT = 6

BySplit = Mapping[str, GlyphSource]


@dataclass(frozen=True)
class Materials:
    """Digit sources by split and name, backgrounds by split, and a line "path: reason" per skipped file."""

    sources: Mapping[str, Mapping[str, GlyphSource]]
    backgrounds: Mapping[str, Sequence[Image]]
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Request:
    """What a source loader needs, and what has been loaded so far."""

    config: SynthConfig
    mnist: Path | None
    skipped: list[str] = field(default_factory=list)  # to which loaders add a line "path: reason" for a skipped file
    loaded: dict[str, BySplit] = field(default_factory=dict)

    def load(self, name: str) -> BySplit:
        """Return a source, which is loaded only once."""
        if name not in self.loaded:
            self.loaded[name] = SOURCES[name](self)
        return self.loaded[name]


SourceLoader = Callable[[_Request], BySplit]
SOURCES: Registry[SourceLoader] = Registry()


def load_materials(config: SynthConfig, mnist: Path | None = None) -> Materials:
    """Load the digit sources and backgrounds that the looks of `config` use.

    Args:
        config: The settings.
        mnist: Folder with the four MNIST files; None searches for it, see `digitdet.datasets.mnist`.

    Raises:
        ConfigError: A look names an unknown source, or one whose folder is not set.
        DataError: MNIST, the fonts, the crops or the backgrounds are missing or unusable.
    """
    looks = [look for look in config.looks.values() if look.weight]
    names = sorted({name for look in looks for name, weight in look.sources.items() if weight})
    for key, look in config.looks.items():
        check_names([name for name, weight in look.sources.items() if weight], SOURCES, f"looks: {key}: sources")
    request = _Request(config, mnist)
    loaded = {name: request.load(name) for name in names}
    backgrounds: Mapping[str, Sequence[Image]] = dict.fromkeys(SPLITS, ())
    if config.background_folder and any(look.surfaces.get(FOLDER) for look in looks):
        pictures, skipped = load_backgrounds(Path(config.background_folder))
        request.skipped.extend(skipped)
        backgrounds = split_backgrounds(pictures)
    sources = {split: {name: loaded[name][split] for name in names} for split in SPLITS}
    return Materials(sources, backgrounds, tuple(request.skipped))


@SOURCES.add("mnist")
def _mnist(request: _Request) -> BySplit:
    return {split: ImageGlyphs(part) for split, part in load_split_digits(request.mnist).items()}


@SOURCES.add("fonts")
def _fonts(request: _Request) -> BySplit:
    given = request.config.font_folders
    folders = [Path(folder) for folder in given] if given is not None else system_font_folders()
    return {split: FontGlyphs(part) for split, part in _split_typefaces(request, folders).items()}


@SOURCES.add("hands")
def _hands(request: _Request) -> BySplit:
    given = request.config.hand_font_folders
    if given is None:
        return request.load("pen")
    typefaces = _split_typefaces(request, [Path(folder) for folder in given])
    return {split: handwriting_fonts(part) for split, part in typefaces.items()}


@SOURCES.add("strokes")
def _strokes(request: _Request) -> BySplit:
    given = request.config.strokes
    if given is None:
        return request.load("pen")
    parts = split_writers(load_pen_digits(Path(given)))
    return {split: StrokeGlyphs(part) for split, part in parts.items()}


@SOURCES.add("stencils")
def _stencils(request: _Request) -> BySplit:
    return {split: StencilGlyphs(source) for split, source in request.load("fonts").items()}


@SOURCES.add("crops")
def _crops(request: _Request) -> BySplit:
    if request.config.crops is None:
        raise ConfigError("the source 'crops' needs --crops: a folder with 0/ to 9/, or a CSV file of image,label")
    crops = load_crops(Path(request.config.crops))
    request.skipped.extend(crops.skipped)
    return {split: CropGlyphs(part) for split, part in split_crops(crops).items()}


@SOURCES.add("drums")
def _drums(request: _Request) -> BySplit:
    if request.config.drums is None:
        return request.load("fonts")
    drums = load_drums(Path(request.config.drums))
    request.skipped.extend(drums.skipped)
    return {split: DrumGlyphs(part) for split, part in split_drums(drums).items()}


def _digit_set(request: _Request, name: str) -> BySplit:
    if request.config.digit_sets is None:
        raise ConfigError(f"the source {name!r} needs the setting digit_sets: the folder where torchvision stores it")
    root = Path(request.config.digit_sets)
    return {split: ImageGlyphs(load_torchvision_digits(name, root, split)) for split in SPLITS}


def _drawn(_request: _Request, source: GlyphSource) -> BySplit:
    return dict.fromkeys(SPLITS, source)  # draws new digits each time, so the splits share none


SOURCES.update({name: partial(_digit_set, name=name) for name in ("emnist", "qmnist", "usps")})
SOURCES["pen"] = partial(_drawn, source=StyledGlyphs(Hand))
SOURCES["segments"] = partial(_drawn, source=StyledGlyphs(sample_segment_display))
SOURCES["dots"] = partial(_drawn, source=StyledGlyphs(sample_dot_display))


def _split_typefaces(request: _Request, folders: Sequence[Path]) -> dict[str, list[Typeface]]:
    """Return the typefaces of each split; all faces of a family (bold, italic) are in the same one.

    Families are what the files name so: some name each width or weight of a design a family of its own.
    """
    paths = find_fonts(folders)
    if not paths:
        where = ", ".join(map(str, folders)) or "the system's font folders"
        raise DataError(
            f"{where}: no TTF, OTF or WOFF file; install fonts, give a folder by --fonts, or choose another look"
        )
    typefaces, skipped = load_fonts(paths)
    request.skipped.extend(line for line in skipped if line not in request.skipped)
    families = sorted({typeface.family for typeface in typefaces}, key=name_hash)
    if len(families) < len(SPLITS):
        raise DataError(f"{len(families)} font families are too few; each of the three splits needs its own")
    count = max(len(families) * _HELD_OUT_PERCENT // 100, 1)
    groups = {"val": families[:count], "test": families[count : 2 * count], "train": families[2 * count :]}
    return {split: [face for face in typefaces if face.family in groups[split]] for split in SPLITS}
