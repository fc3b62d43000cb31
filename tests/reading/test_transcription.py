"""Which strips the digits of a page give, and which digits are evidence on them."""

import numpy as np
import pytest

from digitdet.common.characters import BLANK
from digitdet.detection.postprocess import Detections
from digitdet.reading.calibration import LatticeWeights
from digitdet.reading.line_reader import Columns
from digitdet.reading.strips import COLUMN_WIDTH, STRIP_HEIGHT
from digitdet.reading.transcription import place_strips, transcribe

WIDTH, HEIGHT = 400, 300
LINE = [(100 + 30 * place, 100, 120 + 30 * place, 140, 0.9) for place in range(4)]


def digits(*found):
    """Detections from (x0, y0, x1, y1, score); all are sevens."""
    scores = np.full((len(found), 10), 0.01, np.float32)
    scores[:, 7] = [one[4] for one in found]
    return Detections(np.float32([one[:4] for one in found]).reshape(-1, 4), scores)


def rows(*found):
    return [sorted(one.rows.tolist()) for one in place_strips(digits(*found), WIDTH, HEIGHT)]


def test_a_line_has_one_strip():
    (placed,) = place_strips(digits(*LINE), WIDTH, HEIGHT)
    assert placed.rows.tolist() == [0, 1, 2, 3]
    corners = placed.strip.points_to_strip(np.array([[100.0, 100.0], [210.0, 140.0]]))
    assert (corners > 0).all()
    assert (corners < [placed.strip.width, STRIP_HEIGHT]).all()


def test_distant_digits_of_a_line_are_on_two_strips():
    assert rows(*LINE[:2], (330, 100, 350, 140, 0.9), (360, 100, 380, 140, 0.9)) == [[0, 1], [2, 3]]


def test_weak_digits_count_on_the_strip_of_a_line_only():
    assert rows(*LINE, (222, 100, 240, 140, 0.06), (220, 200, 240, 240, 0.06)) == [[0, 1, 2, 3, 4]]


def test_weak_digits_extend_a_line_but_are_none_of_their_own():
    assert rows(LINE[0], (70, 95, 88, 135, 0.15)) == [[0, 1]]
    assert rows(*LINE, (46, 97, 64, 137, 0.15), (220, 200, 240, 240, 0.15)) == [[0, 1, 2, 3, 4]]
    assert rows((60, 130, 78, 170, 0.15), (90, 130, 108, 170, 0.15)) == []


def is_read(lone, seen, *others, size=(WIDTH, HEIGHT)):
    """Whether a digit is read as a line of its own, where the line reader sees the digit `seen` in every line."""
    (placed,) = place_strips(digits(lone), WIDTH, HEIGHT)
    middle = placed.strip.points_to_strip(np.array([[(lone[0] + lone[2]) / 2, (lone[1] + lone[3]) / 2]]))[0, 0]
    reader = OneDigitReader(int(middle // COLUMN_WIDTH), seen)
    page = np.full((size[1], size[0], 3), 255, np.uint8)
    return len(transcribe(page, digits(*others, lone), reader)) > len(transcribe(page, digits(*others), reader))


@pytest.mark.parametrize(("score", "seen", "is_line"), [(0.5, 3, False), (0.5, 7, True), (0.8, 3, True)])
def test_a_digit_that_is_alone_needs_a_higher_score_beside_a_line_or_the_line_reader(score, seen, is_line):
    lone = (40, 220, 60, 260, score)
    assert is_read(lone, seen, *LINE) == is_line
    assert is_read(lone, seen)


@pytest.mark.parametrize(
    ("score", "seen", "is_line"), [(0.7, 3, False), (0.22, 7, False), (0.7, 7, True), (0.9, 3, True)]
)
def test_a_digit_that_is_small_on_its_page_needs_a_higher_score_or_the_line_reader(score, seen, is_line):
    lone = (40, 220, 60, 260, score)
    assert is_read(lone, seen, size=(1200, 900)) == is_line


def test_a_doubtful_raised_digit_is_no_line_beside_its_number():
    price = [(60, 130, 100, 210, 0.9), (110, 130, 150, 210, 0.9)]
    assert rows(*price, (158, 126, 168, 146, 0.5)) == [[0, 1]]
    assert rows(*price, (158, 126, 168, 146, 0.8)) == [[0, 1], [2]]


def test_half_a_digit_on_a_drum_is_no_line_of_its_own():
    assert rows(*LINE, (190, 124, 210, 150, 0.9)) == [[0, 1, 2, 3, 4]]


def test_strips_end_at_the_borders_of_the_page_and_tight_ones_reach_them():
    near_border = [(x0 - 98, y0, x1 - 98, y1, score) for x0, y0, x1, y1, score in LINE]
    for found, is_tight in ((near_border, False), ([(x0, 30, x1, 270, s) for x0, _, x1, _, s in LINE], True)):
        (placed,) = place_strips(digits(*found), WIDTH, HEIGHT)
        left, right = placed.strip.points_to_page(np.array([[0.0, 16.0], [placed.strip.width, 16.0]]))[:, 0]
        scale = placed.strip.to_strip[0, 0]
        assert left >= -2.5 / scale
        assert right <= WIDTH + 2.5 / scale
        assert not is_tight or (left <= 0 and right >= WIDTH)


def test_of_several_tight_lines_side_by_side_each_has_its_own_strip():
    found = [(x0 + shift, 5, x1 + shift, 45, s) for shift in (0, 400, 800) for x0, _, x1, _, s in LINE]
    placed = place_strips(digits(*found), 1200, 50)
    assert [one.rows.tolist() for one in placed] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert all(one.strip.width < 32 * 400 / 50 for one in placed)


def test_a_low_page_without_digits_is_a_strip():
    (placed,) = place_strips(digits(), WIDTH, 100)
    corners = placed.strip.points_to_strip(np.array([[0.0, 0.0], [WIDTH, 100.0]]))
    assert (corners >= 0).all()
    assert (corners <= [placed.strip.width, STRIP_HEIGHT]).all()
    assert place_strips(digits(), WIDTH, HEIGHT) == []
    assert place_strips(digits(), 20_000, 40) == []  # no number is that long
    assert transcribe(np.zeros((HEIGHT, WIDTH, 3), np.uint8), digits(), OneDigitReader(0)) == []


class OneDigitReader:
    """Stands in for a line reader that sees one digit in every line, and nothing else."""

    weights = LatticeWeights()

    def __init__(self, column, digit=3):
        self._column, self._digit = column, digit

    def read(self, strips):
        found = []
        for strip in strips:
            probabilities = np.full((-(-strip.shape[1] // COLUMN_WIDTH), BLANK + 1), 1e-4)
            probabilities[:, BLANK] = 1
            probabilities[self._column, [self._digit, BLANK]] = 0.99, 0.01
            log_probabilities = np.log(probabilities / probabilities.sum(axis=1, keepdims=True))
            found.append(Columns(log_probabilities, np.full((len(probabilities), 4), 0.2)))
        return found


def test_the_line_reader_says_which_digit_a_box_is():
    page = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    first = digits((100, 100, 120, 140, 0.6))
    (placed,) = place_strips(first, WIDTH, HEIGHT)
    middle = placed.strip.points_to_strip(np.array([[110.0, 120.0]]))[0, 0]
    (lattice,) = transcribe(page, first, OneDigitReader(int(middle // COLUMN_WIDTH)))
    (slot,) = [one for one in lattice.slots if one.box == (100, 100, 120, 140)]
    assert slot.probabilities.argmax() == 3
    assert slot.probabilities[7] > slot.probabilities[5]
