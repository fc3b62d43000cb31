"""What a row of digits may say: all likely texts with their probabilities, by beam search.

A slot is a place where the detector saw something. What stands there is open: one of several digits, nothing at all, or
in the place of the box that won those it has beaten, such as two thin digits in one broad box.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import overlap
from digitdet.detection.postprocess import NmsResult

Part = tuple[str, int]
"""A digit and the row of its box: the winners of a picture first, then their rivals."""

_MIN_OPTION = 0.003  # an option of a slot less likely than this changes no reading that anybody would believe
_MIN_STATE = 1e-3  # a text less likely than this part of the best one is given up
_MAX_RIVALS = 2  # beaten boxes that a slot considers: those of two digits in one box


class Option(NamedTuple):
    """What may stand in a slot: `text` of no, one or two digits, its probability, and its parts."""

    text: str
    chance: float
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Slot:
    """A place: `row` of the winner's box, `presence` the probability of any digit (0 to 1), and what may stand there,
    the most likely first; the chances sum to 1 at most.
    """

    row: int
    presence: float
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Hypothesis:
    """A text, its probability (0 to 1), and where its digits are."""

    text: str
    chance: float
    parts: tuple[Part, ...]


def make_slots(
    places: NmsResult, chances: npt.NDArray[np.float64], rival_chances: npt.NDArray[np.float64]
) -> list[Slot]:
    """A slot for each winner.

    Args:
        places: What suppression left.
        chances: (N, 11) probabilities of the winners: ten digits and none.
        rival_chances: (M, 11), of their rivals.
    """
    own = _digit_options(chances, 0)
    beaten = _digit_options(rival_chances, len(chances))
    rivals_of: dict[int, list[int]] = {}
    for rival, winner in enumerate(places.suppressed_by.tolist()):
        rivals_of.setdefault(winner, []).append(rival)  # the surest first, as they come
    nothing = chances[:, 10].tolist()
    no_rival = rival_chances[:, 10].tolist()
    slots = []
    for row, options in enumerate(own):
        rivals = rivals_of.get(row, [])[:_MAX_RIVALS]
        without = [Option("", nothing[row], ())]
        for chosen in _replacements(rivals, places):
            without = [*without, *_instead(nothing[row], chosen, rivals, beaten, no_rival)]
        if rivals:  # nothing stands there only if none of the rivals does
            without[0] = Option("", nothing[row] * float(np.prod([no_rival[rival] for rival in rivals])), ())
        every = sorted([*options, *without], key=lambda option: -option.chance)
        likely = tuple(option for option in every if option.chance >= _MIN_OPTION)
        slots.append(Slot(row, 1 - nothing[row], likely))
    return slots


def _digit_options(chances: npt.NDArray[np.float64], first_row: int) -> list[list[Option]]:
    """The likely digits of each box."""
    found: list[list[Option]] = [[] for _ in chances]
    for row, digit in zip(*(index.tolist() for index in np.nonzero(chances[:, :10] >= _MIN_OPTION)), strict=True):
        text = str(digit)
        found[row].append(Option(text, float(chances[row, digit]), ((text, first_row + row),)))
    return found


def _replacements(rivals: Sequence[int], places: NmsResult) -> list[tuple[int, ...]]:
    """Which rivals may stand together in the winner's place: each alone, and two that keep clear of each other, from
    left to right.
    """
    if len(rivals) < 2:
        return [(rival,) for rival in rivals]
    boxes = places.suppressed.boxes[list(rivals)]
    left, right = rivals if boxes[0, 0] + boxes[0, 2] <= boxes[1, 0] + boxes[1, 2] else reversed(rivals)
    apart = overlap(boxes[:1], boxes[1:])[0, 0] < 0.5
    return [(left,), (right,), *([(left, right)] if apart else [])]


def _instead(
    nothing: float,
    chosen: tuple[int, ...],
    rivals: Sequence[int],
    beaten: Sequence[Sequence[Option]],
    no_rival: Sequence[float],
) -> Iterable[Option]:
    """Options in which the winner is no digit, the chosen rivals are, and the other rivals are not."""
    chance = nothing * float(np.prod([no_rival[rival] for rival in rivals if rival not in chosen]))
    combined = [Option("", chance, ())]
    for rival in chosen:
        combined = [
            Option(before.text + option.text, before.chance * option.chance, before.parts + option.parts)
            for before in combined
            for option in beaten[rival]
            if before.chance * option.chance >= _MIN_OPTION
        ]
    return combined


class Beam:
    """Texts of a growing row of slots: breadth-first, the `width` most likely ones kept (Lowerre, The Harpy Speech
    Recognition System, 1976). Paths with one text count together.

    `can_start` tells whether a text can be the beginning of one that is wanted; others are dropped at once. A text that
    is less likely than `min_state` times the best one is given up.
    """

    def __init__(
        self, width: int, can_start: Callable[[str], bool] | None = None, min_state: float = _MIN_STATE
    ) -> None:
        self._width = width
        self._min_state = min_state
        self._can_start = can_start
        self._states: dict[str, tuple[float, float, tuple[Part, ...]]] = {"": (1.0, 1.0, ())}

    def extend(self, slot: Slot) -> None:
        """Read on to the next slot."""
        grown: dict[str, tuple[float, float, tuple[Part, ...]]] = {}
        for text, (chance, best, parts) in self._states.items():
            for option in slot.options:
                longer = text + option.text
                path = best * option.chance
                before = grown.get(longer)
                if before is None:
                    if self._can_start is None or self._can_start(longer):
                        grown[longer] = (chance * option.chance, path, parts + option.parts)
                elif path > before[1]:
                    grown[longer] = (before[0] + chance * option.chance, path, parts + option.parts)
                else:
                    grown[longer] = (before[0] + chance * option.chance, before[1], before[2])
        if len(grown) > 1:
            ranked = sorted(grown.items(), key=lambda item: -item[1][0])[: self._width]
            floor = ranked[0][1][0] * self._min_state
            grown = {text: state for text, state in ranked if state[0] >= floor}
        self._states = grown

    def hypotheses(self) -> list[Hypothesis]:
        """The texts so far, the most likely first."""
        return [Hypothesis(text, chance, parts) for text, (chance, _, parts) in self._states.items()]


def search(
    slots: Sequence[Slot],
    width: int,
    can_start: Callable[[str], bool] | None = None,
    min_state: float = _MIN_STATE,
) -> list[Hypothesis]:
    """The most likely texts of a row of slots, the most likely first; see `Beam`."""
    beam = Beam(width, can_start, min_state)
    for slot in slots:
        beam.extend(slot)
    return beam.hypotheses()
