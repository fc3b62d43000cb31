"""Raised and lowered digits beside numbers."""

import numpy as np
import pytest

from digitdet.reading.small_digits import find_small_digits


def row(count, size=40.0, left=0.0, top=0.0):
    """Boxes of digits side by side."""
    x = left + 0.8 * size * np.arange(count)
    return np.stack([x, np.full(count, top), x + 0.6 * size, np.full(count, top + size)], axis=1)


def small(boxes, labels=None, lines=None):
    boxes = np.concatenate(boxes)
    labels = np.full(len(boxes), 3) if labels is None else np.array(labels)
    lines = [np.arange(len(boxes))] if lines is None else [np.array(line, np.intp) for line in lines]
    return find_small_digits(boxes, labels, lines).tolist()


def tilted(boxes, slope):
    return [one + np.outer(one[:, [0, 2]].mean(axis=1) * slope, [0, 1, 0, 1]) for one in boxes]


@pytest.mark.parametrize("slope", [0.0, 0.15, -0.15])
@pytest.mark.parametrize("size", [9.0, 40.0, 300.0])
def test_a_raised_or_lowered_digit_behind_a_number_is_found(size, slope):
    number, end = row(4, size), 3.2 * size
    for top in (-0.05 * size, 0.6 * size):
        script = row(1, 0.55 * size, end, top)
        assert small(tilted([number, script], slope)) == [4]
        assert small(tilted([script - [end * 1.4, 0, end * 1.4, 0], number], slope)) == [0]


def test_a_raised_digit_far_from_the_number_is_found_as_a_line_of_its_own():
    number, unit = row(3), row(1, 22, 150)
    assert small([number, unit], lines=[[0, 1, 2], [3]]) == [3]
    assert small([number, unit + [300, 0, 300, 0]], lines=[[0, 1, 2], [3]]) == []


def test_other_small_digits_are_kept():
    number = row(4)
    assert small([number, row(2, 22, 128)]) == []  # cents
    assert small([number, row(1, 22, 128)], labels=[1, 2, 3, 4, 0]) == []  # a small zero
    assert small([number, row(1, 22, 128, top=18)]) == []  # on the same feet: a small decimal
    assert small([number, row(1, 34, 128)]) == []
    assert small([number[:2], row(1, 22, 64), row(3, 40, 80)]) == []  # between digits
    assert small([number, [[128, 0, 152, 22]]]) == []  # as wide as the others: cut off
    assert small([number, row(1, 22, 0, 70)], lines=[[0, 1, 2, 3], [4]]) == []  # on a line below


def test_a_page_without_digits_has_no_small_ones():
    assert small([np.zeros((0, 4))], lines=[]) == []
    assert small([np.zeros((0, 4))], lines=[[]]) == []
