"""Training squares of the proposal network."""

import numpy as np
import pytest

pytest.importorskip("torch")

from digitdet.detection.proposals import CELL
from digitdet.training.proposal_samples import SIDE, _cell_targets, draw_sample, seed_augmentation

CELLS = SIDE // CELL
GREY = np.full((SIDE, SIDE, 3), 114, np.uint8)


def targets(*boxes):
    return _cell_targets(np.array(boxes, float).reshape(-1, 4))


def test_the_cells_of_a_digit_have_its_height():
    is_digit, heights = targets((80, 160, 112, 224))  # 64 px high: four times the usual height
    rows, columns = np.nonzero(is_digit)
    assert (columns.min(), columns.max()) == (10, 13)
    assert (rows.min(), rows.max()) == (21, 26)  # without a tenth above and below
    assert (is_digit[rows, columns] == 1).all()
    assert (heights[rows, columns] == 2).all()


def test_a_digit_smaller_than_a_cell_has_one():
    is_digit, _heights = targets((100, 101, 103, 106))
    assert np.argwhere(is_digit == 1).tolist() == [[103 // CELL, 101 // CELL]]


@pytest.mark.parametrize("box", [(40, 40, 42, 43), (10, 10, 90, 110), (-30, 40, 10, 80)], ids=["tiny", "huge", "cut"])
def test_other_digits_do_not_count(box):
    assert set(np.unique(targets(box)[0])) == {-1, 0}


def test_digits_that_count_win_over_others():
    is_digit, _heights = targets((100, 100, 120, 140), (60, 60, 180, 180))
    assert is_digit[120 // CELL, 110 // CELL] == 1
    assert is_digit[80 // CELL, 80 // CELL] == -1


@pytest.mark.parametrize("size", [(90, 60), (700, 1000), (40, 2000)])
def test_squares_show_the_digits_at_their_cells(size):
    """Digits are white blocks on black: the cells of a digit are light, those far from digits are not."""
    image = np.zeros((*size, 3), np.uint8)
    box = (size[1] // 2, size[0] // 2, size[1] // 2 + 12, size[0] // 2 + 16)
    image[box[1] : box[3], box[0] : box[2]] = 255
    seed_augmentation(0)
    light, dark = [], []
    for seed in range(30):
        sample = draw_sample(image, np.float32([box]), np.zeros_like(GREY), np.random.default_rng(seed))
        assert sample.image.shape == (SIDE, SIDE, 3)
        means = sample.image.astype(float).mean(axis=2).reshape(CELLS, CELL, CELLS, CELL).mean(axis=(1, 3))
        if (sample.is_digit == 1).any() and means.mean() < 100:  # polarity varies
            light.append(means[sample.is_digit == 1].mean())
            dark.append(np.median(means[sample.is_digit == 0]))
    assert len(light) >= 15
    assert np.mean(light) > np.mean(dark) + 80


def test_the_same_seeds_draw_the_same_square():
    image = np.random.default_rng(1).integers(0, 255, (200, 300, 3)).astype(np.uint8)
    drawn = []
    for _ in range(2):
        seed_augmentation(5)
        drawn.append(draw_sample(image, np.float32([(20, 20, 40, 60)]), GREY, np.random.default_rng(3)))
    for name in ("image", "is_digit", "heights"):
        np.testing.assert_array_equal(getattr(drawn[0], name), getattr(drawn[1], name))


def test_pictures_without_digits_have_no_digit_cells():
    sample = draw_sample(
        np.zeros((300, 400, 3), np.uint8), np.zeros((0, 4), np.float32), GREY, np.random.default_rng(0)
    )
    assert not sample.is_digit.any()
