"""Lines of slots: probable digits form lines, improbable ones join the lines that have room for them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from digitdet.common.types import Boxes, FloatArray, Indices
from digitdet.reading.lines import Line, find_lines
from digitdet.reading.slots import Slot

_MAX_GAP = 1.2  # digit heights between an improbable digit and the line it joins
# A digit between two others needs a pitch of at least this factor of the line's usual pitch; one beyond the end of a
# line a distance of at least this part of it.
_MIN_PITCH_RATIO = 1.4
_MIN_END_DISTANCE = 0.6
_MIN_PITCHES = 3  # pitches that a line needs to show the usual one


@dataclass(frozen=True)
class SlotLine:
    """The slots of one line from left to right."""

    slots: tuple[Slot, ...]
    breaks: tuple[float, ...]  # for every two neighbours the probability that a number ends between them
    angle: float  # clockwise, in degrees


def build_slot_lines(slots: Sequence[Slot], boxes: Boxes, neighbour_odds_factor: float = 1.0) -> list[SlotLine]:
    """Arrange the slots of a picture in lines, with hysteresis thresholding (Canny, 1986).

    Lines are found among the digits with a probability of at least 0.5. The odds of others that a line has room for
    are multiplied by `neighbour_odds_factor`, and lines are found again with those that then reach 0.5. The remaining
    ones become improbable slots of the line that they are beside, or are dropped. The rows of the slots refer to
    `boxes` (N, 4) xyxy.
    """
    strong, weak = _split_by_probability(slots)
    if neighbour_odds_factor > 1:
        promoted = _raise_neighbours(strong, weak, boxes, neighbour_odds_factor)
        strong, weak = _split_by_probability([*strong, *promoted])
    return [
        _insert_weak([strong[index] for index in line.digits], [weak[index] for index in beside], line, boxes)
        for line, beside in _lines_and_neighbours(strong, weak, boxes)
    ]


def drop_isolated_digits(lines: Sequence[SlotLine], threshold: float) -> list[SlotLine]:
    """Drop lines of a single digit below a probability `threshold`, if any line has more digits."""
    present = [[slot.digit_probability for slot in line.slots if slot.digit_probability >= 0.5] for line in lines]
    if max(map(len, present), default=0) < 2:
        return list(lines)
    return [
        line
        for line, probabilities in zip(lines, present, strict=True)
        if len(probabilities) > 1 or max(probabilities, default=0) >= threshold
    ]


def _split_by_probability(slots: Sequence[Slot]) -> tuple[list[Slot], list[Slot]]:
    return (
        [slot for slot in slots if slot.digit_probability >= 0.5],
        [slot for slot in slots if slot.digit_probability < 0.5],
    )


def _raise_neighbours(strong: list[Slot], weak: list[Slot], boxes: Boxes, factor: float) -> list[Slot]:
    """Return the weak slots, with the odds of those that a line has room for multiplied by `factor`."""
    raised = list(weak)
    for line, beside in _lines_and_neighbours(strong, weak, boxes):
        beside_boxes, line_boxes = boxes[[weak[i].row for i in beside]], boxes[[strong[i].row for i in line.digits]]
        for index, has_room in zip(beside, _has_room(beside_boxes, line_boxes, line.angle), strict=True):
            if has_room:
                raised[index] = _raise_odds(weak[index], factor)
    return raised


def _lines_and_neighbours(strong: list[Slot], weak: list[Slot], boxes: Boxes) -> Iterator[tuple[Line, list[int]]]:
    """Yield each line of the strong slots with the indices of the weak ones beside it."""
    strong_boxes, weak_boxes = (boxes[[slot.row for slot in group]] for group in (strong, weak))
    nearest = _nearest_strong(strong_boxes, weak_boxes)
    for line in find_lines(strong_boxes):
        yield line, np.flatnonzero(np.isin(nearest, line.digits)).tolist()


def _has_room(weak: Boxes, line: Boxes, angle: float) -> list[bool]:
    """Whether a line (M, 4) has room for each weak digit (N, 4), judged by its pitch; True where it shows no pitch.

    The edge between two drums of a counter looks like a 1, but the drums have one pitch.
    """
    if len(line) < _MIN_PITCHES + 1:
        return [True] * len(weak)
    along = _direction(angle)
    middles = np.sort((line[:, :2] + line[:, 2:]) @ along / 2)
    pitches = np.diff(middles)
    positions = (weak[:, :2] + weak[:, 2:]) @ along / 2
    rooms = []
    for position, after in zip(positions.tolist(), np.searchsorted(middles, positions).tolist(), strict=True):
        if 0 < after < len(middles):
            usual = float(np.median(np.delete(pitches, after - 1)))
            rooms.append(bool(pitches[after - 1] > _MIN_PITCH_RATIO * usual))
        else:
            distance = float(np.abs(middles - position).min())
            rooms.append(distance > _MIN_END_DISTANCE * float(np.median(pitches)))
    return rooms


def _raise_odds(slot: Slot, factor: float) -> Slot:
    """Multiply the odds that a slot holds a digit by `factor`."""
    raised = [
        option._replace(probability=option.probability * (factor if option.text else 1)) for option in slot.options
    ]
    total = sum(option.probability for option in raised)
    ranked = sorted(raised, key=lambda option: -option.probability)
    return Slot(
        slot.row,
        slot.digit_probability * factor / (slot.digit_probability * factor + 1 - slot.digit_probability),
        tuple(option._replace(probability=option.probability / total) for option in ranked),
    )


def _nearest_strong(strong: Boxes, weak: Boxes) -> Indices:
    """Return for each weak digit the row of the nearest strong one that it may stand beside; -1 for none."""
    if not len(strong) or not len(weak):
        return np.full(len(weak), -1)
    height, other = (strong[:, 3] - strong[:, 1])[None], (weak[:, 3] - weak[:, 1])[:, None]
    lower = np.maximum(np.minimum(height, other), 1e-9)
    gap = np.maximum(strong[None, :, 0] - weak[:, None, 2], weak[:, None, 0] - strong[None, :, 2]) / lower
    shared = np.minimum(strong[None, :, 3], weak[:, None, 3]) - np.maximum(strong[None, :, 1], weak[:, None, 1])
    fits = (shared >= 0.5 * lower) & (np.maximum(height, other) <= 2 * lower) & (gap <= _MAX_GAP)
    distance = np.where(fits, gap, np.inf)
    nearest = distance.argmin(axis=1)
    return np.where(np.isfinite(distance[np.arange(len(weak)), nearest]), nearest, -1)


def _direction(angle: float) -> FloatArray:
    """Return the unit vector (2,) of an angle in degrees."""
    return np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])


def _insert_weak(strong: list[Slot], weak: list[Slot], line: Line, boxes: Boxes) -> SlotLine:
    """Insert weak slots into a line; where one is inserted at a break, the break moves to the wider of the two gaps."""
    if not weak:
        return SlotLine(tuple(strong), line.breaks, line.angle)
    along = _direction(line.angle)
    slots = [*strong, *weak]
    middles = np.array([(boxes[slot.row, :2] + boxes[slot.row, 2:]) @ along / 2 for slot in slots])
    halves = np.array([(boxes[slot.row, 2] - boxes[slot.row, 0]) / 2 for slot in slots])
    order = np.argsort(middles, kind="stable").tolist()
    gaps = [middles[b] - halves[b] - middles[a] - halves[a] for a, b in pairwise(order)]
    merged = [0.0] * len(gaps)
    strong_positions = [position for position, index in enumerate(order) if index < len(strong)]
    for number, (start, stop) in enumerate(pairwise(strong_positions)):
        merged[max(range(start, stop), key=gaps.__getitem__)] = line.breaks[number]
    return SlotLine(tuple(slots[index] for index in order), tuple(merged), line.angle)
