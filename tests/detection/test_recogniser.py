"""The recogniser and its crops."""

import cv2
import numpy as np
import pytest

from digitdet.detection.detector import OnnxDetector
from digitdet.detection.recogniser import SIDE, ZOOM, cut_crops


def picture(width, height, *blocks):
    """A black picture with white blocks (x0, y0, x1, y1)."""
    image = np.zeros((height, width, 3), np.uint8)
    for x0, y0, x1, y1 in blocks:
        image[y0:y1, x0:x1] = 255
    return image


@pytest.mark.parametrize("scale", [1, 3, 16])
def test_a_box_fills_its_part_of_the_crop_at_any_size(scale):
    box = np.array([40, 30, 52, 54]) * scale
    crop = cut_crops(picture(120 * scale, 90 * scale, box), np.float32([box]))[0]
    half_height, half_width = SIDE / ZOOM / 2, SIDE / ZOOM / 4
    rows, columns = np.nonzero(crop[:, :, 0] > 127)
    for channel in (crop[:, :, 0] > 127, crop[:, :, 3] == 255):
        rows, columns = np.nonzero(channel)
        assert abs(rows.min() - (SIDE / 2 - half_height)) <= 1
        assert abs(rows.max() + 1 - (SIDE / 2 + half_height)) <= 1
        assert abs(columns.min() - (SIDE / 2 - half_width)) <= 1
        assert abs(columns.max() + 1 - (SIDE / 2 + half_width)) <= 1


def test_crops_of_a_picture_and_of_the_picture_enlarged_are_alike():
    rng = np.random.default_rng(0)
    small = cv2.GaussianBlur(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8), (0, 0), 2)
    boxes = np.float32([[20, 10, 44, 50], [50, 20, 60, 44]])
    large = cv2.resize(small, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    difference = np.abs(cut_crops(small, boxes).astype(int) - cut_crops(large, boxes * 4))
    assert difference.mean() < 2


def test_border_pixels_are_repeated_beyond_the_picture():
    image = np.full((40, 40, 3), (10, 20, 30), np.uint8)
    crop = cut_crops(image, np.float32([[-10, -10, 12, 30]]))[0]
    assert (crop[:, :, :3] == (10, 20, 30)).all()


@pytest.mark.parametrize("box", [(5, 5, 5, 5), (5, 5, 6, 40), (0, 0, 80, 60), (79, 59, 80, 60)])
def test_odd_boxes(box):
    crops = cut_crops(picture(80, 60), np.float32([box]))
    assert crops.shape == (1, SIDE, SIDE, 4)
    assert crops[0, :, :, 3].any()


def test_no_boxes():
    assert cut_crops(picture(8, 8), np.zeros((0, 4), np.float32)).shape == (0, SIDE, SIDE, 4)


def test_the_picture_is_not_changed():
    image = picture(90, 60, (10, 10, 20, 40))
    before = image.copy()
    cut_crops(image, np.float32([[10, 10, 20, 40]]))
    assert (image == before).all()


def test_the_shipped_recogniser_tells_digits_from_background():
    """Digits as a pen draws them, dark and light, and what is no digit: a plain background, a frame, a stroke."""
    recogniser = OnnxDetector().recogniser
    image = np.full((100, 400, 3), 230, np.uint8)
    boxes = []
    for place, digit in enumerate("27580"):
        x = 20 + 70 * place
        cv2.putText(image, digit, (x, 70), cv2.FONT_HERSHEY_SIMPLEX, 1.8, (40, 40, 40), 4)
        (width, height), _ = cv2.getTextSize(digit, cv2.FONT_HERSHEY_SIMPLEX, 1.8, 4)
        boxes.append((x, 70 - height, x + width, 70))
    for seen in (image, 255 - image):
        probabilities = recogniser.recognise(seen, np.float32(boxes))
        assert probabilities.argmax(axis=1).tolist() == [2, 7, 5, 8, 0]
        assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-4)
    assert recogniser.recognise(image, np.zeros((0, 4), np.float32)).shape == (0, 11)
    assert recogniser.recognise(np.full((60, 60, 3), 200, np.uint8), np.float32([[20, 10, 40, 50]])).argmax() == 10
