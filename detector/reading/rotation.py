"""Pages that lie on their side or upside down: turned back, boxes brought home, and the likeliest rotation chosen.

A rotation is how far the page lies turned clockwise, in degrees: 0, 90, 180 or 270.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import as_boxes
from digitdet.common.types import Image
from digitdet.detection.postprocess import Detections

ROTATIONS = (0, 90, 180, 270)

_TURNS_BACK = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
_UPSIDE_DOWN = str.maketrans("01689", "01986")

# Less sure digits are no evidence: there are many of them, and as many in any rotation.
_LEAST_CONFIDENCE = 0.2
# A turned reading must have this much more evidence than the one of the picture as it lies: few pictures are turned.
# Of real pictures of three digits and more it keeps 97% of the upright ones (94% at 1) and finds 92% of the turned
# ones (93%).
_TURNED_FACTOR = 1.1
# The other way up is as plausible from this part of the evidence on, if no digit at least so sure shows which way is
# up. Of real numbers made of 0, 1, 6, 8 and 9 alone three in four reach it.
_PLAUSIBLE_SHARE = 0.5
_SURE = 0.5


@dataclass(frozen=True)
class RotationChoice:
    """The rotation that a picture most likely has; `is_ambiguous` if it may as well lie the other way up."""

    rotation: int
    is_ambiguous: bool


def turned_back(image: Image, rotation: int) -> Image:
    """A page that lies turned clockwise by `rotation`, set upright: (H, W, 3) or, at 90 and 270, (W, H, 3).

    Raises:
        ValueError: `rotation` is none of 0, 90, 180, 270.
    """
    _check(rotation)
    return np.asarray(cv2.rotate(image, _TURNS_BACK[rotation]), np.uint8) if rotation else image


def boxes_to_picture(boxes: npt.ArrayLike, rotation: int, width: int, height: int) -> npt.NDArray[np.float64]:
    """Boxes found in the page set upright, brought to the picture as it lies.

    Args:
        boxes: (N, 4) xyxy in pixels of `turned_back(picture, rotation)`.
        rotation: How far the page lies turned clockwise.
        width: Of the picture as it lies, in pixels.
        height: Of the picture as it lies, in pixels.

    Returns:
        (N, 4) xyxy in pixels of the picture as it lies.

    Raises:
        ValueError: `rotation` is none of 0, 90, 180, 270.
    """
    _check(rotation)
    x0, y0, x1, y1 = as_boxes(boxes).T
    sides = {
        0: (x0, y0, x1, y1),
        90: (width - y1, x0, width - y0, x1),
        180: (width - x1, height - y1, width - x0, height - y0),
        270: (y0, height - x1, y1, height - x0),
    }
    return np.stack(sides[rotation], axis=1)


def choose_rotation(candidates: Mapping[int, Detections]) -> RotationChoice:
    """The rotation whose reading has the most evidence: the sum of the squared best_scores of its digits.

    Digits on their side or upside down are found less often and with less confidence. On real pictures this told
    rotations apart better than the sum or the mean of the best_scores, and than how far the boxes form rows: columns of
    numbers are as long as rows.

    Args:
        candidates: For each rotation that was tried, the suppressed digits of the page turned back by it.

    Returns:
        The rotation; that of the picture as it lies where another has hardly more evidence, or none has any. It is
        ambiguous if the opposite one has nearly as much, and no sure digit is one that says nothing upside down.
    """
    evidence = {rotation: _evidence(found) for rotation, found in candidates.items()}
    best = max(evidence, key=lambda rotation: (evidence[rotation], -rotation), default=0)
    if evidence.get(best, 0) <= _TURNED_FACTOR * evidence.get(0, 0):
        best = 0
    opposite = evidence.get((best + 180) % 360, 0)
    is_plausible = opposite > 0 and opposite >= _PLAUSIBLE_SHARE * evidence[best]
    return RotationChoice(best, is_plausible and not _shows_up(candidates[best]))


def upside_down_text(text: str) -> str | None:
    """What a number says from the other side; None where one of its digits says nothing then.

    0, 1 and 8 stay, 6 and 9 change places. 2 and 5 stay in seven segments only; in print and by hand, as here, they
    count as digits that show which way is up.

    >>> upside_down_text("1968"), upside_down_text("125")
    ('8961', None)
    """
    return text[::-1].translate(_UPSIDE_DOWN) if text and set(text) <= set("01689") else None


def _evidence(found: Detections) -> float:
    best_scores = found.best_scores.astype(np.float64)
    return float((best_scores[best_scores >= _LEAST_CONFIDENCE] ** 2).sum())


def _shows_up(found: Detections) -> bool:
    """Whether a sure digit among these says nothing upside down."""
    sure = found.labels[found.best_scores >= _SURE]
    return any(upside_down_text(str(label)) is None for label in sure)


def _check(rotation: int) -> None:
    if rotation not in ROTATIONS:
        raise ValueError(f"expected a rotation of 0, 90, 180 or 270 degrees, got {rotation}")
