"""A contact sheet: many pictures in one, with the boxes and classes of their digits."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import FloatArray, Image

_Corners = tuple[int, int, int, int]

# BGR colour of each class, bright enough for dark pictures and for the background of the labels.
_COLOURS = (
    (80, 80, 255),
    (0, 150, 255),
    (0, 220, 255),
    (60, 230, 140),
    (120, 200, 0),
    (220, 220, 0),
    (255, 160, 40),
    (255, 110, 130),
    (255, 90, 220),
    (180, 160, 255),
)
_LABEL_BACKGROUND = (32, 32, 32)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_GAP = 4  # pixels between cells
_GREY = 64  # of the gaps and the free parts of cells


def contact_sheet(
    pictures: Sequence[Image],
    boxes: Sequence[npt.ArrayLike],
    labels: Sequence[npt.ArrayLike],
    columns: int = 6,
    cell: int = 320,
) -> Image:
    """Draw one or more (H, W, 3) uint8 BGR pictures row by row, each scaled to fit a square cell.

    Args:
        pictures: At least one.
        boxes: (N, 4) xyxy pixels of each picture.
        labels: (N,) digits of each picture.
        columns: Maximum number of pictures per row.
        cell: Side of a cell in pixels.
    """
    if not pictures:
        raise ValueError("a contact sheet needs at least one picture")
    columns = max(1, min(columns, len(pictures)))
    rows = -(-len(pictures) // columns)
    step = cell + _GAP
    sheet = np.full((rows * step + _GAP, columns * step + _GAP, 3), _GREY, np.uint8)
    for index, (picture, found, digits) in enumerate(zip(pictures, boxes, labels, strict=True)):
        small, scale = _fit(picture, cell)
        _draw_digits(small, np.asarray(found, np.float64).reshape(-1, 4) * scale, np.asarray(digits, int).tolist())
        height, width = small.shape[:2]
        top = _GAP + index // columns * step + (cell - height) // 2
        left = _GAP + index % columns * step + (cell - width) // 2
        sheet[top : top + height, left : left + width] = small
    return sheet


def _fit(picture: Image, cell: int) -> tuple[Image, FloatArray]:
    """Return the picture scaled to the cell, and the factors (4,) for its xyxy boxes."""
    height, width = picture.shape[:2]
    scale = cell / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    resized = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return np.array(resized, np.uint8), np.tile([size[0] / width, size[1] / height], 2)


def _draw_digits(picture: Image, boxes: FloatArray, labels: Sequence[int]) -> None:
    corners: list[_Corners] = [(x0, y0, x1 - 1, y1 - 1) for x0, y0, x1, y1 in np.rint(boxes).astype(int).tolist()]
    for box, label in zip(corners, labels, strict=True):
        cv2.rectangle(picture, box[:2], box[2:], _COLOURS[label], 1)
    for box, label in zip(corners, labels, strict=True):
        _draw_label(picture, label, box, corners)


def _draw_label(picture: Image, label: int, box: _Corners, others: Sequence[_Corners]) -> None:
    """Draw a class above its box, or below or beside it where there is no free place above."""
    text = str(label)
    text_height = min(11, max(8, (box[3] - box[1]) // 2))
    scale = cv2.getFontScaleFromHeight(_FONT, text_height, 1)
    text_width = cv2.getTextSize(text, _FONT, scale, 1)[0][0]
    middle_x, middle_y = (box[0] + box[2] - text_width) // 2, (box[1] + box[3] + text_height) // 2
    above = (middle_x, box[1] - 3)
    places = [above, (middle_x, box[3] + 3 + text_height), (box[2] + 3, middle_y), (box[0] - 3 - text_width, middle_y)]
    free = (place for place in places if _is_free(picture, place, text_width, text_height, others))
    x, y = next(free, above)
    cv2.rectangle(picture, (x - 1, y - text_height - 1), (x + text_width, y + 1), _LABEL_BACKGROUND, cv2.FILLED)
    cv2.putText(picture, text, (x, y), _FONT, scale, _COLOURS[label], 1, cv2.LINE_AA)


def _is_free(picture: Image, place: tuple[int, int], width: int, height: int, others: Sequence[_Corners]) -> bool:
    """Return whether a text whose lower left corner is `place` is inside the picture and on no box."""
    left, bottom = place
    right, top = left + width, bottom - height
    if left < 0 or top < 0 or right > picture.shape[1] or bottom >= picture.shape[0]:
        return False
    return all(right < x0 or left > x1 or bottom < y0 or top > y1 for x0, y0, x1, y1 in others)
