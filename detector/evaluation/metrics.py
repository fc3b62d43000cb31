"""Metrics of whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from digitdet.common.characters import only_digits
from digitdet.common.types import FloatArray, Mask
from digitdet.evaluation.outcomes import NumberOutcome
from digitdet.evaluation.statistics import expected_calibration_error, most_accepted, wilson_interval
from digitdet.reading.results import UNSURE

PRECISION = 0.95
"""Precision at which coverage is reported."""


@dataclass(frozen=True)
class NumberMetrics:
    """Metrics over outcomes. Shares are 0 to 1 and of the true numbers; None where they are undefined."""

    numbers: int  # true numbers
    exact: int  # true numbers that were read exactly
    false: int  # readings where there is no number
    accuracy: float | None  # share read exactly
    accuracy_low: float | None  # lower end of the 95% Wilson interval of the accuracy
    accuracy_high: float | None
    one_piece: float | None  # share read exactly and as one number
    digit_error_rate: float | None  # edits per true digit or labelled mark; false readings are edits too
    length_accuracy: float | None  # share read with the right number of digits
    top3: float | None  # share with the truth among the three most probable texts
    unsure: float | None  # share with the status 'unsure'
    empty: float | None  # share for which nothing was read
    calibration_error: float | None  # expected calibration error of all readings
    coverage_at_95: float | None  # largest share of all outcomes that a threshold can accept with 95% of them exact
    threshold_at_95: float | None  # this threshold of the confidence


_NOT_AVERAGED = ("numbers", "exact", "false", "accuracy_low", "accuracy_high", "threshold_at_95")
_RATES = tuple(field.name for field in fields(NumberMetrics) if field.name not in _NOT_AVERAGED)


def measure_numbers(outcomes: Sequence[NumberOutcome]) -> NumberMetrics:
    """Measure numbers and false readings."""
    true = [outcome for outcome in outcomes if outcome.truth]
    digits = sum(len(outcome.truth) for outcome in true)
    exact = sum(outcome.is_right for outcome in true)
    low, high = wilson_interval(exact, len(true)) if true else (None, None)
    confidences, hits = confidences_and_hits([outcome for outcome in outcomes if outcome.text])
    coverage, threshold = coverage_at_precision(outcomes)
    return NumberMetrics(
        numbers=len(true),
        exact=exact,
        false=len(outcomes) - len(true),
        accuracy=_share([outcome.is_right for outcome in true]),
        accuracy_low=low,
        accuracy_high=high,
        one_piece=_share([outcome.is_right and outcome.pieces == 1 for outcome in true]),
        digit_error_rate=sum(outcome.edits for outcome in outcomes) / digits if digits else None,
        length_accuracy=_share([len(only_digits(outcome.text)) == outcome.length for outcome in true]),
        top3=_share([outcome.truth in outcome.candidates for outcome in true]),
        unsure=_share([outcome.status == UNSURE for outcome in true]),
        empty=_share([not outcome.text for outcome in true]),
        calibration_error=expected_calibration_error(confidences, hits) if len(hits) else None,
        coverage_at_95=coverage if true else None,
        threshold_at_95=threshold,
    )


def measure_lengths(outcomes: Sequence[NumberOutcome]) -> dict[int, NumberMetrics]:
    """Return the metrics of true numbers by their number of digits, the shortest first."""
    lengths = sorted({outcome.length for outcome in outcomes if outcome.truth})
    return {length: measure_numbers([one for one in outcomes if one.length == length]) for length in lengths}


def mean_rates(sets: Sequence[NumberMetrics]) -> dict[str, float | None]:
    """Return the mean of each rate over the sets in which it is defined, with the same weight for every set."""
    columns = {name: [value for one in sets if (value := getattr(one, name)) is not None] for name in _RATES}
    return {name: float(np.mean(values)) if values else None for name, values in columns.items()}


def confidences_and_hits(outcomes: Sequence[NumberOutcome]) -> tuple[FloatArray, Mask]:
    """Return the confidences (N,), and whether each outcome is exact (N,)."""
    confidences = np.array([outcome.confidence for outcome in outcomes], np.float64)
    return confidences, np.array([outcome.is_right for outcome in outcomes], bool)


def coverage_at_precision(
    outcomes: Sequence[NumberOutcome], precision: float = PRECISION
) -> tuple[float, float | None]:
    """Return the largest share of all outcomes that a threshold can accept at a precision, and the threshold.

    0 and None if no threshold reaches the precision. Numbers that were not read are never accepted, but count.
    """
    read = [outcome for outcome in outcomes if outcome.text]
    accepted, threshold = most_accepted(*confidences_and_hits(read), precision)
    return (0.0, None) if threshold is None else (accepted / len(outcomes), threshold)


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None
