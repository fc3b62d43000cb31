"""Small pictures of numbers, to be put into a page."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import as_boxes
from digitdet.common.errors import ImageError
from digitdet.common.types import Box
from digitdet.evaluation.outcomes import NumberOutcome, PictureOutcome
from digitdet.imaging.images import load_image

# A number is shown with so much around it, in parts of its height: where it is known to be there, and where not.
_MARGIN, _WIDE_MARGIN = 0.6, 2.0
_MAX_WIDTH, _MAX_HEIGHT = 320, 160
_JPEG_QUALITY = 72


@dataclass(frozen=True)
class Thumbnail:
    """Part of a picture as `jpeg`, a data URI: `view` is the part, xyxy in pixels of the picture."""

    jpeg: str
    view: Box


def make_thumbnail(outcome: PictureOutcome, number: NumberOutcome) -> Thumbnail | None:
    """The part of a picture that shows a number: around the place where it is, if that is known, and what was read.
    The whole picture if neither is there; None if the picture cannot be read.
    """
    try:
        image = load_image(str(outcome.picture.path))
    except ImageError:
        return None
    height, width = image.shape[:2]
    left, top, right, bottom = view = _view(_places(outcome, number), width, height)
    part = image[top:bottom, left:right]
    scale = min(_MAX_WIDTH / part.shape[1], _MAX_HEIGHT / part.shape[0], 1.0)
    if scale < 1:
        size = max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1)
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    content = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()
    return Thumbnail("data:image/jpeg;base64," + base64.b64encode(content).decode(), view)


@dataclass(frozen=True)
class _Places:
    """Where to look: `boxes` (N, 4) xyxy of digits or numbers, and whether the number is known to be among them."""

    boxes: npt.NDArray[np.float64]
    are_known: bool


def _places(outcome: PictureOutcome, number: NumberOutcome) -> _Places:
    read = as_boxes([digit.box for digit in number.digits])
    if number.place is not None:
        return _Places(np.concatenate([read, as_boxes([number.place])]), True)
    texts = outcome.picture.texts
    if outcome.digits is not None and texts is not None and len(texts) == 1:  # all of them are this number's
        return _Places(np.concatenate([read, outcome.digits.true.boxes]), True)
    return _Places(read, not number.truth)


def _view(places: _Places, width: int, height: int) -> tuple[int, int, int, int]:
    """The part of a picture to show, xyxy in whole pixels; never empty."""
    boxes = places.boxes
    if not len(boxes):
        return 0, 0, width, height
    margin = (_MARGIN if places.are_known else _WIDE_MARGIN) * float((boxes[:, 3] - boxes[:, 1]).max())
    left, top = np.maximum(boxes[:, :2].min(axis=0) - margin, 0).astype(int).tolist()
    right, bottom = np.ceil(boxes[:, 2:].max(axis=0) + margin).astype(int).tolist()
    left, top = min(left, width - 1), min(top, height - 1)
    return left, top, max(min(right, width), left + 1), max(min(bottom, height), top + 1)
