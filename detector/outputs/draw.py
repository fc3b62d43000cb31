"""Readings drawn onto their pictures: every digit outlined, and every number on a label that covers no digit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from digitdet.common.boxes import as_boxes
from digitdet.common.files import write_atomically
from digitdet.common.types import Boxes, Image
from digitdet.imaging.images import encode_png
from digitdet.imaging.inputs import DRAWING_SUFFIX
from digitdet.outputs.export_folder import FileNames
from digitdet.outputs.painting import Colour, Font, dashes, draw_lines, fill, rounded_box
from digitdet.outputs.placement import Place, place_labels
from digitdet.reading.results import UNFIT, UNSURE, Number, Reading

# Colours that colour-blind people can tell apart (Okabe and Ito, 2008), as BGR. Their orange marks unsure numbers.
_COLOURS: tuple[Colour, ...] = ((178, 114, 0), (115, 158, 0), (167, 121, 204), (233, 180, 86))
_UNSURE_COLOUR: Colour = (0, 159, 230)
_UNFIT_COLOUR: Colour = (140, 140, 140)
_WHITE: Colour = (255, 255, 255)
_DARK: Colour = (24, 24, 24)

_LINE_ALPHA, _HALO_ALPHA = 0.9, 0.55  # a white halo makes every line visible on dark backgrounds
_MIN_SIDE = 640  # pixels: a smaller picture is enlarged to about this, and one with small digits up to _MAX_SIDE
_MAX_SIDE = 1600
_MIN_DIGIT = 26  # pixels, height of a digit in the drawing
_MIN_TEXT = 9  # pixels, height of a digit on a label that is still legible
_TEXT_STEP = 0.8  # factor by which labels shrink when they do not fit
_INSIDE_TRIES = 3  # sizes that are tried to keep the labels inside the picture
_MAX_REGION = 24  # characters of a region's name


@dataclass(frozen=True)
class _Label:
    """The content and background colour of a label."""

    region: str
    text: str
    confidence: float
    colour: Colour

    @property
    def ink(self) -> Colour:
        """Dark on light backgrounds, white on dark ones."""
        blue, green, red = self.colour
        return _DARK if 0.114 * blue + 0.587 * green + 0.299 * red > 105 else _WHITE

    def size(self, font: Font) -> tuple[int, int]:
        """Width and height of the label in pixels, with padding and the confidence bar."""
        width = font.width(self.text, bold=True) + round(1.0 * font.height)
        if self.region:
            width += font.width(self.region) + round(0.5 * font.height)
        return width, round(2.0 * font.height)


class DrawingWriter:
    """Writes pictures with their readings drawn on them as PNG.

    The names end in `.read.png`, so that a drawing that is saved beside its picture does not replace it. The folder is
    created if it is missing; drawings of an earlier run are replaced.
    """

    skipped = ()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = FileNames()

    def add(self, image: Image, reading: Reading) -> None:
        """Draw and write one picture (H, W, 3) uint8 BGR."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{self._names.name(reading)}{DRAWING_SUFFIX}"
        write_atomically(path, encode_png(draw_reading(image, reading)))

    def close(self) -> None:
        """Do nothing: every drawing is written at once."""


def draw_reading(image: Image, reading: Reading) -> Image:
    """Return a copy of a picture (H, W, 3) uint8 BGR with every digit outlined and every number on a label.

    Labels are placed above, below or beside their numbers or, where there is no room, in a margin with a line to the
    number; none covers a digit. The bar on a label shows the confidence of the number. Unsure numbers are orange, with
    their doubtful digits dashed; unfit numbers are grey. A picture that is small, or has small digits, is enlarged by
    a whole factor; one without numbers is not changed.
    """
    if not reading.numbers:
        return image.copy()
    numbers = [as_boxes([digit.box for digit in number.digits]) for number in reading.numbers]
    factor = _enlargement(image, numbers)
    numbers = [boxes * factor for boxes in numbers]
    labels = [_label(*pair) for pair in zip(reading.numbers, _spread_colours(reading), strict=True)]
    area = image.shape[1] * factor, image.shape[0] * factor
    thickness = max(1, round(min(0.06 * _digit_height(numbers), max(area) / 400)))
    font, places = _arrange(labels, numbers, area, thickness)
    canvas, (x, y) = _canvas(image, area, places, font)
    numbers = [boxes + [x, y, x, y] for boxes in numbers]
    places = [place.moved(x, y) for place in places]
    _draw_leaders(canvas, numbers, places, labels, thickness)
    for number, boxes, label in zip(reading.numbers, numbers, labels, strict=True):
        _draw_outlines(canvas, boxes, label.colour, _doubtful_digits(number), thickness)
    for place, label in zip(places, labels, strict=True):
        _draw_label(canvas, place.box, label, font)
    return canvas


def _enlargement(image: Image, numbers: Sequence[Boxes]) -> int:
    longest = max(image.shape[:2])
    return max(1, round(_MIN_SIDE / longest), min(math.ceil(_MIN_DIGIT / _digit_height(numbers)), _MAX_SIDE // longest))


def _digit_height(numbers: Sequence[Boxes]) -> float:
    """The median height of the digits in pixels, at least 1."""
    boxes = np.concatenate(numbers)
    return max(1.0, float(np.median(boxes[:, 3] - boxes[:, 1])))


def _spread_colours(reading: Reading) -> list[Colour]:
    """A colour for each number: the one whose nearest number is farthest away."""
    boxes = np.asarray([number.box for number in reading.numbers])
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    chosen: list[int] = []
    for index, centre in enumerate(centres):
        distances = np.abs(centres[:index] - centre).max(axis=1)
        nearest = [distances[np.equal(chosen, colour)].min(initial=math.inf) for colour in range(len(_COLOURS))]
        chosen.append(int(np.argmax(nearest)))
    return [_COLOURS[colour] for colour in chosen]


def _label(number: Number, colour: Colour) -> _Label:
    region, text = (_printable(one) for one in (number.region or "", number.text))
    if len(region) > _MAX_REGION:
        region = region[: _MAX_REGION - 3] + "..."
    special = {UNSURE: _UNSURE_COLOUR, UNFIT: _UNFIT_COLOUR}
    return _Label(region, text, number.confidence, special.get(number.status, colour))


def _printable(text: str) -> str:
    """Return a text that OpenCV can draw; separators of a pattern may be any character."""
    return "".join(c if c.isprintable() else " " for c in text)


def _doubtful_digits(number: Number) -> set[int]:
    """Indices of the doubtful digits; marks and separators can be doubtful too, and are not drawn."""
    return {index for index, place in enumerate(number.digit_places) if place in number.doubtful}


def _arrange(
    labels: Sequence[_Label], numbers: Sequence[Boxes], area: tuple[int, int], thickness: int
) -> tuple[Font, list[Place]]:
    """Choose the largest of the first sizes with nearly all labels inside the picture; otherwise the largest with
    nearly all labels at their numbers, or the one with the fewest labels in the margin.
    """
    few = len(labels) // 10
    tried: list[tuple[int, Font, list[Place]]] = []  # with the number of labels in the margin
    for height in _text_heights(_digit_height(numbers), max(area)):
        font = Font(height)
        gap = 2 + thickness + round(0.2 * height)
        places = place_labels(numbers, [label.size(font) for label in labels], area, gap)
        boxes = np.array([place.box for place in places])
        if np.count_nonzero((boxes[:, :2] < 0).any(axis=1) | (boxes[:, 2:] > area).any(axis=1)) <= few:
            return font, places
        tried.append((sum(place.is_remote for place in places), font, places))
        near = [one for one in tried if one[0] <= few]
        if near and len(tried) >= _INSIDE_TRIES:
            return near[0][1:]
    return min(tried, key=lambda one: one[0])[1:]


def _text_heights(digit_height: float, longest: int) -> list[int]:
    """Heights in pixels to try, the largest first: a third of a digit, within limits that depend on the picture."""
    usual = 0.0125 * longest
    heights = [max(_MIN_TEXT, round(min(max(0.3 * digit_height, 0.5 * usual), 2.2 * usual)))]
    while heights[-1] > _MIN_TEXT:
        heights.append(max(_MIN_TEXT, math.floor(heights[-1] * _TEXT_STEP)))
    return heights


def _canvas(image: Image, area: tuple[int, int], places: Sequence[Place], font: Font) -> tuple[Image, tuple[int, int]]:
    """The picture, enlarged to `area`, with the margin that the labels need, and its upper left corner (x, y) in it."""
    if area[0] > image.shape[1]:
        image = np.asarray(cv2.resize(image, area, interpolation=cv2.INTER_CUBIC), np.uint8)
    boxes = np.array([place.box for place in places])
    edge = max(2, round(0.4 * font.height))  # around labels in the margin
    before, after = -boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0) - area
    left, top = np.where(before > 0, before + edge, 0).tolist()
    right, bottom = np.where(after > 0, after + edge, 0).tolist()
    canvas = cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=_WHITE)
    return np.asarray(canvas, np.uint8), (left, top)


def _draw_leaders(
    canvas: Image, numbers: Sequence[Boxes], places: Sequence[Place], labels: Sequence[_Label], thickness: int
) -> None:
    """Draw lines from the labels in the margin to their numbers, behind all digits."""
    lines = []
    for boxes, place, label in zip(numbers, places, labels, strict=True):
        if place.is_remote:
            left, top, right, bottom = place.box
            is_left = right < boxes[0, 0]
            end = boxes[boxes[:, 0].argmin() if is_left else boxes[:, 2].argmax()]
            start = right if is_left else left, (top + bottom) / 2
            line = np.asarray([start, (end[0] if is_left else end[2], (end[1] + end[3]) / 2)])
            lines.append((line, label.colour))
    if not lines:
        return
    pixels = np.rint(np.concatenate(numbers)).clip(min=0).astype(int).tolist()
    digits = [canvas[top:bottom, left:right] for left, top, right, bottom in pixels]
    saved = [digit.copy() for digit in digits]
    for line, colour in lines:
        draw_lines(canvas, [line], _WHITE, thickness + 2, _HALO_ALPHA)
        draw_lines(canvas, [line], colour, thickness, _LINE_ALPHA)
    for digit, content in zip(digits, saved, strict=True):
        digit[:] = content


def _draw_outlines(canvas: Image, boxes: Boxes, colour: Colour, doubtful: set[int], thickness: int) -> None:
    """Draw outlines around the digits of a number, dashed ones around doubtful digits."""
    outlines, lines = [], []
    distance = thickness / 2 + 0.5
    for index, box in enumerate(boxes):
        radius = min(0.12 * (box[3] - box[1]), 5 * thickness)
        outline = rounded_box(box + np.array([-distance, -distance, distance, distance]), radius)
        outlines.append(outline)
        lines += dashes(outline, 4 + 2 * thickness) if index in doubtful else [outline]
    draw_lines(canvas, outlines, _WHITE, thickness + 2, _HALO_ALPHA)
    draw_lines(canvas, lines, colour, thickness, _LINE_ALPHA)


def _draw_label(canvas: Image, box: tuple[int, int, int, int], label: _Label, font: Font) -> None:
    """Draw the name of the region, the number, and below them the confidence as a bar."""
    left, top, right, bottom = box
    height = font.height
    fill(canvas, rounded_box(box, 0.3 * height), label.colour)
    x, baseline = left + round(0.5 * height), top + round(1.35 * height)
    if label.region:
        font.draw(canvas, label.region, (x, baseline), label.ink)
        x += font.width(label.region) + round(0.5 * height)
    font.draw(canvas, label.text, (x, baseline), label.ink, bold=True)
    start, stop = left + 0.5 * height, right - 0.5 * height
    middle, thickness = bottom - 0.3 * height, max(1, round(0.12 * height))
    end = start + (stop - start) * min(max(label.confidence, 0.0), 1.0)
    for reach, alpha in ((stop, 0.3), (end, 0.9)):
        draw_lines(canvas, [np.array([[start, middle], [reach, middle]])], label.ink, thickness, alpha)
