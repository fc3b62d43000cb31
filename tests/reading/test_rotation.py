"""Rotated pages: turned upright, boxes mapped back, the rotation chosen."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitdet.detection.detector import OnnxDetector
from digitdet.detection.letterbox import letterbox
from digitdet.detection.postprocess import Detections, decode, non_max_suppression
from digitdet.imaging.images import load_image
from digitdet.reading.rotation import (
    ROTATIONS,
    RotationChoice,
    choose_rotation,
    rotate_boxes_back,
    rotate_upright,
    upside_down_text,
)

_CLOCKWISE = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def found(*best_scores, label=6):
    """Digits in a row, with these best_scores."""
    scores = np.zeros((len(best_scores), 10), np.float32)
    scores[:, label] = best_scores
    return Detections(
        np.float32([[30 * i, 0, 30 * i + 20, 30] for i in range(len(best_scores))]).reshape(-1, 4), scores
    )


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_rotate_upright_undoes_a_clockwise_rotation(rotation):
    page = np.random.default_rng(0).integers(0, 256, (7, 11, 3)).astype(np.uint8)
    rotated = cv2.rotate(page, _CLOCKWISE[rotation]) if rotation else page
    assert np.array_equal(rotate_upright(rotated, rotation), page)


@given(
    rotation=st.sampled_from(ROTATIONS),
    size=st.tuples(st.integers(2, 60), st.integers(2, 60)),
    corners=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_boxes_are_mapped_back_with_their_pixels(rotation, size, corners):
    """The pixels in a box of the upright page are those in its box of the rotated page."""
    height, width = size
    picture = np.arange(height * width * 3).astype(np.uint8).reshape(height, width, 3)
    page = rotate_upright(picture, rotation)
    x0, y0 = (int(corner * (side - 1)) for corner, side in zip(corners[:2], page.shape[1::-1], strict=True))
    x1 = x0 + 1 + int(corners[2] * (page.shape[1] - 1 - x0))
    y1 = y0 + 1 + int(corners[3] * (page.shape[0] - 1 - y0))
    (a0, b0, a1, b1) = rotate_boxes_back([(x0, y0, x1, y1)], rotation, width, height)[0].astype(int)
    assert np.array_equal(rotate_upright(picture[b0:b1, a0:a1], rotation), page[y0:y1, x0:x1])


@given(rotation=st.sampled_from(ROTATIONS), corners=st.lists(st.tuples(*[st.integers(0, 100)] * 4), max_size=5))
def test_rotating_boxes_there_and_back_is_the_identity(rotation, corners):
    boxes = np.array([(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners], float).reshape(-1, 4)
    width, height = (200, 120)
    page_size = (height, width) if rotation in (90, 270) else (width, height)
    rotated = rotate_boxes_back(boxes, rotation, width, height)
    assert np.array_equal(rotate_boxes_back(rotated, -rotation % 360, *page_size), boxes)


def test_no_boxes():
    assert rotate_boxes_back([], 90, 10, 20).shape == (0, 4)


@pytest.mark.parametrize("rotation", [45, -90, 360])
def test_other_angles_are_refused(rotation):
    with pytest.raises(ValueError, match="0, 90, 180 or 270"):
        rotate_upright(np.zeros((2, 2, 3), np.uint8), rotation)
    with pytest.raises(ValueError, match="0, 90, 180 or 270"):
        rotate_boxes_back([], rotation, 2, 2)


@pytest.mark.parametrize(
    ("candidates", "choice"),
    [
        ({0: found(0.9, 0.9), 90: found(0.4), 180: found(0.3), 270: found()}, RotationChoice(0, False)),
        ({0: found(0.3), 90: found(0.9, 0.9), 180: found(), 270: found(0.5)}, RotationChoice(90, False)),
        ({0: found(), 90: found(0.6), 180: found(), 270: found(0.9, 0.8)}, RotationChoice(270, False)),
        ({0: found(0.8, 0.8), 90: found(), 180: found(0.8, 0.7), 270: found()}, RotationChoice(0, True)),
        # A sure 3 shows which way is up, an unsure one does not.
        ({0: found(0.8, label=3), 90: found(), 180: found(0.7), 270: found()}, RotationChoice(0, False)),
        ({0: found(0.4, label=3), 90: found(), 180: found(0.4), 270: found()}, RotationChoice(0, True)),
        # Hardly more evidence upside down: 0.
        ({0: found(0.80), 90: found(), 180: found(0.82), 270: found()}, RotationChoice(0, True)),
        ({0: found(0.6), 90: found(), 180: found(0.9), 270: found()}, RotationChoice(180, False)),
        ({0: found(0.7), 90: found(), 180: found(0.9), 270: found()}, RotationChoice(180, True)),
        ({0: found(), 90: found(*[0.19] * 50), 180: found(), 270: found(0.4)}, RotationChoice(270, False)),
        # Many unsure digits weigh less than few sure ones.
        ({0: found(*[0.3] * 5), 90: found(0.9), 180: found(), 270: found()}, RotationChoice(90, False)),
        ({0: found(), 90: found(), 180: found(), 270: found()}, RotationChoice(0, False)),
        ({0: found(), 90: found(0.5), 180: found(), 270: found(0.5)}, RotationChoice(90, True)),
        ({0: found(0.5)}, RotationChoice(0, False)),
        ({}, RotationChoice(0, False)),
    ],
)
def test_choice(candidates, choice):
    assert choose_rotation(candidates) == choice
    assert choose_rotation(dict(reversed(candidates.items()))) == choice


@pytest.mark.parametrize(
    ("text", "other"),
    [("0", "0"), ("6", "9"), ("9", "6"), ("1968", "8961"), ("108", "801"), ("0060", "0900"), ("2", None), ("5", None),
     ("163", None), ("47", None), ("16-8", "8-91"), ("6:09/1", "1/60:9"), ("-16", None), ("1.9", None), ("", None)],
)  # fmt: skip
def test_upside_down(text, other):
    assert upside_down_text(text) == other
    assert other is None or upside_down_text(other) == text


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_a_real_page(rotation):
    detector = OnnxDetector()
    page = load_image(Path(__file__).parents[2] / "examples" / "page.jpg")
    rotated = cv2.rotate(page, _CLOCKWISE[rotation]) if rotation else page
    candidates = {}
    for tried in ROTATIONS:
        tensor, box = letterbox(rotate_upright(rotated, tried), 352)
        digits = non_max_suppression(decode(detector.detect(tensor)[0], 0.2), 0.6)
        candidates[tried] = Detections(box.to_picture(digits.boxes), digits.scores)
    assert choose_rotation(candidates) == RotationChoice(rotation, False)
