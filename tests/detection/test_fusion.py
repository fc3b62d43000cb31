"""Score fusion of several passes."""

import numpy as np
import pytest

from digitdet.detection.fusion import fuse_passes
from digitdet.detection.postprocess import Detections, non_max_suppression


def detections(*rows):
    """Detections from (cx, cy, w, h, {digit: score})."""
    centres = np.float32([row[:2] for row in rows]).reshape(-1, 2)
    sizes = np.float32([row[2:4] for row in rows]).reshape(-1, 2)
    scores = np.zeros((len(rows), 10), np.float32)
    for row, (*_, found) in enumerate(rows):
        scores[row, list(found)] = list(found.values())
    return Detections(np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1), scores)


def test_passes_that_agree_are_averaged():
    """Two passes see one digit, unsure whether 3 or 5; a third box is seen by one pass only."""
    first = detections((50, 40, 20, 30, {3: 0.6, 5: 0.4}), (90, 40, 20, 30, {1: 0.6}))
    second = detections((51, 41, 20, 30, {3: 0.2, 5: 0.8}))
    fused = fuse_passes([first, second], scales=[1, 1])
    assert len(fused) == 3
    assert fused.scores[:, [1, 3, 5]] == pytest.approx(np.float32([[0, 0.4, 0.6], [0.3, 0, 0], [0, 0.4, 0.6]]))
    assert non_max_suppression(fused, 0.5).labels.tolist() == [5, 1]


def test_one_pass_stays_as_it_is():
    found = detections((50, 40, 20, 30, {3: 0.6}))
    assert np.array_equal(fuse_passes([found], [0.5]).scores, found.scores)
    assert np.array_equal(fuse_passes([found], [0.5]).boxes, found.boxes)


@pytest.mark.parametrize(("height", "expected"), [(150, 7), (20, 1)])
def test_the_pass_at_the_better_scale_counts_more(height, expected):
    """The pass that shrinks the picture says 7, the one that enlarges it says 1, both as sure."""
    shrunk = detections((200, 200, height / 2, height, {7: 0.8}))
    enlarged = detections((200, 200, height / 2, height, {1: 0.8}))
    assert non_max_suppression(fuse_passes([shrunk, enlarged], scales=[0.4, 1.5]), 0.5).labels.tolist() == [expected]


def test_passes_that_find_nothing():
    nothing = detections()
    assert len(fuse_passes([nothing, nothing], [1, 2])) == 0
    found = detections((50, 40, 20, 30, {3: 0.6}))
    assert fuse_passes([nothing, found], [1, 1]).best_scores == pytest.approx([0.3])


def test_fusing_changes_no_input():
    found = detections((50, 40, 20, 30, {3: 0.6}))
    before = found.scores.copy()
    fuse_passes([found, found], [1, 2])
    assert np.array_equal(found.scores, before)
