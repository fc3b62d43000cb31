"""What a detector proposes on labelled pictures, and what is there: the recogniser's training material."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import iou
from digitdet.common.files import write_atomically
from digitdet.datasets.formats.yolo import label_path, list_images, read_labels, read_picture
from digitdet.detection.recogniser import CLASSES
from digitdet.detection.search import MultiScaleDetector

NO_DIGIT = CLASSES - 1
UNCLEAR = -1
"""The label of a box that shares too much with a digit to be none, too little to be it: nothing is learnt from it."""

# Intersection over union with a true box from which a box holds its digit, and below which it holds none. Where the
# digit is thin, both boxes are taken for at least half as wide as high: a 1 with some ground beside it is still a 1.
_IS_DIGIT, _IS_NONE = 0.5, 0.3
_LEAST_WIDTH = 0.5  # of a box's height
_BATCH = 8


@dataclass(frozen=True)
class PictureProposals:
    """One picture: its true digits, `boxes` (N, 4) float32 xyxy and `digits` (N,) int8; and what the detector proposes,
    `proposed` (M, 4), `scores` (M, 10) float32 and what it holds, `labels` (M,) int8: 0 to 9, 10 for no digit, -1 for
    unclear.
    """

    path: Path
    boxes: npt.NDArray[np.float32]
    digits: npt.NDArray[np.int8]
    proposed: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int8]


def collect_proposals(
    finder: MultiScaleDetector, folder: Path, on_picture: Callable[[], object] = lambda: None, quick: bool = True
) -> list[PictureProposals]:
    """What the detector proposes on the labelled pictures of a folder; `quick` as in `MultiScaleDetector.propose`.

    Raises:
        DataError: A picture or its labels cannot be read.
    """
    paths = list_images(folder)
    found = []
    for start in range(0, len(paths), _BATCH):
        group = paths[start : start + _BATCH]
        images = [read_picture(path) for path in group]
        for path, image, proposals in zip(group, images, finder.propose(images, quick), strict=True):
            truth = read_labels(label_path(path))
            boxes = truth.xyxy(image.shape[1], image.shape[0]).astype(np.float32)
            digits = truth.classes.astype(np.int8)
            labels = label_boxes(proposals.boxes, boxes, digits)
            found.append(PictureProposals(path, boxes, digits, proposals.boxes, proposals.scores, labels))
            on_picture()
    return found


def label_boxes(
    boxes: npt.NDArray[np.floating], true_boxes: npt.NDArray[np.floating], digits: npt.NDArray[np.int8]
) -> npt.NDArray[np.int8]:
    """What boxes (M, 4) hold, given the true ones (N, 4) and their digits (N,): (M,) 0 to 9, 10 for no digit, -1 for
    unclear.
    """
    if not len(boxes) or not len(true_boxes):
        return np.full(len(boxes), NO_DIGIT, np.int8)
    is_thin = (true_boxes[:, 2] - true_boxes[:, 0]) < _LEAST_WIDTH * (true_boxes[:, 3] - true_boxes[:, 1])
    shared = np.where(is_thin, iou(widened(boxes), widened(true_boxes)), iou(boxes, true_boxes))
    best = shared.max(axis=1)
    labels = np.where(best >= _IS_DIGIT, digits[shared.argmax(axis=1)], UNCLEAR)
    return np.where(best < _IS_NONE, NO_DIGIT, labels).astype(np.int8)


def widened(boxes: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Boxes (N, 4) xyxy, those that are less than half as wide as high widened to that."""
    x0, y0, x1, y1 = boxes.T
    missing = np.maximum(_LEAST_WIDTH * (y1 - y0) - (x1 - x0), 0) / 2
    return np.stack([x0 - missing, y0, x1 + missing, y1], axis=1)


def save_proposals(path: Path, pictures: Sequence[PictureProposals]) -> None:
    """Write them to one .npz file."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        paths=np.array([str(one.path) for one in pictures]),
        true_counts=np.array([len(one.boxes) for one in pictures]),
        counts=np.array([len(one.proposed) for one in pictures]),
        boxes=np.concatenate([one.boxes for one in pictures]),
        digits=np.concatenate([one.digits for one in pictures]),
        proposed=np.concatenate([one.proposed for one in pictures]),
        scores=np.concatenate([one.scores for one in pictures]),
        labels=np.concatenate([one.labels for one in pictures]),
    )
    write_atomically(path, buffer.getvalue())


def load_proposals(path: Path) -> list[PictureProposals]:
    """What `save_proposals` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        true_ends, ends = np.cumsum(stored["true_counts"])[:-1], np.cumsum(stored["counts"])[:-1]
        columns = [
            np.split(stored[name], where)
            for name, where in (
                ("boxes", true_ends),
                ("digits", true_ends),
                ("proposed", ends),
                ("scores", ends),
                ("labels", ends),
            )
        ]
        paths = [Path(name) for name in stored["paths"].tolist()]
    return [PictureProposals(path, *rest) for path, *rest in zip(paths, *columns, strict=True)]
