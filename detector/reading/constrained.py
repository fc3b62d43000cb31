"""Numbers of a line that meet constraints, by summing over all ways to divide the line into numbers and the rest.

A number may skip marks, spaces and other characters between its digits, and may begin or end where the line shows none
of them. What this costs is weighed against the prior that something on the line is no number of this kind.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from digitdet.common.characters import OTHER_SIGN, number_spans
from digitdet.common.types import CLASS_NAMES, FloatArray
from digitdet.reading.beam import Beam
from digitdet.reading.choices import DIGIT, MARK, Choices
from digitdet.reading.constraints import Constraints
from digitdet.reading.free_text import Candidate

# Prior probability of a number that does not meet the constraints, such as a serial number beside a counter.
_UNFIT = 0.03
# Factors of a number for each space and each other character that it skips, and once for all of them.
_SPACE, _OTHER, _ANY_SEPARATOR = 0.3, 0.003, 0.015
# By how much a gap exceeds the usual one of its line, in digit heights: below the first, spaces are those between
# cells, which separate nothing; beyond the second, they become improbable within a number at the rate of the third.
_CELL, _WIDE, _WIDE_RATE = 0.3, 1.0, 6.0
# Factors for an end of a number within what looks like one: at a mark, and between two digits, where a gap that exceeds
# the usual one raises it.
_CUT_AT_MARK, _CUT, _CUT_RATE, _MAX_CUT = 0.06, 0.001, 5.0, 0.3
_MIN_PROBABILITY = 0.005  # of a candidate to be considered

# What is before a slot: no number; a digit, or a mark after it, of a number that does not fit; a digit, or a mark after
# it, of one that fits.
_CLEAR, _UNFIT_DIGIT, _UNFIT_MARK, _FIT_DIGIT, _FIT_MARK = range(5)


def constrained_numbers(choices: Choices, constraints: Constraints) -> list[Candidate]:
    """Return the numbers of a line that meet the constraints and are more probably there than not, left to right.

    Their texts have the marks of the line, unless the constraints insert separators.
    """
    excess = _excess_gaps(choices)
    skips = _skips(choices, excess)
    cut = np.minimum(_CUT * np.exp(_CUT_RATE * excess), _MAX_CUT)
    found = [
        candidate
        for start in _possible_starts(choices, cut)
        for candidate in _candidates_from(choices, start, constraints, skips)
    ]
    posteriors = _posteriors(choices, found, cut)
    probable = [
        replace(one, probability=posterior)
        for one, posterior in zip(found, posteriors, strict=True)
        if posterior >= _MIN_PROBABILITY
    ]
    probable.sort(key=lambda one: -one.probability)
    covered = np.zeros(len(choices.slots))  # the probability that a slot is in a number that meets the constraints
    for one in probable:
        covered[one.slots[0] : one.slots[-1] + 1] += one.probability
    numbers: list[Candidate] = []
    for best in probable:
        if covered[list(best.slots)].max() >= 0.5 and not any(_overlap(best, number) for number in numbers):
            rivals = [best, *(one for one in probable if _overlap(best, one) and one is not best)]
            if not constraints.insert_separators:
                rivals = [_with_marks(choices, one) for one in rivals]
            numbers.append(_merged(rivals))
    return sorted(numbers, key=lambda one: one.slots)


def _excess_gaps(choices: Choices) -> FloatArray:
    """Return by how much the gap around or before each slot (S,) exceeds the usual one of the line, in digit heights.

    A gap is between two digits; a narrow 1 in a cell has wide gaps, but the usual pitch.
    """
    digits = np.flatnonzero(np.array(choices.kind) == DIGIT)
    excess = np.zeros(len(choices.slots))
    if len(digits) < 2:
        return excess
    boxes = np.array([choices.slots[slot].box for slot in digits])
    angle = math.radians(choices.angle)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 @ np.array([math.cos(angle), math.sin(angle)])
    width, height = boxes[:, 2] - boxes[:, 0], np.median(boxes[:, 3] - boxes[:, 1])
    pitch = np.diff(middle)
    gap = pitch - (width[1:] + width[:-1]) / 2
    usual = (len(gap) - 1) // 2
    over = np.minimum(gap - np.sort(gap)[usual], pitch - np.sort(pitch)[usual]) / max(height, 1e-9)
    following = np.searchsorted(digits, np.arange(digits[0] + 1, digits[-1] + 1))
    excess[digits[0] + 1 : digits[-1] + 1] = np.maximum(over, 0)[following - 1]
    return excess


@dataclass(frozen=True)
class _Skips:
    """What it costs a number to skip each slot of a line.

    `factors` are those of spaces and other characters, `separators` the probability that there is one which is no space
    between cells, and `marks` that of a mark. One mark between two digits costs nothing, a second is like a space.
    """

    factors: Sequence[float]
    separators: Sequence[float]
    marks: Sequence[float]

    def factor(self, slots: Sequence[int], places: Sequence[int] | None = None) -> float:
        """Return the factor of a number with digits in `slots`.

        Between digits that the constraints separate, whose `places` in the text are apart, one character is expected.
        """
        factor, widest = 1.0, 0.0
        for index, (left, right) in enumerate(pairwise(slots)):
            skipped = list(range(left + 1, right))
            if skipped and places is not None and places[index + 1] > places[index] + 1:
                skipped.remove(min(skipped, key=lambda slot: self.factors[slot] - self.marks[slot]))
            marks = sum(self.marks[slot] for slot in skipped)
            second_mark = min(max(marks - 1, 0), 1)
            factor *= math.prod(self.factors[slot] for slot in skipped) * (1 - second_mark * (1 - _SPACE))
            widest = max(widest, second_mark, *(self.separators[slot] for slot in skipped))
        return factor * (1 - widest * (1 - _ANY_SEPARATOR))


def _skips(choices: Choices, excess: FloatArray) -> _Skips:
    """Return what it costs a number to skip each slot; `excess` (S,) as from `_excess_gaps`."""
    separators = [[choices.probability(slot, one) for one in (" ", OTHER_SIGN)] for slot in range(len(choices.slots))]
    skipped = np.maximum(1 - choices.kinds[:, DIGIT], 1e-9)
    space, other = np.array(separators).reshape(-1, 2).T / skipped
    wide = np.exp(-_WIDE_RATE * np.maximum(excess - _WIDE, 0))
    factors = 1 - space * (1 - _SPACE * wide) - other * (1 - _OTHER)
    is_separator = space * np.minimum(excess / _CELL, 1) + other
    return _Skips(factors.tolist(), is_separator.tolist(), (choices.kinds[:, MARK] / skipped).tolist())


def _possible_starts(choices: Choices, cut: FloatArray) -> Iterator[int]:
    """Yield the slots in which a number may begin: not where this is less probable than a number that does not fit.

    `cut` as in `_posteriors`.
    """
    clear = 1.0  # probability that no digit is directly before
    for slot, (digit, mark, separator, nothing) in enumerate(choices.kinds.tolist()):
        if digit > 0 and max(clear, float(cut[slot])) >= _UNFIT:
            yield slot
        clear = separator + nothing * clear + mark * max(clear, _CUT_AT_MARK)


def _candidates_from(choices: Choices, start: int, constraints: Constraints, skips: _Skips) -> Iterator[Candidate]:
    """Yield the numbers whose first digit is in a slot, with their probabilities before those of all else."""
    beam = Beam(constraints.can_start)
    for slot in range(start, len(choices.slots)):
        options = [option for option in choices.options[slot] if option[0] in CLASS_NAMES]
        if slot > start:
            if not options:
                continue
            options.append(("", 1 - sum(probability for _, probability in options)))
        beam.extend(slot, options)
        hypotheses = beam.hypotheses()
        if not hypotheses:
            return
        for text, probability, slots in hypotheses:
            if slots[-1] == slot and constraints.fits(text):
                factor = skips.factor(slots)
                if factor < 0.5 and constraints.insert_separators:  # they are expected where the constraints have some
                    factor = skips.factor(slots, constraints.places(text))
                yield Candidate(text, slots, probability * factor)


def _posteriors(choices: Choices, found: Sequence[Candidate], cut: FloatArray) -> list[float]:
    """Return the probability of each candidate, given that every part of the line is a candidate or something else.

    `cut` (S,) are the factors of a number that begins in a slot, directly after a digit of another one. It is the
    forward-backward algorithm over what was before each slot (Rabiner, Proceedings of the IEEE 77(2), 1989).
    """
    count = len(choices.slots)
    begins = np.ones((count, 5))  # factors of a number that begins in a slot, by what was before
    begins[:, [_UNFIT_DIGIT, _FIT_DIGIT]] = cut[:, None]
    begins[:, [_UNFIT_MARK, _FIT_MARK]] = _CUT_AT_MARK
    steps = _steps(choices, begins)
    starting: list[list[Candidate]] = [[] for _ in range(count)]
    for candidate in found:
        starting[candidate.slots[0]].append(candidate)
    forward, backward = np.zeros((count + 1, 5)), np.zeros((count + 1, 5))
    forward[0, _CLEAR] = 1.0
    for slot in range(count):
        forward[slot + 1] += forward[slot] @ steps[slot]
        entry = forward[slot] @ begins[slot]
        for candidate in starting[slot]:
            forward[candidate.slots[-1] + 1, _FIT_DIGIT] += entry * candidate.probability
    backward[count] = 1.0
    for slot in reversed(range(count)):
        fit = sum(one.probability * backward[one.slots[-1] + 1, _FIT_DIGIT] for one in starting[slot])
        backward[slot] = steps[slot] @ backward[slot + 1] + begins[slot] * fit
    # The steps over numbers that do not fit also count the texts of the candidates. Without the factor 1 + _UNFIT, a
    # certain candidate would get less than 1.
    scale = (1 + _UNFIT) / max(float(backward[0, _CLEAR]), 1e-300)
    return [
        min(
            float(forward[one.slots[0]] @ begins[one.slots[0]])
            * one.probability
            * float(backward[one.slots[-1] + 1, _FIT_DIGIT])
            * scale,
            1.0,
        )
        for one in found
    ]


def _steps(choices: Choices, begins: FloatArray) -> FloatArray:
    """Return the probabilities (S, 5, 5) of the steps over each slot outside the candidates: from what to what."""
    digit, mark, separator, nothing = choices.kinds.T
    steps = np.zeros((len(choices.slots), 5, 5))
    steps[:, :, _UNFIT_DIGIT] = _UNFIT * begins * digit[:, None]
    steps[:, :, _CLEAR] = separator[:, None]
    steps[:, range(5), range(5)] += nothing[:, None]
    for before, after in (
        (_CLEAR, _CLEAR),
        (_UNFIT_DIGIT, _UNFIT_MARK),
        (_UNFIT_MARK, _CLEAR),
        (_FIT_DIGIT, _FIT_MARK),
        (_FIT_MARK, _CLEAR),
    ):
        steps[:, before, after] += mark
    for before in (_UNFIT_DIGIT, _UNFIT_MARK):  # the number goes on
        steps[:, before, _UNFIT_DIGIT] += digit * (1 - _UNFIT * begins[:, before])
    return steps


def _with_marks(choices: Choices, number: Candidate) -> Candidate:
    """Insert the marks of the line into a number that has digits alone, as `number_spans` does, and a minus before."""
    digits = dict(zip(number.slots, number.text, strict=True))
    first, last = number.slots[0], number.slots[-1]
    line = {
        slot: character
        for slot, character in enumerate(choices.chosen[: last + 1])
        if character and (slot < first or character not in CLASS_NAMES)
    }
    line |= digits
    slots = sorted(line)
    spans = number_spans("".join(line[slot] for slot in slots))
    kept = {slot for start, stop in spans for slot in slots[start:stop] if first <= slot <= last}
    kept |= {slots[start] for start, _ in spans if line[slots[start]] == "-" and slots[start + 1] == first}
    written = tuple(sorted(kept))
    marks = [choices.probability(slot, line[slot]) for slot in written if slot not in digits]
    return Candidate("".join(line[slot] for slot in written), written, number.probability * math.prod(marks))


def _merged(rivals: Sequence[Candidate]) -> Candidate:
    """Return the first of several overlapping candidates, with the texts of the rest as the others."""
    texts: dict[str, float] = {}
    for one in rivals:
        texts[one.text] = texts.get(one.text, 0.0) + one.probability
    probability = min(texts.pop(rivals[0].text), 1.0)
    others = tuple(sorted(texts.items(), key=lambda item: -item[1]))
    return replace(rivals[0], probability=probability, others=others)


def _overlap(one: Candidate, other: Candidate) -> bool:
    return one.slots[0] <= other.slots[-1] and other.slots[0] <= one.slots[-1]
