"""Boxes in, order out. Digits are 20 wide and 30 high unless a case says otherwise."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.reading.lines import find_lines


def number(x, y, count, pitch=25.0, width=20.0, height=30.0):
    """A number of `count` digits from x, y on, `pitch` from one to the next."""
    return [[x + i * pitch, y, x + i * pitch + width, y + height] for i in range(count)]


def spread(x, y, widths, gap=5.0, height=30.0):
    """A number whose digits have these widths, with the same free space between them."""
    lefts = x + np.cumsum([0, *widths[:-1]]) + gap * np.arange(len(widths))
    return [[left, y, left + width, y + height] for left, width in zip(lefts, widths, strict=True)]


def on_drums(x, y, widths, pitch, height=30.0):
    """A number whose digits have these widths, in the middles of windows `pitch` apart."""
    return [[x + i * pitch - w / 2, y, x + i * pitch + w / 2, y + height] for i, w in enumerate(widths)]


def lowered(boxes, *downs):
    """Each digit moved down by its own distance."""
    return [[x0, y0 + down, x1, y1 + down] for (x0, y0, x1, y1), down in zip(boxes, downs, strict=True)]


def arc(radius, angles, width=20.0, height=30.0):
    """Digits on a circle, by degrees clockwise from its top: boxes stay upright."""
    middles = [(radius * np.sin(a), -radius * np.cos(a)) for a in np.radians(angles)]
    return [[x - width / 2, y - height / 2, x + width / 2, y + height / 2] for x, y in middles]


def cells(xs, y):
    """Numbers of one digit each."""
    return [number(x, y, 1) for x in xs]


# A page is what is written on it, number by number, in reading order.
PAGES = {
    "nothing": [],
    "one digit": [number(5, 5, 1)],
    "one number": [number(0, 0, 4)],
    "two digits": [number(0, 0, 2)],
    "left of the picture's edge and above it": [number(-50, -20, 3)],
    "twenty digits in one number": [number(0, 0, 20)],
    # Several numbers on a line
    "two numbers": [number(0, 0, 2), number(100, 0, 3)],
    "a single digit after a number": [number(0, 0, 4), number(140, 0, 1)],
    "a single digit before a number": [number(0, 0, 1), number(60, 0, 4)],
    "five numbers": [number(i * 130, 0, 3) for i in range(5)],
    "a telephone number with wide spaces": [number(0, 0, 3), number(105, 0, 3), number(210, 0, 4)],
    "two digits far apart": [number(0, 0, 1), number(150, 0, 1)],
    "two pixels lower is the same line": [number(0, 0, 2), number(100, 2, 2)],
    "far apart on one line": [number(0, 0, 3), number(900, 3, 3)],
    "numbers of two sizes on one foot": [number(0, 0, 3), number(120, 12, 3, pitch=15, width=12, height=18)],
    # Marks that no box shows
    "an amount, its thousand dot missing": [number(0, 0, 1) + number(33, 0, 3)],
    "an amount, its decimal point missing": [number(0, 0, 3) + number(84, 0, 2)],
    "a date, its dots missing": [number(0, 0, 2) + number(58, 0, 2) + number(116, 0, 4)],
    "a date, its slashes missing": [number(0, 0, 2) + number(62, 0, 2) + number(124, 0, 2)],
    "a time, its colon missing": [number(0, 0, 2) + number(58, 0, 2)],
    # Wide but even: one number
    "a form, one digit in each box": [number(0, 0, 8, pitch=40)],
    "a form with large boxes": [number(0, 0, 6, pitch=48)],
    "two rows of a form": [number(0, 0, 7, pitch=42), number(0, 60, 7, pitch=42)],
    "drums with free space of a digit's height": [on_drums(0, 0, [20, 20, 18, 20, 20], 50)],
    "drums with narrow ones": [on_drums(0, 0, [20, 6, 20, 6, 6, 20], 45)],
    "drums, the last one half turned": [lowered(number(0, 0, 5, pitch=44), 0, 0, 0, 0, 9)],
    "drums, the decimals smaller": [number(0, 0, 4, pitch=42) + number(172, 8, 2, pitch=42, width=14, height=22)],
    "a display's digits, evenly wide apart": [number(0, 0, 4, pitch=36)],
    "two counters one below the other": [number(0, 0, 5, pitch=50), number(30, 100, 5, pitch=46)],
    "a serial number, letter-spaced": [number(0, 0, 10, pitch=34)],
    # Narrow, touching, dancing, unequal
    "narrow ones": [spread(0, 0, [4, 4, 4])],
    "narrow ones among others": [spread(0, 0, [20, 4, 20, 4, 4])],
    "two numbers of narrow ones": [spread(0, 0, [4, 4, 4]), spread(65, 0, [4, 4])],
    "neighbours touch": [number(0, 0, 4, pitch=20)],
    "neighbours overlap": [number(0, 0, 4, pitch=16)],
    "slanted neighbours overlap by half": [number(0, 0, 4, pitch=11)],
    "wide digits are not a column": [number(0, 0, 3, pitch=45, width=40)],
    "digits taller than wide are not a column": [number(0, 0, 3, pitch=10, width=8)],
    "digits on an uneven baseline": [lowered(number(0, 0, 6), 0, 6, -5, 4, -3, 5)],
    "digits on two uneven baselines": [
        lowered(number(0, 0, 5), 0, 5, -4, 4, 0),
        lowered(number(0, 48, 5), 3, -4, 4, 0, -5),
    ],
    "a number climbs": [lowered(number(0, 0, 6), 0, -5, -10, -15, -20, -25)],
    "a small last digit": [[*number(0, 0, 2), [50, 12, 62, 30]]],
    "raised cents of half the height": [number(0, 0, 2) + number(52, 0, 2, pitch=13, width=10, height=15)],
    "lowered decimals of half the height": [number(0, 0, 3) + number(77, 17, 2, pitch=13, width=10, height=15)],
    "a small index after a digit": [number(0, 0, 1) + number(22, 20, 1, width=10, height=16)],
    "a tall first digit": [[[0, -10, 30, 35], *number(35, 0, 3)]],
    "heights as a hand makes them": [[[0, 0, 20, 30], [24, 8, 40, 30], [44, -8, 66, 32], [70, 4, 88, 30]]],
    "a speck is not a neighbour": [[[0, 0, 20, 30]], [[25, 10, 29, 16]]],
    # Lines
    "two lines": [number(0, 0, 3), number(0, 50, 3)],
    "the lower line starts further left": [number(40, 0, 2), number(0, 50, 2)],
    "lines set tight": [number(0, 0, 3), number(0, 33, 3), number(0, 66, 3)],
    "lines that touch": [number(0, 0, 5), number(0, 30, 5)],
    "lines that overlap a little": [number(0, 0, 5), number(0, 27, 5)],
    "two lines of two numbers": [number(0, 0, 2), number(200, 0, 2), number(0, 45, 2), number(200, 45, 2)],
    "a column of single digits is not a number": [number(0, y, 1) for y in (0, 40, 80)],
    "a column of single digits set tight": [number(0, y, 1) for y in (0, 31, 62, 93)],
    "a staircase": [number(0, 0, 2), number(60, 40, 2), number(120, 80, 2)],
    "lines of different size": [number(0, 0, 3, pitch=50, width=40, height=60), number(0, 80, 4, 12, 10, 15)],
    "a heading over two lines": [number(60, 0, 6), number(0, 60, 3), number(0, 110, 3)],
    # Beside each other
    "a tall digit beside two small lines": [
        [[0, 0, 40, 90]],
        number(60, 5, 2, height=25),
        number(60, 60, 2, height=25),
    ],
    "a tall digit behind two small lines": [
        number(0, 5, 2, height=25),
        number(0, 60, 2, height=25),
        [[60, 0, 100, 90]],
    ],
    "a tall digit beside two lines of half its height": [
        [[0, 0, 30, 60]],
        number(36, 0, 3, 19, 16, 26),
        number(36, 34, 3, 19, 16, 26),
    ],
    "a table": [number(x, y, 3) for y in (0, 50, 100) for x in (0, 200, 400)],
    "a table set tight": [number(x, y, 3) for y in (0, 33, 66, 99) for x in (0, 140, 280)],
    "a table, aligned to the right": [number(300 - 25 * n, y, n) for y, n in ((0, 2), (50, 5), (100, 1), (150, 3))],
    "a table with empty cells": [
        *(number(0, 0, 3), number(400, 0, 3)),
        *(number(0, 50, 3), number(200, 50, 3)),
        *(number(200, 100, 3), number(400, 100, 3)),
    ],
    "a table whose rows are a little off": [number(x, y + x / 80, 3) for y in (0, 55, 110) for x in (0, 200, 400)],
    "two columns that do not align": [number(x, y + dy, 4) for x, dy in ((0, 0), (300, 24)) for y in (0, 50, 100, 150)],
    "two columns of other distances": [
        *(number(0, y, 4) for y in (0, 70, 140, 210)),
        *(number(300, y, 4) for y in (12, 57, 102, 147, 192)),
    ],
    "three columns that do not align": [
        number(x, y + dy, 3) for x, dy in ((0, 0), (250, 20), (500, 40)) for y in (0, 60, 120, 180)
    ],
    "columns of two numbers a line": [
        number(x + dx, y + dy, 3) for x, dy in ((0, 0), (500, 25)) for y in (0, 50, 100, 150) for dx in (0, 130)
    ],
    "a heading over two columns that do not align": [
        number(0, 0, 24),
        *(number(x, y + dy, 4) for x, dy in ((0, 80), (350, 104)) for y in (0, 50, 100, 150)),
    ],
    "two columns of two sizes": [
        *(number(0, y, 4, pitch=50, width=40, height=60) for y in (0, 100, 200)),
        *(number(350, y, 4) for y in (10, 60, 110, 160, 210, 260)),
    ],
    # Cells
    "a sudoku row": [*cells((0, 80, 240, 400), 0)],
    "sudoku rows": [
        *cells((0, 80, 320, 480), 0),
        *cells((160, 400, 560), 80),
        *cells((80, 240, 640), 160),
        *cells((0, 400, 480), 240),
    ],
    "cells far apart": [*cells((0, 120, 240, 360), 0)],
    # Skewed and curved
    "a curved line": [arc(250, range(-30, 31, 6))],
    "a curved line that hangs": [[[x0, -y1, x1, -y0] for x0, y0, x1, y1 in arc(250, range(-30, 31, 6))]],
    "two curved lines": [arc(340, range(-24, 25, 4)), arc(280, range(-24, 25, 5))],
    "the number of a round plate": [arc(120, (-30, -15, 0, 15, 30))],
}


def page_of(numbers):
    """The boxes (N, 4) of a page and the rows of each number."""
    boxes = np.array([box for boxes in numbers for box in boxes], float).reshape(-1, 4)
    ends = np.cumsum([0, *map(len, numbers)]).tolist()
    return boxes, [tuple(range(start, end)) for start, end in pairwise(ends)]


def assert_order(boxes, numbers):
    """The digits are in reading order, and those of a number are on one line."""
    lines = [line.digits for line in find_lines(boxes)]
    assert [row for line in lines for row in line] == [row for number in numbers for row in number]
    line_of = {row: index for index, line in enumerate(lines) for row in line}
    assert all(len({line_of[row] for row in number}) == 1 for number in numbers)


def turned(boxes, degrees, grown):
    """The boxes as their page turns clockwise: upright boxes around the same ink, or around turned ink (`grown`)."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    middles, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    middles = middles @ np.array([[cos, sin], [-sin, cos]])
    if grown:
        halves = halves @ np.abs([[cos, sin], [sin, cos]])
    return np.concatenate([middles - halves, middles + halves], axis=1)


def test_there_are_many_pages():
    assert len(PAGES) >= 60


@pytest.mark.parametrize("name", PAGES)
def test_by_hand(name):
    boxes, numbers = page_of(PAGES[name])
    assert_order(boxes, numbers)
    # Given from the end, and a thousand times as large, somewhere else.
    backwards = [tuple(len(boxes) - 1 - row for row in number) for number in numbers]
    assert_order(boxes[::-1] * 1000 + 12345, backwards)


LINES = {
    "nothing": 0,
    "two numbers": 1,
    "a telephone number with wide spaces": 1,
    "far apart on one line": 1,
    "raised cents of half the height": 1,
    "a form with large boxes": 1,
    "a number climbs": 1,
    "a curved line": 1,
    "a sudoku row": 1,
    "two lines of two numbers": 2,
    "a speck is not a neighbour": 2,
    "lines that touch": 2,
    "a column of single digits is not a number": 3,
    "a staircase": 3,
    "a table": 3,
    "a tall digit beside two small lines": 3,
    "two columns that do not align": 8,
}


@pytest.mark.parametrize("name", LINES)
def test_number_of_lines(name):
    assert len(find_lines(page_of(PAGES[name])[0])) == LINES[name]


def random_page(seed):
    """A page of up to three columns and what it says.

    Its columns are those of a table, or they stand off each other by about half a line. Digits are off by less than a
    tenth of their height, and every line has a number of three digits at least: that is what shows the angle, and how
    near the digits of one number are.
    """
    rng = np.random.default_rng(seed)
    columns, lines, height = int(rng.integers(1, 4)), int(rng.integers(3, 7)), rng.uniform(15, 60)
    ys = np.cumsum(rng.uniform(1.3, 1.9, lines)) * height
    is_table = bool(rng.integers(2))
    places = [(column, line) for column in range(columns) for line in range(lines)]
    numbers, right = {}, 0.0
    for column in range(columns):
        left = right + height * rng.uniform(3, 5) * (column > 0)
        for line in range(lines):
            x, numbers[column, line] = left + height * rng.uniform(0, 1), []
            for least in rng.permutation([3, 1])[: rng.integers(1, 3)] if line else [3]:
                digits = []
                for _ in range(int(rng.integers(least, 7))):
                    width, size = height * rng.uniform([0.4, 0.92], [0.75, 1.08])
                    y = ys[line] + height * (rng.uniform(-0.04, 0.04) + 0.75 * (column % 2) * (not is_table))
                    digits.append([x, y - size / 2, x + width, y + size / 2])
                    x += width + height * rng.uniform(-0.05, 0.25)
                numbers[column, line].append(digits)
                right = max(right, x)
                x += height * rng.uniform(1.4, 2.4)
    order = sorted(places, key=lambda place: place[::-1]) if is_table else places
    return page_of([number for place in order for number in numbers[place]])


seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, shuffle=st.randoms(use_true_random=False))
def test_any_order_of_the_boxes(seed, shuffle):
    boxes, numbers = random_page(seed)
    order = list(range(len(boxes)))
    shuffle.shuffle(order)
    assert_order(boxes[order], [tuple(order.index(row) for row in number) for number in numbers])


@settings(max_examples=60, deadline=None)
@given(seed=seeds, scale=st.floats(0.05, 50), shift=st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000)))
def test_any_scale_and_place(seed, scale, shift):
    boxes, numbers = random_page(seed)
    assert_order(boxes * scale + [*shift, *shift], numbers)


@settings(max_examples=120, deadline=None)
@given(seed=seeds, degrees=st.floats(-15, 15), grown=st.booleans())
def test_any_skew(seed, degrees, grown):
    boxes, numbers = random_page(seed)
    assert_order(turned(boxes, degrees, grown), numbers)


@pytest.mark.parametrize("degrees", [-30, -7, 0, 15, 30])
def test_the_angle_of_lines(degrees):
    boxes, _ = page_of([number(0, 0, 8), number(0, 60, 6), number(300, 60, 5)])
    for line in find_lines(turned(boxes, degrees, grown=True)):
        assert line.angle == pytest.approx(degrees, abs=1)


@pytest.mark.parametrize("degrees", [-8, 0, 8])
def test_raised_cents_are_in_the_line_of_their_price_and_do_not_tilt_it(degrees):
    price = [*number(0, 0, 2, height=50), *number(52, 0, 2, pitch=13, width=10, height=20)]
    (line,) = find_lines(turned(np.array(price), degrees, grown=False))
    assert line.digits == (0, 1, 2, 3)
    assert abs(line.angle - degrees) < 6


def test_a_curved_line_has_the_angle_of_its_chord():
    (line,) = find_lines(turned(np.array(arc(250, range(-30, 31, 6))), 10, grown=False))
    assert line.angle == pytest.approx(10, abs=2)


@pytest.mark.parametrize(
    "boxes", [number(0, 0, 1), [[0, 0, 20, 30], [25, 4, 45, 34]], [[0, 0, 20, 30], [300, 90, 320, 120]]]
)
def test_one_or_two_digits_show_no_angle_of_the_page(boxes):
    assert all(abs(line.angle) < 6 for line in find_lines(boxes))


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="shape"):
        find_lines([[1, 2, 3]])
