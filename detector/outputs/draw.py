"""A reading drawn onto its picture: an outline around every digit, and each number on a label that covers no digit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from digitdet.common.types import Box, Image
from digitdet.outputs.lettering import Colour, Lettering
from digitdet.outputs.placement import Place, place_labels
from digitdet.outputs.shapes import dashes, fill, rounded_box, stroke
from digitdet.reading.results import UNFIT, UNSURE, Number, Reading

# Colours that stay apart for colour-blind readers too (Okabe and Ito, 2008), as BGR. Their orange
# is kept for unsure numbers.
_COLOURS: tuple[Colour, ...] = ((178, 114, 0), (115, 158, 0), (167, 121, 204), (233, 180, 86))
_UNSURE_COLOUR: Colour = (0, 159, 230)
_UNFIT_COLOUR: Colour = (140, 140, 140)
_HALO: Colour = (255, 255, 255)  # around every line, so that it shows on a dark ground, too
_DARK: Colour = (24, 24, 24)
_MARGIN = 255  # grey level around a picture whose labels reach past its edge

_LINE_ALPHA, _HALO_ALPHA = 0.9, 0.55
_MIN_SIDE = 640  # a smaller picture is enlarged to about this, and one with small digits up to _MAX_SIDE
_MAX_SIDE = 1600
_MIN_DIGIT = 26  # pixels, of a digit in the drawing
_MIN_TEXT = 9  # pixels, of a digit on a label: what can be read without a lens
_TEXT_STEP = 0.8  # a label that finds no place is tried again at this part of its size
_INSIDE_TRIES = 3  # so many sizes may be tried to keep the labels inside the picture
_MAX_REGION = 24  # characters of a region's name


@dataclass(frozen=True)
class _Label:
    """What stands on a label, and in which colours."""

    region: str
    text: str
    confidence: float
    colour: Colour

    @property
    def ink(self) -> Colour:
        """Dark on a light ground, white on a dark one."""
        blue, green, red = self.colour
        return _DARK if 0.114 * blue + 0.587 * green + 0.299 * red > 105 else _HALO


@dataclass(frozen=True)
class _Layout:
    """Labels of one size and their places."""

    lettering: Lettering
    places: list[Place]

    @property
    def remote(self) -> int:
        """How many labels stand in the margin."""
        return sum(place.remote for place in self.places)

    def outside(self, area: tuple[int, int]) -> int:
        """How many labels reach past the edges of a picture of that width and height."""
        boxes = [place.box for place in self.places]
        return sum(min(box[:2]) < 0 or box[2] > area[0] or box[3] > area[1] for box in boxes)


def draw_reading(image: Image, reading: Reading) -> Image:
    """A copy of the picture (H, W, 3) uint8 BGR with every digit outlined and every number on a label.

    Labels stand above, below or beside their numbers, or, where there is no room, in a margin with a line to the
    number; none covers a digit of any number. The bar on a label is the number's confidence. Unsure numbers are orange,
    their doubtful digits dashed; unfit numbers are grey. A picture that is small, or whose digits are, is enlarged by
    a whole factor; without numbers it stays as it is.
    """
    if not reading.numbers:
        return image.copy()
    factor = _enlargement(image, reading)
    labels = [_label(*pair) for pair in zip(reading.numbers, _spread_colours(reading), strict=True)]
    area = image.shape[1] * factor, image.shape[0] * factor
    numbers = _digit_boxes(reading, factor)
    thickness = max(1, round(min(0.06 * _digit_height(numbers), max(area) / 400)))
    layout = _arrange(labels, numbers, area, thickness)
    canvas, (x, y) = _canvas(image, factor, layout)
    numbers = _digit_boxes(reading, factor, x, y)
    places = [place.moved(x, y) for place in layout.places]
    _draw_leaders(canvas, numbers, places, labels, thickness)
    for number, boxes, label in zip(reading.numbers, numbers, labels, strict=True):
        _draw_outlines(canvas, boxes, label.colour, _doubtful_digits(number), thickness)
    for place, label in zip(places, labels, strict=True):
        _draw_label(canvas, place.box, label, layout.lettering)
    return canvas


def _enlargement(image: Image, reading: Reading) -> int:
    """The whole factor at which the picture is drawn."""
    longest = max(image.shape[:2])
    height = _digit_height(_digit_boxes(reading))
    wanted = max(round(_MIN_SIDE / longest), math.ceil(_MIN_DIGIT / height))
    return max(1, round(_MIN_SIDE / longest), min(wanted, _MAX_SIDE // longest))


def _digit_height(numbers: Sequence[Sequence[Box]]) -> float:
    """The median height of the digits in pixels, at least 1."""
    return max(1.0, float(np.median([box[3] - box[1] for boxes in numbers for box in boxes])))


def _spread_colours(reading: Reading) -> list[Colour]:
    """A colour for each number: the one whose other numbers are farthest away."""
    boxes = np.asarray([number.box for number in reading.numbers])
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    chosen: list[int] = []
    for index, centre in enumerate(centres):
        distances = np.abs(centres[:index] - centre).max(axis=1)
        nearest = [distances[np.equal(chosen, colour)].min(initial=math.inf) for colour in range(len(_COLOURS))]
        chosen.append(int(np.argmax(nearest)))
    return [_COLOURS[colour] for colour in chosen]


def _label(number: Number, colour: Colour) -> _Label:
    region = "".join(c if c.isprintable() else " " for c in number.region or "")
    if len(region) > _MAX_REGION:
        region = region[: _MAX_REGION - 3] + "..."
    special = {UNSURE: _UNSURE_COLOUR, UNFIT: _UNFIT_COLOUR}
    return _Label(region, number.text, number.confidence, special.get(number.status, colour))


def _doubtful_digits(number: Number) -> set[int]:
    """Which of the number's digits are doubtful; its text can hold separators between them."""
    return {
        sum(character.isdigit() for character in number.best[:place])
        for place in number.doubtful
        if number.best[place].isdigit()
    }


def _arrange(
    labels: Sequence[_Label], numbers: Sequence[Sequence[Box]], area: tuple[int, int], thickness: int
) -> _Layout:
    """The largest labels of which nearly all stand inside the picture, as long as they need not be much smaller for it;
    else the largest that nearly all stand at their numbers; else those of which most do.
    """
    few = len(labels) // 10
    layouts: list[_Layout] = []
    for height in _text_heights(_digit_height(numbers), max(area)):
        lettering = Lettering(height)
        sizes = [_label_size(label, lettering) for label in labels]
        gap = 2 + thickness + round(0.2 * height)
        layouts.append(_Layout(lettering, place_labels(numbers, sizes, area, gap)))
        if layouts[-1].outside(area) <= few:
            return layouts[-1]
        near = [layout for layout in layouts if layout.remote <= few]
        if near and len(layouts) >= _INSIDE_TRIES:
            return near[0]
    return min(layouts, key=lambda layout: layout.remote)


def _text_heights(digit_height: float, longest: int) -> Iterator[int]:
    """Heights in pixels to try, the largest first: about a third of a digit's, and right for a picture of this size."""
    usual = 0.0125 * longest
    height = max(_MIN_TEXT, round(min(max(0.3 * digit_height, 0.5 * usual), 2.2 * usual)))
    while height > _MIN_TEXT:
        yield height
        height = math.floor(height * _TEXT_STEP)
    yield _MIN_TEXT


def _label_size(label: _Label, lettering: Lettering) -> tuple[int, int]:
    """Width and height of a label in pixels, with its padding and its bar."""
    height = lettering.height
    width = lettering.width(label.text, bold=True) + round(1.0 * height)
    if label.region:
        width += lettering.width(label.region) + round(0.5 * height)
    return width, round(2.0 * height)


def _canvas(image: Image, factor: int, layout: _Layout) -> tuple[Image, tuple[int, int]]:
    """The enlarged picture with as much margin as the labels need, and where in it the picture begins (x, y)."""
    if factor > 1:
        size = image.shape[1] * factor, image.shape[0] * factor
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    height, width = image.shape[:2]
    lefts, tops, rights, bottoms = zip(*(place.box for place in layout.places), strict=True)
    edge = max(2, round(0.4 * layout.lettering.height))  # around labels in the margin
    left, top = (-low + edge if low < 0 else 0 for low in (min(lefts), min(tops)))
    right, bottom = (
        high - side + edge if high > side else 0 for high, side in ((max(rights), width), (max(bottoms), height))
    )
    white = (_MARGIN,) * 3
    canvas = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=white)
    return np.asarray(canvas, np.uint8), (left, top)


def _digit_boxes(reading: Reading, factor: int = 1, x: int = 0, y: int = 0) -> list[list[Box]]:
    """The digits' boxes of each number, on a picture enlarged by a factor that begins at (x, y)."""

    def moved(box: Box) -> Box:
        left, top, right, bottom = (value * factor for value in box)
        return left + x, top + y, right + x, bottom + y

    return [[moved(digit.box) for digit in number.digits] for number in reading.numbers]


def _draw_leaders(
    canvas: Image, numbers: Sequence[Sequence[Box]], places: Sequence[Place], labels: Sequence[_Label], thickness: int
) -> None:
    """Lines from the labels in the margin to their numbers; digits on the way stay free of them."""
    lines = []
    for boxes, place, label in zip(numbers, places, labels, strict=True):
        if place.remote:
            on_left = place.box[2] < boxes[0][0]
            end = min(boxes, key=lambda box: box[0]) if on_left else max(boxes, key=lambda box: box[2])
            start = place.box[2] if on_left else place.box[0], (place.box[1] + place.box[3]) / 2
            line = np.asarray([start, (end[0] if on_left else end[2], (end[1] + end[3]) / 2)])
            lines.append((line, label.colour))
    if not lines:
        return
    digits = [_pixels(box) for boxes in numbers for box in boxes]
    saved = [canvas[pixels].copy() for pixels in digits]
    for line, colour in lines:
        stroke(canvas, [line], _HALO, thickness + 2, _HALO_ALPHA)
        stroke(canvas, [line], colour, thickness, _LINE_ALPHA)
    for pixels, content in zip(digits, saved, strict=True):
        canvas[pixels] = content


def _pixels(box: Box) -> tuple[slice, slice]:
    left, top, right, bottom = (max(0, round(value)) for value in box)
    return slice(top, bottom), slice(left, right)


def _draw_outlines(canvas: Image, boxes: Sequence[Box], colour: Colour, doubtful: set[int], thickness: int) -> None:
    """Around the digits of a number, not on them: doubtful ones dashed."""
    outlines, lines = [], []
    for index, box in enumerate(boxes):
        radius = min(0.12 * (box[3] - box[1]), 5 * thickness)
        outline = rounded_box(_grown(box, thickness / 2 + 0.5), radius)
        outlines.append(outline)
        lines += dashes(outline, 4 + 2 * thickness) if index in doubtful else [outline]
    stroke(canvas, outlines, _HALO, thickness + 2, _HALO_ALPHA)
    stroke(canvas, lines, colour, thickness, _LINE_ALPHA)


def _grown(box: Box, by: float) -> Box:
    left, top, right, bottom = box
    return left - by, top - by, right + by, bottom + by


def _draw_label(canvas: Image, box: tuple[int, int, int, int], label: _Label, lettering: Lettering) -> None:
    """The name of the region, the number, and below them its confidence as a bar."""
    left, top, right, bottom = box
    height = lettering.height
    fill(canvas, rounded_box(box, 0.3 * height), label.colour)
    x, foot = left + round(0.5 * height), top + round(1.35 * height)
    if label.region:
        lettering.draw(canvas, label.region, (x, foot), label.ink)
        x += lettering.width(label.region) + round(0.5 * height)
    lettering.draw(canvas, label.text, (x, foot), label.ink, bold=True)
    start, stop = left + 0.5 * height, right - 0.5 * height
    middle, thickness = bottom - 0.3 * height, max(1, round(0.12 * height))
    end = start + (stop - start) * min(max(label.confidence, 0.0), 1.0)
    stroke(canvas, [np.asarray([[start, middle], [stop, middle]])], label.ink, thickness, 0.3)
    stroke(canvas, [np.asarray([[start, middle], [end, middle]])], label.ink, thickness, 0.9)
