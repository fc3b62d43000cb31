"""Detection metrics against values worked out by hand."""

import numpy as np
import pytest

from digitdet.common.boxes import as_boxes
from digitdet.detection.postprocess import Detections
from digitdet.evaluation.detection import (
    BACKGROUND,
    PictureDigits,
    average_precision,
    measure_detections,
    measure_digits,
)
from digitdet.evaluation.sets import DigitBoxes


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


def test_digits_read_correctly():
    true = boxes_of((1, LEFT), (2, RIGHT))
    metrics = measure_digits([PictureDigits(true, true, found((1, LEFT, 0.9), (2, RIGHT, 0.8)))])
    assert (metrics.map50, metrics.map50_95, metrics.total.f1) == (1, 1, 1)
    assert metrics.confusion.sum() == metrics.confusion[1, 1] + metrics.confusion[2, 2] == 2


def test_confused_missed_and_false_digits():
    true = boxes_of((1, LEFT), (2, RIGHT))
    read = boxes_of((7, LEFT), (3, FAR))
    metrics = measure_digits([PictureDigits(true, read, found((7, LEFT, 0.9), (1, LEFT, 0.2), (3, FAR, 0.5)))])
    assert metrics.confusion[1, 7] == metrics.confusion[2, BACKGROUND] == metrics.confusion[BACKGROUND, 3] == 1
    assert (metrics.total.precision, metrics.total.recall, metrics.total.f1) == (0, 0, 0)
    assert metrics.counts(7).precision == 0
    assert metrics.counts(7).recall is None
    # The 1 is detected with a lower score than the 7; the 2 is not detected.
    assert metrics.map50 == 0.5


def test_a_loose_box_counts_up_to_its_iou():
    loose = (0, 0, 10, 15.5)  # 0.775 of the true box: right at 0.50 to 0.75, six of ten thresholds
    metrics = measure_digits([PictureDigits(boxes_of((1, LEFT)), boxes_of((1, loose)), found((1, loose, 0.9)))])
    assert metrics.map50 == 1
    assert metrics.map50_95 == pytest.approx(0.6)


def test_a_duplicate_detection_is_false():
    both = found((1, LEFT, 0.9), (1, LEFT, 0.8), (1, FAR, 0.7))
    metrics = measure_digits([PictureDigits(boxes_of((1, LEFT), (1, FAR)), boxes_of(), both)])
    assert metrics.map50 == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_false_detections_in_pictures_without_digits():
    blank = PictureDigits(boxes_of(), boxes_of((1, FAR)), found((1, FAR, 0.95)))
    true = PictureDigits(boxes_of((1, LEFT)), boxes_of((1, LEFT)), found((1, LEFT, 0.9)))
    assert measure_digits([blank, true]).map50 == 0.5
    assert measure_digits([blank]).map50 is None
    assert measure_digits([]) is None


def test_digits_of_an_unreadable_picture_are_missed():
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
