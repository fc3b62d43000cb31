"""Readings exported as a dataset, to be corrected by a person and trained on: YOLO labels and Label Studio tasks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from digitdet.common.boxes import clip_xyxy
from digitdet.common.files import write_atomically
from digitdet.common.text import escape_surrogates
from digitdet.common.types import CLASS_NAMES, Box, Image
from digitdet.datasets.formats.yolo import format_labels, labels_from_xyxy, write_data_file
from digitdet.imaging.images import decode_image, encode_png
from digitdet.outputs.export_folder import FileNames
from digitdet.outputs.label_studio import label_config, make_task
from digitdet.reading.results import Digit, Reading
from digitdet.reading.rotation import rotate_boxes_back, rotate_upright

ANNOTATED_SPLITS = ("train", "val")
_VAL_STRIDE = 10  # every tenth picture is for validation, beginning with the second, so that two make a dataset
_MIN_SIDE = 0.1  # pixels: a label file cannot represent thinner boxes
_SIGNATURES = {b"\xff\xd8\xff": ".jpg", b"\x89PNG\r\n\x1a\n": ".png"}


class AnnotationWriter:
    """Writes pictures with their labels as a dataset into a folder; see `export_folder`.

    Pages are written upright, since a rotated 6 looks like a 9. JPEG and PNG files that show the upright page without
    their orientation tag are copied; other pictures become PNG files. A picture that occurs twice is written once, so
    that it cannot be in both splits; `skipped` has a line for it.
    """

    def __init__(self, folder: Path) -> None:
        self.skipped: list[str] = []
        self._folder = folder
        self._names = FileNames()
        self._seen: dict[bytes, str] = {}
        self._tasks: list[dict[str, Any]] = []
        for split in ANNOTATED_SPLITS:
            (folder / "images" / split).mkdir(parents=True, exist_ok=True)
            (folder / "labels" / split).mkdir(parents=True, exist_ok=True)

    def add(self, image: Image, reading: Reading) -> None:
        """Write a picture (H, W, 3) uint8 BGR with all digits that were read, also in unsure and unfit numbers."""
        upright = rotate_upright(image, reading.rotation)
        content, suffix = picture_file(upright, _original(reading))
        digest, title = hashlib.sha256(content).digest(), _title(reading)
        if digest in self._seen:
            self.skipped.append(f"{title}: the same picture as {self._seen[digest]}")
            return
        self._seen[digest] = title
        height, width = upright.shape[:2]
        digits = _labelled_digits(reading, width, height)
        classes, boxes = [int(digit.text) for digit, _ in digits], [box for _, box in digits]
        labels = format_labels(labels_from_xyxy(classes, boxes, width, height))
        name = f"{split_of(len(self._tasks))}/{self._names.name(reading)}"
        write_atomically(self._folder / f"images/{name}{suffix}", content)
        write_atomically(self._folder / f"labels/{name}.txt", labels)
        served = f"{self._folder.resolve().name}/images/{name}{suffix}"
        self._tasks.append(make_task(served, reading, digits, width, height))

    def close(self) -> None:
        """Write the other files, data.yaml last."""
        write_atomically(self._folder / "classes.txt", "".join(f"{name}\n" for name in CLASS_NAMES))
        write_atomically(self._folder / "label_config.xml", label_config())
        write_atomically(self._folder / "label_studio.json", json.dumps(self._tasks, indent=1) + "\n")
        write_data_file(self._folder, ANNOTATED_SPLITS)


def split_of(count: int) -> str:
    """Return the split of the picture that follows `count` others."""
    return "val" if count % _VAL_STRIDE == 1 else "train"


def picture_file(image: Image, original: bytes) -> tuple[bytes, str]:
    """Return content and suffix of a file that shows a picture (H, W, 3) uint8 BGR without an orientation tag: those
    of `original` if it is a JPEG or PNG with exactly these pixels, otherwise of a new PNG.
    """
    suffix = next((suffix for start, suffix in _SIGNATURES.items() if original.startswith(start)), None)
    if suffix:
        stored = decode_image(original, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if stored is not None and np.array_equal(stored, image):
            return original, suffix
    return encode_png(image), ".png"


def boxes_on_upright(boxes: Sequence[Box], rotation: int, width: int, height: int) -> list[Box | None]:
    """Convert xyxy boxes of a page rotated clockwise by 0, 90, 180 or 270 degrees to the upright page, which is `width`
    x `height` pixels: clipped and rounded to 0.01 pixels, None for boxes outside the page.
    """
    upright = clip_xyxy(rotate_boxes_back(boxes, -rotation % 360, width, height), width, height).round(2).tolist()
    return [
        (left, top, right, bottom) if min(right - left, bottom - top) >= _MIN_SIDE else None
        for left, top, right, bottom in upright
    ]


def _title(reading: Reading) -> str:
    page = f", page {reading.page}" if reading.pages > 1 else ""
    return escape_surrogates(reading.source or "a picture") + page


def _original(reading: Reading) -> bytes:
    """The bytes of the file that was read; empty if it has several pages or cannot be read again, such as stdin."""
    if reading.source is None or reading.pages > 1:
        return b""
    try:
        return Path(reading.source).read_bytes()
    except (OSError, ValueError):
        return b""


def _labelled_digits(reading: Reading, width: int, height: int) -> list[tuple[Digit, Box]]:
    """The digits with their boxes on the upright page of `width` x `height` pixels; of equal boxes only the first."""
    digits = [digit for number in reading.numbers for digit in number.digits]
    boxes = boxes_on_upright([digit.box for digit in digits], reading.rotation, width, height)
    found: dict[Box, tuple[Digit, Box]] = {}
    for digit, box in zip(digits, boxes, strict=True):
        if box is not None:
            found.setdefault(box, (digit, box))
    return list(found.values())
