"""Settings and options of reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from msgspec import Meta

from digitdet.common.errors import ConfigError
from digitdet.configs.base import Config, Share

Rotation = Literal["auto", 0, 90, 180, 270]
_Text = Annotated[str, Meta(min_length=1)]
_Scale = Annotated[float, Meta(ge=0.25, le=4)]


class ReadConfig(Config, frozen=True, kw_only=True):
    """How a picture is read."""

    image_size: Annotated[int, Meta(ge=64, le=4096)] | None = None
    """Length in pixels to which the longer side of a picture is scaled. None uses the size that the model was trained
    with, 320 for the shipped one."""

    scales: Annotated[tuple[_Scale, ...], Meta(min_length=1, max_length=4)] = (0.3, 0.6, 1.1, 1.4)
    """Multi-scale inference: a picture is read at each of these factors of `image_size`, from small to large, and the
    scores are fused. The largest of four is left out where the others leave no doubt. Small digits are searched in
    addition."""

    confidence: Share = 0.5
    """Minimum probability for a digit to count, before calibration. Lower values find more handwriting and more false
    digits."""

    max_overlap: Annotated[float, Meta(ge=0.2, le=0.9)] = 0.6
    """Two boxes count as one digit if they overlap by more than this share of the shorter side along both axes."""

    min_confidence: Share = 0.55
    """Numbers with a lower confidence, the probability that the whole number is right, are reported as unsure."""

    strict: bool = False
    """Whether the texts of unsure numbers show `?` in the doubtful places instead of the most probable reading."""

    digits_only: bool = False
    """Whether numbers are given without their marks and separators: 314 for 3.14."""

    largest: bool = False
    """Whether only the number with the tallest digits of a picture is given."""

    best: bool = False
    """Whether only the number with the highest confidence of a picture is given."""

    rotate: Rotation = 0
    """Clockwise rotation of the pages in degrees; 'auto' detects it, which takes longer."""

    max_pixels: Annotated[int, Meta(ge=1)] = 100_000_000
    """Pictures with more pixels are rejected by their header, before they are decoded."""

    batch: Annotated[int, Meta(ge=1, le=256)] = 8
    """Pictures per network batch, when several pictures are read."""

    frame_step: Annotated[int, Meta(ge=1)] | None = None
    """Of a video, every frame_step-th frame is read. None reads about five frames per second."""

    stable_frames: Annotated[int, Meta(ge=1, le=20)] = 3
    """A number of a video is reported if it is the same in this many of the last `2 * stable_frames - 1` frames that
    were read."""

    def check(self) -> None:
        """Raise ConfigError if `largest` and `best` are both set, or the scales are not in increasing order."""
        if list(self.scales) != sorted(set(self.scales)):
            raise ConfigError(f"scales: give them from small to large, not {', '.join(map(str, self.scales))}")
        if self.largest and self.best:
            raise ConfigError("largest, best: each chooses one number of a picture; keep one of them")


@dataclass(frozen=True)
class ReadOption:
    """An option of reading. The command line and the HTTP API are generated from `READ_OPTIONS`.

    `name` is the name in Python and in a query; the command line writes - for _. `type` is bool, a `Literal`, or a text
    or number annotated with its range. `setting` is the setting of `ReadConfig` that the option overrides, and
    `max_count` how often one HTTP request may repeat it.
    """

    name: str
    type: Any
    help: str
    metavar: str | None = None
    setting: str | None = None
    max_count: int = 1

    @property
    def default(self) -> Any:
        """The default of the setting; None without one."""
        return None if self.setting is None else getattr(ReadConfig(), self.setting)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values of a `Literal`; empty for other types."""
        return get_args(self.type) if get_origin(self.type) is Literal else ()

    @property
    def base_and_limits(self) -> tuple[type, Meta]:
        """For an option of a text or number, its type (str, int or float) and its range or minimum length."""
        return get_args(self.type)


READ_OPTIONS = (
    ReadOption("digits", _Text, "Expected number of digits, e.g. 8, 4-8 or 4-.", "N|N-M|N-"),
    ReadOption("pattern", _Text, r"Pattern of a number with its separators, e.g. \d{4}-\d{2}.", "REGEX"),
    ReadOption(
        "check", Literal["luhn", "ean", "isbn", "mod11", "verhoeff", "damm"], "Check digit that every number must have."
    ),
    ReadOption("allowed", _Text, "The only numbers that are accepted.", "NUMBER", max_count=5000),
    ReadOption("previous", _Text, "Previous reading of a meter; requires the maximum step.", "NUMBER"),
    ReadOption(
        "max_step",
        Annotated[int, Meta(ge=0, le=10**15)],
        "Maximum increase of the meter since the previous reading.",
        "N",
    ),
    ReadOption(
        "region", _Text, "Read only this part of the picture, in pixels or %; repeatable.", "[NAME=]X,Y,W,H", None, 100
    ),
    ReadOption(
        "digits_only",
        bool,
        "Leave out the marks and separators of numbers: 314 for 3.14.",
        setting="digits_only",
    ),
    ReadOption("largest", bool, "Give only the number with the tallest digits of each picture.", setting="largest"),
    ReadOption("best", bool, "Give only the number with the highest confidence of each picture.", setting="best"),
    ReadOption("rotate", Rotation, "Clockwise rotation of the pages in degrees; auto detects it.", setting="rotate"),
    ReadOption("min_confidence", Share, "Report numbers below this confidence as uncertain.", "0-1", "min_confidence"),
    ReadOption("strict", bool, "Give ? for the doubtful digits of uncertain numbers: 1?4.", setting="strict"),
    ReadOption("conf", Share, "Minimum probability, before calibration, for a digit to count.", "0-1", "confidence"),
)
