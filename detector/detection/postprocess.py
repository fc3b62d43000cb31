"""Decoding of the network's output and non-maximum suppression, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitdet.common.boxes import covering_pairs, pair_iou
from digitdet.common.types import Boxes, Indices, Mask, Scores, Tensor

# A suppressed box is a duplicate, not a part of a digit or a box around two, from this IoU with the kept box on.
_DUPLICATE_IOU = 0.5


@dataclass(frozen=True)
class Detections:
    """Detected digits: `boxes` (N, 4) float32 xyxy in pixels, `scores` (N, 10) float32, one for every digit."""

    boxes: Boxes
    scores: Scores

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def best_scores(self) -> Scores:
        """The highest score of each box (N,)."""
        return self.scores.max(axis=1, initial=0)

    @property
    def labels(self) -> Indices:
        """The digit with the highest score of each box (N,)."""
        return self.scores.argmax(axis=1)

    def take(self, rows: Indices | Mask) -> Detections:
        """Return the detections in these rows."""
        return Detections(self.boxes[rows], self.scores[rows])


def decode(output: Tensor, min_score: float) -> Detections:
    """Decode the network's output (14, N) into detections in input pixels with a score of at least `min_score`."""
    scores = output[4:]
    kept = output[:, scores.max(axis=0, initial=0) >= min_score].T
    kept = kept[np.isfinite(kept).all(axis=1)]  # a damaged network may return anything
    centres, sizes = kept[:, :2], kept[:, 2:4]
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    return Detections(boxes, kept[:, 4:])


def non_max_suppression(detections: Detections, max_overlap: float) -> Detections:
    """Keep the best box of each place, over all classes together: one place, one digit.

    Overlap is that of `covering_pairs`, not IoU, which is low for a box in the hole of an 8. Above `max_overlap` the
    box with the lower score is suppressed. A kept box takes over the higher scores of its duplicates: a 7 that was also
    detected as a 1 has both scores. The kept boxes are returned, best score first.
    """
    order = np.argsort(-detections.best_scores, kind="stable")
    boxes, scores = detections.boxes[order], detections.scores[order]
    kept_by = _greedy_suppression(len(boxes), *covering_pairs(boxes, max_overlap))
    rows = np.arange(len(boxes))
    is_duplicate = pair_iou(boxes, rows, kept_by) >= _DUPLICATE_IOU
    np.maximum.at(scores, kept_by[is_duplicate], scores[is_duplicate])
    return Detections(boxes, scores).take(kept_by == rows)


def _greedy_suppression(count: int, first: Indices, second: Indices) -> Indices:
    """Return for each row, best score first, the best kept row that suppresses it, or itself if it is kept.

    In each round the undecided rows that overlap no better undecided row are kept, and all that they overlap are
    suppressed. `first` < `second` (P,) are the overlapping pairs.
    """
    is_kept, is_undecided = np.zeros(count, bool), np.ones(count, bool)
    above, below = first, second
    while len(above):
        is_below_another = np.zeros(count, bool)
        is_below_another[below] = True
        newly_kept = is_undecided & ~is_below_another
        is_kept |= newly_kept
        is_undecided &= is_below_another
        is_undecided[below[newly_kept[above]]] = False
        still = is_undecided[above] & is_undecided[below]
        above, below = above[still], below[still]
    is_kept |= is_undecided
    kept_by = np.where(is_kept, np.arange(count), count)
    suppresses = is_kept[first]
    np.minimum.at(kept_by, second[suppresses], first[suppresses])
    return kept_by
