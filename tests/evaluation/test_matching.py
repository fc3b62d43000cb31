"""Edit distance, alignment of texts, and exact readings."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitdet import Digit, Number
from digitdet.datasets.formats.numbers import NumberTruth
from digitdet.evaluation.matching import align, edit_distance, exact_readings

TEXTS = st.text("012", max_size=6)


@pytest.mark.parametrize(
    ("first", "second", "edits"),
    [
        ("", "", 0),
        ("12", "", 2),
        ("", "305", 3),
        ("1024", "124", 1),
        ("7", "1", 1),
        ("1234", "2345", 2),
        ("11", "1", 1),
    ],
)
def test_edit_distance(first, second, edits):
    assert edit_distance(first, second) == edit_distance(second, first) == edits


@given(TEXTS, TEXTS, TEXTS)
def test_edit_distance_is_a_metric(a, b, c):
    assert (edit_distance(a, b) == 0) == (a == b)
    assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


@pytest.mark.parametrize(
    ("wanted", "found", "pairs"),
    [
        ([], [], []),
        (["12"], [], [(0, None)]),
        ([], ["12"], [(None, 0)]),
        (["12", "34", "56"], ["12", "56"], [(0, 0), (1, None), (2, 1)]),
        (["12", "56"], ["12", "34", "56"], [(0, 0), (None, 1), (1, 2)]),
        (["12", "345"], ["12", "346"], [(0, 0), (1, 1)]),
        (["1", "2"], ["2", "1"], [(None, 0), (0, 1), (1, None)]),
    ],
)
def test_align(wanted, found, pairs):
    assert align(wanted, found) == pairs


@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=4))
def test_align_uses_each_text_once(wanted, found):
    pairs = align(wanted, found)
    assert [row for row, _ in pairs if row is not None] == list(range(len(wanted)))
    assert [column for _, column in pairs if column is not None] == list(range(len(found)))


def number(text, left=0.0, top=0.0, confidence=0.9):
    digits = [Digit(t, confidence, (left + 10 * i, top, left + 10 * i + 8, top + 12)) for i, t in enumerate(text)]
    return Number(text, confidence, tuple(digits))


def truth(text, left=0.0, top=0.0):
    return NumberTruth(text, tuple(digit.box for digit in number(text, left, top).digits))


@pytest.mark.parametrize(
    ("found", "truths", "exact"),
    [
        ([], [], 0),
        ([number("12")], [], 0),
        ([], [truth("12")], 0),
        ([number("12")], [truth("12")], 1),
        ([number("21")], [truth("12")], 0),
        ([number("12", left=300)], [truth("12")], 0),  # right text, wrong place
        ([number("1"), number("2", left=10)], [truth("12")], 0),  # split into two readings
        ([number("7"), number("7", left=1)], [truth("7")], 1),
        ([number("7")], [truth("7"), truth("7", left=1)], 1),  # one reading counts once
        ([number("12", top=50), number("12")], [truth("12"), truth("12", top=50)], 2),
        ([replace(number("314"), best="3.14")], [truth("314")], 1),  # truths have digits alone
        ([replace(number("314"), best="3.14")], [truth("315")], 0),
    ],
)
def test_exact_readings(found, truths, exact):
    assert sum(exact_readings(found, truths)) == exact
