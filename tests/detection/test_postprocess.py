"""Decoding of the network's output and non-maximum suppression."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.common.boxes import covering_pairs, iou
from digitdet.detection.postprocess import Detections, decode, non_max_suppression


def output(*rows):
    """The network's output (14, N) from (cx, cy, w, h, {digit: score})."""
    result = np.zeros((14, len(rows)), np.float32)
    for i, (*box, scores) in enumerate(rows):
        result[:4, i] = box
        for digit, score in scores.items():
            result[4 + digit, i] = score
    return result


def test_decode_by_hand():
    found = decode(output((50, 40, 20, 30, {7: 0.9, 1: 0.4}), (10, 10, 4, 4, {3: 0.2})), min_score=0.25)
    assert found.boxes.tolist() == [[40, 25, 60, 55]]
    assert found.labels.tolist() == [7]
    assert found.best_scores.tolist() == pytest.approx([0.9])
    assert found.scores[0, 1] == pytest.approx(0.4)  # the second-best score is kept


@pytest.mark.parametrize("raw", [np.zeros((14, 0), np.float32), output((5, 5, 2, 2, {1: 0.1}))])
def test_nothing_found(raw):
    found = non_max_suppression(decode(raw, 0.25), 0.5)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == (0, 10)
    assert found.labels.shape == (0,)


def test_one_place_one_digit_across_classes():
    """A digit seen both as 7 and as 1: the classic double reading."""
    found = decode(output((50, 40, 20, 30, {1: 0.6}), (51, 40, 20, 30, {7: 0.8}), (75, 40, 20, 30, {2: 0.5})), 0.25)
    kept = non_max_suppression(found, 0.5)
    assert kept.labels.tolist() == [7, 2]
    assert kept.scores[0, [1, 7]] == pytest.approx([0.6, 0.8])  # the other class keeps its score


@pytest.mark.parametrize(
    ("inner", "outer", "kept"),
    [(0.6, 0.8, [8]), (0.8, 0.6, [0])],
)
def test_a_box_inside_another_is_suppressed(inner, outer, kept):
    """The hole of an 8 read as 0; their IoU is only 0.1."""
    found = decode(output((50, 40, 8, 10, {0: inner}), (50, 40, 26, 34, {8: outer})), 0.25)
    result = non_max_suppression(found, 0.5)
    assert result.labels.tolist() == kept
    assert np.count_nonzero(result.scores) == 1  # another box, not the same one: its classes stay its own


def test_overlapping_neighbours_stay():
    found = decode(output((50, 40, 20, 30, {1: 0.6}), (62, 40, 20, 30, {7: 0.8})), 0.25)  # they share 8 of 20
    assert len(non_max_suppression(found, 0.5)) == 2


def test_two_digits_in_one_broad_box():
    found = decode(
        output(
            (50, 40, 30, 30, {4: 0.6}),
            (43, 40, 12, 30, {1: 0.5}),
            (57, 40, 12, 30, {1: 0.4}),
            (90, 40, 9, 30, {2: 0.9}),
        ),
        0.25,
    )
    kept = non_max_suppression(found, 0.5)
    assert kept.labels.tolist() == [2, 4]
    assert np.count_nonzero(kept.scores) == 2  # halves of the broad box, not the same box


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_kept_boxes_do_not_overlap_and_others_overlap_a_kept_one(seed, limit):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 100, (30, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(5, 40, (30, 2))], axis=1).astype(np.float32)
    found = Detections(boxes, rng.uniform(0, 1, (30, 10)).astype(np.float32))
    kept = non_max_suppression(found, limit)
    assert len(covering_pairs(kept.boxes, limit)[0]) == 0
    assert (np.diff(kept.best_scores) <= 0).all()
    lost = [box for box in found.boxes if not (box == kept.boxes).all(axis=1).any()]
    assert all(cover(box, kept.boxes).max() > limit for box in lost)


def cover(box, others):
    """How far one box lies on each of the others: along each axis, and the smaller of the two."""
    shared = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shorter = np.minimum(box[2:] - box[:2], others[:, 2:] - others[:, :2])
    return np.clip(shared / shorter, 0, 1).min(axis=1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 400), st.floats(1, 60))
def test_suppression_equals_the_greedy_loop(seed, count, spread):
    """Against the plain greedy loop over all boxes, for few boxes and for many."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 600, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(5, 5 + spread, (count, 2))], axis=1).astype(np.float32)
    found = Detections(boxes, rng.uniform(0, 1, (count, 10)).astype(np.float32))
    kept, scores = [], []
    for row in np.argsort(-found.best_scores, kind="stable"):
        covered = cover(boxes[row], boxes[kept]) > 0.6 if kept else np.zeros(0, bool)
        if not covered.any():
            kept.append(row)
            scores.append(found.scores[row])
        elif iou(boxes[[row]], boxes[[kept[covered.argmax()]]]).item() >= 0.5:  # a duplicate
            scores[covered.argmax()] = np.maximum(scores[covered.argmax()], found.scores[row])
    result = non_max_suppression(found, 0.6)
    assert np.array_equal(result.boxes, boxes[kept].reshape(-1, 4))
    assert np.array_equal(result.scores, np.reshape(scores, (-1, 10)))
