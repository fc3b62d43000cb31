"""Find illegible digits and marks, measured on their own ink in the finished picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import Image, Mask
from digitdet.configs.synth import LegibilityConfig
from digitdet.synth.digits.drawing import InkPatch
from digitdet.synth.digits.glyphs import NO_DIGIT, VISIBLE_INK
from digitdet.synth.render import DrawnCharacter

# Width of the border around a digit in which the background is measured, in digit heights.
_RING = 0.1
# Least difference of lit from unlit segments, relative to the contrast of the lit ones.
_UNLIT_DIFFERENCE = 0.45


def find_illegible(
    image: Image, ink_map: Image, characters: Sequence[DrawnCharacter], limits: LegibilityConfig
) -> list[int]:
    """Return the rows of the characters (in drawing order) that are below a limit; `ink_map` (H, W) is 0 without ink.

    Marks need the same contrast as digits, but no minimum height.
    """
    if not characters:
        return []
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    free = ink_map == 0
    covered = _covered_shares(characters)
    return [
        row
        for row, character in enumerate(characters)
        if covered[row] > limits.max_covered
        or (character.label != NO_DIGIT and character.box[3] - character.box[1] < limits.min_height)
        or not _has_contrast(grey, free, character, limits)
        or (character.unlit is not None and not _differs_from_unlit(grey, free, character, character.unlit, limits))
    ]


def _has_contrast(grey: Image, free: Mask, character: DrawnCharacter, limits: LegibilityConfig) -> bool:
    """Whether the ink of a character differs enough from the background around it, where `free` is True.

    The contrast is the mean difference of the ink from the background, minus the variation of the background itself.
    Differences in both directions count, as in raised or hollow ink.
    """
    x0, y0, x1, y1 = character.box
    pad = max(round((y1 - y0) * _RING), 2)
    around = slice(max(y0 - pad, 0), y1 + pad), slice(max(x0 - pad, 0), x1 + pad)
    background = grey[around][free[around]]
    ink = grey[character.patch.region][character.patch.alpha > 0.5]
    if not background.size or not ink.size:
        return False
    # Medians ignore the edge of a plate or a drum beside the digit.
    middle = _median(background)
    noise = _median(np.abs(background.astype(np.int16) - middle))
    contrast = float(np.abs(ink.astype(np.int16) - middle).mean()) - noise
    return contrast >= max(limits.min_contrast, limits.min_contrast_to_noise * noise)


def _differs_from_unlit(
    grey: Image, free: Mask, digit: DrawnCharacter, unlit: InkPatch, limits: LegibilityConfig
) -> bool:
    """Whether the lit segments of a cell stand out from the background more than its unlit ones by the least contrast.

    Otherwise every digit could be read as an 8.
    """
    # Only the middle of a segment has its level: at an edge, and in thin segments, it is mixed with the background.
    unlit_core = unlit.alpha > 0.5
    if not unlit_core.any():  # an 8 has none
        return True
    glass = free[unlit.region] & (unlit.alpha < VISIBLE_INK)
    if not glass.any():
        return False
    background = grey[unlit.region][glass].mean()
    lit = float(grey[digit.patch.region][digit.patch.alpha > 0.5].mean() - background)
    dark = float(grey[unlit.region][unlit_core].mean() - background)
    return bool((lit - dark) * np.sign(lit) >= max(limits.min_contrast, _UNLIT_DIFFERENCE * abs(lit)))


def _median(levels: npt.NDArray[np.integer]) -> int:
    """Return the upper median of integers (N,), several times as fast as `np.median`."""
    return int(np.partition(levels, len(levels) // 2)[len(levels) // 2])


def _covered_shares(drawn: Sequence[DrawnCharacter]) -> npt.NDArray[np.float64]:
    """Return the part of each character's ink that is covered by later ones."""
    covered = np.zeros(len(drawn))
    x0, y0, x1, y1 = np.array([one.box for one in drawn]).T
    overlaps = (x0 < x1[:, None]) & (x1 > x0[:, None]) & (y0 < y1[:, None]) & (y1 > y0[:, None])
    for row, later in np.argwhere(np.triu(overlaps, 1)).tolist():
        covered[row] += _covered_share(drawn[row].patch, drawn[later].patch)
    return covered


def _covered_share(below: InkPatch, above: InkPatch) -> float:
    """Return the part of the ink of one patch that is under the ink of another."""
    hidden = (below.clip(above.region).alpha > 0.5) & (above.clip(below.region).alpha > 0.5)
    return float(hidden.sum()) / max(float((below.alpha > 0.5).sum()), 1.0)
