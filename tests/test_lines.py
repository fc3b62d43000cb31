"""Boxes in, order out. Digits are 20 wide and 30 high unless a case says otherwise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.lines import group_digits

GAP = 0.6


def row(x, y, count, step=25, width=20, height=30):
    return [[x + i * step, y, x + i * step + width, y + height] for i in range(count)]


CASES = {
    "nothing": ([], []),
    "one digit": (row(5, 5, 1), [[0]]),
    "one number": (row(0, 0, 4), [[0, 1, 2, 3]]),
    "given from the right": (row(0, 0, 3)[::-1], [[2, 1, 0]]),
    "two numbers on a line": (row(0, 0, 2) + row(100, 0, 3), [[0, 1], [2, 3, 4]]),
    "gap of just over six tenths of the height parts": (row(0, 0, 1) + row(39, 0, 1), [[0], [1]]),
    "gap of just under six tenths does not": (row(0, 0, 1) + row(37, 0, 1), [[0, 1]]),
    "two lines": (row(0, 0, 3) + row(0, 50, 3), [[0, 1, 2], [3, 4, 5]]),
    "two lines, the lower given first": (row(0, 50, 3) + row(0, 0, 3), [[3, 4, 5], [0, 1, 2]]),
    "lower line starts further left": (row(40, 0, 2) + row(0, 50, 2), [[0, 1], [2, 3]]),
    "lines set tight": (row(0, 0, 3) + row(0, 33, 3), [[0, 1, 2], [3, 4, 5]]),
    "two lines of two numbers": (
        row(200, 45, 2) + row(0, 45, 2) + row(200, 0, 2) + row(0, 0, 2),
        [[6, 7], [4, 5], [2, 3], [0, 1]],
    ),
    "digits dance on the line": ([[0, 0, 20, 30], [25, 6, 45, 36], [50, -5, 70, 25]], [[0, 1, 2]]),
    "two pixels lower on a row is the same row": (row(0, 0, 2) + row(100, 2, 2), [[0, 1], [2, 3]]),
    "neighbours overlap": (row(0, 0, 4, step=17), [[0, 1, 2, 3]]),
    "narrow ones": ([[0, 0, 4, 30], [9, 0, 13, 30], [18, 0, 22, 30]], [[0, 1, 2]]),
    "wide ones in a row are not a column": (row(0, 0, 3, step=45, width=40, height=30), [[0, 1, 2]]),
    "a column of single digits": ([[0, 0, 20, 30], [0, 40, 20, 70], [0, 80, 20, 110]], [[0], [1], [2]]),
    "a tall digit beside two small lines": (
        [[0, 0, 40, 90]] + row(60, 5, 2, height=25) + row(60, 60, 2, height=25),
        [[0], [1, 2], [3, 4]],
    ),
    "a small last digit": ([[0, 0, 20, 30], [25, 0, 45, 30], [50, 12, 62, 30]], [[0, 1, 2]]),
    "a speck is no neighbour": ([[0, 0, 20, 30], [25, 10, 29, 16]], [[0], [1]]),
}


@pytest.mark.parametrize("name", CASES)
def test_by_hand(name):
    boxes, expected = CASES[name]
    assert group_digits(boxes, GAP) == expected


def page(seed):
    """A random page of up to 4 lines with up to 3 numbers each, and what it says."""
    rng = np.random.default_rng(seed)
    boxes, numbers, y = [], [], 0.0
    for _ in range(int(rng.integers(1, 5))):
        height, x = rng.uniform(20, 60), rng.uniform(0, 100)
        for _ in range(int(rng.integers(1, 4))):
            number = []
            for _ in range(int(rng.integers(1, 7))):
                width, size = height * rng.uniform(0.4, 0.8), height * rng.uniform(0.9, 1.1)
                top = y + height * rng.uniform(-0.05, 0.05)
                number.append(len(boxes))
                boxes.append([x, top, x + width, top + size])
                x += width + height * rng.uniform(-0.05, 0.35)
            numbers.append(number)
            x += height * rng.uniform(1.0, 2.5)
        y += height * rng.uniform(1.4, 2.2)
    return np.array(boxes), numbers


def turned(boxes, degrees):
    """The boxes moved as their page turns; they stay upright, as a detector's boxes do."""
    angle = np.radians(degrees)
    centres, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centres = centres @ matrix.T
    return np.concatenate([centres - halves, centres + halves], axis=1)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shuffle=st.randoms(use_true_random=False))
def test_any_order_of_the_boxes(seed, shuffle):
    boxes, numbers = page(seed)
    order = list(range(len(boxes)))
    shuffle.shuffle(order)
    found = group_digits(boxes[order], GAP)
    assert [[order[i] for i in number] for number in found] == numbers


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(0.05, 50),
    shift=st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000)),
)
def test_any_scale_and_place(seed, scale, shift):
    boxes, numbers = page(seed)
    assert group_digits(boxes * scale + [*shift, *shift], GAP) == numbers


def test_mild_skew():
    pages = [page(seed) for seed in range(300)]
    # A page needs a number of some length, or nothing on it shows the angle.
    pages = [(boxes, numbers) for boxes, numbers in pages if max(map(len, numbers)) >= 4]
    assert len(pages) > 200
    right = [group_digits(turned(boxes, angle), GAP) == numbers for boxes, numbers in pages for angle in (-8, -4, 4, 8)]
    assert np.mean(right) > 0.97
