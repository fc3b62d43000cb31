"""Cards that show how numbers were read, with a thumbnail each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np

from digitdet.common.boxes import as_boxes
from digitdet.common.errors import ImageError
from digitdet.common.types import Boxes
from digitdet.evaluation.comparison import Change
from digitdet.evaluation.html import data_uri
from digitdet.evaluation.outcomes import NumberOutcome, PictureOutcome
from digitdet.evaluation.report import Report
from digitdet.imaging.images import load_image

MISREAD, UNREAD, FALSE, RIGHT = KINDS = ("misread", "unread", "false", "right")

# Limits that keep a page quick to open and below about 15 MB.
MAX_CARDS = 1500
_MAX_THUMBNAIL_BYTES = 10_000_000

# Space around a number in a thumbnail, in heights of the digits: where its place is known, and where it is not.
_MARGIN, _WIDE_MARGIN = 0.6, 2.0
_MAX_WIDTH, _MAX_HEIGHT = 320, 160  # pixels
_JPEG_QUALITY = 72


class Thumbnail(NamedTuple):
    """Part of a picture as a data URI; `left`, `top`, `width` and `height` in pixels of the picture."""

    uri: str
    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Card:
    """One number of one picture; `change` if a second model reads it differently."""

    outcome: PictureOutcome
    number: NumberOutcome
    change: Change | None
    thumbnail: Thumbnail | None = None

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        if self.number.is_right:
            return RIGHT
        return FALSE if not self.number.truth else MISREAD if self.number.text else UNREAD


def gallery_cards(report: Report) -> tuple[list[Card], int]:
    """Return the cards, mistakes before exact numbers and the most confident first, and the number of all outcomes.

    When not all fit on a page, changes between two models are preferred, then the most confident mistakes, then the
    least confident exact numbers. Beyond the limit of bytes, cards have no thumbnail.
    """
    change_of = {id(change.first): change for change in report.comparisons[-1].changes} if report.comparisons else {}
    candidates = [
        Card(outcome, number, change_of.get(id(number)))
        for outcome in report.together.outcomes
        for number in outcome.numbers
    ]
    candidates.sort(key=_rank)
    remaining = _MAX_THUMBNAIL_BYTES
    cards = []
    for card in candidates[:MAX_CARDS]:
        thumbnail = _thumbnail(card.outcome, card.number) if remaining > 0 else None
        remaining -= len(thumbnail.uri) if thumbnail else 0
        cards.append(replace(card, thumbnail=thumbnail))
    cards.sort(key=lambda card: (card.number.is_right, -card.number.confidence))
    return cards, len(candidates)


def _rank(card: Card) -> tuple[int, float]:
    number = card.number
    if card.change is not None:
        return 0, -number.confidence
    return (2, number.confidence) if number.is_right else (1, -number.confidence)


def _thumbnail(outcome: PictureOutcome, number: NumberOutcome) -> Thumbnail | None:
    """The part of a picture around a number and its reading, or the whole picture without either; None if the picture
    cannot be read.
    """
    try:
        image = load_image(str(outcome.picture.path))
    except ImageError:
        return None
    left, top, right, bottom = _view(*_visible_boxes(outcome, number), image.shape[1], image.shape[0])
    part = image[top:bottom, left:right]
    scale = min(_MAX_WIDTH / part.shape[1], _MAX_HEIGHT / part.shape[0], 1.0)
    if scale < 1:
        size = max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1)
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    content = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()
    return Thumbnail(data_uri(content, "image/jpeg"), left, top, right - left, bottom - top)


def _visible_boxes(outcome: PictureOutcome, number: NumberOutcome) -> tuple[Boxes, bool]:
    """Boxes (N, 4) xyxy that a thumbnail must show, and whether the true number is known to be within them."""
    read = as_boxes([digit.box for digit in number.digits])
    if number.place is not None:
        return np.concatenate([read, as_boxes([number.place])]), True
    texts = outcome.picture.texts
    if outcome.digits is not None and texts is not None and len(texts) == 1:  # all digits belong to this number
        return np.concatenate([read, outcome.digits.true.boxes]), True
    return read, not number.truth


def _view(boxes: Boxes, is_known: bool, width: int, height: int) -> tuple[int, int, int, int]:
    """The part of a picture to show, xyxy in whole pixels; never empty."""
    if not len(boxes):
        return 0, 0, width, height
    margin = (_MARGIN if is_known else _WIDE_MARGIN) * float((boxes[:, 3] - boxes[:, 1]).max())
    left, top = np.maximum(boxes[:, :2].min(axis=0) - margin, 0).astype(int).tolist()
    right, bottom = np.ceil(boxes[:, 2:].max(axis=0) + margin).astype(int).tolist()
    left, top = min(left, width - 1), min(top, height - 1)
    return left, top, max(min(right, width), left + 1), max(min(bottom, height), top + 1)
