"""Numbers in a video are reported when they are stable, each once."""

import pytest

from digitdet import Digit, Number, Reading
from digitdet.reading.results import OK, UNFIT, UNSURE
from digitdet.reading.stability import stable_readings

DIGIT = Digit("1", 0.9, (0.0, 0.0, 9.0, 9.0))


def number(text, confidence=0.9, status=OK):
    return Number(text, confidence, (DIGIT,), status)


def stable_pairs(frames, count=2):
    """The frames, counted from 0, with the readings that are reported."""
    pairs = [
        (
            row,
            Reading(tuple(one if isinstance(one, Number) else number(one) for one in numbers), page=row + 1, time=row),
        )
        for row, numbers in enumerate(frames)
    ]
    return list(stable_readings(pairs, count))


def read(frames, count=3):
    """The frame, counted from 0, and the numbers of each reading that is reported."""
    for image, reading in stable_pairs(frames, count):
        assert image == reading.time
        yield image, [one.best for one in reading.numbers]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([["7"]] * 9, [(0, ["7"])]),
        ([["7"], [], ["7"], [], ["7"]], [(0, ["7"])]),  # most of the last five
        ([["7"], [], [], ["7"], [], [], ["7"], [], []], [(8, [])]),  # never: the last frame tells so
        ([["7"]] * 3 + [["8"]] * 4, [(0, ["7"]), (3, ["8"])]),
        ([["7"]] * 3 + [[]] * 4 + [["7"]] * 3, [(0, ["7"])]),  # it was out of sight for a moment only
        ([["7"]] * 3 + [[]] * 5 + [["7"]] * 3, [(0, ["7"]), (8, ["7"])]),
        ([["7", "7", "5"]] * 4, [(0, ["7", "7", "5"])]),  # equal numbers in one picture
        ([["7"], ["7"], ["7", "5"], ["7", "5"], ["7", "5"]], [(0, ["7"]), (2, ["5"])]),
        ([[number("7", status=UNFIT)]] * 4, [(3, [])]),
        ([], []),
    ],
)
def test_a_number_is_reported_once_when_it_is_stable(frames, expected):
    assert list(read(frames)) == expected


def test_the_frame_in_which_it_is_read_best_is_reported():
    confidences = (0.7, 0.95, 0.8, 0.99)
    assert list(read([[number("7", value)] for value in confidences])) == [(1, ["7"])]


def test_an_unsure_number_is_reported_again_when_it_becomes_sure():
    frames = [[number("7", 0.4, UNSURE)]] * 4 + [[number("7")]] * 3 + [[number("7", 0.4, UNSURE)]] * 3
    assert list(read(frames)) == [(0, ["7"]), (4, ["7"])]


def test_a_frame_in_which_a_number_is_unsure_is_not_reported_once_it_is_sure():
    unsure = number("7", 0.5, UNSURE)
    frames = [[unsure], [unsure, "5"], [number("7", 0.6), number("5", 0.2, UNSURE)], [number("7", 0.6)]]
    assert [reading.numbers[0].status for _, reading in stable_pairs(frames)] == [UNSURE, OK]


def test_every_change_with_one_frame():
    assert list(read([["7"], ["7"], ["8"], ["7"]], count=1)) == [(0, ["7"]), (2, ["8"]), (3, ["7"])]


def test_errors_are_passed_on():
    frames = [(None, Reading(error="damaged", time=0.0))]
    assert list(stable_readings(frames, 3)) == frames
