"""Which lines are read a second time, and what that changes."""

import numpy as np

from digitdet.common.characters import BLANK
from digitdet.reading.line_reader import Columns
from digitdet.reading.second_reading import decode_strips
from digitdet.reading.strips import COLUMN_WIDTH, line_strip

PAGE = np.full((60, 120, 3), 200, np.uint8)
STRIP = line_strip([[50, 10, 70, 50]], 0.0)


class Reader:
    """Stands in for a line reader that sees one digit; each call takes the next probabilities of the digits."""

    def __init__(self, *calls):
        self.calls, self.counts = list(calls), []

    def read(self, strips):
        self.counts.append(len(strips))
        digits = self.calls.pop(0) if strips else {}
        found = []
        for strip in strips:
            probabilities = np.full((-(-strip.shape[1] // COLUMN_WIDTH), BLANK + 1), 1e-6)
            probabilities[:, BLANK] = 1
            probabilities[2, BLANK] = 1e-6
            for digit, probability in digits.items():
                probabilities[2, digit] = probability
            log_probabilities = np.log(probabilities / probabilities.sum(axis=1, keepdims=True))
            found.append(Columns(log_probabilities, np.full((len(probabilities), 4), 0.2)))
        return found


def read(*calls):
    reader = Reader(*calls)
    ((decoding, _),) = decode_strips(PAGE, [STRIP], reader)
    return decoding.classes.tolist(), reader.counts


def test_a_certain_line_is_read_once():
    assert read({4: 0.99, 9: 0.01}) == ([4], [1, 0])


def test_an_uncertain_line_is_read_again_and_may_change():
    assert read({4: 0.55, 9: 0.45}, {4: 0.2, 9: 0.8}) == ([9], [1, 2])
    assert read({4: 0.55, 9: 0.45}, {4: 0.5, 9: 0.5}) == ([4], [1, 2])
