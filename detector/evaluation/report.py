"""The report of an evaluation: metrics of each set and all readings, as objects and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from digitdet.evaluation.comparison import Comparison, compare
from digitdet.evaluation.detection import DigitMetrics, measure_digits
from digitdet.evaluation.metrics import NumberMetrics, mean_rates, measure_lengths, measure_numbers
from digitdet.evaluation.outcomes import NumberOutcome, PictureOutcome

_SCHEMA_VERSION = 1
_ALL = "all"  # name of all sets together


@dataclass(frozen=True)
class SetReport:
    """The metrics of one set, or of all together.

    Attributes:
        name: Name of the set.
        outcomes: Its pictures.
        errors: Number of pictures that could not be read.
        whole: Share of the pictures in which every number was read exactly, without false readings.
        false_alarms: Share of the pictures without a number in which one was read.
        numbers: Metrics of whole numbers.
        lengths: The same by number of digits.
        digits: Metrics of single digits; None if not measured.
    """

    name: str
    outcomes: tuple[PictureOutcome, ...]
    errors: int
    whole: float | None
    false_alarms: float | None
    numbers: NumberMetrics
    lengths: Mapping[int, NumberMetrics]
    digits: DigitMetrics | None

    @property
    def number_outcomes(self) -> list[NumberOutcome]:
        """The outcomes of all numbers, in order."""
        return [number for outcome in self.outcomes for number in outcome.numbers]

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as JSON types, without the outcomes."""
        return {
            "name": self.name,
            "pictures": len(self.outcomes),
            "errors": self.errors,
            "whole": self.whole,
            "false_alarms": self.false_alarms,
            **asdict(self.numbers),
            "lengths": {str(length): asdict(metrics) for length, metrics in self.lengths.items()},
            "digits": self.digits.to_dict() if self.digits else None,
        }


@dataclass(frozen=True)
class Report:
    """The evaluation of one model.

    Attributes:
        model: Name of the model.
        sets: The report of each set.
        mean: Mean of each rate over the sets.
        together: The report of all sets together.
        other: The evaluation of a second model, if there is one.
        comparisons: The comparison with it, of each set and then of all together.
    """

    model: str
    sets: tuple[SetReport, ...]
    mean: Mapping[str, float | None]
    together: SetReport
    other: Report | None = None
    comparisons: tuple[Comparison, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return all metrics and every picture with its reading as JSON types."""
        record: dict[str, Any] = {
            "schema": _SCHEMA_VERSION,
            "model": self.model,
            "sets": [one.to_dict() for one in self.sets],
            "mean": dict(self.mean),
            "all": self.together.to_dict(),
            "mistakes": [{**_place(outcome), **_number_record(number)} for outcome, number in mistakes(self)],
            "pictures": [_picture_record(outcome) for outcome in self.together.outcomes],
        }
        if self.other is not None:
            record["compare"] = {
                "sets": [one.to_dict() for one in self.comparisons],
                "changes": [change.to_dict() for change in self.comparisons[-1].changes],
                "other": self.other.to_dict(),
            }
        return record

    def to_json(self) -> str:
        """Return `to_dict` as JSON text; the same bytes for the same readings."""
        return json.dumps(self.to_dict(), indent=1) + "\n"


def make_report(model: str, sets: Mapping[str, Sequence[PictureOutcome]], other: Report | None = None) -> Report:
    """Return the report of a model.

    Args:
        model: Name of the model.
        sets: The outcomes of each set by its name, as from `read_set`.
        other: The report of a second model on the same pictures.

    Raises:
        ValueError: `other` is about other pictures.
    """
    reports = tuple(_report_set(name, outcomes) for name, outcomes in sets.items())
    together = _report_set(_ALL, [outcome for one in reports for outcome in one.outcomes])
    pairs = [*zip(reports, other.sets, strict=True), (together, other.together)] if other else []
    comparisons = tuple(compare(first.name, first.outcomes, second.outcomes) for first, second in pairs)
    return Report(model, reports, mean_rates([one.numbers for one in reports]), together, other, comparisons)


def mistakes(report: Report) -> list[tuple[PictureOutcome, NumberOutcome]]:
    """Return the numbers that were not read exactly, and false readings: the most confident first."""
    found = [(outcome, number) for outcome in report.together.outcomes for number in outcome.numbers]
    wrong = [(outcome, number) for outcome, number in found if not number.is_right]
    return sorted(wrong, key=lambda mistake: -mistake[1].confidence)


def _report_set(name: str, outcomes: Sequence[PictureOutcome]) -> SetReport:
    numbers = [number for outcome in outcomes for number in outcome.numbers]
    known = [one for one in outcomes if one.picture.texts is not None or one.picture.placed is not None]
    blank = [one for one in known if not any(number.truth for number in one.numbers)]
    return SetReport(
        name=name,
        outcomes=tuple(outcomes),
        errors=sum(one.reading.error is not None for one in outcomes),
        whole=sum(one.is_right for one in known) / len(known) if known else None,
        false_alarms=sum(bool(one.numbers) for one in blank) / len(blank) if blank else None,
        numbers=measure_numbers(numbers),
        lengths=measure_lengths(numbers),
        digits=measure_digits([one.digits for one in outcomes if one.digits is not None]),
    )


def _picture_record(outcome: PictureOutcome) -> dict[str, Any]:
    return {
        **_place(outcome),
        "right": outcome.is_right,
        "numbers": [_number_record(number) for number in outcome.numbers],
        "reading": outcome.reading.to_dict(),
    }


def _place(outcome: PictureOutcome) -> dict[str, str]:
    return {"set": outcome.set_name, "image": outcome.picture.image}


def _number_record(number: NumberOutcome) -> dict[str, Any]:
    return {
        "truth": number.truth,
        "text": number.text,
        "right": number.is_right,
        "status": number.status,
        "confidence": round(number.confidence, 4),
        "candidates": list(number.candidates),
        "pieces": number.pieces,
        "edits": number.edits,
    }
