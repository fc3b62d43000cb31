"""Readings compared with the truth."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from digitdet.common.boxes import as_boxes
from digitdet.common.errors import ImageError
from digitdet.configs import ReadConfig
from digitdet.datasets.formats.numbers import NumberTruth
from digitdet.detection.postprocess import Detections
from digitdet.evaluation.comparison import compare
from digitdet.evaluation.outcomes import judge, read_set
from digitdet.evaluation.sets import DigitBoxes, TruePicture, TrueSet
from digitdet.reading.results import Alternative, Digit, Number, Reading


def number(text, left=0.0, top=0.0, confidence=0.9, status="ok", alternatives=()):
    """A number whose digits are 10 px wide and 20 high, without gaps."""
    digits = tuple(
        Digit(character, 0.95, (left + 10 * place, top, left + 10 * place + 10, top + 20))
        for place, character in enumerate(text)
    )
    return Number(text, confidence, digits, status, alternatives=tuple(Alternative(*one) for one in alternatives))


def truth(text, left=0.0, top=0.0):
    return NumberTruth(text, tuple(digit.box for digit in number(text, left, top).digits))


def picture(*texts, **known):
    return TruePicture("a.png", Path("a.png"), texts=texts, **known)


def placed(*truths):
    return TruePicture("a.png", Path("a.png"), placed=truths)


def reading(*numbers):
    return Reading(tuple(numbers), 400, 200)


def pairs(outcomes):
    return [(outcome.truth, outcome.text) for outcome in outcomes]


def test_a_single_number_is_compared_with_everything_read():
    (outcome,) = judge(picture("1234"), reading(number("12", confidence=0.8), number("34", 40, status="unsure")))
    assert (outcome.text, outcome.is_right, outcome.pieces) == ("1234", True, 2)
    assert (outcome.confidence, outcome.status, len(outcome.digits)) == (0.8, "unsure", 4)


def test_nothing_read():
    (outcome,) = judge(picture("12"), reading())
    assert (outcome.text, outcome.status, outcome.confidence, outcome.edits) == ("", "empty", 0, 2)


def test_a_picture_without_a_number():
    assert judge(picture(), reading()) == ()
    (false,) = judge(picture(), reading(number("7")))
    assert (false.truth, false.text, false.is_right) == ("", "7", False)


def test_unknown_numbers_have_no_outcomes():
    assert judge(TruePicture("a.png", Path("a.png")), reading(number("7"))) == ()


def test_candidates_of_pieces():
    parts = (
        number("1", confidence=0.6, alternatives=[("7", 0.3), ("4", 0.05)]),
        number("2", 50, confidence=0.5, alternatives=[("3", 0.4)]),
    )
    (outcome,) = judge(picture("72"), reading(*parts))
    assert outcome.candidates == ("12", "13", "72")  # 0.4 / 0.5 is more than 0.3 / 0.6


def test_rows():
    numbers = [number("1", 0, 0), number("2", 30, 0), number("9", 0, 30), number("45", 0, 60)]
    outcomes = judge(picture("12", "345", "45"), reading(*numbers))
    assert pairs(outcomes) == [("12", "12"), ("345", "9"), ("45", "45")]


def test_a_row_too_many():
    outcomes = judge(picture("12", "45"), reading(number("12"), number("8", 0, 30), number("45", 0, 60)))
    assert pairs(outcomes) == [("12", "12"), ("", "8"), ("45", "45")]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((), [("12", ""), ("34", "")]),
        ((number("34", 100), number("12")), [("12", "12"), ("34", "34")]),
        ((number("17"), number("34", 100)), [("12", "17"), ("34", "34")]),
        ((number("12", 200),), [("12", ""), ("34", ""), ("", "12")]),  # the right text at the wrong place
        ((number("17"), number("12", 2)), [("12", "12"), ("34", ""), ("", "17")]),  # the exact reading is matched first
        ((number("12"), number("12", 1)), [("12", "12"), ("34", ""), ("", "12")]),  # one reading counts once
        ((number("12", 8),), [("12", ""), ("34", ""), ("", "12")]),  # the right text, but half beside it
    ],
)
def test_numbers_are_matched_by_place(found, expected):
    outcomes = judge(placed(truth("12"), truth("34", 100)), reading(*found))
    assert pairs(outcomes) == expected
    assert outcomes[0].place == (0, 0, 20, 20)


class FakeReader:
    """Reads the same number in every picture but the broken one."""

    config = ReadConfig()

    def __init__(self, found=None):
        self.number = found or number("12")

    def read_and_find(self, source):
        if "broken" in str(source):
            raise ImageError("broken")
        scores = np.zeros((1, 10), np.float32)
        scores[0, 1] = 0.9
        return Reading((self.number,), 400, 200, source), Detections(np.array([[0, 0, 10, 20]], np.float32), scores)


def make_set():
    digits = DigitBoxes(np.array([1, 2]), as_boxes([[0, 0, 10, 20], [10, 0, 20, 20]]))
    return TrueSet(
        "mine",
        (
            TruePicture("a.png", Path("a.png"), ("12",), digits=digits),
            TruePicture("broken.png", Path("broken.png"), ("12",), digits=digits),
            TruePicture("c.png", Path("c.png"), ("13",)),
        ),
    )


def test_read_set():
    steps = []
    outcomes = list(read_set(FakeReader(), make_set(), on_picture=lambda: steps.append(1)))
    assert [outcome.is_right for outcome in outcomes] == [True, False, False]
    assert [outcome.numbers[0].status for outcome in outcomes] == ["ok", "error", "ok"]
    assert outcomes[1].reading.error == "broken"
    assert outcomes[0].digits.read.labels.tolist() == [1, 2]
    assert outcomes[1].digits.found is None
    assert outcomes[2].digits is None
    assert len(steps) == 3


def test_numbers_of_an_unreadable_picture_count_where_only_digits_are_labelled():
    digits = DigitBoxes(np.array([1, 2]), np.array([[0.2, 0.5, 0.2, 0.4], [0.4, 0.5, 0.2, 0.4]]), are_relative=True)
    broken = TrueSet("mine", (TruePicture("broken.png", Path("broken.png"), digits=digits),))
    (outcome,) = read_set(FakeReader(), broken)
    assert [(one.truth, one.status) for one in outcome.numbers] == [("12", "error")]


@pytest.mark.parametrize(
    ("true", "as_written", "text", "is_right"),
    [
        ("314", False, "314", True),  # the labels have digits alone
        ("315", False, "314", False),
        ("3.14", True, "3.14", True),
        ("314", True, "3.14", False),  # another number of the set has marks, this one has none
        ("3,14", True, "3.14", False),
    ],
)
def test_marks_are_compared_if_the_labels_have_them(true, as_written, text, is_right):
    alternatives = (Alternative("3,14", 0.3), Alternative("8.14", 0.1))
    found = replace(number("314", confidence=0.5, status="unsure"), best="3.14", alternatives=alternatives)
    marked = TrueSet("mine", (picture(true, as_written=as_written),))
    (outcome,) = read_set(FakeReader(found), marked)
    (judged,) = outcome.numbers
    assert (judged.text, judged.is_right, judged.length) == (text, is_right, 3)
    assert judged.candidates == (("3.14", "3,14", "8.14") if as_written else ("314", "814"))
    assert (judged.confidence, judged.status) == ((0.5, "unsure") if as_written else (0.8, "ok"))
    assert outcome.reading.numbers == (found,)


def test_digits_that_are_near_each_other_are_compared_as_a_number():
    digits = DigitBoxes(np.array([1, 2]), np.array([[0.2, 0.5, 0.2, 0.4], [0.4, 0.5, 0.2, 0.4]]), are_relative=True)
    only_digits = TrueSet("mine", (TruePicture("a.png", Path("a.png"), digits=digits),))
    (outcome,) = read_set(FakeReader(), only_digits)
    assert [one.truth for one in outcome.numbers][:1] == ["12"]
    (again,) = read_set(FakeReader(), only_digits)
    assert compare("mine", [outcome], [again]).numbers == 1
