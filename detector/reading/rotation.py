"""The rotation of pages: turning them upright, mapping boxes back, and choosing the most likely rotation.

A rotation is how far the page is turned clockwise, in degrees: 0, 90, 180 or 270.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import as_boxes
from digitdet.common.types import Boxes, Image
from digitdet.detection.postprocess import Detections

ROTATIONS = (0, 90, 180, 270)

_BACK = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
_UPSIDE_DOWN = str.maketrans("01689", "01986")
# Upside down, a slash, colon or hyphen is still one; a point or comma is not, nor is a minus sign behind a number.
_REVERSIBLE = re.compile("[01689]+([-/:][01689]+)*")

_MIN_SCORE = 0.2  # of digits that count as evidence: lower scores are as frequent in any rotation
_SURE_SCORE = 0.5  # of digits that can show which way is up
# A rotated page needs this factor more evidence than an upright one: few pictures are rotated.
_MIN_EVIDENCE_RATIO = 1.1
# The choice is ambiguous where the opposite rotation has at least this part of its evidence.
_AMBIGUOUS_RATIO = 0.5


@dataclass(frozen=True)
class RotationChoice:
    """The most likely rotation of a page; `is_ambiguous` where the opposite one is about as likely."""

    rotation: int
    is_ambiguous: bool


def rotate_upright(image: Image, rotation: int) -> Image:
    """Turn a page (H, W, 3) with this rotation upright: (H, W, 3), or (W, H, 3) at 90 and 270 degrees."""
    _check_rotation(rotation)
    return np.asarray(cv2.rotate(image, _BACK[rotation]), np.uint8) if rotation else image


def rotate_boxes_back(boxes: npt.ArrayLike, rotation: int, width: int, height: int) -> Boxes:
    """Map boxes (N, 4) xyxy from the upright page to the rotated page, of `width` x `height` pixels; float64."""
    _check_rotation(rotation)
    x0, y0, x1, y1 = as_boxes(boxes).T
    sides = {
        0: (x0, y0, x1, y1),
        90: (width - y1, x0, width - y0, x1),
        180: (width - x1, height - y1, width - x0, height - y0),
        270: (y0, height - x1, y1, height - x0),
    }
    return np.stack(sides[rotation], axis=1)


def choose_rotation(candidates: Mapping[int, Detections]) -> RotationChoice:
    """Choose the rotation with the most evidence: the sum of the squared best scores of its digits after NMS.

    It is 0 unless another has clearly more evidence, and ambiguous if the opposite one has nearly as much and all sure
    digits have a meaning upside down.
    """
    evidence = {rotation: _evidence(found) for rotation, found in candidates.items()}
    best = max(evidence, key=lambda rotation: (evidence[rotation], -rotation), default=0)
    if evidence.get(best, 0) <= _MIN_EVIDENCE_RATIO * evidence.get(0, 0):
        best = 0
    opposite = evidence.get((best + 180) % 360, 0)
    is_plausible = opposite > 0 and opposite >= _AMBIGUOUS_RATIO * evidence[best]
    return RotationChoice(best, is_plausible and not _shows_which_way_is_up(candidates[best]))


def upside_down_text(text: str) -> str | None:
    """Return what a number says upside down; None where one of its digits or marks has no meaning then.

    >>> upside_down_text("1968"), upside_down_text("18/6"), upside_down_text("125"), upside_down_text("1.9")
    ('8961', '9/81', None, None)
    """
    return text[::-1].translate(_UPSIDE_DOWN) if _REVERSIBLE.fullmatch(text) else None


def _evidence(found: Detections) -> float:
    scores = found.best_scores.astype(np.float64)
    return float((scores[scores >= _MIN_SCORE] ** 2).sum())


def _shows_which_way_is_up(found: Detections) -> bool:
    sure = found.labels[found.best_scores >= _SURE_SCORE]
    return any(upside_down_text(str(label)) is None for label in sure)


def _check_rotation(rotation: int) -> None:
    if rotation not in ROTATIONS:
        raise ValueError(f"expected a rotation of 0, 90, 180 or 270 degrees, got {rotation}")
