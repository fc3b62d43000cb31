"""How well numbers are read, as figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from digitdet.evaluation.outcomes import NumberOutcome
from digitdet.evaluation.significance import wilson_interval
from digitdet.reading.reliability import expected_calibration_error, most_accepted
from digitdet.reading.results import UNSURE

PRECISION = 0.95
"""The part of the accepted numbers that shall be right."""


@dataclass(frozen=True)
class NumberMetrics:
    """Figures over outcomes; shares are 0 to 1, and None where there is nothing to divide by.

    `numbers` are truly there, `exact` of them were read exactly; `false` readings are of nothing. `accuracy` is the
    share of exact ones, with its 95% interval from `accuracy_low` to `accuracy_high`. `one_piece`: read exactly and
    not in several pieces. `digit_error_rate`: edits for one true digit, those of false readings included.
    `length_accuracy`: as many digits read as there are. `top3`: the truth is among the three best candidates.
    `unsure`: given as such. `empty`: nothing was read. `calibration_error`: see `expected_calibration_error`.
    `coverage_at_95`: the largest share of all that can be accepted by confidence so that 95% of it are right, and
    `threshold_at_95` the confidence to accept from.
    """

    numbers: int
    exact: int
    false: int
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    one_piece: float | None
    digit_error_rate: float | None
    length_accuracy: float | None
    top3: float | None
    unsure: float | None
    empty: float | None
    calibration_error: float | None
    coverage_at_95: float | None
    threshold_at_95: float | None

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return asdict(self)


_NO_MEAN = ("numbers", "exact", "false", "accuracy_low", "accuracy_high", "threshold_at_95")
RATES = tuple(field.name for field in fields(NumberMetrics) if field.name not in _NO_MEAN)
"""The fields that may be averaged over sets."""


def measure_numbers(outcomes: Sequence[NumberOutcome]) -> NumberMetrics:
    """The figures over outcomes."""
    true = [outcome for outcome in outcomes if outcome.truth]
    digits = sum(len(outcome.truth) for outcome in true)
    exact = sum(outcome.is_right for outcome in true)
    low, high = wilson_interval(exact, len(true)) if true else (None, None)
    confidences, right = confidences_and_hits([outcome for outcome in outcomes if outcome.text])
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
        length_accuracy=_share([len(outcome.text) == len(outcome.truth) for outcome in true]),
        top3=_share([outcome.truth in outcome.candidates for outcome in true]),
        unsure=_share([outcome.status == UNSURE for outcome in true]),
        empty=_share([not outcome.text for outcome in true]),
        calibration_error=expected_calibration_error(confidences, right) if len(right) else None,
        coverage_at_95=coverage if true else None,
        threshold_at_95=threshold,
    )


def measure_lengths(outcomes: Sequence[NumberOutcome]) -> dict[int, NumberMetrics]:
    """The figures for true numbers of each length, the shortest first."""
    lengths = sorted({len(outcome.truth) for outcome in outcomes if outcome.truth})
    return {length: measure_numbers([one for one in outcomes if len(one.truth) == length]) for length in lengths}


def mean_rates(sets: Sequence[NumberMetrics]) -> dict[str, float | None]:
    """The mean of each share over sets, each of the same weight, as far as they have it."""
    columns = {name: [value for one in sets if (value := getattr(one, name)) is not None] for name in RATES}
    return {name: float(np.mean(values)) if values else None for name, values in columns.items()}


def confidences_and_hits(
    outcomes: Sequence[NumberOutcome],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Confidence and whether it is right, (N,) each."""
    confidences = np.array([outcome.confidence for outcome in outcomes], np.float64)
    return confidences, np.array([outcome.is_right for outcome in outcomes], bool)


def coverage_at_precision(
    outcomes: Sequence[NumberOutcome], precision: float = PRECISION
) -> tuple[float, float | None]:
    """How much can be accepted by its confidence, and from which on.

    Returns:
        The largest part of all outcomes of which at least `precision` are right, and the confidence of its last one;
        0 and None if there is none. What was not read is never accepted, but counts in the whole.
    """
    read = [outcome for outcome in outcomes if outcome.text]
    accepted, threshold = most_accepted(*confidences_and_hits(read), precision)
    return (0.0, None) if threshold is None else (accepted / len(outcomes), threshold)


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None
