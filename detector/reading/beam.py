"""Beam search for the most likely texts of a row of slots (Lowerre, The Harpy Speech Recognition System, 1976)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

Options = Sequence[tuple[str, float]]
"""What may be in a slot: a character, or the empty text for nothing, each with its probability."""

_WIDTH = 8  # more than the alternatives that are shown: a later slot can change their order
_MIN_RATIO = 1e-3  # texts with a lower probability relative to the best one are dropped


class Hypothesis(NamedTuple):
    """A text, its probability, and the slot of each of its characters on the most likely path."""

    text: str
    probability: float
    slots: tuple[int, ...]


class Beam:
    """The `width` most likely texts of a growing row of slots; paths with the same text are merged.

    Texts for which `can_start` is false are dropped.
    """

    def __init__(self, can_start: Callable[[str], bool] | None = None, width: int = _WIDTH) -> None:
        self._can_start = can_start
        self._width = width
        # By text: its probability, the probability of its best path, and the slots of this path.
        self._states: dict[str, tuple[float, float, tuple[int, ...]]] = {"": (1.0, 1.0, ())}

    def extend(self, slot: int, options: Options) -> None:
        """Append a slot, named by its number, to the row."""
        grown: dict[str, tuple[float, float, tuple[int, ...]]] = {}
        for text, (total, best, slots) in self._states.items():
            for character, probability in options:
                longer = text + character
                path = best * probability
                before = grown.get(longer)
                if before is None:
                    if self._can_start is not None and character and not self._can_start(longer):
                        continue
                    before = (0.0, -1.0, ())
                if path > before[1]:
                    before = (before[0], path, (*slots, slot) if character else slots)
                grown[longer] = (before[0] + total * probability, before[1], before[2])
        if len(grown) > 1:
            ranked = sorted(grown.items(), key=lambda item: -item[1][0])[: self._width]
            minimum = ranked[0][1][0] * _MIN_RATIO
            grown = {text: state for text, state in ranked if state[0] >= minimum}
        self._states = grown

    def hypotheses(self) -> list[Hypothesis]:
        """Return the texts of the row so far, most likely first."""
        return [Hypothesis(text, total, slots) for text, (total, _, slots) in self._states.items()]
