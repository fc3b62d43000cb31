import cv2
import numpy as np
import pytest

from digitdet.reading.strips import MARGIN, STRIP_HEIGHT, cut_strip, line_strip, whole_strip

BOXES = [[40, 60, 60, 100], [70, 60, 90, 100], [100, 60, 120, 100]]


def _turned(boxes, degrees):
    """Boxes of the same size, their middles turned clockwise around the first one's."""
    boxes = np.array(boxes, float)
    middles, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middles = (middles - middles[0]) @ turn + middles[0]
    return np.concatenate([middles - halves, middles + halves], axis=1)


@pytest.mark.parametrize("angle", [0, 12, -25])
@pytest.mark.parametrize("slant", [0, 0.3])
def test_points_come_back_exactly(angle, slant):
    strip = line_strip(_turned(BOXES, angle), angle, slant)
    points = np.random.default_rng(0).uniform(0, 200, (50, 2))
    assert np.allclose(strip.points_to_page(strip.points_to_strip(points)), points, atol=1e-9)


@pytest.mark.parametrize("angle", [0, 10, -20])
def test_digits_stand_level_in_the_middle_with_room_at_both_ends(angle):
    boxes = _turned(BOXES, angle)
    strip = line_strip(boxes, angle)
    middles = strip.points_to_strip((boxes[:, :2] + boxes[:, 2:]) / 2)
    assert np.allclose(middles[:, 1], STRIP_HEIGHT / 2, atol=0.2)
    digit_height = STRIP_HEIGHT / (1 + 2 * MARGIN)
    assert middles[0, 0] > 0.6 * digit_height
    assert strip.width - middles[-1, 0] > 0.6 * digit_height


@pytest.mark.parametrize("angle", [0, 15])
def test_a_strip_shows_most_of_the_drum_beside_the_outer_ones(angle):
    """The first and the last drum of a counter, which the detector may have missed, are as far apart as the others."""
    drums = _turned([[90 * i, 100, 90 * i + 30, 150] for i in range(6)], angle)
    strip = line_strip(drums[1:-1], angle)
    ends = strip.points_to_strip(drums[[0, -1]].reshape(-1, 2, 2).mean(axis=1))[:, 0]
    half = 15 / 50 * STRIP_HEIGHT / (1 + 2 * MARGIN)
    assert ends[0] > 0.6 * half
    assert ends[1] < strip.width - 0.6 * half
    assert line_strip(drums[1:3], angle).width < 2 * strip.width / 3  # the distance of two may be chance


def test_upright_boxes_come_back():
    strip = line_strip(BOXES, 0)
    corners = np.concatenate([strip.points_to_strip(np.array(BOXES, float)[:, at : at + 2]) for at in (0, 2)], axis=1)
    assert np.allclose(strip.boxes_to_page(corners), BOXES)


@pytest.mark.parametrize("size", [0.4, 1, 7])
@pytest.mark.parametrize("angle", [0, 15])
def test_pixels_lie_where_the_map_says(size, angle):
    boxes = _turned(np.array(BOXES) * size, angle)
    strip = line_strip(boxes, angle)
    place = np.array([92.0, 85.0]) * size  # a dot between the second and the third digit
    page = np.zeros((int(220 * size), int(220 * size), 3), np.uint8)
    rows, columns = np.indices(page.shape[:2]) + 0.5
    page[:] = (255 * np.exp(-((columns - place[0]) ** 2 + (rows - place[1]) ** 2) / (2 * (5 * size) ** 2)))[..., None]
    cut = cut_strip(page, strip)[:, :, 0].astype(float)
    assert cut.shape == (STRIP_HEIGHT, strip.width)
    rows, columns = np.indices(cut.shape) + 0.5
    found = np.array([(columns * cut).sum(), (rows * cut).sum()]) / cut.sum()
    assert np.allclose(found, strip.points_to_strip(place[None])[0], atol=0.15)


def test_leaning_digits_are_sheared_back():
    page = np.zeros((200, 200, 3), np.uint8)
    for x in (50, 80, 110):  # their tops lean 0.3 heights to the right
        cv2.line(page, (x - 6, 100), (x + 6, 60), (255, 255, 255), 3)
    boxes = [[x - 8, 58, x + 8, 102] for x in (50, 80, 110)]
    upright, leaning = (cut_strip(page, line_strip(boxes, 0, slant))[:, :, 0].sum(axis=0) for slant in (0.3, 0))
    assert upright.max() > 2 * leaning.max()


def test_a_strip_is_scaled_and_sheared_around_its_middle_line():
    boxes = [[50, 10, 70, 50], [80, 10, 100, 50]]
    strip = line_strip(boxes, 4.0)
    smaller = strip.scaled_and_sheared(0.5, 0.25)
    middle, quarter = STRIP_HEIGHT / 2, STRIP_HEIGHT / 4
    shown = strip.points_to_page(np.array([[20.0, 0], [20.0, middle], [20.0, STRIP_HEIGHT]]))
    moved = 0.25 * quarter  # a quarter of the height, above and below the middle line
    expected = [[10 - moved, quarter], [10, middle], [10 + moved, middle + quarter]]
    np.testing.assert_allclose(smaller.points_to_strip(shown), expected)
    assert smaller.width == round(strip.width / 2)
    sheared = line_strip(boxes, 4.0, slant=0.25)
    np.testing.assert_allclose(strip.scaled_and_sheared(1.0, 0.25).to_strip, sheared.to_strip)


def test_a_whole_page_as_a_strip():
    strip = whole_strip(300, 64)
    corners = strip.points_to_strip(np.array([[0.0, 0.0], [300.0, 64.0]]))
    assert (corners > 0).all()
    assert (corners < [strip.width, STRIP_HEIGHT]).all()
    assert np.allclose(corners.sum(axis=0), [strip.width, STRIP_HEIGHT], atol=0.5)  # in the middle
    page = np.random.default_rng(0).integers(0, 255, (64, 300, 3)).astype(np.uint8)
    assert (cut_strip(page, strip)[:, 0] == cut_strip(page, strip)[:, 1]).all()  # the border repeats
