"""Score fusion: the mean of several passes over one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitdet.common.boxes import near_pairs, pair_iou
from digitdet.common.types import Boxes, Indices
from digitdet.detection.postprocess import Detections

# The network classifies digits best at about this height in input pixels. The weight of a pass is a Gaussian of the
# logarithm of the height.
_BEST_HEIGHT = 36.0
_HEIGHT_SPREAD = 0.6  # standard deviation of the logarithm of the height

_MATCH_IOU = 0.5  # boxes of two passes match from this intersection over union on


def fuse_passes(passes: Sequence[Detections], scales: Sequence[float]) -> Detections:
    """Average the scores of several passes over one picture, after NMS within each pass.

    A box gets the weighted mean of its own scores and those of the matching box in each other pass, 0 where none
    matches. `scales` are the input pixels per picture pixel of each pass. The boxes of all passes are returned.
    """
    boxes = np.concatenate([found.boxes for found in passes])
    own = np.concatenate([found.scores for found in passes])
    pass_of = np.repeat(np.arange(len(passes)), [len(found) for found in passes])
    heights = np.maximum(boxes[:, 3] - boxes[:, 1], 1)[:, None]
    weights = np.exp(-((np.log(heights * np.array(scales)) - np.log(_BEST_HEIGHT)) ** 2) / (2 * _HEIGHT_SPREAD**2))
    scores = own * weights[np.arange(len(boxes)), pass_of][:, None]
    rows, matches = _matching_boxes(boxes, pass_of)
    for other in range(len(passes)):  # within one pass a row has at most one match: no addition is lost
        found = pass_of[matches] == other
        scores[rows[found]] += weights[rows[found], other][:, None] * own[matches[found]]
    # All weights may vanish for heights far from the best one.
    return Detections(boxes, (scores / (weights.sum(axis=1, keepdims=True) + 1e-12)).astype(np.float32))


def _matching_boxes(boxes: Boxes, pass_of: Indices) -> tuple[Indices, Indices]:
    """Return pairs of rows: a box, and the box of another pass that matches it best."""
    first, second = near_pairs(boxes)
    across = pass_of[first] != pass_of[second]
    first, second = first[across], second[across]
    ious = pair_iou(boxes, first, second)
    is_match = ious >= _MATCH_IOU
    rows = np.concatenate([first[is_match], second[is_match]])
    matches = np.concatenate([second[is_match], first[is_match]])
    # Of several matches in one pass the one with the highest IoU comes first in this order.
    order = np.lexsort((-np.tile(ious[is_match], 2), pass_of[matches], rows))
    rows, matches = rows[order], matches[order]
    _, best = np.unique(rows * (pass_of.max(initial=0) + 1) + pass_of[matches], return_index=True)
    return rows[best], matches[best]
