"""The lattice of a line: what may be at each of its places, with probabilities."""

from __future__ import annotations

from dataclasses import dataclass

from digitdet.common.characters import CHARACTERS
from digitdet.common.types import Box, FloatArray

NOTHING = len(CHARACTERS)
"""The option of a slot that no character is there; it follows the classes of `CHARACTERS`."""


@dataclass(frozen=True, eq=False)
class Slot:
    """A place on a line: `probabilities` (18,) of the classes of `CHARACTERS` and of `NOTHING`, with a sum of 1.

    `row` is the row of the detector's box that is there, None if it found none; `box` is in pixels of the page.
    """

    box: Box
    probabilities: FloatArray
    row: int | None = None


@dataclass(frozen=True)
class Lattice:
    """The slots of a line from left to right, and the clockwise angle of the line in degrees."""

    slots: tuple[Slot, ...]
    angle: float
