"""The choices of a line: which options its slots have, and which of them is taken where nothing else is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitdet.common.characters import CHARACTERS, MARKS
from digitdet.common.types import CLASS_NAMES, FloatArray
from digitdet.reading.beam import Options
from digitdet.reading.lattice import NOTHING, Lattice, Slot

DIGIT, MARK, SEPARATOR, NO_CHARACTER = range(4)
"""The kinds of options: a separator is a space, or a character that is in no number."""

_MIN_PROBABILITY = 0.003  # options below this are dropped
_DIGITS = len(CLASS_NAMES)
_KINDS = (range(_DIGITS), range(_DIGITS, _DIGITS + len(MARKS)), range(_DIGITS + len(MARKS), NOTHING), [NOTHING])


@dataclass(frozen=True, eq=False)
class Choices:
    """The slots of a line from left to right with their options.

    Attributes:
        slots: S of them.
        angle: Clockwise angle of the line in degrees.
        kinds: (S, 4) probability of each kind of option.
        options: The likely options of each slot, most likely first.
        kind: The most likely kind of each slot.
        chosen: The most likely option of this kind, such as 4 where 4, 9 and nothing have 0.3, 0.2 and 0.4.
    """

    slots: tuple[Slot, ...]
    angle: float
    kinds: FloatArray
    options: Sequence[Options]
    kind: Sequence[int]
    chosen: Sequence[str]

    def probability(self, slot: int, character: str) -> float:
        """Return the probability of a likely option of a slot; 0 for others."""
        return next((probability for option, probability in self.options[slot] if option == character), 0.0)


def make_choices(lattice: Lattice, threshold: float = 0.5, least: float = 0.5) -> Choices:
    """Return the choices of a line.

    Args:
        lattice: The lattice of the line.
        threshold: The probability from which a digit counts as present; it gets the probability 0.5.
        least: The resulting probability from which a digit is chosen. The probabilities do not depend on it.
    """
    table = _raised(np.array([slot.probabilities for slot in lattice.slots]).reshape(-1, NOTHING + 1), threshold)
    kinds = np.stack([table[:, options].sum(axis=1) for options in _KINDS], axis=1)
    kind = (kinds * [(1 - least) / least, 1, 1, 1]).argmax(axis=1)
    texts = (*CHARACTERS, "")
    options: list[list[tuple[str, float]]] = [[] for _ in lattice.slots]
    chosen = []
    for slot, row in enumerate(table.tolist()):  # lists: single values of arrays are slow to access
        likely = [option for option, probability in enumerate(row) if probability >= _MIN_PROBABILITY]
        options[slot] = [(texts[option], row[option]) for option in sorted(likely, key=lambda option: -row[option])]
        chosen.append(texts[max(_KINDS[kind[slot]], key=row.__getitem__)])
    return Choices(lattice.slots, lattice.angle, kinds, options, kind.tolist(), chosen)


def _raised(table: FloatArray, threshold: float) -> FloatArray:
    """Return probabilities (S, 18) in which a digit that had `threshold` has 0.5."""
    threshold = min(max(threshold, 1e-6), 1 - 1e-6)
    raised = table.copy()
    raised[:, :_DIGITS] *= (1 - threshold) / threshold
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
