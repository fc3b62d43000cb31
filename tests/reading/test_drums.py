"""Counter drums between two digits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitdet.reading.drums import merge_drum_digits
from digitdet.reading.slots import Option, Slot


def slot(row, text, probability):
    return Slot(row, probability, (Option(text, probability, ((text, row),)), Option("", 1 - probability, ())))


def counter(*drums, tilt=0.0):
    """Slots and boxes of digits 30 wide and 50 high, 60 apart, from (left, text, probability[, top, bottom])."""
    slots, boxes = [], []
    for row, (left, text, probability, *span) in enumerate(drums):
        top, bottom = span or (0, 50)
        slots.append(slot(row, text, probability))
        boxes.append((left, top + tilt * left, left + 30, bottom + tilt * left))
    return slots, np.array(boxes, float)


ROW = [(0, "4", 0.9), (60, "0", 0.9), (120, "7", 0.9)]


@pytest.mark.parametrize("tilt", [0.0, 0.2, -0.2])
def test_two_parts_become_one_slot_with_both_digits(tilt):
    slots, boxes = counter(*ROW, (180, "5", 0.6, -14, 20), (182, "6", 0.8, 26, 62), tilt=tilt)
    *others, last = merge_drum_digits(slots, boxes)
    assert others == slots[:3]
    assert (last.row, last.digit_probability) == (4, 0.8)  # the more probable one
    assert [(option.text, option.parts) for option in last.options] == [
        ("6", (("6", 4),)),
        ("5", (("5", 3),)),
        ("", ()),
    ]
    assert [option.probability for option in last.options] == pytest.approx([0.8 * 8 / 14, 0.6 * 6 / 14, 0.2 * 8 / 14])


@pytest.mark.parametrize(
    "pair",
    [
        [(180, "5", 0.9, 0, 50), (180, "6", 0.9, 55, 105)],  # two whole digits: another line
        [(180, "5", 0.9, -14, 20), (215, "6", 0.9, 26, 62)],  # side by side
        [(180, "5", 0.9, 0, 40), (182, "6", 0.9, 10, 50)],  # two boxes of one digit: left to non-maximum suppression
        [(180, "5", 0.9, 0, 50), (180, "6", 0.4, 55, 75)],  # improbable ones are not merged
        [(600, "5", 0.9, -14, 20), (602, "6", 0.9, 26, 62)],  # no digit beside them shows the height
    ],
)
def test_other_pairs_are_not_merged(pair):
    slots, boxes = counter(*ROW, *pair)
    assert merge_drum_digits(slots, boxes) == slots


def test_few_digits_are_not_a_counter():
    slots, boxes = counter(ROW[0], (60, "5", 0.9, -14, 20), (62, "6", 0.9, 26, 62))
    assert merge_drum_digits(slots, boxes) == slots
    assert merge_drum_digits([], np.zeros((0, 4))) == []


@given(st.lists(st.tuples(*[st.floats(0, 300)] * 2, *[st.floats(1, 80)] * 2, st.floats(0.01, 1)), max_size=12))
def test_rows_are_unique_and_improbable_slots_stay(found):
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h, _ in found]).reshape(-1, 4)
    slots = [slot(row, "1", probability) for row, (*_, probability) in enumerate(found)]
    merged = merge_drum_digits(slots, boxes)
    rows = [one.row for one in merged]
    assert rows == sorted(set(rows))
    assert set(rows) <= set(range(len(found)))
    assert {one.row for one in slots if one.digit_probability < 0.5} <= set(rows)
    assert all(sum(option.probability for option in one.options) <= 1 + 1e-9 for one in merged)
