"""Slots: what may be at the place of each kept box."""

import numpy as np
import pytest

from digitdet.detection.postprocess import Detections, NmsResult
from digitdet.reading.slots import make_slots


def table_of(*rows):
    """(N, 11) probabilities from {digit: p}; the rest is no digit."""
    table = np.zeros((len(rows), 11))
    for row, values in enumerate(rows):
        for digit, probability in values.items():
            table[row, digit] = probability
        table[row, 10] = 1 - sum(values.values())
    return table


def nms_result(kept, suppressed, suppressed_by):
    def found(boxes):
        return Detections(np.float32(boxes).reshape(-1, 4), np.zeros((len(boxes), 10), np.float32))

    return NmsResult(found(kept), found(suppressed), np.array(suppressed_by, np.int64))


def test_slots_of_plain_digits():
    made = make_slots(
        nms_result([[0, 0, 9, 9], [9, 0, 18, 9]], [], []), table_of({3: 0.7, 8: 0.2}, {1: 0.999}), table_of()
    )
    assert [one.digit_probability for one in made] == pytest.approx([0.9, 0.999])
    assert [(option.text, pytest.approx(option.probability)) for option in made[0].options] == [
        ("3", 0.7),
        ("8", 0.2),
        ("", 0.1),
    ]
    assert [option.text for option in made[1].options] == ["1"]  # the others are below the minimum


def test_two_narrow_digits_replace_a_broad_one():
    """A broad 4 with a probability of one half; otherwise both 1s inside it are digits almost surely."""
    made = make_slots(
        nms_result([[0, 0, 30, 30]], [[16, 0, 28, 30], [1, 0, 13, 30]], [0, 0]),
        table_of({4: 0.5}),
        table_of({1: 0.9}, {1: 0.8}),
    )
    options = {option.text: option for option in made[0].options}
    assert options["11"].probability == pytest.approx(0.5 * 0.9 * 0.8)
    assert options["11"].parts == (("1", 2), ("1", 1))  # from left to right
    assert options["4"].probability == pytest.approx(0.5)
    assert options[""].probability == pytest.approx(0.5 * 0.1 * 0.2)
    assert sum(option.probability for option in made[0].options) == pytest.approx(1)


def test_overlapping_suppressed_boxes_exclude_each_other():
    made = make_slots(
        nms_result([[0, 0, 30, 30]], [[0, 0, 20, 30], [4, 0, 24, 30]], [0, 0]),
        table_of({4: 0.5}),
        table_of({7: 0.9}, {1: 0.9}),
    )
    assert {option.text for option in made[0].options} == {"4", "7", "1", ""}
