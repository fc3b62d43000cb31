"""Crops of labelled pictures around lines of digits: what the line reader is trained on.

Each holds the boxes from which reading would cut its strip, the true ones or those that the detector found, with all
true characters around. Strips are drawn from them anew in every epoch (strip_samples.py).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from digitdet.common.boxes import as_boxes, overlap
from digitdet.common.characters import OTHER, class_of
from digitdet.common.files import write_atomically
from digitdet.common.types import Boxes, Image, Indices, Mask
from digitdet.datasets.formats.numbers import LineTruth
from digitdet.reading.lines import find_lines
from digitdet.reading.strips import split_at_wide_gaps

_SIDE_MARGIN, _MARGIN = 2.5, 1.0  # around the digits of a line, in digit heights
_MAX_DIGIT_HEIGHT = 44  # pixels; larger digits are reduced to this
_JPEG_QUALITY = 93
_MAX_EMPTY_DIGITS = 6  # of a made-up line where there is no text
_EMPTY_PLACES = 6  # that are tried for it; the one with the most contrast is kept


@dataclass(frozen=True)
class Characters:
    """The true characters of a picture, or of a part of it."""

    boxes: Boxes  # (M, 4) float32 xyxy in pixels
    classes: Indices  # (M,) int8, see `digitdet.common.characters`
    lines: Indices  # (M,) int16, the line that each belongs to
    after_space: Mask  # (M,) whether a space stands before it in its line

    def take(self, rows: Mask) -> Characters:
        """Return some of the characters."""
        return Characters(self.boxes[rows], self.classes[rows], self.lines[rows], self.after_space[rows])


@dataclass(frozen=True)
class LineCrop:
    """A crop of a picture around a line of digits.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        digits: Boxes (N, 4) of the digits from which the strip is cut, xyxy in pixels of the crop.
        angle: Clockwise angle of the line in degrees.
        is_found: Whether the detector found these digits; otherwise they are the true ones.
        characters: All true characters within.
    """

    image: Image
    digits: Boxes
    angle: float
    is_found: bool
    characters: Characters


def true_characters(lines: Sequence[LineTruth]) -> Characters:
    """Return the characters of a picture's lines."""
    boxes = [box for line in lines for box in line.boxes]
    classes, spaces = [], []
    for line in lines:
        for word in line.text.split():
            classes += [class_of(character) for character in word]
            spaces += [True] + [False] * (len(word) - 1)
    counts = [len(line.boxes) for line in lines]
    return Characters(
        as_boxes(boxes).astype(np.float32),
        np.array(classes, np.int8),
        np.repeat(np.arange(len(lines)), counts).astype(np.int16),
        np.array(spaces, bool),
    )


def cut_lines(image: Image, digits: Boxes, characters: Characters, is_found: bool) -> list[LineCrop]:
    """Cut out the lines of a picture (H, W, 3) that digit boxes (N, 4) form, as reading arranges them."""
    return [
        _cut(image, digits[rows], line.angle, is_found, characters)
        for line in find_lines(digits)
        for rows in split_at_wide_gaps(digits, line.digits)
    ]


def cut_other_characters(image: Image, characters: Characters, rng: np.random.Generator) -> list[LineCrop]:
    """Cut out a few neighbours that are neither digits nor marks, as if the detector had taken them for digits."""
    rows = np.flatnonzero(characters.classes == OTHER)
    if not len(rows):
        return []
    first = int(rng.choice(rows))
    chosen = rows[(rows >= first) & (rows < first + rng.integers(1, _MAX_EMPTY_DIGITS))]
    chosen = chosen[characters.lines[chosen] == characters.lines[first]]
    return cut_lines(image, characters.boxes[chosen].astype(np.float64), characters, is_found=True)


def cut_empty_line(image: Image, characters: Characters, rng: np.random.Generator) -> LineCrop | None:
    """Cut out a made-up line where there is no character; None if no place was found.

    Of several places, the one with the most contrast is cut: where there is something that is no text.
    """
    found: tuple[float, Boxes] | None = None
    for _ in range(_EMPTY_PLACES):
        digits = _made_up_line(image, rng)
        height = digits[0, 3] - digits[0, 1]
        area = np.array([[digits[0, 0] - height, digits[0, 1], digits[-1, 2] + height, digits[0, 3]]])
        if overlap(characters.boxes, area).any():
            continue
        left, top, right, bottom = np.concatenate([digits[0, :2], digits[-1, 2:]]).astype(int).tolist()
        contrast = float(image[top : bottom + 1, left : right + 1].std()) * rng.random()
        if found is None or contrast > found[0]:
            found = contrast, digits
    return None if found is None else _cut(image, found[1], float(rng.normal(0, 3)), False, characters)


def _made_up_line(image: Image, rng: np.random.Generator) -> Boxes:
    """Return boxes (N, 4) side by side, with the size of digits, anywhere in a picture (H, W, 3)."""
    height, width = image.shape[:2]
    digit_height = float(np.exp(rng.uniform(np.log(8), np.log(max(0.6 * height, 9)))))
    count = int(rng.integers(1, _MAX_EMPTY_DIGITS))
    pitch = digit_height * rng.uniform(0.45, 0.9)
    left, top = rng.uniform(0, max(width - count * pitch, 1)), rng.uniform(0, max(height - digit_height, 1))
    starts = left + pitch * np.arange(count)
    return np.stack([starts, np.full(count, top), starts + 0.8 * pitch, np.full(count, top + digit_height)], axis=1)


def _cut(image: Image, digits: Boxes, angle: float, is_found: bool, characters: Characters) -> LineCrop:
    sides = np.array(image.shape[1::-1])
    digit_height = max(float(np.median(digits[:, 3] - digits[:, 1])), 1.0)
    margin = digit_height * np.array([_SIDE_MARGIN, _MARGIN])
    start = np.clip(digits[:, :2].min(axis=0) - margin, 0, sides - 1).astype(int)
    stop = np.clip(np.ceil(digits[:, 2:].max(axis=0) + margin), start + 1, sides).astype(int)
    part = image[start[1] : stop[1], start[0] : stop[0]]
    middles = (characters.boxes[:, :2] + characters.boxes[:, 2:]) / 2
    inside = characters.take(((middles > start) & (middles < stop)).all(axis=1))
    offset, scale = np.tile(start, 2), np.ones(4)
    if digit_height > _MAX_DIGIT_HEIGHT:
        factor = _MAX_DIGIT_HEIGHT / digit_height
        width, height = (max(round(side * factor), 1) for side in part.shape[1::-1])
        scale = np.tile([width / part.shape[1], height / part.shape[0]], 2)
        part = np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    moved = Characters(
        ((inside.boxes - offset) * scale).astype(np.float32), inside.classes, inside.lines, inside.after_space
    )
    return LineCrop(part, ((digits - offset) * scale).astype(np.float32), angle, is_found, moved)


def write_shard(path: Path, crops: Sequence[LineCrop]) -> None:
    """Write crops to an .npz file, atomically; their pictures are JPEG files."""
    files = [cv2.imencode(".jpg", crop.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].ravel() for crop in crops]
    columns: dict[str, Any] = {
        "pixels": np.concatenate(files),
        "digits": np.concatenate([crop.digits for crop in crops]),
        "boxes": np.concatenate([crop.characters.boxes for crop in crops]),
        "classes": np.concatenate([crop.characters.classes for crop in crops]),
        "lines": np.concatenate([crop.characters.lines for crop in crops]),
        "after_space": np.concatenate([crop.characters.after_space for crop in crops]),
        "angles": np.array([crop.angle for crop in crops], np.float32),
        "is_found": np.array([crop.is_found for crop in crops]),
        "file_ends": np.cumsum([len(file) for file in files]),
        "digit_ends": np.cumsum([len(crop.digits) for crop in crops]),
        "character_ends": np.cumsum([len(crop.characters.boxes) for crop in crops]),
    }
    buffer = io.BytesIO()
    np.savez(buffer, **columns)
    write_atomically(path, buffer.getvalue())


class Shard:
    """The crops in a file that `write_shard` wrote."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as stored:
            self._columns = {name: stored[name] for name in stored.files}

    def __len__(self) -> int:
        return len(self._columns["angles"])

    def __getitem__(self, row: int) -> LineCrop:
        files, digits, characters = (self._span(name, row) for name in ("file_ends", "digit_ends", "character_ends"))
        columns = self._columns
        return LineCrop(
            np.asarray(cv2.imdecode(columns["pixels"][files], cv2.IMREAD_COLOR), np.uint8),
            columns["digits"][digits],
            float(columns["angles"][row]),
            bool(columns["is_found"][row]),
            Characters(*(columns[name][characters] for name in ("boxes", "classes", "lines", "after_space"))),
        )

    def _span(self, ends: str, row: int) -> slice:
        stops = self._columns[ends]
        return slice(int(stops[row - 1]) if row else 0, int(stops[row]))
