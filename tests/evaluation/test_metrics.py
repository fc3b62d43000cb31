"""Figures of an evaluation against values worked out by hand."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitdet.common.boxes import as_boxes
from digitdet.detection.postprocess import Detections
from digitdet.evaluation.detection import (
    BACKGROUND,
    DigitBoxes,
    PictureDigits,
    average_precision,
    measure_detections,
    measure_detector,
    measure_digits,
)
from digitdet.evaluation.matching import align, edit_distance
from digitdet.evaluation.metrics import coverage_at_precision, mean_rates, measure_lengths, measure_numbers
from digitdet.evaluation.outcomes import NumberOutcome
from digitdet.evaluation.sets import TrueDigits, TruePicture
from digitdet.evaluation.statistics import wilson_interval

TEXTS = st.text("012", max_size=6)


def outcome(truth, text, confidence=0.9, status="ok", candidates=(), pieces=1):
    return NumberOutcome(truth, text, confidence if text else 0.0, status, candidates or (text,), pieces)


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
def test_texts_are_paired_in_their_order(wanted, found, pairs):
    assert align(wanted, found) == pairs


@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=4))
def test_each_text_is_paired_once(wanted, found):
    pairs = align(wanted, found)
    assert [row for row, _ in pairs if row is not None] == list(range(len(wanted)))
    assert [column for _, column in pairs if column is not None] == list(range(len(found)))


def test_numbers():
    metrics = measure_numbers(
        [
            outcome("12", "12", 0.9),
            outcome("345", "345", 0.8, pieces=2),
            outcome("67", "61", 0.7, "unsure", ("61", "67")),
            outcome("8901", "", status="empty"),
            outcome("", "5", 0.95),
        ]
    )
    assert (metrics.numbers, metrics.exact, metrics.false) == (4, 2, 1)
    assert (metrics.accuracy, metrics.one_piece, metrics.top3) == (0.5, 0.25, 0.75)
    assert (metrics.length_accuracy, metrics.unsure, metrics.empty) == (0.75, 0.25, 0.25)
    assert metrics.digit_error_rate == (1 + 4 + 1) / 11
    assert (metrics.accuracy_low, metrics.accuracy_high) == wilson_interval(2, 4)
    # One in each bin but the last, with a wrong and a right one: 0.7 wrong, 0.8 right, 0.9 and 0.95.
    assert metrics.calibration_error == pytest.approx((0.7 + 0.2 + 2 * abs(0.925 - 0.5)) / 4)


def test_no_numbers_have_no_rates():
    metrics = measure_numbers([])
    assert metrics.accuracy is metrics.digit_error_rate is metrics.calibration_error is metrics.coverage_at_95 is None
    assert mean_rates([metrics])["accuracy"] is None


def test_mean_of_sets_counts_each_set_once():
    sets = [measure_numbers([outcome("1", "1")] * 3), measure_numbers([outcome("1", "2")])]
    assert mean_rates(sets)["accuracy"] == 0.5


def test_each_length_for_itself():
    lengths = measure_lengths([outcome("12", "12"), outcome("1", "7"), outcome("34", ""), outcome("", "5")])
    assert {length: (one.numbers, one.exact) for length, one in lengths.items()} == {1: (1, 0), 2: (2, 1)}


def test_coverage():
    right = [outcome("1", "1", confidence) for confidence in (0.9, 0.8, 0.7)]
    unread = outcome("1", "", status="empty")
    assert coverage_at_precision([*right, outcome("1", "2", 0.5), unread]) == (3 / 5, 0.7)
    assert coverage_at_precision([outcome("1", "2", 0.99), *right]) == (0.0, None)
    assert coverage_at_precision([outcome("1", "2", 0.99), *right], 0.7) == (1.0, 0.7)
    # A threshold cannot part those that are equally sure.
    assert coverage_at_precision([*right, outcome("1", "2", 0.7)]) == (2 / 4, 0.8)
    assert coverage_at_precision([unread]) == (0.0, None)


@pytest.mark.parametrize(
    ("hits", "true", "expected"),
    [
        ([True, True], 2, 1.0),
        ([], 1, 0.0),
        ([False, False], 1, 0.0),
        ([False, True], 1, 0.5),
        # Recall 0 to 0.5 at precision 1: 51 of the 101 points.
        ([True], 2, 51 / 101),
        # 51 points at 1; the others at 2/3.
        ([True, False, True], 2, (51 + 50 * 2 / 3) / 101),
    ],
)
def test_average_precision(hits, true, expected):
    assert average_precision(np.array(hits, bool), true) == pytest.approx(expected)


def boxes_of(*digits):
    return DigitBoxes(np.array([label for label, _ in digits], np.int64), as_boxes([box for _, box in digits]))


def found(*digits):
    scores = np.zeros((len(digits), 10), np.float32)
    for row, (label, _, score) in enumerate(digits):
        scores[row, label] = score
    return Detections(np.array([box for _, box, _ in digits], np.float32).reshape(-1, 4), scores)


LEFT, RIGHT, FAR = (0, 0, 10, 20), (20, 0, 30, 20), (50, 0, 60, 20)


def test_digits_read_rightly():
    true = boxes_of((1, LEFT), (2, RIGHT))
    metrics = measure_digits([PictureDigits(true, true, found((1, LEFT, 0.9), (2, RIGHT, 0.8)))])
    assert (metrics.map50, metrics.map50_95, metrics.total.f1) == (1, 1, 1)
    assert metrics.confusion.sum() == metrics.confusion[1, 1] + metrics.confusion[2, 2] == 2


def test_digits_confused_missed_and_invented():
    true = boxes_of((1, LEFT), (2, RIGHT))
    read = boxes_of((7, LEFT), (3, FAR))
    metrics = measure_digits([PictureDigits(true, read, found((7, LEFT, 0.9), (1, LEFT, 0.2), (3, FAR, 0.5)))])
    assert metrics.confusion[1, 7] == metrics.confusion[2, BACKGROUND] == metrics.confusion[BACKGROUND, 3] == 1
    assert (metrics.total.precision, metrics.total.recall, metrics.total.f1) == (0, 0, 0)
    assert metrics.counts(7).precision == 0
    assert metrics.counts(7).recall is None
    # The 1 is found below the 7, the 2 is not.
    assert metrics.map50 == 0.5


def test_a_loose_box_counts_up_to_its_overlap():
    loose = (0, 0, 10, 15.5)  # 0.775 of the true box: right at 0.50 to 0.75, six of ten thresholds
    metrics = measure_digits([PictureDigits(boxes_of((1, LEFT)), boxes_of((1, loose)), found((1, loose, 0.9)))])
    assert metrics.map50 == 1
    assert metrics.map50_95 == pytest.approx(0.6)


def test_a_digit_found_twice_is_false_once():
    both = found((1, LEFT, 0.9), (1, LEFT, 0.8), (1, FAR, 0.7))
    metrics = measure_digits([PictureDigits(boxes_of((1, LEFT), (1, FAR)), boxes_of(), both)])
    assert metrics.map50 == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_pictures_without_digits_lower_the_precision():
    blank = PictureDigits(boxes_of(), boxes_of((1, FAR)), found((1, FAR, 0.95)))
    true = PictureDigits(boxes_of((1, LEFT)), boxes_of((1, LEFT)), found((1, LEFT, 0.9)))
    assert measure_digits([blank, true]).map50 == 0.5
    assert measure_digits([blank]).map50 is None
    assert measure_digits([]) is None


def test_an_unread_picture_misses_its_digits():
    metrics = measure_digits([PictureDigits(boxes_of((4, LEFT)), boxes_of(), None)])
    assert (metrics.map50, metrics.confusion[4, BACKGROUND]) == (0, 1)


def test_precision_and_recall_at_the_score_with_the_best_f1():
    true = [boxes_of((1, LEFT), (1, RIGHT)), boxes_of((2, LEFT))]
    both = [found((1, LEFT, 0.9), (1, RIGHT, 0.6), (1, FAR, 0.3)), found((2, LEFT, 0.8), (5, FAR, 0.7))]
    metrics = measure_detections(true, both)
    assert (metrics.map50, metrics.precision[1], metrics.recall[1]) == (1, 1, 1)
    record = metrics.to_dict()
    assert (record["precision"], record["recall"], list(record["digits"])) == (1, 1, ["1", "2"])
    assert record["digits"]["2"] == {"precision": 1, "recall": 1, "map50": 1}
    assert measure_detections([], []).to_dict()["map50"] is None


def test_a_detector_is_measured_on_pictures(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((20, 40, 3), np.uint8))
    half = TrueDigits(np.array([3]), np.array([[0.25, 0.5, 0.5, 1.0]]), are_relative=True)
    pictures = [TruePicture("a.png", tmp_path / "a.png", digits=half), TruePicture("b.png", tmp_path / "gone.png")]
    assert measure_detector(lambda image: found((3, (0, 0, 20, 20), 0.9)), pictures).map50_95 == 1
