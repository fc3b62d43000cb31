"""YOLO label files: one text file a picture, one line a box, `class cx cy w h` as parts of the picture's size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitdet.configs.errors import DataError
from digitdet.datasets.boxes import as_boxes, cxcywhn_to_xyxy, xyxy_to_cxcywhn

CLASS_NAMES = tuple("0123456789")


@dataclass(frozen=True)
class Labels:
    """Labelled boxes: `classes` (N,) int64; `boxes` (N, 4) float64 cxcywhn, see `digitdet.datasets.boxes`."""

    classes: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.classes)

    def xyxy(self, width: int, height: int) -> npt.NDArray[np.float64]:
        """Boxes (N, 4) as xyxy in pixels of a picture of `width` x `height`."""
        return cxcywhn_to_xyxy(self.boxes, width, height)


def labels_from_xyxy(classes: npt.ArrayLike, boxes: npt.ArrayLike, width: int, height: int) -> Labels:
    """Labels of (N,) classes and (N, 4) xyxy pixel boxes in a picture of `width` x `height`."""
    return Labels(np.asarray(classes, dtype=np.int64).reshape(-1), xyxy_to_cxcywhn(boxes, width, height))


def format_labels(labels: Labels) -> str:
    """The text of a label file; six decimals are a thousandth of a pixel on a picture 1,000 px wide."""
    rows = zip(labels.classes.tolist(), labels.boxes.tolist(), strict=True)
    return "".join(f"{c} {x:.6f} {y:.6f} {w:.6f} {h:.6f}\n" for c, (x, y, w, h) in rows)


def parse_labels(text: str, source: str) -> Labels:
    """Read the text of a label file; an empty text is a picture without digits.

    Raises:
        DataError: A line is not five numbers, or its class is not a whole number; names `source` and the line.
    """
    classes, boxes = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        parts = line.split()
        try:
            if len(parts) != 5:
                raise ValueError
            classes.append(int(parts[0]))
            boxes.append([float(part) for part in parts[1:]])
        except ValueError:
            raise DataError(f"{source}, line {number}: {line!r} is not 'class cx cy width height'") from None
    return Labels(np.asarray(classes, dtype=np.int64), as_boxes(boxes))


def read_labels(path: Path) -> Labels:
    """Read a label file.

    Raises:
        DataError: The file cannot be read or parsed.
    """
    try:
        return parse_labels(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
