"""Form fields, whose digits are one number, and what only resembles them."""

import cv2
import numpy as np
import pytest

from digitdet.common.characters import CHARACTERS
from digitdet.reading.form_fields import join_form_fields
from digitdet.reading.lattice import NOTHING, Lattice, Slot

SIDE, HEIGHT, WIDTH = 60, 30, 18  # of the boxes and of the digits


def slot(character, box):
    probabilities = np.full(NOTHING + 1, 1e-3)
    probabilities[CHARACTERS.index(character)] = 1
    return Slot(box, probabilities / probabilities.sum())


def draw(rows=("4821",), gap=0, row_gap=30, boxes=True, between=" ", slope=0.0, light=False):
    """A page of boxes with a digit each, and the lattices of its lines."""
    count = max(map(len, rows))
    width, height = (SIDE + gap) * count + 80, (SIDE + row_gap) * len(rows) + 120
    page = np.full((height, width, 3), 225, np.uint8)
    shift = np.array([[1.0, 0, 0], [slope, 1, 0]])
    lattices = []
    for row, text in enumerate(rows):
        slots = []
        for column, character in enumerate(text):
            x, y = 40 + (SIDE + gap) * column, 40 + (SIDE + row_gap) * row
            if boxes:
                cv2.rectangle(page, (x, y), (x + SIDE, y + SIDE), (90, 90, 90), 2)
            left, top = x + (SIDE - WIDTH) // 2, y + (SIDE - HEIGHT) // 2
            cv2.putText(page, character, (left, top + HEIGHT), cv2.FONT_HERSHEY_SIMPLEX, 1.3, (30, 30, 30), 3)
            down = slope * (left + WIDTH / 2)
            if slots:
                slots.append(slot(between, (left - SIDE / 2, top, left - SIDE / 3, top + HEIGHT)))
            slots.append(slot(character, (left, top + down, left + WIDTH, top + HEIGHT + down)))
        lattices.append(Lattice(tuple(slots), 0.0))
    page = cv2.warpAffine(page, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return (255 - page if light else page), lattices


def texts(page, lattices):
    joined = join_form_fields(page, lattices)
    return ["".join(CHARACTERS[one.probabilities.argmax()] for one in lattice.slots) for lattice in joined]


@pytest.mark.parametrize("gap", [0, 10, 45])
@pytest.mark.parametrize("slope", [0.0, 0.08])
@pytest.mark.parametrize("light", [False, True])
def test_digits_in_boxes_are_one_number(gap, slope, light):
    assert texts(*draw(gap=gap, slope=slope, light=light)) == ["4821"]
    assert texts(*draw(("482", "715"), gap, row_gap=80, slope=slope, light=light)) == ["482", "715"]


def test_the_parts_of_a_field_with_wide_gaps_are_joined():
    page, (line,) = draw(gap=45)
    parts = [Lattice((one,), 0.0) for one in line.slots[::2]]
    assert texts(page, parts) == ["4821"]
    assert len(texts(page, parts[::-1])) == 4


def test_separate_numbers_stay_separate():
    apart = ["4 8 2 1"]
    assert texts(*draw(boxes=False)) == apart
    assert texts(*draw(("48",))) == ["4 8"]
    assert texts(*draw(between="/")) == ["4/8/2/1"]
    assert texts(*draw(("482", "715", "963"), row_gap=0)) == ["4 8 2", "7 1 5", "9 6 3"]
    page, (line,) = draw(("4821",))
    moved = [
        one if i < 4 else Slot((one.box[0] + 25, *one.box[1:2], one.box[2] + 25, one.box[3]), one.probabilities)
        for i, one in enumerate(line.slots)
    ]
    assert texts(page, [Lattice(tuple(moved), 0.0)]) == apart


def test_a_page_without_digits():
    assert join_form_fields(np.zeros((20, 20, 3), np.uint8), []) == []
    assert texts(np.zeros((20, 20, 3), np.uint8), [Lattice((), 0.0)]) == [""]
