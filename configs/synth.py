"""Settings of `digitdet synth`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from digitdet.configs.base import Config, Share
from digitdet.configs.errors import ConfigError

Side = Annotated[int, Meta(ge=32, le=4096)]
Count = Annotated[int, Meta(ge=1, le=100)]
CountSpan = tuple[Count, Count]
PixelSpan = tuple[Annotated[float, Meta(ge=6, le=4096)], Annotated[float, Meta(ge=6, le=4096)]]
HeightSpan = tuple[Annotated[float, Meta(ge=-0.5, le=10)], Annotated[float, Meta(ge=-0.5, le=10)]]
AngleSpan = tuple[Annotated[float, Meta(ge=-45, le=45)], Annotated[float, Meta(ge=-45, le=45)]]
FactorSpan = tuple[Annotated[float, Meta(ge=0.25, le=4)], Annotated[float, Meta(ge=0.25, le=4)]]
WeightSpan = tuple[Annotated[float, Meta(ge=0.2, le=0.8)], Annotated[float, Meta(ge=0.2, le=0.8)]]
Weight = Annotated[float, Meta(ge=0, le=1000)]
ColourGap = Annotated[float, Meta(ge=20, le=200)]


class SynthConfig(Config, frozen=True, kw_only=True):
    """How composed pictures look. A span is [lowest, highest]; a value is drawn from it for every use.

    Distances inside a line are in units of the line's digit height, so that one setting fits every size.
    """

    count: Annotated[int, Meta(ge=1, le=10_000_000)] = 6000
    """Pictures in all three splits together. 6,000 train a model that clearly works in minutes on two cores."""

    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    """The same seed and settings give the same bytes, whatever the number of workers."""

    val_share: Share = 0.05
    """Part of the pictures that choose the best epoch; their digits come from the last 5,000 of MNIST train."""

    test_share: Share = 0.1
    """Part of the pictures that measure the trained model; their digits come from MNIST test."""

    canvas_sizes: Annotated[tuple[tuple[Side, Side], ...], Meta(min_length=1)] = (
        (320, 320),
        (320, 320),
        (320, 240),
        (240, 320),
        (320, 160),
        (320, 96),
    )
    """[width, height] in pixels, each entry equally likely. Strips are there since many photos of a number are."""

    blank_share: Share = 0.04
    """Part of the pictures without any digit: the detector must learn to say nothing."""

    single_share: Share = 0.25
    """Part of the pictures that hold one number about as big as the canvas allows, as a photo of a meter does."""

    lines: CountSpan = (1, 5)
    """Lines of digits on a canvas, as far as they fit."""

    numbers_per_line: CountSpan = (1, 3)

    digits_per_number: CountSpan = (1, 8)

    digit_height: PixelSpan = (20, 150)
    """Pixels, drawn log-uniformly. Much below 20 px a blurred MNIST digit is hard to tell for a person too."""

    same_size_share: Share = 0.6
    """Part of the pictures whose lines all have one digit height, as on a page; in the others each has its own."""

    height_jitter: Share = 0.1
    """Digits of one number differ in height by up to this part, as handwriting does."""

    baseline_jitter: Share = 0.06
    """Digits stand off their line by up to this many digit heights, up or down."""

    stretch: FactorSpan = (0.8, 1.25)
    """Width of the digits of a number, as a factor on their natural width."""

    slant: AngleSpan = (-15, 20)
    """Degrees by which the digits of a number lean, on top of each writer's own; positive leans right."""

    page_angle: AngleSpan = (-8, 8)
    """Degrees by which the whole page is turned; positive is clockwise."""

    digit_angle: AngleSpan = (-4, 4)
    """Degrees by which each digit is turned on its own."""

    ink_threshold: WeightSpan = (0.3, 0.55)
    """Where the pen's edge lies in the grey slope of an MNIST stroke: lower is a bolder pen."""

    digit_gap: HeightSpan = (-0.08, 0.35)
    """Free space between the digits of a number; below zero their boxes overlap and their ink may touch."""

    max_box_overlap: Share = 0.4
    """A digit whose box would share more than this part of the smaller box with its neighbour is moved away."""

    number_gap: HeightSpan = (0.9, 2.5)
    """Free space between the numbers of a line: well above `digit_gap`, or nobody could tell where one ends."""

    line_gap: HeightSpan = (0.25, 1.2)
    """Free space between lines, in heights of the taller one."""

    dark_ink_share: Share = 0.6
    """Part of the pictures with dark ink on light ground; the others have light ink on dark ground."""

    min_contrast: ColourGap = 60
    """Grey levels (0 to 255) between ink and the ground under it, before blur and noise."""

    plain_weight: Weight = 1.0
    """How often the ground is one colour, against the other weights."""

    gradient_weight: Weight = 1.0
    """How often the ground runs from one colour to another."""

    noise_weight: Weight = 1.0
    """How often the ground is cloudy and grainy."""

    folder_weight: Weight = 1.0
    """How often the ground is cut from a picture in `background_folder`; without a folder it is left out."""

    background_folder: str | None = None
    """Folder with pictures that hold no digits; any format that OpenCV reads."""

    blur_share: Share = 0.35
    """Part of the pictures that are out of focus, moved or soft."""

    noise_share: Share = 0.35
    """Part of the pictures with sensor noise."""

    shadow_share: Share = 0.15
    """Part of the pictures with a cast shadow."""

    light_share: Share = 0.3
    """Part of the pictures with another brightness and contrast."""

    jpeg_share: Share = 0.4
    """Part of the pictures that were compressed as JPEG before they are stored."""

    def check(self) -> None:
        """Refuse spans that are upside down and settings that contradict each other."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            is_span = isinstance(value, tuple) and len(value) == 2 and not isinstance(value[0], tuple)
            if is_span and value[0] > value[1]:
                raise ConfigError(f"{name}: {list(value)} is not allowed; expected [lowest, highest]")
        if self.split_counts()["train"] < 1:
            raise ConfigError(
                f"count: {self.count} leaves nothing to train on beside val_share {self.val_share} "
                f"and test_share {self.test_share}; expected more pictures or smaller shares"
            )
        if self.plain_weight + self.gradient_weight + self.noise_weight <= 0 and not self.uses_folder:
            raise ConfigError("plain_weight, gradient_weight, noise_weight: all 0; expected one above 0")
        if self.number_gap[0] <= self.digit_gap[1]:
            raise ConfigError(f"number_gap: {list(self.number_gap)} is not allowed; expected more than digit_gap's")

    @property
    def uses_folder(self) -> bool:
        """Whether some grounds are cut from the user's pictures."""
        return self.background_folder is not None and self.folder_weight > 0

    def split_counts(self) -> dict[str, int]:
        """Pictures per split: {'train': ..., 'val': ..., 'test': ...}; at least one where the share is not 0."""
        val, test = (max(round(self.count * share), int(share > 0)) for share in (self.val_share, self.test_share))
        return {"train": self.count - val - test, "val": val, "test": test}
