import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digitdet.common import boxes

BOXES = [[0, 0, 10, 20], [5, 5, 6, 6], [0.5, 1.25, 99.5, 50]]

# Corners on a grid of 1/16 px are exact in binary, so that sums and differences have no rounding error.
corner = st.integers(0, 16 * 400).map(lambda n: n / 16)
box_arrays = st.lists(st.tuples(corner, corner, corner, corner), max_size=8).map(
    lambda rows: np.array([[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in rows]).reshape(-1, 4)
)


@given(box_arrays, st.integers(1, 5000), st.integers(1, 5000))
def test_cxcywhn_round_trip(xyxy, width, height):
    parts = boxes.xyxy_to_cxcywhn(xyxy, width, height)
    assert np.allclose(boxes.cxcywhn_to_xyxy(parts, width, height), xyxy, atol=1e-9)


def test_yolo_format_by_hand():
    assert boxes.xyxy_to_cxcywhn([[20, 10, 60, 30]], width=200, height=100).tolist() == [[0.2, 0.2, 0.2, 0.2]]


@pytest.mark.parametrize(
    ("a", "b", "iou", "overlap"),
    [
        ([0, 0, 10, 10], [0, 0, 10, 10], 1, 1),
        ([0, 0, 10, 10], [10, 0, 20, 10], 0, 0),  # they touch
        ([0, 0, 10, 10], [5, 0, 15, 10], 1 / 3, 0.5),
        ([0, 0, 10, 10], [4, 4, 6, 6], 0.04, 1),  # one inside the other: IoU is small
        ([0, 0, 10, 10], [3, 3, 3, 3], 0, 0),  # an empty box overlaps nothing
        ([3, 3, 3, 3], [3, 3, 3, 3], 0, 0),
    ],
)
def test_overlap_measures(a, b, iou, overlap):
    assert boxes.iou([a], [b])[0, 0] == pytest.approx(iou)
    assert boxes.overlap([a], [b])[0, 0] == pytest.approx(overlap)
    assert boxes.overlap([b], [a])[0, 0] == pytest.approx(overlap)


def test_the_largest_overlaps_in_blocks(monkeypatch):
    monkeypatch.setattr(boxes, "_BLOCK", 3)
    a, b = (np.random.default_rng(seed).uniform(0, 20, (8, 4)).cumsum(axis=1) for seed in (0, 1))
    assert np.array_equal(boxes.largest_overlap(a, b), boxes.overlap(a, b).max(axis=1))
    assert np.array_equal(boxes.largest_iou(a, b), boxes.iou(a, b).max(axis=1))
    assert boxes.largest_overlap(a, []).tolist() == [0.0] * 8
    assert boxes.largest_iou([], b).shape == (0,)


def test_overlap_measures_of_many_and_no_boxes():
    assert boxes.iou(BOXES, []).shape == (3, 0)
    assert boxes.iou([], BOXES).shape == (0, 3)
    assert np.array_equal(np.diag(boxes.iou(BOXES, BOXES)), [1, 1, 1])
    assert boxes.area([[0, 0, 2, 3], [5, 5, 4, 4]]).tolist() == [6, 0]


def test_clip():
    assert boxes.clip_xyxy([[-5, -5, 50, 8], [60, 0, 70, 5]], 40, 10).tolist() == [[0, 0, 40, 8], [40, 0, 40, 5]]


@pytest.mark.parametrize("wrong", [[1, 2, 3, 4], [[1, 2, 3]], np.zeros((2, 2, 4))])
def test_wrong_shapes_are_rejected(wrong):
    with pytest.raises(ValueError, match=r"\(N, 4\)"):
        boxes.as_boxes(wrong)


@given(arrays(np.float64, (5, 4), elements=st.floats(0, 100)))
def test_inputs_are_not_changed(array):
    before = array.copy()
    boxes.clip_xyxy(array, 10, 10)
    boxes.iou(array, array)
    assert np.array_equal(array, before)


@given(st.integers(0, 2**32 - 1), st.integers(0, 500), st.floats(0.1, 80), st.floats(0.01, 100))
def test_near_pairs_contain_every_overlap_once(seed, count, spread, scale):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-300, 300, (count, 2))
    sizes = rng.uniform(1, 1 + spread, (count, 2)) * np.where(rng.random((count, 1)) < 0.02, 15, 1)
    xyxy = np.concatenate([corners, corners + sizes], axis=1) * scale
    first, second = boxes.near_pairs(xyxy)
    assert (first < second).all()
    pairs = set(zip(first.tolist(), second.tolist(), strict=True))
    assert len(pairs) == len(first)
    shared = boxes.intersection(xyxy, xyxy)
    assert {(i, j) for i, j in np.argwhere(shared > 0).tolist() if i < j} <= pairs
    assert np.allclose(boxes.pair_iou(xyxy, first, second), boxes.iou(xyxy, xyxy)[first, second])


def test_near_pairs_of_many_are_few():
    x, y = np.meshgrid(np.arange(0, 600, 15), np.arange(0, 600, 20))
    corners = np.stack([x.ravel(), y.ravel()], axis=1)
    pairs = boxes.near_pairs(np.concatenate([corners, corners + [12, 16]], axis=1))
    assert len(pairs[0]) < 10 * len(corners)


@pytest.mark.parametrize(
    ("a", "b", "cover"),
    [
        ([0, 0, 10, 20], [0, 0, 10, 20], 1.0),
        ([0, 0, 10, 20], [2, 5, 8, 9], 1.0),  # inside
        ([0, 0, 10, 20], [5, 0, 15, 20], 0.5),  # neighbours
        ([0, 0, 10, 20], [2, 4, 12, 24], 0.8),  # shifted diagonally: the shared area is 0.64 of a box
        ([0, 0, 10, 20], [1, 18, 9, 40], 0.1),  # one above the other
        ([0, 0, 10, 20], [20, 0, 30, 20], 0.0),
        ([0, 0, 0, 20], [0, 0, 10, 20], 0.0),  # empty
    ],
)
def test_covering_pairs(a, b, cover):
    for pair in ([a, b], [b, a]):
        assert len(boxes.covering_pairs(pair, cover + 0.01)[0]) == 0
        if cover:
            assert [rows.tolist() for rows in boxes.covering_pairs(pair, cover - 0.01)] == [[0], [1]]
