"""The detector's proposals on labelled pictures, with their labels: the training data of the recogniser."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from digitdet.common.boxes import iou
from digitdet.common.files import write_atomically
from digitdet.common.types import Boxes, Indices, Scores
from digitdet.datasets.formats.yolo import label_path, list_images, read_labels, read_picture
from digitdet.detection.recogniser import CLASSES
from digitdet.detection.search import MultiScaleDetector

BACKGROUND = CLASSES - 1
"""Label of a box without a digit."""

UNCLEAR = -1
"""Label of a box that overlaps a digit too much for background and too little for the digit; not used in training."""

# Intersection over union with a true box from which a proposal has its label, and below which it is background. Where
# the true box is narrow, as of a 1, both boxes are widened to half their height first.
_DIGIT_IOU, _BACKGROUND_IOU = 0.5, 0.3
_MIN_ASPECT = 0.5
_BATCH = 8
# By column of the .npz file, the column with the number of its rows for each picture.
_COUNTS = dict.fromkeys(("boxes", "digits"), "true_counts") | dict.fromkeys(("proposed", "scores", "labels"), "counts")


@dataclass(frozen=True)
class PictureProposals:
    """A picture: its true boxes (N, 4) and their digits (N,) int8, and proposals (M, 4) with scores and labels.

    `scores` are (M, 10); `labels` (M,) int8 are 0 to 9, `BACKGROUND` or `UNCLEAR`. Boxes and scores are float32.
    """

    path: Path
    boxes: Boxes
    digits: Indices
    proposed: Boxes
    scores: Scores
    labels: Indices


def collect_proposals(
    detector: MultiScaleDetector, folder: Path, on_picture: Callable[[], object]
) -> list[PictureProposals]:
    """Run the detector on the labelled pictures of a folder, and label its proposals."""
    paths = list_images(folder)
    collected = []
    for start in range(0, len(paths), _BATCH):
        group = paths[start : start + _BATCH]
        images = [read_picture(path) for path in group]
        for path, image, proposals in zip(group, images, detector.propose(images, quick=True), strict=True):
            truth = read_labels(label_path(path))
            boxes = truth.xyxy(image.shape[1], image.shape[0]).astype(np.float32)
            digits = truth.classes.astype(np.int8)
            labels = label_boxes(proposals.boxes, boxes, digits)
            collected.append(PictureProposals(path, boxes, digits, proposals.boxes, proposals.scores, labels))
            on_picture()
    return collected


def label_boxes(boxes: Boxes, true_boxes: Boxes, digits: Indices) -> Indices:
    """Label boxes (M, 4) by the true boxes (N, 4) with their digits (N,): (M,) 0 to 9, `BACKGROUND` or `UNCLEAR`."""
    if not len(boxes) or not len(true_boxes):
        return np.full(len(boxes), BACKGROUND, np.int8)
    is_narrow = (true_boxes[:, 2] - true_boxes[:, 0]) < _MIN_ASPECT * (true_boxes[:, 3] - true_boxes[:, 1])
    overlaps = np.where(is_narrow, iou(widened(boxes), widened(true_boxes)), iou(boxes, true_boxes))
    best = overlaps.max(axis=1)
    labels = np.where(best >= _DIGIT_IOU, digits[overlaps.argmax(axis=1)], UNCLEAR)
    return np.where(best < _BACKGROUND_IOU, BACKGROUND, labels).astype(np.int8)


def widened(boxes: Boxes) -> Boxes:
    """Widen boxes (N, 4) that are less than half as wide as high to half their height."""
    x0, y0, x1, y1 = boxes.T
    missing = np.maximum(_MIN_ASPECT * (y1 - y0) - (x1 - x0), 0) / 2
    return np.stack([x0 - missing, y0, x1 + missing, y1], axis=1)


def save_proposals(path: Path, pictures: Sequence[PictureProposals]) -> None:
    """Write proposals to an .npz file, atomically."""
    columns: dict[str, Any] = {name: np.concatenate([getattr(one, name) for one in pictures]) for name in _COUNTS}
    buffer = io.BytesIO()
    np.savez(
        buffer,
        paths=np.array([str(one.path) for one in pictures]),
        true_counts=np.array([len(one.boxes) for one in pictures]),
        counts=np.array([len(one.proposed) for one in pictures]),
        **columns,
    )
    write_atomically(path, buffer.getvalue())


def load_proposals(path: Path) -> list[PictureProposals]:
    """Read what `save_proposals` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        columns = [np.split(stored[name], np.cumsum(stored[counts])[:-1]) for name, counts in _COUNTS.items()]
        paths = [Path(name) for name in stored["paths"].tolist()]
    return [PictureProposals(path, *rest) for path, *rest in zip(paths, *columns, strict=True)]
