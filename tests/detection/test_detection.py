"""From picture to input and from output to boxes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.common.boxes import covering_pairs, iou
from digitdet.detection.fusion import fuse_passes
from digitdet.detection.letterbox import letterbox
from digitdet.detection.postprocess import Detections, decode, non_max_suppression


@settings(max_examples=60, deadline=None)
@given(width=st.integers(1, 700), height=st.integers(1, 700), side=st.sampled_from([64, 320, 640]))
def test_letterbox_and_back(width, height, side):
    image = np.zeros((height, width, 3), np.uint8)
    tensor, box = letterbox(image, side)
    assert tensor.dtype == np.float32
    assert tensor.shape[:2] == (1, 3)
    assert all(length % 32 == 0 and length < side + 32 for length in tensor.shape[2:])
    assert max(tensor.shape[2:]) >= side
    boxes = np.float32([[0, 0, width, height], [width * 0.25, height * 0.5, width * 0.75, height]])
    assert np.allclose(
        box.to_picture(boxes * np.float32(box.scale * 2) + np.float32(box.offset * 2)),
        boxes,
        atol=1e-3 * max(width, height),
    )


def test_a_strip_is_not_padded_to_a_square():
    assert letterbox(np.zeros((100, 640, 3), np.uint8), 320)[0].shape == (1, 3, 64, 320)


def test_pixels_land_where_the_boxes_say():
    """A white block on black, found again in the input by its brightness."""
    image = np.zeros((300, 500, 3), np.uint8)
    image[90:150, 200:310] = 255
    tensor, box = letterbox(image, 320)
    ys, xs = np.nonzero(tensor[0, 0] > 0.75)
    found = np.float32([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]])
    assert np.abs(box.to_picture(found) - [200, 90, 310, 150]).max() <= 1.6  # one input pixel is 1.56 of these


def test_channels_become_rgb():
    tensor, _ = letterbox(np.full((320, 320, 3), (10, 20, 30), np.uint8), 320)
    assert np.allclose(tensor[0, :, 5, 5] * 255, [30, 20, 10])


def test_padding_is_grey():
    tensor, box = letterbox(np.zeros((10, 320, 3), np.uint8), 320)
    assert box.offset == (0, 11)
    assert np.allclose(tensor[0, :, 0, 0] * 255, 114)


def test_boxes_are_cut_at_the_picture():
    _, box = letterbox(np.zeros((100, 200, 3), np.uint8), 320)
    assert box.to_picture(np.float32([[-50, -50, 900, 900]])).tolist() == [[0, 0, 200, 100]]


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
    result = non_max_suppression(decode(raw, 0.25), 0.5)
    found = result.digits
    assert len(found) == len(result.suppressed) == len(result.suppressed_by) == 0
    assert found.boxes.shape == (0, 4)
    assert found.scores.shape == (0, 10)
    assert found.labels.shape == (0,)


def test_one_place_one_digit_across_classes():
    """A digit seen both as 7 and as 1: the classic double reading."""
    found = decode(output((50, 40, 20, 30, {1: 0.6}), (51, 40, 20, 30, {7: 0.8}), (75, 40, 20, 30, {2: 0.5})), 0.25)
    kept = non_max_suppression(found, 0.5).digits
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
    assert result.digits.labels.tolist() == kept
    assert (result.suppressed.labels.tolist(), result.suppressed_by.tolist()) == ([8 - kept[0]], [0])
    assert np.count_nonzero(result.digits.scores) == 1  # another box, not the same one: its classes stay its own


def test_overlapping_neighbours_stay():
    found = decode(output((50, 40, 20, 30, {1: 0.6}), (62, 40, 20, 30, {7: 0.8})), 0.25)  # they share 8 of 20
    assert len(non_max_suppression(found, 0.5).digits) == 2


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
    result = non_max_suppression(found, 0.5)
    assert result.digits.labels.tolist() == [2, 4]
    assert result.suppressed.labels.tolist() == [1, 1]
    assert result.suppressed_by.tolist() == [1, 1]


def test_passes_that_agree_are_averaged():
    """Two passes see one digit, unsure whether 3 or 5; a third box is seen by one pass only."""
    first = decode(output((50, 40, 20, 30, {3: 0.6, 5: 0.4}), (90, 40, 20, 30, {1: 0.6})), 0.1)
    second = decode(output((51, 41, 20, 30, {3: 0.2, 5: 0.8})), 0.1)
    fused = fuse_passes([first, second], scales=[1, 1])
    assert len(fused) == 3
    assert fused.scores[:, [1, 3, 5]] == pytest.approx(np.float32([[0, 0.4, 0.6], [0.3, 0, 0], [0, 0.4, 0.6]]))
    assert non_max_suppression(fused, 0.5).digits.labels.tolist() == [5, 1]


def test_one_pass_stays_as_it_is():
    found = decode(output((50, 40, 20, 30, {3: 0.6})), 0.1)
    assert np.array_equal(fuse_passes([found], [0.5]).scores, found.scores)
    assert np.array_equal(fuse_passes([found], [0.5]).boxes, found.boxes)


@pytest.mark.parametrize(("height", "expected"), [(150, 7), (20, 1)])
def test_the_pass_at_the_better_scale_counts_more(height, expected):
    """The pass that shrinks the picture says 7, the one that enlarges it says 1, both as sure."""
    shrunk = decode(output((200, 200, height / 2, height, {7: 0.8})), 0.1)
    enlarged = decode(output((200, 200, height / 2, height, {1: 0.8})), 0.1)
    assert non_max_suppression(fuse_passes([shrunk, enlarged], scales=[0.4, 1.5]), 0.5).digits.labels.tolist() == [
        expected
    ]


def test_passes_that_find_nothing():
    nothing = decode(np.zeros((14, 0), np.float32), 0.1)
    assert len(fuse_passes([nothing, nothing], [1, 2])) == 0
    found = decode(output((50, 40, 20, 30, {3: 0.6})), 0.1)
    assert fuse_passes([nothing, found], [1, 1]).best_scores == pytest.approx([0.3])


def test_fusing_changes_no_input():
    found = decode(output((50, 40, 20, 30, {3: 0.6})), 0.1)
    before = found.scores.copy()
    fuse_passes([found, found], [1, 2])
    assert np.array_equal(found.scores, before)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_kept_boxes_do_not_overlap_and_others_overlap_a_kept_one(seed, limit):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 100, (30, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(5, 40, (30, 2))], axis=1).astype(np.float32)
    found = Detections(boxes, rng.uniform(0, 1, (30, 10)).astype(np.float32))
    result = non_max_suppression(found, limit)
    kept = result.digits
    assert len(covering_pairs(kept.boxes, limit)[0]) == 0
    assert (np.diff(kept.best_scores) <= 0).all()
    lost = [box for box in found.boxes if not (box == kept.boxes).all(axis=1).any()]
    assert all(cover(box, kept.boxes).max() > limit for box in lost)
    for box, row in zip(result.suppressed.boxes, result.suppressed_by, strict=True):
        assert cover(box, kept.boxes[[row]]).item() > limit
        assert iou(box[None], kept.boxes[[row]]).item() < 0.5


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
    kept = []
    for row in np.argsort(-found.best_scores, kind="stable"):
        if not kept or cover(boxes[row], boxes[kept]).max() <= 0.6:
            kept.append(row)
    assert np.array_equal(non_max_suppression(found, 0.6).digits.boxes, boxes[kept].reshape(-1, 4))
