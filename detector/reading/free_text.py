"""Numbers of a line where nothing is known about them: the spans of digits and marks in its text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from digitdet.common.characters import number_spans
from digitdet.reading.beam import Beam, Hypothesis
from digitdet.reading.choices import SEPARATOR, Choices


@dataclass(frozen=True)
class Candidate:
    """A number of a line.

    `slots` are those of its characters, and `others` what it may be instead, with probabilities, most probable first.
    """

    text: str
    slots: tuple[int, ...]
    probability: float
    others: tuple[tuple[str, float], ...] = ()


def free_numbers(choices: Choices, start: int = 0, stop: int | None = None) -> Iterator[Candidate]:
    """Yield the numbers in the slots `start` to `stop` of a line, from left to right; see `number_spans`.

    The probability of a number is that of its text with both of its ends. It is counted over the likely texts of the
    slots around it, up to the next space or other character on both sides.
    """
    stop = len(choices.slots) if stop is None else stop
    places = [slot for slot in range(start, stop) if choices.chosen[slot]]
    for first, after in number_spans("".join(choices.chosen[slot] for slot in places)):
        slots = tuple(places[first:after])
        text = "".join(choices.chosen[slot] for slot in slots)
        found: dict[str, float] = {}
        for hypothesis in _texts_around(choices, slots[0], slots[-1], range(start, stop)):
            number = _number_at(hypothesis, slots)
            found[number] = found.get(number, 0.0) + hypothesis.probability
        probability = found.pop(text, 0.0)
        found.pop("", None)
        yield Candidate(text, slots, probability, tuple(sorted(found.items(), key=lambda item: -item[1])))


def _texts_around(choices: Choices, first: int, last: int, within: range) -> Sequence[Hypothesis]:
    """Return the likely texts of the slots of a number and of those around it."""
    left, far_left = _reach(choices, first, -1, within)
    right, far_right = _reach(choices, last, 1, within)
    beam = Beam()
    for slot in range(far_left, far_right + 1):
        # What is beyond a separator matters only if it is none, and is taken for granted.
        is_near = left <= slot <= right
        beam.extend(slot, choices.options[slot] if is_near else [(choices.chosen[slot], 1.0)])
    return beam.hypotheses()


def _reach(choices: Choices, end: int, step: int, within: range) -> tuple[int, int]:
    """Return the next separator in a direction, and the slot before the one that follows it, if it may be none."""

    def next_separator(slot: int) -> int:
        slot += step
        while slot in within and choices.kind[slot] != SEPARATOR:
            slot += step
        return slot

    near = next_separator(end)
    if near not in within:
        return near - step, near - step
    is_certain = len(choices.options[near]) == 1
    return near, near if is_certain else next_separator(near) - step


def _number_at(hypothesis: Hypothesis, slots: Sequence[int]) -> str:
    """Return the number of a text that shares a slot with others; empty if there is none."""
    for start, stop in number_spans(hypothesis.text):
        if hypothesis.slots[start] <= slots[-1] and hypothesis.slots[stop - 1] >= slots[0]:
            return hypothesis.text[start:stop]
    return ""
