"""The guard at the end: digits that nobody could read, measured in the finished picture on their own ink."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.configs.synth import LegibilityConfig
from digitdet.synth.digits.drawing import InkPatch

Grey = npt.NDArray[np.uint8]

# Part of a digit's height by which the ground around it is looked at.
_RING = 0.1
# The most by which the typical distance from a median exceeds the standard deviation: half of any values lie within
# sqrt(2) deviations of the mean (Chebyshev), and their median within one.
_SPREAD_LIMIT = 1 + math.sqrt(2)


class Drawn(Protocol):
    """A digit on the canvas: its ink and its xyxy box."""

    @property
    def patch(self) -> InkPatch:
        """Its ink."""

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Its xyxy box in pixels, right and bottom exclusive."""


def illegible(
    image: npt.NDArray[np.uint8], ink_map: npt.NDArray[np.uint8], digits: Sequence[Drawn], limits: LegibilityConfig
) -> list[int]:
    """Rows of the digits that fall below a limit.

    Args:
        image: The finished picture (H, W, 3) BGR.
        ink_map: (H, W), above 0 where there is ink of any kind.
        digits: What was drawn, in drawing order.
        limits: The limits.
    """
    if not digits:
        return []
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    free = (ink_map == 0).view(np.uint8)
    covered = _covered_shares(digits)
    return [
        row
        for row, digit in enumerate(digits)
        if covered[row] > limits.max_covered
        or digit.box[3] - digit.box[1] < limits.min_height
        or not _stands_out(grey, free, digit, limits)
    ]


def _stands_out(grey: Grey, free: Grey, digit: Drawn, limits: LegibilityConfig) -> bool:
    """Whether a digit's ink differs enough from the ground around it, which is where `free` is above 0.

    Ink of any kind differs from the ground's mean somewhere, also hollow and raised ink; how much more than the ground
    itself does is what the eye has to go by.
    """
    x0, y0, x1, y1 = digit.box
    pad = max(round((y1 - y0) * _RING), 2)
    around = slice(max(y0 - pad, 0), y1 + pad), slice(max(x0 - pad, 0), x1 + pad)
    patch = digit.patch
    height, width = patch.alpha.shape
    ground, is_ground = grey[around], free[around]
    inked = grey[patch.top : patch.top + height, patch.left : patch.left + width]
    is_ink = (patch.alpha > 0.5).view(np.uint8)
    if not cv2.countNonZero(is_ground) or not cv2.countNonZero(is_ink):
        return False
    return _surely_stands_out(ground, is_ground, inked, is_ink, limits) or _measurably_stands_out(
        ground[is_ground > 0], inked[is_ink > 0], limits
    )


def _surely_stands_out(ground: Grey, is_ground: Grey, inked: Grey, is_ink: Grey, limits: LegibilityConfig) -> bool:
    """A quick look at means, enough for most digits: True only where the measurement would say so, too."""
    mean, deviation = cv2.meanStdDev(ground, mask=is_ground)
    noise = _SPREAD_LIMIT * float(deviation[0, 0])
    least = abs(cv2.mean(inked, is_ink)[0] - float(mean[0, 0])) - float(deviation[0, 0]) - noise
    return least >= max(limits.min_contrast, limits.min_contrast_to_noise * noise)


def _measurably_stands_out(ground: Grey, ink: Grey, limits: LegibilityConfig) -> bool:
    """The measurement itself, on the pixels (N,) of the ground and (M,) of the ink."""
    # Medians: the edge of a plate or a drum beside the digit is no noise.
    middle = _median(ground)
    noise = _median(np.abs(ground.astype(np.int16) - middle))
    contrast = float(np.abs(ink.astype(np.int16) - middle).mean()) - noise
    return contrast >= max(limits.min_contrast, limits.min_contrast_to_noise * noise)


def _median(levels: npt.NDArray[np.integer]) -> int:
    """The upper median of whole numbers (N,); NumPy's own takes several times as long on so few."""
    return int(np.partition(levels, len(levels) // 2)[len(levels) // 2])


def _covered_shares(digits: Sequence[Drawn]) -> npt.NDArray[np.float64]:
    """Part of each digit's visible ink under the ink of digits that were drawn later."""
    covered = np.zeros(len(digits))
    x0, y0, x1, y1 = np.array([digit.box for digit in digits]).T
    meets = (x0 < x1[:, None]) & (x1 > x0[:, None]) & (y0 < y1[:, None]) & (y1 > y0[:, None])
    for row, later in np.argwhere(np.triu(meets, 1)).tolist():
        covered[row] += _shared_ink(digits[row].patch, digits[later].patch)
    return covered


def _shared_ink(below: InkPatch, above: InkPatch) -> float:
    """Part of the ink of one patch that lies under the ink of another."""
    top, left = max(below.top, above.top), max(below.left, above.left)
    bottom = min(below.top + below.alpha.shape[0], above.top + above.alpha.shape[0])
    right = min(below.left + below.alpha.shape[1], above.left + above.alpha.shape[1])
    if bottom <= top or right <= left:
        return 0.0
    first = below.alpha[top - below.top : bottom - below.top, left - below.left : right - below.left] > 0.5
    second = above.alpha[top - above.top : bottom - above.top, left - above.left : right - above.left] > 0.5
    return float((first & second).sum()) / max(float((below.alpha > 0.5).sum()), 1.0)
