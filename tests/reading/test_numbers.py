"""Digits to numbers: what is joined, what is doubtful, what meets the constraints."""

import numpy as np
import pytest

from digitdet.configs import ReadConfig
from digitdet.detection.postprocess import Detections, NmsResult
from digitdet.reading.calibration import Calibration
from digitdet.reading.constraints import Constraints
from digitdet.reading.numbers import NumberBuilder, doubtful_digits
from digitdet.reading.results import Digit
from digitdet.reading.slot_lines import build_slot_lines
from digitdet.reading.slots import make_slots

SURE = 0.999
UNCALIBRATED = Calibration()  # a score of 0.9 alone is a probability of 0.9


def nms_result(*digits):
    """Kept boxes given as (left, {digit: score}) or (left, {digit: score}, height); 20 wide, on one line."""
    boxes, scores = np.zeros((len(digits), 4), np.float32), np.zeros((len(digits), 10), np.float32)
    for row, (left, found, *height) in enumerate(digits):
        tall = height[0] if height else 30
        boxes[row] = left, 0, left + 20, tall
        for digit, score in found.items():
            scores[row, digit] = score
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros((0, 10), np.float32))
    return NmsResult(Detections(boxes, scores), nothing, np.zeros(0, np.int64))


def build(found, min_confidence=0.5, threshold=0.5, constraints=None, beside=None, alone=None):
    config = ReadConfig(
        confidence=threshold,
        min_confidence=min_confidence,
        confidence_beside=threshold if beside is None else beside,
        confidence_alone=threshold if alone is None else alone,
    )
    return NumberBuilder(UNCALIBRATED, config, constraints).build(found)


def row(*digits, start=0):
    return [(start + 25 * place, {digit: SURE}) for place, digit in enumerate(digits)]


def test_nothing():
    assert build(nms_result()) == ()


def test_sure_digits():
    (number,) = build(nms_result(*row(4, 0, 7)))
    assert (number.text, number.best, number.status, number.doubtful) == ("407", "407", "ok", ())
    assert 0.98 < number.confidence <= SURE**3
    assert [digit.text for digit in number.digits] == ["4", "0", "7"]
    assert number.box == (0, 0, 70, 30)
    assert number.angle == pytest.approx(0)


def test_two_numbers_of_a_line():
    assert [number.text for number in build(nms_result(*row(1, 2), *row(3, 4, start=200)))] == ["12", "34"]


def test_a_doubtful_digit_makes_a_question_mark():
    (number,) = build(nms_result((0, {1: 0.99}), (25, {3: 0.6, 8: 0.55}), (50, {2: 0.99})))
    assert (number.text, number.best, number.status) == ("1?2", "132", "unsure")
    assert number.doubtful == (1,)
    assert [other.text for other in number.alternatives][:1] == ["182"]
    assert number.confidence + sum(other.confidence for other in number.alternatives) <= 1
    three = number.digits[1]
    assert [other.text for other in three.alternatives] == ["8"]
    assert three.confidence > three.alternatives[0].confidence > 0.3


def test_no_question_marks_where_none_are_asked_for():
    (number,) = build(nms_result((0, {1: 0.99}), (25, {3: 0.6, 8: 0.55})), min_confidence=0)
    assert (number.text, number.status) == ("13", "ok")


def test_an_improbable_digit_is_left_out_but_lowers_the_confidence():
    sure = build(nms_result(*row(4, 0)))[0]
    (number,) = build(nms_result(*row(4, 0), (50, {7: 0.3})))
    assert number.text == "40"
    assert number.confidence == pytest.approx(sure.confidence * 0.7, abs=0.01)
    assert number.alternatives[0].text == "407"


def test_the_threshold_is_lower_beside_other_digits():
    found = nms_result(*row(4, 0), (50, {7: 0.3}), (400, {1: 0.3}))
    assert [number.best for number in build(found, beside=0.2)] == ["407"]
    assert [number.best for number in build(found, beside=0.35)] == ["40"]
    assert build(nms_result((0, {7: 0.3}), (25, {1: 0.3})), beside=0.1) == ()
    # Never more than alone.
    assert build(found, beside=0.9) == build(found)


@pytest.mark.parametrize(
    ("number", "probability", "threshold", "read"),
    [
        ((4, 0), 0.6, 0.5, ["40"]),
        ((4, 0), 0.8, 0.5, ["40", "1"]),
        ((4,), 0.6, 0.5, ["4", "1"]),  # no line with more digits
        ((4, 0), 0.6, 0.4, ["40"]),
        ((4, 0), 0.8, 0.75, ["40", "1"]),  # the isolated threshold is never below the general one
    ],
)
def test_a_digit_alone_on_its_line_beside_a_number_needs_a_higher_threshold(number, probability, threshold, read):
    found = nms_result(*row(*number), (0, {1: probability}))
    found.digits.boxes[-1, [1, 3]] += 100
    numbers = build(found, 0.0, threshold, alone=0.7)
    assert [number.best for number in numbers] == read


def test_a_digit_between_others_needs_room():
    """The edge between two drums of a counter looks like a 1, but the drums have one pitch."""
    counter = row(4, 0, 7, 2, 5)
    assert [number.best for number in build(nms_result(*counter, (62, {1: 0.3})), beside=0.1)] == ["40725"]
    assert [number.best for number in build(nms_result(*counter, (62, {1: 0.6})), beside=0.1)] == [
        "407125"
    ]  # sure by itself
    gap = [digit for place, digit in enumerate(counter) if place != 2]
    assert [number.best for number in build(nms_result(*gap, (50, {1: 0.3})), beside=0.1)] == ["40125"]
    short = row(4, 0, 7)
    assert [number.best for number in build(nms_result(*short, (37, {1: 0.3})), beside=0.1)] == [
        "4017"
    ]  # no pitch to go by


@pytest.mark.parametrize(("left", "best"), [(125, "407251"), (111, "40725"), (-25, "140725"), (-11, "40725")])
def test_a_digit_at_the_end_of_a_line_is_a_step_away(left, best):
    counter = row(4, 0, 7, 2, 5)
    assert [number.best for number in build(nms_result(*counter, (left, {1: 0.3})), beside=0.1)] == [best]


def test_the_odds_of_a_digit_beside_others_are_multiplied():
    """Odds of 0.3 against 0.7, times the four that lie between the thresholds 0.5 and 0.2."""
    sure, (number,) = build(nms_result(*row(4, 0)))[0], build(nms_result(*row(4, 0), (50, {7: 0.3})), beside=0.2)
    assert number.confidence == pytest.approx(sure.confidence * 12 / 19, abs=0.01)


def test_a_present_digit_is_returned_even_if_none_of_the_ten_is_likely():
    """Present with 56%, but as 4 with 29% and as 9 with 27%; no digit, with 44%, is likelier than either."""
    (number,) = build(nms_result((0, {4: 0.4, 9: 0.38})))
    assert (number.text, number.best, number.status) == ("?", "4", "unsure")
    assert [other.text for other in number.alternatives] == ["9"]


def test_the_threshold_decides_what_is_present():
    assert [n.best for n in build(nms_result(*row(4, 0), (50, {7: 0.3})), threshold=0.25)] == ["407"]


def test_improbable_digits_alone_are_not_a_number():
    assert build(nms_result((0, {1: 0.3}), (25, {3: 0.4}))) == ()


@pytest.mark.parametrize(
    ("weak", "order"),
    [
        ((50, {7: 0.3}), "40w"),
        ((-25, {7: 0.3}), "w40"),
        ((12, {7: 0.3}), "4w0"),
        ((120, {7: 0.3}), "40"),  # too far off
        ((50, {7: 0.3}, 90), "40"),  # too tall
    ],
)
def test_where_improbable_digits_are_inserted(weak, order):
    found = nms_result(*row(4, 0), weak)
    probabilities = UNCALIBRATED.digit_probabilities(found.digits.scores)
    slots = make_slots(found, probabilities, np.zeros((0, 11)))
    (line,) = build_slot_lines(slots, found.digits.boxes.astype(float))
    assert "".join("40w"[slot.row] for slot in line.slots) == order
    assert len(line.breaks) == len(line.slots) - 1


def test_order_of_the_boxes_does_not_matter():
    found = nms_result(*row(5, 6), (50, {7: 0.3}), *row(1, 2, start=200))
    shuffled = [3, 0, 4, 2, 1]
    again = NmsResult(found.digits.take(np.array(shuffled)), found.suppressed, found.suppressed_by)
    assert build(found) == build(again)


@pytest.mark.parametrize(
    ("digits", "min_confidence", "expected"),
    [
        ([0.99, 0.4, 0.99], 0.5, [1]),
        ([0.9, 0.9, 0.9], 0.9, [0, 1, 2]),
        ([0.99, 0.98, 0.99], 0.5, [1]),  # something else makes it unsure: the weakest is named
    ],
)
def test_doubtful_digits(digits, min_confidence, expected):
    assert (
        doubtful_digits([Digit("1", probability, (0, 0, 1, 1)) for probability in digits], min_confidence) == expected
    )


def test_a_constraint_chooses_between_digits():
    found = nms_result((0, {1: 0.95}), (25, {3: 0.6, 8: 0.5}), (50, {2: 0.95}))
    assert build(found)[0].best == "132"
    (number,) = build(found, constraints=Constraints(allowed=["182", "777"]))
    assert (number.best, number.status) == ("182", "ok")
    assert number.confidence > 0.8


def test_a_constraint_restores_an_improbable_digit():
    found = nms_result(*row(4, 0), (50, {7: 0.3}))
    (number,) = build(found, constraints=Constraints(digits=3))
    assert (number.best, number.status) == ("407", "ok")


def test_a_constraint_joins_digits_across_a_gap():
    found = nms_result(*row(1, 2, 3), *row(4, 5, start=95))
    assert [number.best for number in build(found, constraints=Constraints(pattern=r"\d{3}\.\d{2}"))] == ["123.45"]


def test_a_constraint_splits_adjacent_numbers():
    found = nms_result(*row(1, 2, 3, 4, 5, 6))
    numbers = build(found, constraints=Constraints(digits=6))
    assert [number.best for number in numbers] == ["123456"]


def test_doubtful_places_count_the_inserted_separators():
    found = nms_result((0, {1: 0.99}), (25, {9: 0.99}), (50, {3: 0.6, 8: 0.55}), (75, {2: 0.99}))
    (number,) = build(found, min_confidence=0.7, constraints=Constraints(pattern=r"\d\d-\d\d"))
    assert (number.best, number.text, number.doubtful) == ("19-32", "19-?2", (3,))
    assert number.alternatives[0].text == "19-82"


def test_a_number_that_cannot_meet_the_constraints_is_unfit():
    (number,) = build(nms_result(*row(1, 2, 3, 4, 5, 6, 7)), constraints=Constraints(digits=5))
    assert (number.best, number.status) == ("1234567", "unfit")


def test_the_fitting_number_is_found_beside_an_unfit_one():
    found = nms_result(*row(1, 2, 3, 4), *row(5, 6, 7, start=300))
    numbers = build(found, constraints=Constraints(digits=3))
    assert [(number.best, number.status) for number in numbers] == [("1234", "unfit"), ("567", "ok")]


def test_unfit_numbers_are_split_at_their_gaps():
    found = nms_result(*row(1, 2, 3, 4), *row(5, 6, start=300), *row(7, 8, start=500))
    numbers = build(found, constraints=Constraints(digits=7))
    assert [(number.best, number.status) for number in numbers] == [("1234", "unfit"), ("56", "unfit"), ("78", "unfit")]


def test_a_certain_gap_is_not_joined():
    """Seven digits on a line, but three and four far apart are not a number of seven."""
    found = nms_result(*row(1, 2, 3), *row(4, 5, 6, 7, start=400))
    assert [number.status for number in build(found, constraints=Constraints(digits=7))] == ["unfit", "unfit"]


def test_two_short_numbers_are_not_joined_over_a_plain_gap():
    found = nms_result(*row(1, 3), *row(7, 6, 3, start=110))
    numbers = build(found, constraints=Constraints(digits="4-"))
    assert [(number.best, number.status) for number in numbers] == [("13", "unfit"), ("763", "unfit")]


def test_previous_reading_decides():
    found = nms_result((0, {0: 0.95}), (25, {7: 0.6, 1: 0.55}), (50, {2: 0.95}))
    assert build(found)[0].best == "072"
    (number,) = build(found, constraints=Constraints(previous="009", max_step=5))
    assert (number.best, number.status) == ("012", "ok")
