"""Score fusion: of several passes, and of the detector with the recogniser."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitdet.detection import fusion
from digitdet.detection.fusion import fuse_passes, fuse_scores
from digitdet.detection.postprocess import Detections, non_max_suppression

probabilities = st.floats(0.0, 1.0)


def recognised(digit, probability, nothing):
    """(1, 11): `probability` for one digit, `nothing` for none, the rest spread over the others."""
    row = np.full(11, (1 - probability - nothing) / 9, np.float32)
    row[digit], row[10] = probability, nothing
    return row[None]


def test_by_hand(monkeypatch):
    monkeypatch.setattr(fusion, "_CLASS_WEIGHT", 1.0)
    monkeypatch.setattr(fusion, "_OBJECTNESS_WEIGHT", 0.5)
    scores = np.full((1, 10), 0.2, np.float32)
    scores[0, 7] = 0.8
    both = fuse_scores(scores, recognised(7, 0.6, 0.2))
    # odds: 4 from the detector; 0.6 of the 0.8 for any digit; the root of 0.8 against 0.2
    assert both[0, 7] / (1 - both[0, 7]) == pytest.approx(4 * 0.75 * 2, rel=1e-4)


def test_uniform_probabilities_do_not_change_the_order():
    scores = np.random.default_rng(0).uniform(0.01, 0.99, (20, 10)).astype(np.float32)
    both = fuse_scores(scores, np.full((20, 11), 1 / 11, np.float32))
    assert (np.argsort(both.ravel()) == np.argsort(scores.ravel())).all()


def test_the_recogniser_can_change_the_digit():
    scores = np.full((1, 10), 0.02, np.float32)
    scores[0, [1, 7]] = 0.6, 0.4
    assert fuse_scores(scores, recognised(7, 0.9, 0.01)).argmax() == 7
    assert fuse_scores(scores, recognised(1, 0.9, 0.01)).argmax() == 1


@given(probabilities, probabilities)
def test_the_fused_score_rises_with_both(one, other):
    low, high = sorted([one, other])
    scores = np.full((2, 10), 0.1, np.float32)
    scores[:, 3] = low, high
    both = fuse_scores(scores, np.concatenate([recognised(3, 0.9 * low, 0.1), recognised(3, 0.9 * high, 0.1)]))
    assert both[0, 3] <= both[1, 3]
    assert np.isfinite(both).all()
    assert ((both >= 0) & (both <= 1)).all()


def test_no_boxes():
    none = fuse_scores(np.zeros((0, 10), np.float32), np.zeros((0, 11), np.float32))
    assert none.shape == (0, 10)
    assert none.dtype == np.float32


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
    assert non_max_suppression(fused, 0.5).digits.labels.tolist() == [5, 1]


def test_one_pass_stays_as_it_is():
    found = detections((50, 40, 20, 30, {3: 0.6}))
    assert np.array_equal(fuse_passes([found], [0.5]).scores, found.scores)
    assert np.array_equal(fuse_passes([found], [0.5]).boxes, found.boxes)


@pytest.mark.parametrize(("height", "expected"), [(150, 7), (20, 1)])
def test_the_pass_at_the_better_scale_counts_more(height, expected):
    """The pass that shrinks the picture says 7, the one that enlarges it says 1, both as sure."""
    shrunk = detections((200, 200, height / 2, height, {7: 0.8}))
    enlarged = detections((200, 200, height / 2, height, {1: 0.8}))
    assert non_max_suppression(fuse_passes([shrunk, enlarged], scales=[0.4, 1.5]), 0.5).digits.labels.tolist() == [
        expected
    ]


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
