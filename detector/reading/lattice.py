"""The lattice of a line: what may be at each of its places, with probabilities."""

from __future__ import annotations

from dataclasses import dataclass

from digitdet.common.characters import CHARACTERS
from digitdet.common.types import Box, FloatArray

NOTHING = len(CHARACTERS)
"""The option of a slot that no character is there; it follows the classes of `CHARACTERS`."""


@dataclass(frozen=True, eq=False)
class Slot:
    """A place on a line: its box in pixels of the page, and the probabilities of what is there.

    `probabilities` (18,) are those of the classes of `CHARACTERS` and of `NOTHING`, with a sum of 1.
    """

    box: Box
    probabilities: FloatArray


@dataclass(frozen=True)
class Lattice:
    """The slots of a line from left to right, and the clockwise angle of the line in degrees."""

    slots: tuple[Slot, ...]
    angle: float
