"""Beam search for the most likely texts of a row of slots (Lowerre, The Harpy Speech Recognition System, 1976)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from digitdet.reading.slots import Part, Slot

_MIN_RATIO = 1e-3  # texts with a lower probability relative to the best one are dropped


@dataclass(frozen=True)
class Hypothesis:
    """A text, its probability, and the boxes of its digits."""

    text: str
    probability: float
    parts: tuple[Part, ...]


class BeamSearch:
    """The `width` most likely texts of a growing row of slots; paths with the same text are merged.

    Texts for which `can_start` is false are dropped.
    """

    def __init__(self, width: int, can_start: Callable[[str], bool] | None = None) -> None:
        self._width = width
        self._can_start = can_start
        # By text: its probability, the probability of its best path, and the parts of this path.
        self._states: dict[str, tuple[float, float, tuple[Part, ...]]] = {"": (1.0, 1.0, ())}

    def extend(self, slot: Slot) -> None:
        """Append a slot to the row."""
        grown: dict[str, tuple[float, float, tuple[Part, ...]]] = {}
        for text, (total, best, parts) in self._states.items():
            for option in slot.options:
                longer = text + option.text
                path = best * option.probability
                if longer not in grown and self._can_start is not None and not self._can_start(longer):
                    continue
                total_before, best_before, parts_before = grown.get(longer, (0.0, -1.0, ()))
                best_path = (path, parts + option.parts) if path > best_before else (best_before, parts_before)
                grown[longer] = (total_before + total * option.probability, *best_path)
        if len(grown) > 1:
            ranked = sorted(grown.items(), key=lambda item: -item[1][0])[: self._width]
            minimum = ranked[0][1][0] * _MIN_RATIO
            grown = {text: state for text, state in ranked if state[0] >= minimum}
        self._states = grown

    def hypotheses(self) -> list[Hypothesis]:
        """Return the texts of the row so far, most likely first."""
        return [Hypothesis(text, total, parts) for text, (total, _, parts) in self._states.items()]


def beam_search(slots: Sequence[Slot], width: int, can_start: Callable[[str], bool] | None = None) -> list[Hypothesis]:
    """Return the most likely texts of a row of slots, in order; see `BeamSearch`."""
    beam = BeamSearch(width, can_start)
    for slot in slots:
        beam.extend(slot)
    return beam.hypotheses()
