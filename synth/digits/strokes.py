"""Digits from recorded pen strokes of real writers, drawn with any pen.

A style is one writer with one pen: the digits keep the shapes, the slant and the relative sizes of that writer. Each
glyph is one of the recorded digits, slightly changed. Letters and symbols are those of the drawn pen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from digitdet.common.errors import DataError
from digitdet.common.types import FloatArray, Points
from digitdet.datasets.strokes import PenDigit
from digitdet.synth.digits.glyphs import Glyph, GlyphSource
from digitdet.synth.digits.pen import Hand, draw_path
from digitdet.synth.digits.pen_shapes import PenPath, stroke_ends

# Distance of the samples on a stroke in digit heights; small enough that loops look round.
_STEP = 0.05
# A digit lower than this share of its writer's usual height is a slip of the pen.
_MIN_HEIGHT = 0.4
# A digit is drawn at most this high, in usual heights of its writer.
_MAX_HEIGHT = 1.5
# Strokes smaller than this, in usual heights, are touches of the pen that leave no visible mark.
_MIN_STROKE = 0.06
# Writers whose feet of digits vary more than this (interquartile range, in usual heights) did not write on one line.
_MAX_UNEVENNESS = 0.5
# Share of a writer's digits that are written in a form of the drawn pen: the recorded writers learned few of the forms.
_DRAWN_SHARE = 0.2
# Steps at most this steep (|dx / dy|) tell the slant of a writer.
_STEEP = 0.7


@dataclass(frozen=True)
class Trajectory(PenPath):
    """The T samples on the path of one digit."""

    curve: Points  # (T, 2) float32 in usual digit heights of the writer, y up from the baseline, x from 0
    waves: FloatArray  # (T, 9) float32, smooth functions of the place and of the time, for elastic changes


class Writer:
    """The digits of one writer, in the writer's usual digit height."""

    def __init__(self, digits: Sequence[PenDigit]) -> None:
        boxes = np.array([_extent(digit.strokes) for digit in digits])  # (N, 4) xyxy
        labels = np.array([digit.label for digit in digits])
        heights = boxes[:, 3] - boxes[:, 1]
        # A median of medians, since a writer may have written one digit more often than the others.
        usual = float(np.median([np.median(heights[labels == label]) for label in np.unique(labels)])) or 1.0
        self._height = usual
        self._digits = digits
        self._feet = _feet(boxes[:, 3] / usual, labels)
        self._trajectories: dict[int, Trajectory] = {}
        tall = heights >= _MIN_HEIGHT * usual
        self.rows = tuple(np.flatnonzero(tall & (labels == label)).tolist() for label in range(10))
        """For each digit, the rows of its usable recordings among the digits of the writer."""

    @cached_property
    def slope(self) -> float:
        """The slant as dx / dy, y up, of the steep parts of all strokes."""
        steps = np.concatenate([np.diff(stroke, axis=0) for digit in self._digits for stroke in digit.strokes])
        x, y = steps[np.abs(steps[:, 0]) < _STEEP * np.abs(steps[:, 1])].T
        return float(-np.sum(x * np.sign(y)) / np.sum(np.abs(y))) if len(x) else 0.0

    def trajectory(self, row: int) -> Trajectory:
        """Return a digit as a smooth path, compiled at its first use."""
        if row not in self._trajectories:
            self._trajectories[row] = self._compile(self._digits[row])
        return self._trajectories[row]

    def _compile(self, digit: PenDigit) -> Trajectory:
        x0, y0, _, y1 = _extent(digit.strokes)
        unit = max(self._height, (y1 - y0) / _MAX_HEIGHT)
        strokes = [(stroke - (x0, y1)) * (1 / unit, -1 / unit) for stroke in digit.strokes]
        visible = [stroke for stroke in strokes if np.ptp(stroke, axis=0).max() >= _MIN_STROKE]
        curves = [_smooth(stroke) for stroke in visible or strokes]
        curve = np.concatenate(curves)
        waves = _waves(curve)
        return Trajectory(
            *stroke_ends([len(part) for part in curves]),
            (curve - (0, self._feet[digit.label])).astype(np.float32),
            waves,
        )


class WriterHand(Hand):
    """A writer with one pen; a digit that the writer lacks is borrowed from another one, with the same slant and pen.

    Args:
        rng: Draws the pen and small changes to the writer's slant, width and forms, which stay the same for all glyphs.
        writer: The writer.
        lenders: For each digit, writers who wrote it.
    """

    def __init__(self, rng: np.random.Generator, writer: Writer, lenders: Sequence[Sequence[Writer]]) -> None:
        super().__init__(rng)
        lean, width = np.clip(rng.standard_normal(2), -2, 2).tolist()
        self._slope = writer.slope + 0.09 * lean
        self._stretch = math.exp(0.1 * width)  # less than in the drawn pen: writers differ in width by themselves
        self._writers = [
            writer if writer.rows[digit] else lenders[digit][int(rng.integers(len(lenders[digit])))]
            for digit in range(10)
        ]
        self._drawn = rng.random(10) < _DRAWN_SHARE

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return one of the writer's recordings of `digit`, slightly changed, or the writer's form of the drawn pen."""
        if self._drawn[digit]:
            return super().sample(rng, digit)
        writer = self._writers[digit]
        rows = writer.rows[digit]
        path = writer.trajectory(rows[int(rng.integers(len(rows)))])
        count = path.waves.shape[1]
        noise = rng.standard_normal((count + 1 + len(path.curve), 2), np.float32)
        curve = path.curve + path.waves @ noise[:count] * self._unsteadiness
        curve = self._bend(curve) + noise[count + 1 :] * self._tremor
        return draw_path(rng, self._lean(curve, float(noise[count, 0]) * 0.03 - writer.slope), path, self.tip, digit)


class StrokeGlyphs(GlyphSource):
    """Digits of recorded writers, each equally likely; every digit must have a writer.

    Raises:
        DataError: A digit has no writer.
    """

    def __init__(self, digits: Sequence[PenDigit]) -> None:
        by_writer: dict[str, list[PenDigit]] = {}
        for digit in digits:
            by_writer.setdefault(digit.writer, []).append(digit)
        writers = [Writer(own) for own in by_writer.values()]
        self._writers = [writer for writer in writers if any(writer.rows)]
        self._lenders = [[writer for writer in self._writers if writer.rows[digit]] for digit in range(10)]
        missing = [digit for digit, lenders in enumerate(self._lenders) if not lenders]
        if missing:
            raise DataError(f"the pen strokes have no usable {missing[0]}")

    def choose(self, rng: np.random.Generator) -> WriterHand:
        """Return a random writer with a random pen."""
        return WriterHand(rng, self._writers[int(rng.integers(len(self._writers)))], self._lenders)

    def sample(self, rng: np.random.Generator, digit: int) -> Glyph:
        """Return `digit` of a random writer with a random pen."""
        return self.choose(rng).sample(rng, digit)

    def mark(self, rng: np.random.Generator, character: str) -> Glyph | None:
        """Return a letter or symbol with a random pen; None if there is no template."""
        return self.choose(rng).mark(rng, character)


def _extent(strokes: Sequence[Points]) -> tuple[float, float, float, float]:
    """Return the smallest x and y, and the largest x and y, of strokes."""
    points = np.concatenate(strokes) if len(strokes) > 1 else strokes[0]
    (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return x0, y0, x1, y1


def _feet(bottoms: FloatArray, labels: FloatArray) -> list[float]:
    """Return for each digit how far it usually reaches below the baseline, from the lower edges (N,), y down.

    All 0 if the digits do not share a baseline.
    """
    quarter, middle, three_quarters = np.percentile(bottoms, (25, 50, 75))
    if three_quarters - quarter > _MAX_UNEVENNESS:
        return [0.0] * 10
    own = [bottoms[labels == label] for label in range(10)]
    return [float(np.median(values) - middle) if len(values) else 0.0 for values in own]


def _smooth(stroke: Points) -> Points:
    """Return samples (T, 2) at equal distances on a smooth curve through the points (N, 2) of a stroke."""
    moved = np.append(True, (np.diff(stroke, axis=0) != 0).any(axis=1))
    points = stroke[moved]
    if len(points) == 1:
        return np.concatenate([points, points + (0.01, 0)])
    # A cubic Hermite spline with finite differences as tangents, by the length of the chords: it does not overshoot
    # where the pen turns quickly, as one with uniform steps would.
    length = np.append(0, np.cumsum(np.hypot(*np.diff(points, axis=0).T)))
    tangents = np.gradient(points, length, axis=0)
    at = np.linspace(0, length[-1], int(np.ceil(length[-1] / _STEP)) + 1)
    left = np.clip(np.searchsorted(length, at, side="right") - 1, 0, len(points) - 2)
    chord = (length[left + 1] - length[left])[:, None]
    t = (at - length[left])[:, None] / chord
    rise = t * t * (3 - 2 * t)
    position = (1 - rise) * points[left] + rise * points[left + 1]
    return position + chord * t * (1 - t) * ((1 - t) * tangents[left] - t * tangents[left + 1])


def _waves(curve: Points) -> FloatArray:
    """Return waves (T, 9) float32 over the width, the height and the time of a path, longer ones with more weight."""
    x, y = (curve - curve.min(axis=0)).T * np.pi
    time = np.linspace(0, np.pi, len(curve))
    waves = [np.cos(x), np.cos(y), np.cos(x) * np.cos(y), np.cos(2 * x), np.cos(2 * y)]
    waves += [np.cos(count * time) for count in (1, 2, 3, 4)]
    weights = np.array([1, 1, 0.7, 0.5, 0.5, 1, 0.7, 0.5, 0.35])
    return (np.stack(waves, axis=1) * weights).astype(np.float32)
