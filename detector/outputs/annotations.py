"""What was read as a dataset, so that a person can correct it and the detector be trained on it.

data.yaml, images/{train,val}/, labels/{train,val}/     the YOLO layout, see `digitdet.datasets.formats.yolo`
classes.txt                                             the names of the classes, a line each
label_studio.json, label_config.xml                     the same boxes as predictions for Label Studio
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from digitdet.common.types import CLASS_NAMES, Box, Image
from digitdet.datasets.formats.yolo import format_labels, labels_from_xyxy, write_data_file
from digitdet.outputs.dataset_pictures import ANNOTATED_SPLITS, boxes_on_upright, picture_file, split_of
from digitdet.outputs.export_folder import ExportFolder
from digitdet.outputs.formats import written
from digitdet.outputs.label_studio import label_config, make_task
from digitdet.outputs.names import FileNames
from digitdet.reading.results import Digit, Reading
from digitdet.reading.rotation import rotate_upright

TASKS_FILE, CONFIG_FILE, CLASSES_FILE = "label_studio.json", "label_config.xml", "classes.txt"


class AnnotationWriter:
    """Writes the pictures that it is given with their labels, and the files that make a dataset of them at the end.

    The pictures are written as a person sees them, and a page that lies turned is set upright: a 6 on its head would
    teach the detector that a 9 is a 6. A JPEG or PNG file that shows just that to a program that knows nothing of
    orientation is copied, for any other a PNG is made. A picture that was there before is left out, since in two splits
    it would flatter every score; `skipped` has a line for it.

    Args:
        folder: A folder that is missing or empty; made if it is missing.

    Raises:
        DataError: There is something in the folder already, or it is a file.
    """

    def __init__(self, folder: Path) -> None:
        self.skipped: list[str] = []
        self._folder = ExportFolder(folder)
        self._names = FileNames()
        self._seen: dict[bytes, str] = {}
        self._tasks: list[dict[str, Any]] = []
        for split in ANNOTATED_SPLITS:
            (folder / "images" / split).mkdir(parents=True)
            (folder / "labels" / split).mkdir(parents=True)

    def add(self, image: Image, reading: Reading) -> None:
        """Write a picture (H, W, 3) uint8 BGR with the digits that were read in it, those of unsure and unfit numbers,
        too.

        Raises:
            OSError: The folder cannot be written.
        """
        upright = rotate_upright(image, reading.rotation)
        content, suffix = picture_file(upright, _original(reading))
        digest, shown = hashlib.sha256(content).digest(), _shown(reading)
        if digest in self._seen:
            self.skipped.append(f"{shown}: the same picture as {self._seen[digest]}")
            return
        self._seen[digest] = shown
        height, width = upright.shape[:2]
        digits = _labelled_digits(reading, width, height)
        classes, boxes = [int(digit.text) for digit, _ in digits], [box for _, box in digits]
        name = f"{split_of(len(self._tasks))}/{self._names.name(reading)}"
        picture = f"images/{name}{suffix}"
        self._folder.write(picture, content)
        self._folder.write(f"labels/{name}.txt", format_labels(labels_from_xyxy(classes, boxes, width, height)))
        served = f"{self._folder.path.resolve().name}/{picture}"
        self._tasks.append(make_task(served, reading, digits, width, height))

    def close(self) -> None:
        """Write the other files, data.yaml last; call it in any case, so that an interrupted run is of use, too.

        Raises:
            OSError: The folder cannot be written.
        """
        self._folder.write(CLASSES_FILE, "".join(f"{name}\n" for name in CLASS_NAMES))
        self._folder.write(CONFIG_FILE, label_config())
        self._folder.write(TASKS_FILE, json.dumps(self._tasks, indent=1) + "\n")
        write_data_file(self._folder.path, ANNOTATED_SPLITS)


def _shown(reading: Reading) -> str:
    """What to call a picture in a message."""
    page = f", page {reading.page}" if reading.pages > 1 else ""
    return written(reading.source or "a picture") + page


def _original(reading: Reading) -> bytes:
    """The bytes of the file that was read; none if it cannot be read again, as from stdin, or holds several pages."""
    if reading.source is None or reading.pages > 1:
        return b""
    try:
        return Path(reading.source).read_bytes()
    except (OSError, ValueError):
        return b""


def _labelled_digits(reading: Reading, width: int, height: int) -> list[tuple[Digit, Box]]:
    """The digits with their boxes on the upright page of `width` x `height` pixels, as far as these lie in it; of
    several with the same box only the first.
    """
    digits = [digit for number in reading.numbers for digit in number.digits]
    boxes = boxes_on_upright([digit.box for digit in digits], reading.rotation, width, height)
    found: dict[Box, tuple[Digit, Box]] = {}
    for digit, box in zip(digits, boxes, strict=True):
        if box is not None:
            found.setdefault(box, (digit, box))
    return list(found.values())
