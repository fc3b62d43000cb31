"""Which lines are read a second time, and what that changes."""

import numpy as np

from digitdet.common.characters import BLANK
from digitdet.reading.line_reader import Columns
from digitdet.reading.second_reading import decode_strips
from digitdet.reading.strips import COLUMN_WIDTH, line_strip

PAGE = np.full((60, 120, 3), 200, np.uint8)
STRIP = line_strip([[50, 10, 70, 50]], 0.0)


class Reader:
    """Stands in for a line reader that sees one digit with these probabilities."""

    def __init__(self, digits):
        self.digits, self.count = digits, 0

    def read(self, strips):
        self.count += len(strips)
        found = []
        for strip in strips:
            probabilities = np.full((-(-strip.shape[1] // COLUMN_WIDTH), BLANK + 1), 1e-6)
            probabilities[:, BLANK] = 1
            probabilities[2, BLANK] = 1e-6
            for digit, probability in self.digits.items():
                probabilities[2, digit] = probability
            log_probabilities = np.log(probabilities / probabilities.sum(axis=1, keepdims=True))
            found.append(Columns(log_probabilities, np.full((len(probabilities), 4), 0.2)))
        return found


def read(digits, again):
    first, second = Reader(digits), Reader(again)
    ((decoding, _),) = decode_strips(PAGE, [STRIP], first, second)
    assert first.count == 1
    return decoding.classes.tolist(), second.count


def test_a_certain_line_is_read_once():
    assert read({4: 0.99, 9: 0.01}, {9: 1}) == ([4], 0)


def test_an_uncertain_line_is_read_again_and_may_change():
    assert read({4: 0.55, 9: 0.45}, {4: 0.2, 9: 0.8}) == ([9], 1)
    assert read({4: 0.55, 9: 0.45}, {4: 0.5, 9: 0.5}) == ([4], 1)


def test_without_a_second_reader_every_line_is_read_once():
    ((decoding, _),) = decode_strips(PAGE, [STRIP], Reader({4: 0.55, 9: 0.45}))
    assert decoding.classes.tolist() == [4]
