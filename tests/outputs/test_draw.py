from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.outputs import draw
from digitdet.outputs.draw import draw_reading
from digitdet.outputs.painting import Font
from digitdet.outputs.placement import place_labels
from digitdet.reading.results import UNFIT, UNSURE, Digit, Number, Reading

coordinate = st.floats(-50, 700, allow_nan=False)
box = st.builds(
    lambda x, y, w, h: (x, y, x + w, y + h), coordinate, coordinate, st.floats(0.5, 300), st.floats(0.5, 300)
)


def number(text, left, top, height=20.0, **fields):
    digits = (character for character in text if character.isdigit())
    boxes = [(left + i * height * 0.7, top, left + (i * 0.7 + 0.6) * height, top + height) for i in range(len(text))]
    return Number(text, 0.8, tuple(Digit(d, 0.9, b) for d, b in zip(digits, boxes, strict=False)), **fields)


def meets(a, b):
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(box, min_size=1, max_size=6), min_size=1, max_size=12),
    st.integers(1, 200),
    st.integers(1, 60),
    st.integers(2, 12),
)
def test_no_label_overlaps_a_digit_or_another_label(numbers, width, height, gap):
    places = place_labels(numbers, [(width, height)] * len(numbers), (640, 480), gap)
    boxes = [place.box for place in places]
    assert [(right - left, bottom - top) for left, top, right, bottom in boxes] == [(width, height)] * len(numbers)
    for index, label in enumerate(boxes):
        assert not any(meets(label, digit) for digits in numbers for digit in digits)
        assert not any(meets(label, other) for other in boxes[:index])


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ([(100, 100, 120, 130)], (100, 84, 140, 96)),  # above
        ([(100, 2, 120, 32)], (100, 36, 140, 48)),  # below, without room above
        ([(100, 2, 120, 198)], (124, 94, 164, 106)),  # beside
        ([(2, 2, 298, 198)], (2, -14, 42, -2)),  # past the edge
        ([(100, 100, 150, 130), (160, 60, 210, 90)], (100, 84, 140, 96)),  # at the lower end of a sloping line
    ],
)
def test_labels_are_as_near_as_possible(digits, expected):
    (place,) = place_labels([digits], [(40, 12)], (300, 200), 4)
    assert (place.box, place.is_remote) == (expected, False)


def test_a_number_between_others_has_its_label_in_the_margin():
    numbers = [[(x, y, x + 38.0, y + 28.0)] for y in range(0, 150, 30) for x in range(0, 200, 40)]
    places = place_labels(numbers, [(30, 16)] * len(numbers), (200, 150), 4)
    inner = [row * 5 + column for row in (1, 2, 3) for column in (1, 2, 3)]
    assert all(places[index].is_remote for index in inner)
    assert all(places[index].box[2] <= 0 or places[index].box[0] >= 200 for index in inner)
    assert not places[0].is_remote


CROWDED = [number("777", 0, 26 * i, 24) for i in range(7)] + [number("8" * 14, 62, 26 * i, 24) for i in range(7)]


@pytest.mark.parametrize("grey", [0, 255])
@pytest.mark.parametrize(
    ("shape", "factor", "numbers"),
    [
        ((30, 100), 6, [number("12", 5, 3, 24)]),
        ((480, 640), 1, [number("4711", 30 + 150 * (i % 4), 30 + 60 * (i // 4), 30) for i in range(28)]),
        (
            (300, 2000),
            1,
            [number("12-4", 10, 100, 90, status=UNSURE, doubtful=(0, 3), region="a name too long to show")],
        ),
        ((800, 800), 1, [number("99", -10, 760, 50, status=UNFIT), number("3", 300, 0.5, 200)]),
        ((200, 320), 2, CROWDED),
    ],
)
def test_digits_are_not_covered(shape, factor, numbers, grey):
    """A colour that only the digits have is as frequent as before."""
    image = np.full((*shape, 3), grey, np.uint8)
    colour = np.array([1, 90, 2], np.uint8)
    for digit in (digit for each in numbers for digit in each.digits):
        left, top, right, bottom = (max(0, round(value)) for value in digit.box)
        rim = 3 + (bottom - top) // 20  # the corners of an outline are round
        image[top + rim : bottom - rim, left + rim : right - rim] = colour
    kernel = np.ones((5, 5) if factor > 1 else (1, 1))  # enlarging blurs the rims
    kept = cv2.erode((image == colour).all(axis=2).astype(np.uint8), kernel).sum()
    drawn = draw_reading(image, Reading(tuple(numbers), shape[1], shape[0]))
    assert (drawn == colour).all(axis=2).sum() >= kept * factor**2 > 0


def test_a_picture_without_numbers_is_unchanged():
    image = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
    drawn = draw_reading(image, Reading((), 40, 30))
    assert np.array_equal(drawn, image)
    assert drawn is not image


def test_input_is_not_changed():
    image = np.full((700, 700, 3), 200, np.uint8)
    draw_reading(image, Reading((number("123", 100, 100),), 700, 700))
    assert (image == 200).all()


def test_small_pictures_and_small_digits_are_enlarged():
    def drawn_width(width, digit_height):
        image = np.full((width, width, 3), 250, np.uint8)
        return draw_reading(image, Reading((number("1", width / 3, width / 3, digit_height),), width, width)).shape[1]

    assert drawn_width(64, 20) == 640
    assert drawn_width(640, 40) == 640
    assert drawn_width(640, 14) == 1280
    assert drawn_width(1400, 9) == 1400


def test_colours_show_the_status():
    image = np.full((640, 640, 3), 255, np.uint8)
    plain, unsure, unfit = (
        draw_reading(image, Reading((number("123", 200, 200, 60, **fields),), 640, 640)).reshape(-1, 3)
        for fields in ({}, {"status": UNSURE, "doubtful": (1,)}, {"status": UNFIT})
    )
    orange = np.array([0, 159, 230])
    assert not (plain == orange).all(axis=1).any()
    assert (unsure == orange).all(axis=1).any()
    assert (np.ptp(unfit.astype(int), axis=1) <= 2).all()  # only grey


def test_the_label_has_the_marks_and_digits_alone_are_outlined(monkeypatch):
    drawn, dashed = [], []
    monkeypatch.setattr(Font, "draw", lambda font, image, text, *_, **__: drawn.append(text))
    monkeypatch.setattr(draw, "_draw_outlines", lambda canvas, boxes, *rest: dashed.append((len(boxes), rest[1])))
    found = number("-1,4", 200, 200, 60, status=UNSURE, doubtful=(2, 3))
    draw_reading(np.full((640, 640, 3), 255, np.uint8), Reading((replace(found, digits=found.digits[:2]),), 640, 640))
    assert drawn == ["-1,4"]
    assert dashed == [(2, {1})]


@pytest.mark.parametrize("mark", ["\n", "\udcff", "\x00"])
def test_marks_that_cannot_be_drawn_are_left_out(mark, monkeypatch):
    drawn = []
    monkeypatch.setattr(Font, "draw", lambda font, image, text, *_, **__: drawn.append(text))
    found = replace(number("1234", 200, 200, 60), best=f"12{mark}34")
    draw_reading(np.full((640, 640, 3), 255, np.uint8), Reading((found,), 640, 640))
    assert drawn == ["12 34"]


def test_neighbouring_numbers_have_different_colours():
    image = np.full((640, 640, 3), 255, np.uint8)
    numbers = tuple(number("1", 100 + 100 * i, 300, 60) for i in range(4))
    drawn = draw_reading(image, Reading(numbers, 640, 640))
    found = set()
    for each in numbers:
        left, top, right, bottom = (round(value) for value in each.box)
        around = drawn[top - 45 : bottom + 45, left - 10 : right + 10].reshape(-1, 3)
        colours, counts = np.unique(around[np.ptp(around, axis=1) > 60], axis=0, return_counts=True)
        found.add(tuple(colours[counts.argmax()]))
    assert len(found) == 4


@pytest.mark.parametrize("has_font_face", [True, False])
def test_text_is_as_wide_as_measured(has_font_face, monkeypatch):
    if not has_font_face:  # as in OpenCV 4
        monkeypatch.delattr(cv2, "FontFace", raising=False)
    font = Font(20)
    canvas = np.zeros((60, 300, 3), np.uint8)
    font.draw(canvas, "4711", (10, 40), (255, 255, 255), bold=True)
    rows, columns = np.nonzero(canvas.max(axis=2))
    assert abs(columns.max() - (10 + font.width("4711", bold=True))) <= 8
    assert abs(np.ptp(rows) - 20) <= 8
    assert font.width("") == 0


def test_stroke_font_of_older_opencv(monkeypatch):
    monkeypatch.delattr(cv2, "FontFace", raising=False)
    image = np.full((640, 640, 3), 255, np.uint8)
    assert (draw_reading(image, Reading((number("123", 200, 200, 60),), 640, 640)) != 255).any()
