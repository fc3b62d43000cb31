"""Charts of a report as data: the template draws them as SVG, since the base install has no Matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from digitdet.evaluation.metrics import PRECISION, NumberMetrics, confidences_and_hits
from digitdet.evaluation.outcomes import NumberOutcome
from digitdet.evaluation.statistics import accuracy_at_coverage, reliability_bins, wilson_interval
from digitdet.evaluation.table import percent

_MAX_POINTS = 200  # of a curve


@dataclass(frozen=True)
class Chart:
    """A chart with coordinates from 0 to 1.

    `lines` are (points (x, y), CSS class, tooltip), `bars` (left, right, height, CSS class, tooltip), `dots`
    (x, y, tooltip), and `ticks` of the x axis (x, label).
    """

    title: str
    x_name: str
    y_name: str
    lines: Sequence[tuple[Sequence[tuple[float, float]], str, str]] = ()
    bars: Sequence[tuple[float, float, float, str, str]] = ()
    dots: Sequence[tuple[float, float, str]] = ()
    ticks: Sequence[tuple[float, str]] = tuple((tick, f"{tick:.0%}") for tick in (0, 0.25, 0.5, 0.75, 1))


def coverage_chart(curves: Mapping[str, Sequence[NumberOutcome]]) -> Chart:
    """Return curves of the accuracy of the most confident readings against their share of all numbers."""
    lines, dots = [([(0, PRECISION), (1, PRECISION)], "guide", "")], []
    for index, (name, outcomes) in enumerate(curves.items()):
        read = [outcome for outcome in outcomes if outcome.text]
        if not read:
            continue
        _, coverages, accuracies = accuracy_at_coverage(*confidences_and_hits(read))
        coverages = coverages * len(read) / len(outcomes)
        chosen = np.unique(np.linspace(0, len(read) - 1, min(len(read), _MAX_POINTS)).round().astype(int))
        points = list(zip(coverages[chosen].tolist(), accuracies[chosen].tolist(), strict=True))
        note = f"{name}: accuracy {percent(points[-1][1])} at coverage {percent(points[-1][0])}"
        if len(points) > 1:
            lines.append((points, f"curve c{index % 10}", note))
        else:
            dots.append((*points[0], note))
    return Chart("Accuracy against coverage", "coverage", "accuracy", lines, dots=dots)


def reliability_chart(outcomes: Sequence[NumberOutcome]) -> Chart:
    """Return a reliability diagram with 95% intervals; grey bars show the share of the readings in each bin."""
    confidences, hits = confidences_and_hits([outcome for outcome in outcomes if outcome.text])
    lines, bars, dots = [([(0.0, 0.0), (1.0, 1.0)], "guide", "")], [], []
    for one in reliability_bins(confidences, hits):
        note = f"{one.count} of {len(hits)} readings"
        bars.append((one.low + 0.02, one.high - 0.02, one.count / len(hits), "count", note))
        low, high = wilson_interval(round(one.accuracy * one.count), one.count)
        lines.append(([(one.confidence, low), (one.confidence, high)], "whisker", ""))
        note = f"{one.count} readings with mean confidence {percent(one.confidence)}: {percent(one.accuracy)} exact"
        dots.append((one.confidence, one.accuracy, note))
    return Chart("Reliability", "confidence", "accuracy", lines, bars, dots)


def length_chart(lengths: Mapping[int, NumberMetrics]) -> Chart:
    """Return the share of exact numbers by number of digits, with 95% intervals."""
    lines, bars, ticks = [], [], []
    width = 1 / max(len(lengths), 1)
    for index, (length, metrics) in enumerate(lengths.items()):
        left, middle, right = (width * (index + part) for part in (0.15, 0.5, 0.85))
        accuracy = metrics.accuracy or 0.0
        note = f"{length} digits: {metrics.exact} of {metrics.numbers} exact, {percent(accuracy)}"
        bars.append((left, right, accuracy, "bar", note))
        interval = (metrics.accuracy_low or 0.0, metrics.accuracy_high or 0.0)
        lines.append(([(middle, limit) for limit in interval], "whisker", ""))
        ticks.append((middle, str(length)))
    return Chart("Exact numbers by length", "digits", "exact", lines, bars, ticks=ticks)
