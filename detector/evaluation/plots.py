"""The plots of the page: SVG as text, coloured by the page's style sheet, and the confusion matrix as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

import numpy as np

from digitdet.evaluation.detection import BACKGROUND, DigitMetrics
from digitdet.evaluation.metrics import PRECISION, NumberMetrics, confidences_and_hits
from digitdet.evaluation.outcomes import NumberOutcome
from digitdet.evaluation.significance import wilson_interval
from digitdet.evaluation.table import percent
from digitdet.reading.reliability import accuracy_at_coverage, reliability_bins

# The plotting area in user units: margins hold the axes' names.
_WIDTH, _HEIGHT = 392, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 368, 12, 236
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_MAX_POINTS = 200  # of a curve: more cannot be told apart


def coverage_plot(curves: Mapping[str, Sequence[NumberOutcome]]) -> str:
    """Accuracy of the accepted part of all numbers against how large it is, a line for each name."""
    parts = [_line([(0, PRECISION), (1, PRECISION)], "guide")]
    for place, (name, outcomes) in enumerate(curves.items()):
        read = [outcome for outcome in outcomes if outcome.text]
        if not read:
            continue
        _, coverages, accuracies = accuracy_at_coverage(*confidences_and_hits(read))
        coverages = coverages * len(read) / len(outcomes)
        chosen = np.unique(np.linspace(0, len(read) - 1, min(len(read), _MAX_POINTS)).round().astype(int))
        points = list(zip(coverages[chosen].tolist(), accuracies[chosen].tolist(), strict=True))
        parts.append(
            _line(points, f"curve c{place % 10}", f"{name}: {percent(points[-1][1])} of {percent(points[-1][0])}")
        )
    return _chart("Accuracy against coverage", "accepted, surest first", "right of those", parts)


def reliability_plot(outcomes: Sequence[NumberOutcome]) -> str:
    """How many are right of those given with a confidence; upright lines are 95% intervals, bars the share in a bin."""
    confidences, right = confidences_and_hits([outcome for outcome in outcomes if outcome.text])
    parts = [_line([(0, 0), (1, 1)], "guide")]
    bins = reliability_bins(confidences, right)
    for one in bins:
        share = one.count / len(right)
        parts.append(_bar(one.low + 0.02, one.high - 0.02, share, "count", f"{one.count} of {len(right)}"))
    for one in bins:
        low, high = wilson_interval(round(one.accuracy * one.count), one.count)
        parts.append(_line([(one.confidence, low), (one.confidence, high)], "whisker"))
        note = f"{one.count} given with {percent(one.confidence)} on average: {percent(one.accuracy)} right"
        parts.append(_dot(one.confidence, one.accuracy, note))
    return _chart("Reliability", "confidence", "right", parts)


def length_plot(lengths: Mapping[int, NumberMetrics]) -> str:
    """Exact numbers for each length, with 95% intervals."""
    parts, labels = [], []
    step = 1 / max(len(lengths), 1)
    for place, (length, metrics) in enumerate(lengths.items()):
        low, high, share = metrics.accuracy_low or 0.0, metrics.accuracy_high or 0.0, metrics.accuracy or 0.0
        left, middle, right = (step * (place + part) for part in (0.15, 0.5, 0.85))
        note = f"{length} digits: {metrics.exact} of {metrics.numbers} exact, {percent(share)}"
        parts.append(_bar(left, right, share, "bar", note))
        parts.append(_line([(middle, low), (middle, high)], "whisker"))
        labels.append((middle, str(length)))
    return _chart("Exact numbers by length", "digits", "exact", parts, labels)


def confusion_table(digits: DigitMetrics) -> str:
    """The confusion matrix: a table, so that it can be read aloud; darker cells hold more of their row."""
    names = [*map(str, range(BACKGROUND)), "none"]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = []
    for row, name in enumerate(names):
        counts = digits.confusion[row].tolist()
        total = max(sum(counts), 1)
        cells = (_cell(count, count / total, row == column) for column, count in enumerate(counts))
        rows.append(f'<tr><th scope="row">{name}</th>{"".join(cells)}</tr>')
    return (
        '<table class="confusion"><caption>Single digits: rows are what is there, columns what was read</caption>'
        f'<thead><tr><th scope="col">is \\ read</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def _cell(count: int, share: float, is_right: bool) -> str:
    if not count:
        return "<td></td>"
    kind = "hit" if is_right else "miss"
    # Rare confusions are those one looks for: their shade grows with the root.
    return f'<td class="{kind}" style="--share:{share**0.5:.2f}" title="{percent(share)} of the row">{count}</td>'


def _chart(
    title: str, x_name: str, y_name: str, parts: Sequence[str], x_labels: Sequence[tuple[float, str]] | None = None
) -> str:
    """A plot with axes from 0 to 1; `x_labels` stand in the place of percentages."""
    labels = x_labels if x_labels is not None else [(tick, f"{tick:.0%}") for tick in _TICKS]
    axes = [*_grid(), *(_text(_x(at), _BOTTOM + 18, label, "middle") for at, label in labels)]
    middle = (_TOP + _BOTTOM) / 2
    axes.append(_text((_LEFT + _RIGHT) / 2, _HEIGHT - 6, x_name, "middle"))
    axes.append(
        f'<text x="14" y="{middle:g}" text-anchor="middle" transform="rotate(-90 14 {middle:g})">{y_name}</text>'
    )
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">{"".join(axes)}{"".join(parts)}</svg></figure>'
    )


def _grid() -> Iterator[str]:
    for tick in _TICKS:
        yield f'<path class="grid" d="M{_LEFT} {_y(tick):.1f}H{_RIGHT}"/>'
        yield _text(_LEFT - 6, _y(tick) + 4, f"{tick:.0%}", "end")


def _line(points: Sequence[tuple[float, float]], kind: str, note: str = "") -> str:
    path = "L".join(f"{_x(x):.1f} {_y(y):.1f}" for x, y in points)
    if len(points) == 1:
        return _dot(*points[0], note)
    return f'<path class="{kind}" d="M{path}">{_title(note)}</path>'


def _bar(left: float, right: float, height: float, kind: str, note: str) -> str:
    return (
        f'<rect class="{kind}" x="{_x(left):.1f}" y="{_y(height):.1f}" width="{_x(right) - _x(left):.1f}" '
        f'height="{_BOTTOM - _y(height):.1f}">{_title(note)}</rect>'
    )


def _dot(x: float, y: float, note: str) -> str:
    return f'<circle class="dot" cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="4">{_title(note)}</circle>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _title(note: str) -> str:
    return f"<title>{escape(note)}</title>" if note else ""


def _x(value: float) -> float:
    return _LEFT + value * (_RIGHT - _LEFT)


def _y(value: float) -> float:
    return _BOTTOM - value * (_BOTTOM - _TOP)
