"""Slots: places where the detector found something, with all that may be there and its probability."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from digitdet.common.boxes import overlap
from digitdet.common.types import FloatArray
from digitdet.detection.postprocess import NmsResult

Part = tuple[str, int]
"""A digit and the row of its box: the kept boxes of a picture come first, then the suppressed ones."""

_MIN_PROBABILITY = 0.003  # options below this are dropped
_MAX_SUPPRESSED = 2  # suppressed boxes that a slot considers: two digits in one box


class Option(NamedTuple):
    """What may be in a slot: a text of no, one or two digits."""

    text: str
    probability: float
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Slot:
    """The place of the kept box `row`, with its options, most likely first; their probabilities sum to at most 1."""

    row: int
    digit_probability: float
    options: tuple[Option, ...]


def make_slots(nms: NmsResult, probabilities: FloatArray, suppressed_probabilities: FloatArray) -> list[Slot]:
    """Make a slot of each kept box: one of several digits, nothing, or digits of the boxes that it suppressed.

    The probabilities of the ten digits and of no digit are (N, 11) for the kept boxes, (M, 11) for the suppressed ones.
    """
    suppressed_options = _digit_options(suppressed_probabilities, len(probabilities))
    suppressed_rows: dict[int, list[int]] = {}
    for row, kept in enumerate(nms.suppressed_by.tolist()):
        suppressed_rows.setdefault(kept, []).append(row)  # in order of falling score
    no_digit = probabilities[:, 10].tolist()
    no_suppressed = suppressed_probabilities[:, 10].tolist()
    slots = []
    for row, options in enumerate(_digit_options(probabilities, 0)):
        rows = suppressed_rows.get(row, [])[:_MAX_SUPPRESSED]
        for chosen in [(), *_replacements(rows, nms)]:
            options += _combine(no_digit[row], chosen, rows, suppressed_options, no_suppressed)
        ranked = sorted(options, key=lambda option: -option.probability)
        likely = tuple(option for option in ranked if option.probability >= _MIN_PROBABILITY)
        slots.append(Slot(row, 1 - no_digit[row], likely))
    return slots


def _digit_options(probabilities: FloatArray, first_row: int) -> list[list[Option]]:
    found: list[list[Option]] = [[] for _ in probabilities]
    likely = np.nonzero(probabilities[:, :10] >= _MIN_PROBABILITY)
    for row, digit in zip(*(index.tolist() for index in likely), strict=True):
        text = str(digit)
        found[row].append(Option(text, float(probabilities[row, digit]), ((text, first_row + row),)))
    return found


def _replacements(rows: Sequence[int], nms: NmsResult) -> list[tuple[int, ...]]:
    """Return which suppressed boxes may replace the kept one: each alone, and two that do not overlap, left first."""
    if len(rows) < 2:
        return [(row,) for row in rows]
    boxes = nms.suppressed.boxes[list(rows)]
    left, right = rows if boxes[0, 0] + boxes[0, 2] <= boxes[1, 0] + boxes[1, 2] else reversed(rows)
    are_apart = overlap(boxes[:1], boxes[1:])[0, 0] < 0.5
    return [(left,), (right,), *([(left, right)] if are_apart else [])]


def _combine(
    no_digit: float,
    chosen: tuple[int, ...],
    rows: Sequence[int],
    suppressed_options: Sequence[Sequence[Option]],
    no_suppressed: Sequence[float],
) -> Iterable[Option]:
    """Return the options of a slot in which only the chosen ones of its suppressed boxes are digits."""
    probability = no_digit * float(np.prod([no_suppressed[row] for row in rows if row not in chosen]))
    combined = [Option("", probability, ())]
    for row in chosen:
        combined = [
            Option(before.text + option.text, before.probability * option.probability, before.parts + option.parts)
            for before in combined
            for option in suppressed_options[row]
            if before.probability * option.probability >= _MIN_PROBABILITY
        ]
    return combined
