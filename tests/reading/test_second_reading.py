"""Which lines are read a second time, and what that changes."""

import numpy as np

from digitdet.common.characters import BLANK
from digitdet.reading.line_reader import Columns
from digitdet.reading.second_reading import decode_strips
from digitdet.reading.strips import COLUMN_WIDTH, cut_strip, line_strip

PAGE = np.full((60, 120, 3), 200, np.uint8)
STRIP = line_strip([[50, 10, 70, 50]], 0.0)


class Reader:
    """Stands in for a line reader that sees one digit, `width` times as wide as high, with these probabilities."""

    def __init__(self, digits, width=1.0):
        self.digits, self.edges, self.widths = digits, [0.4 * width, 0.4, 0.4 * width, 0.4], []

    def read(self, strips):
        self.widths += [strip.shape[1] for strip in strips]
        found = []
        for strip in strips:
            probabilities = np.full((-(-strip.shape[1] // COLUMN_WIDTH), BLANK + 1), 1e-6)
            probabilities[:, BLANK] = 1
            probabilities[2, BLANK] = 1e-6
            for digit, probability in self.digits.items():
                probabilities[2, digit] = probability
            log_probabilities = np.log(probabilities / probabilities.sum(axis=1, keepdims=True))
            found.append(Columns(log_probabilities, np.tile(self.edges, (len(probabilities), 1))))
        return found


def read(digits, again):
    first, second = Reader(digits), Reader(again)
    ((decoding, _),) = decode_strips(PAGE, [STRIP], first, second)
    assert len(first.widths) == 1
    return decoding.classes.tolist(), len(second.widths)


def test_a_certain_line_is_read_once():
    assert read({4: 0.99, 9: 0.01}, {9: 1}) == ([4], 0)


def test_an_uncertain_line_is_read_again_and_may_change():
    assert read({4: 0.55, 9: 0.45}, {4: 0.2, 9: 0.8}) == ([9], 1)
    assert read({4: 0.55, 9: 0.45}, {4: 0.5, 9: 0.5}) == ([4], 1)


def test_without_a_second_reader_every_line_is_read_once():
    ((decoding, _),) = decode_strips(PAGE, [STRIP], Reader({4: 0.55, 9: 0.45}))
    assert decoding.classes.tolist() == [4]


def test_the_stretched_picture_of_uncertain_narrow_digits_is_read_as_well():
    second = Reader({4: 0.2, 9: 0.8})
    for digits, width, widths in (
        ({4: 0.55, 9: 0.45}, 0.5, [STRIP.width, round(1.4 * STRIP.width)]),
        ({4: 0.55, 9: 0.45}, 0.9, [STRIP.width]),
        ({1: 0.55, 9: 0.45}, 0.3, [STRIP.width]),
        ({4: 1.0}, 0.5, []),
    ):
        second.widths.clear()
        decode_strips(PAGE, [STRIP], Reader(digits, width), second)
        assert second.widths == widths


def test_a_line_that_stays_doubtful_is_read_once_more_and_may_change():
    """On a strip in which the digits are smaller, and less slanted."""
    page = np.random.default_rng(0).integers(0, 255, PAGE.shape, dtype=np.uint8)
    answers = {STRIP.width: {4: 0.4, 9: 0.35, 7: 0.25}, round(0.9 * STRIP.width): {9: 1}}
    seen = []

    class Second(Reader):
        def read(self, strips):
            seen.extend(strips)
            return [column for strip in strips for column in Reader(answers[strip.shape[1]]).read([strip])]

    ((decoding, _),) = decode_strips(page, [STRIP], Reader({4: 0.55, 9: 0.45}), Second({}))
    assert decoding.classes.tolist() == [9]
    for strip, expected in zip(seen, (STRIP, STRIP.scaled_and_sheared(0.9, 0.12)), strict=True):
        np.testing.assert_array_equal(strip, cut_strip(page, expected))
