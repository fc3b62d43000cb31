"""A report as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from digitdet.evaluation.comparison import Comparison
from digitdet.evaluation.metrics import NumberMetrics
from digitdet.evaluation.report import Report, SetReport, mistakes

NUMBER_COLUMNS = (
    ("exact", "accuracy"),
    ("low", "accuracy_low"),
    ("high", "accuracy_high"),
    ("1 piece", "one_piece"),
    ("digit err", "digit_error_rate"),
    ("length", "length_accuracy"),
    ("top 3", "top3"),
    ("unsure", "unsure"),
    ("empty", "empty"),
    ("calib err", "calibration_error"),
    ("cov @95", "coverage_at_95"),
    ("from", "threshold_at_95"),
)
"""Heading and field of each figure, in the terminal and on the page."""

_SHOWN_MISTAKES = 10
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


def format_report(report: Report) -> str:
    """The figures of each set and their mean, of each length and of single digits; a comparison; the most confident
    mistakes. Ends with a line end.
    """
    blocks = [_numbers_table(report), _lengths_table(report.together)]
    if any(one.digits for one in report.sets):
        blocks.append(_digits_table(report.sets))
    if report.comparisons:
        blocks.append(_comparison_table(report.comparisons))
    blocks.append("\n".join(_mistake_lines(report)))
    return "\n\n".join(block for block in blocks if block) + "\n"


def percent(value: float | None) -> str:
    """A share as text: 0.913 is 91.3%; a dash for None."""
    return "-" if value is None else f"{value:.1%}"


def printable(text: str) -> str:
    """A text in which nothing but letters is left for a terminal: odd bytes of file names and control characters
    escaped.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8").translate(_ESCAPES)


def _numbers_table(report: Report) -> str:
    rows = [["set", "pictures", "numbers", "false", *(heading for heading, _ in NUMBER_COLUMNS)]]
    for one in report.sets if len(report.sets) == 1 else [*report.sets, report.together]:
        counts = [str(len(one.outcomes)), str(one.numbers.numbers), str(one.numbers.false)]
        rows.append([printable(one.name), *counts, *_rates(one.numbers)])
    if len(report.sets) > 1:
        means = (percent(report.mean.get(field)) for _, field in NUMBER_COLUMNS)
        rows.insert(-1, ["mean of sets", "", "", "", *means])
    return _columns(rows)


def _lengths_table(together: SetReport) -> str:
    if not together.lengths:
        return ""
    rows = [["digits", "numbers", *(heading for heading, _ in NUMBER_COLUMNS)]]
    for length, metrics in together.lengths.items():
        rows.append([str(length), str(metrics.numbers), *_rates(metrics)])
    return _columns(rows)


def _digits_table(sets: Sequence[SetReport]) -> str:
    rows = [["single digits", "true", "precision", "recall", "F1", "mAP50", "mAP50-95"]]
    for one in sets:
        if one.digits is not None:
            total = one.digits.total
            rates = (total.precision, total.recall, total.f1, one.digits.map50, one.digits.map50_95)
            rows.append([printable(one.name), str(total.true), *map(percent, rates)])
    return _columns(rows)


def _comparison_table(comparisons: Sequence[Comparison]) -> str:
    rows = [["compared", "numbers", "first", "second", "fixed", "broken", "p (McNemar)"]]
    for one in comparisons if len(comparisons) > 2 else comparisons[:1]:
        shares = [percent(hits / one.numbers if one.numbers else None) for hits in (one.first, one.second)]
        counts = [str(one.fixed), str(one.broken), f"{one.p_value:.3g}"]
        rows.append([printable(one.name), str(one.numbers), *shares, *counts])
    return _columns(rows)


def _mistake_lines(report: Report) -> Iterator[str]:
    found = [mistake for mistake in mistakes(report) if mistake[1].text]
    if found:
        yield "most confident mistakes"
    for outcome, number in found[:_SHOWN_MISTAKES]:
        image = printable(f"{outcome.set_name}/{outcome.picture.image}")
        yield f"{number.confidence:6.1%}  {number.truth or '(none)'} read as {number.text}  {image}"


def _rates(metrics: NumberMetrics) -> list[str]:
    return [percent(getattr(metrics, field)) for _, field in NUMBER_COLUMNS]


def _columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows as lines, the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    return "\n".join(lines)
