"""From the lattices of lines to numbers: with constraints where there are any, otherwise as the line is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from digitdet.common.characters import MARKS, only_digits
from digitdet.common.types import CLASS_NAMES
from digitdet.configs import ReadConfig
from digitdet.reading.choices import Choices, make_choices
from digitdet.reading.constrained import constrained_numbers
from digitdet.reading.constraints import Constraints
from digitdet.reading.free_text import Candidate, free_numbers
from digitdet.reading.lattice import Lattice
from digitdet.reading.lone_digits import join_lone_digits
from digitdet.reading.results import OK, UNFIT, UNSURE, Alternative, Digit, Mark, Number

_MAX_ALTERNATIVES = 5  # other texts that a number shows
_MIN_ALTERNATIVE = 0.005  # probability from which another digit or text is shown
_FLOOR = 0.07  # numbers with a lower confidence are left out: almost all of them are wrong
_GUESS = 0.1  # probability from which a digit is returned in a crop without likely ones
_ANY_NUMBER = Constraints()

Calibrate = Callable[[float, int], float]
"""Returns the confidence of a number from the probability of its text and its number of characters."""


class NumberDecoder:
    """Finds the numbers in the lattices of lines.

    Numbers with a confidence below 0.07 are left out, unless `min_confidence` is lower.

    Args:
        config: `confidence` is the probability from which a digit counts as present, and numbers below `min_confidence`
            are unsure; in `strict` reading, their texts show ? in the doubtful places.
        constraints: Rules that every number must meet; None allows any number.
        calibrate: Converts probabilities to confidences; None keeps them as they are.
    """

    def __init__(
        self, config: ReadConfig, constraints: Constraints | None = None, calibrate: Calibrate | None = None
    ) -> None:
        self._config = config
        self._constraints = constraints or _ANY_NUMBER
        self._calibrate = calibrate

    def decode(self, lattices: Sequence[Lattice], is_crop: bool = False) -> tuple[Number, ...]:
        """Return the numbers of all lines of a picture, line by line.

        Args:
            lattices: The lattices of the lines, in reading order.
            is_crop: Whether the picture is expected to show a number. Where none is likely, the most probable digits
                are returned, with their low confidences.
        """
        lines = [make_choices(lattice, self._config.confidence) for lattice in lattices]
        if self._constraints:
            return self._likely(map(self._constrained, join_lone_digits(lines, self._constraints)))
        numbers = self._likely(map(self._free, join_lone_digits(lines)))
        if not numbers and is_crop:
            lines = [make_choices(lattice, self._config.confidence, _GUESS) for lattice in lattices]
            numbers = self._likely(map(self._free, lines))
        return numbers

    def _likely(self, lines: Iterable[Iterable[Number]]) -> tuple[Number, ...]:
        floor = min(_FLOOR, self._config.min_confidence)
        return tuple(number for line in lines for number in line if number.confidence >= floor)

    def _free(self, choices: Choices) -> Iterator[Number]:
        return (self._number(choices, found, _ANY_NUMBER) for found in free_numbers(choices))

    def _constrained(self, choices: Choices) -> Iterator[Number]:
        """Yield the numbers of a line that meet the constraints, and those between them as they are written."""
        start = 0
        for found in constrained_numbers(choices, self._constraints):
            yield from self._others(choices, start, found.slots[0])
            yield self._number(choices, found, self._constraints)
            start = found.slots[-1] + 1
        yield from self._others(choices, start, len(choices.slots))

    def _others(self, choices: Choices, start: int, stop: int) -> Iterator[Number]:
        """Yield the numbers in a range of slots before, between or after the fitting numbers, as they are written.

        They are unfit, with one exception: a number with a sufficient confidence that meets the constraints and does
        not touch a fitting number, of which it could be a remainder.
        """
        for found in free_numbers(choices, start, stop):
            number = self._number(choices, found, _ANY_NUMBER)
            touches_before = start > 0 and found.slots[0] == start
            touches_after = stop < len(choices.slots) and found.slots[-1] == stop - 1
            if number.status == OK and self._fits(found.text) and not touches_before and not touches_after:
                others = tuple(other for other in found.others if self._fits(other[0]))
                yield self._number(choices, replace(found, others=others), self._constraints)
            else:
                yield replace(number, status=UNFIT, doubtful=())

    def _fits(self, text: str) -> bool:
        """Return whether a text meets the constraints. A text with marks does not if these insert separators."""
        digits = only_digits(text)
        return self._constraints.fits(digits) and (digits == text or not self._constraints.insert_separators)

    def _number(self, choices: Choices, found: Candidate, constraints: Constraints) -> Number:
        confidence = found.probability
        if self._calibrate is not None:
            confidence = self._calibrate(confidence, len(found.text))
        is_unsure = confidence < self._config.min_confidence
        digits, marks = _characters(choices, found)
        places = constraints.places(found.text) if constraints.insert_separators else range(len(found.text))
        return Number(
            best=constraints.formatted(found.text),
            confidence=confidence,
            digits=digits,
            status=UNSURE if is_unsure else OK,
            doubtful=_doubtful(choices, found, places, self._config.min_confidence) if is_unsure else (),
            alternatives=_alternatives(found, constraints, confidence),
            angle=choices.angle,
            marks=marks,
            is_strict=self._config.strict,
        )


def _characters(choices: Choices, found: Candidate) -> tuple[tuple[Digit, ...], tuple[Mark, ...]]:
    """Return the digits and the marks of a number."""
    digits, marks = [], []
    for place, (text, slot) in enumerate(zip(found.text, found.slots, strict=True)):
        box, probability = choices.slots[slot].box, choices.probability(slot, text)
        if text in MARKS:
            marks.append(Mark(text, probability, box, place))
        else:
            others = tuple(
                Alternative(other, likely)
                for other, likely in choices.options[slot]
                if other in CLASS_NAMES and other != text and likely >= _MIN_ALTERNATIVE
            )
            digits.append(Digit(text, probability, box, others))
    return tuple(digits), tuple(marks)


def _doubtful(choices: Choices, found: Candidate, places: Sequence[int], min_confidence: float) -> tuple[int, ...]:
    """Return the places of the characters that make a number unsure: those below the nth root, and the weakest."""
    probabilities = [choices.probability(slot, text) for text, slot in zip(found.text, found.slots, strict=True)]
    minimum = min_confidence ** (1 / len(probabilities))
    weakest = probabilities.index(min(probabilities))
    return tuple(
        place
        for index, (place, probability) in enumerate(zip(places, probabilities, strict=True))
        if probability < minimum or index == weakest
    )


def _alternatives(found: Candidate, constraints: Constraints, confidence: float) -> tuple[Alternative, ...]:
    """Return the other texts of a number; they share 1 - confidence in proportion to their probabilities."""
    total = sum(probability for _, probability in found.others)
    scale = (1 - confidence) / max(1 - found.probability, total, 1e-9)
    others = [(text, min(probability * scale, confidence)) for text, probability in found.others]
    return tuple(
        Alternative(constraints.formatted(text), probability)
        for text, probability in others[:_MAX_ALTERNATIVES]
        if probability >= _MIN_ALTERNATIVE
    )
