"""Metrics of numbers against values worked out by hand."""

import pytest

from digitdet.evaluation.metrics import coverage_at_precision, mean_rates, measure_lengths, measure_numbers
from digitdet.evaluation.outcomes import NumberOutcome
from digitdet.evaluation.statistics import wilson_interval


def outcome(truth, text, confidence=0.9, status="ok", candidates=(), pieces=1):
    return NumberOutcome(truth, text, confidence if text else 0.0, status, candidates or (text,), pieces)


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
    # One reading in each bin (0.7 wrong, 0.8 right), but two in the last (0.9 right, 0.95 wrong).
    assert metrics.calibration_error == pytest.approx((0.7 + 0.2 + 2 * abs(0.925 - 0.5)) / 4)


def test_rates_without_numbers_are_none():
    metrics = measure_numbers([])
    assert metrics.accuracy is metrics.digit_error_rate is metrics.calibration_error is metrics.coverage_at_95 is None
    assert mean_rates([metrics])["accuracy"] is None


def test_mean_rates_weigh_sets_equally():
    sets = [measure_numbers([outcome("1", "1")] * 3), measure_numbers([outcome("1", "2")])]
    assert mean_rates(sets)["accuracy"] == 0.5


def test_metrics_by_length():
    lengths = measure_lengths([outcome("12", "12"), outcome("1", "7"), outcome("34", ""), outcome("", "5")])
    assert {length: (one.numbers, one.exact) for length, one in lengths.items()} == {1: (1, 0), 2: (2, 1)}
    assert list(measure_lengths([outcome("-3.14", "-3.14")])) == [3]


def test_coverage_at_precision():
    right = [outcome("1", "1", confidence) for confidence in (0.9, 0.8, 0.7)]
    unread = outcome("1", "", status="empty")
    assert coverage_at_precision([*right, outcome("1", "2", 0.5), unread]) == (3 / 5, 0.7)
    assert coverage_at_precision([outcome("1", "2", 0.99), *right]) == (0.0, None)
    assert coverage_at_precision([outcome("1", "2", 0.99), *right], 0.7) == (1.0, 0.7)
    # A threshold cannot separate equal confidences.
    assert coverage_at_precision([*right, outcome("1", "2", 0.7)]) == (2 / 4, 0.8)
    assert coverage_at_precision([unread]) == (0.0, None)
