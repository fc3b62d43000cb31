"""Segmentation of a line of slots into numbers: at its gaps, or by constraints."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from digitdet.reading.beam_search import BeamSearch, Hypothesis, beam_search
from digitdet.reading.constraints import Constraints
from digitdet.reading.slot_lines import SlotLine

_BEAM_WIDTH = 8  # more than the alternatives that are shown: a later digit can change their order
# Prior probability that something on a picture does not meet the constraints, such as a serial number beside a counter.
_UNFIT_PROBABILITY = 0.01
_MAX_JOINED_BREAK = 0.95  # gaps that are more probably a break are never inside a number, whatever the constraints
_MIN_PROBABILITY = 1e-9  # stands for 0, which has no logarithm


@dataclass(frozen=True)
class Segment:
    """Slots `start` to `stop` of a line, read as one number.

    `texts` are most likely first, with their probabilities under the constraints; `fits` is False if none meets them.
    """

    start: int
    stop: int
    texts: tuple[Hypothesis, ...]
    fits: bool


def split_line(line: SlotLine, constraints: Constraints) -> list[Segment]:
    """Split a line of slots into segments, one for each number."""
    if constraints:
        return _split_by_constraints(line, constraints)
    return _split_at_gaps(line, 0, len(line.slots), fits=True)


def _split_at_gaps(line: SlotLine, start: int, stop: int, fits: bool) -> list[Segment]:
    """Split slots `start` to `stop` of a line where a break has a probability of at least 0.5."""
    cuts = [start, *(index for index in range(start + 1, stop) if line.breaks[index - 1] >= 0.5), stop]
    return [
        Segment(first, last, tuple(beam_search(line.slots[first:last], _BEAM_WIDTH)), fits)
        for first, last in pairwise(cuts)
    ]


def _split_by_constraints(line: SlotLine, constraints: Constraints) -> list[Segment]:
    """Return the most probable segmentation into numbers that meet the constraints, and into others.

    Dynamic programming over the possible ends of numbers (Viterbi, 1967). A segment that cannot meet the constraints
    costs a penalty; adjacent ones are split again at their gaps.
    """
    count = len(line.slots)
    best: list[tuple[float, list[Segment]]] = [(0.0, []), *((-math.inf, []) for _ in range(count))]
    for start in range(count):
        before, segments = best[start]
        for segment, score in _segments_from(line, start, constraints):
            end = math.log(max(line.breaks[segment.stop - 1], _MIN_PROBABILITY)) if segment.stop < count else 0.0
            if before + score + end > best[segment.stop][0]:
                best[segment.stop] = (before + score + end, [*segments, segment])
    result: list[Segment] = []
    for fits, group in groupby(best[count][1], key=lambda segment: segment.fits):
        run = list(group)
        result += run if fits else _split_at_gaps(line, run[0].start, run[-1].stop, fits=False)
    return result


def _segments_from(line: SlotLine, start: int, constraints: Constraints) -> list[tuple[Segment, float]]:
    """Return all segments that begin at a slot and contain no certain break, with their log probabilities."""
    constrained, free = BeamSearch(_BEAM_WIDTH, constraints.can_start), BeamSearch(_BEAM_WIDTH)
    unbroken = 0.0
    found = []
    for stop in range(start + 1, len(line.slots) + 1):
        if stop - start > 1:
            if line.breaks[stop - 2] > _MAX_JOINED_BREAK:
                break
            unbroken += math.log(max(1 - line.breaks[stop - 2], _MIN_PROBABILITY))
        constrained.extend(line.slots[stop - 1])
        free.extend(line.slots[stop - 1])
        fitting = [text for text in constrained.hypotheses() if text.text and constraints.fits(text.text)]
        anything = free.hypotheses()
        if fitting:
            probability = sum(text.probability for text in fitting)
            fit = probability * (1 - _UNFIT_PROBABILITY)
            total = fit + max(1 - probability, 0.0) * _UNFIT_PROBABILITY
            texts = tuple(
                replace(text, probability=text.probability * (1 - _UNFIT_PROBABILITY) / total) for text in fitting
            )
            found.append((Segment(start, stop, texts, fits=True), unbroken + math.log(max(fit, _MIN_PROBABILITY))))
        is_empty = bool(anything) and not anything[0].text  # no digit at all meets any constraints
        penalty = 0.0 if is_empty else math.log(_UNFIT_PROBABILITY)
        likeliest = anything[0].probability if anything else _MIN_PROBABILITY
        found.append((Segment(start, stop, tuple(anything), fits=False), unbroken + penalty + math.log(likeliest)))
    return found
