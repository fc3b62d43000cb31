"""Statistics against published values and values worked out by hand."""

import numpy as np
import pytest

from digitdet.evaluation.statistics import (
    accuracy_at_coverage,
    expected_calibration_error,
    mcnemar,
    reliability_bins,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    # Newcombe, 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval(hits, count, low, high):
    assert wilson_interval(hits, count) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    mirrored = wilson_interval(count - hits, count)
    assert mirrored == (pytest.approx(1 - high, abs=5e-5), pytest.approx(1 - low, abs=5e-5))


@pytest.mark.parametrize(
    ("fixed", "broken", "p"),
    [(0, 0, 1), (1, 0, 1), (5, 0, 2 / 32), (3, 3, 1), (8, 2, 2 * (1 + 10 + 45) / 1024), (1, 9, 2 * 11 / 1024)],
)
def test_mcnemar(fixed, broken, p):
    assert mcnemar(fixed, broken) == mcnemar(broken, fixed) == pytest.approx(p)


def test_mcnemar_of_many():
    assert 0 < mcnemar(2500, 2000) < 1e-12


def test_reliability_bins():
    bins = reliability_bins([0.95, 0.85, 0.1, 0.15, 1.0], [True, False, False, True, True])
    assert [(one.low, one.count, one.accuracy) for one in bins] == [
        (0.1, 2, 0.5),
        (0.8, 1, 0.0),
        (0.9, 2, 1.0),
    ]
    assert bins[2].confidence == pytest.approx(0.975)
    expected = (2 * abs(0.125 - 0.5) + abs(0.85 - 0) + 2 * abs(0.975 - 1)) / 5
    assert expected_calibration_error([0.95, 0.85, 0.1, 0.15, 1.0], [True, False, False, True, True]) == pytest.approx(
        expected
    )


def test_calibrated_confidences_have_no_error():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0, 1, 40_000)
    right = rng.uniform(0, 1, 40_000) < confidence
    assert expected_calibration_error(confidence, right) < 0.01
    assert expected_calibration_error(confidence**3, right) > 0.1


def test_no_predictions():
    assert np.isnan(expected_calibration_error([], []))
    assert reliability_bins([], []) == []
    assert [len(part) for part in accuracy_at_coverage([], [])] == [0, 0, 0]


def test_accuracy_at_coverage():
    threshold, coverage, accuracy = accuracy_at_coverage([0.2, 0.9, 0.5, 0.7], [False, True, False, True])
    assert threshold.tolist() == [0.9, 0.7, 0.5, 0.2]
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert accuracy.tolist() == pytest.approx([1, 1, 2 / 3, 0.5])
