"""A contact sheet: many pictures as one, with the boxes and classes of their digits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import DataError
from digitdet.common.types import Image
from digitdet.datasets.formats.yolo import (
    find_data_file,
    label_path,
    list_images,
    read_data_file,
    read_labels,
    read_picture,
)

_Corners = tuple[int, int, int, int]

# One colour a class, as BGR, all bright enough for dark pictures and for the dark chips that the labels stand on.
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
_CHIP = (32, 32, 32)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_GAP = 4  # pixels between cells
_GROUND = 64  # grey level of gaps and of what pictures leave free of their cells


def contact_sheet(
    pictures: Sequence[Image],
    boxes: Sequence[npt.ArrayLike],
    labels: Sequence[npt.ArrayLike] | None,
    columns: int = 6,
    cell: int = 320,
) -> Image:
    """All pictures as one, row by row, each scaled to fit a square cell.

    Args:
        pictures: (H, W, 3) uint8 BGR each; at least one.
        boxes: (N, 4) xyxy pixels of each picture.
        labels: (N,) digits of each picture; None leaves boxes and labels out.
        columns: Pictures in a row, at least 1; fewer where there are fewer pictures.
        cell: Side of a cell in pixels.

    Returns:
        The sheet (H, W, 3) uint8 BGR.

    Raises:
        ValueError: There is no picture, or boxes or labels are not given for each.
    """
    if not pictures:
        raise ValueError("a contact sheet needs at least one picture")
    columns = max(1, min(columns, len(pictures)))
    rows = -(-len(pictures) // columns)
    step = cell + _GAP
    sheet = np.full((rows * step + _GAP, columns * step + _GAP, 3), _GROUND, np.uint8)
    all_labels = [None] * len(pictures) if labels is None else labels
    for index, (picture, found, digits) in enumerate(zip(pictures, boxes, all_labels, strict=True)):
        small, scale = _fit(picture, cell)
        if digits is not None:
            _draw_digits(small, np.asarray(found, np.float64).reshape(-1, 4) * scale, np.asarray(digits, np.int64))
        height, width = small.shape[:2]
        top = _GAP + index // columns * step + (cell - height) // 2
        left = _GAP + index % columns * step + (cell - width) // 2
        sheet[top : top + height, left : left + width] = small
    return sheet


def sheet_of_dataset(
    data_file: Path, split: str = "train", count: int = 24, columns: int = 6, cell: int = 320, marked: bool = True
) -> Image:
    """A contact sheet of pictures of a YOLO dataset, evenly spaced over a split.

    Args:
        data_file: data.yaml, or the folder that holds it.
        split: train, val or test.
        count: Pictures at most.
        columns: Pictures in a row.
        cell: Side of a cell in pixels.
        marked: Whether boxes and labels are drawn.

    Returns:
        The sheet (H, W, 3) uint8 BGR.

    Raises:
        DataError: The dataset has no such split or no pictures in it, or one of them or its labels cannot be read.
    """
    folders = read_data_file(find_data_file(data_file))
    if split not in folders:
        raise DataError(f"{data_file}: has no split {split!r}, but {', '.join(folders)}")
    images = list_images(folders[split])
    if not images:
        raise DataError(f"{folders[split]}: no pictures")
    count = min(count, len(images))
    chosen = [images[index * len(images) // count] for index in range(count)]
    pictures = [read_picture(image) for image in chosen]
    labels = [read_labels(label_path(image)) for image in chosen]
    boxes = [found.xyxy(p.shape[1], p.shape[0]) for found, p in zip(labels, pictures, strict=True)]
    return contact_sheet(pictures, boxes, [found.classes for found in labels] if marked else None, columns, cell)


def _fit(picture: Image, cell: int) -> tuple[Image, npt.NDArray[np.float64]]:
    """A copy of the picture as large as the cell allows, and the factors (4,) for its xyxy boxes."""
    height, width = picture.shape[:2]
    scale = cell / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    resized = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return np.array(resized, np.uint8), np.tile([size[0] / width, size[1] / height], 2)


def _draw_digits(picture: Image, boxes: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> None:
    """Boxes first, then the labels, so that no line runs through them."""
    corners: list[_Corners] = [(x0, y0, x1 - 1, y1 - 1) for x0, y0, x1, y1 in np.rint(boxes).astype(int).tolist()]
    for box, label in zip(corners, labels.tolist(), strict=True):
        cv2.rectangle(picture, box[:2], box[2:], _COLOURS[label % len(_COLOURS)], 1)
    for box, label in zip(corners, labels.tolist(), strict=True):
        _draw_label(picture, str(label), box, corners, _COLOURS[label % len(_COLOURS)])


def _draw_label(
    picture: Image, text: str, box: _Corners, others: Sequence[_Corners], colour: tuple[int, int, int]
) -> None:
    """The class in small above its box; where that is outside the picture or on another digit, below or beside it."""
    text_height = min(11, max(8, (box[3] - box[1]) // 2))
    scale = cv2.getFontScaleFromHeight(_FONT, text_height, 1)
    text_width = cv2.getTextSize(text, _FONT, scale, 1)[0][0]
    middle_x, middle_y = (box[0] + box[2] - text_width) // 2, (box[1] + box[3] + text_height) // 2
    above = (middle_x, box[1] - 3)
    places = [above, (middle_x, box[3] + 3 + text_height), (box[2] + 3, middle_y), (box[0] - 3 - text_width, middle_y)]
    free = (place for place in places if _is_free(picture, place, text_width, text_height, others))
    x, y = next(free, above)
    cv2.rectangle(picture, (x - 1, y - text_height - 1), (x + text_width, y + 1), _CHIP, cv2.FILLED)
    cv2.putText(picture, text, (x, y), _FONT, scale, colour, 1, cv2.LINE_AA)


def _is_free(picture: Image, place: tuple[int, int], width: int, height: int, others: Sequence[_Corners]) -> bool:
    """Whether a text at `place` (its lower left corner) lies inside the picture and on no box."""
    left, bottom = place
    right, top = left + width, bottom - height
    if left < 0 or top < 0 or right > picture.shape[1] or bottom >= picture.shape[0]:
        return False
    return all(right < x0 or left > x1 or bottom < y0 or top > y1 for x0, y0, x1, y1 in others)
