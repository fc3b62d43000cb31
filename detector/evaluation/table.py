"""A report as tables, and as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from digitdet.common.tables import format_table
from digitdet.evaluation.metrics import NumberMetrics
from digitdet.evaluation.report import Report, mistakes

Table = list[list[str]]
"""Rows of texts, headings first; the first cell of a row is its name."""

_NUMBER_COLUMNS = {
    "exact": "accuracy",
    "low": "accuracy_low",
    "high": "accuracy_high",
    "1 piece": "one_piece",
    "digit err": "digit_error_rate",
    "length": "length_accuracy",
    "top 3": "top3",
    "unsure": "unsure",
    "empty": "empty",
    "calib err": "calibration_error",
    "cov @95": "coverage_at_95",
    "from": "threshold_at_95",
}  # fields of `NumberMetrics` by heading

_MAX_MISTAKES = 10
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


def format_report(report: Report) -> str:
    """Return the metrics by set, by length and of single digits, the comparison with a second model, and the most
    confident mistakes.
    """
    tables = (number_table(report), _length_table(report), digit_table(report), comparison_table(report))
    texts = [format_table([[_printable(name), *cells] for name, *cells in rows]) for rows in tables if rows]
    blocks = [*texts, "\n".join(_mistake_lines(report))]
    return "\n\n".join(block for block in blocks if block) + "\n"


def percent(value: float | None) -> str:
    """Format a share: 0.913 is 91.3%; a dash stands for None."""
    return "-" if value is None else f"{value:.1%}"


def number_table(report: Report) -> Table:
    """Return the metrics of whole numbers, with a row for each set."""
    several = len(report.sets) > 1
    rows = [["set", "pictures", "numbers", "false", *_NUMBER_COLUMNS]]
    for one in (*report.sets, report.together) if several else report.sets:
        counts = [str(len(one.outcomes)), str(one.numbers.numbers), str(one.numbers.false)]
        rows.append([one.name, *counts, *_rates(one.numbers)])
    if several:
        means = (percent(report.mean.get(field)) for field in _NUMBER_COLUMNS.values())
        rows.insert(-1, ["mean of sets", "", "", "", *means])
    return rows


def digit_table(report: Report) -> Table:
    """Return the metrics of single digits, with a row for each set in which they were measured; empty without one."""
    rows = []
    for one in report.sets:
        if one.digits is not None:
            total = one.digits.total
            rates = (total.precision, total.recall, total.f1, one.digits.map50, one.digits.map50_95)
            rows.append([one.name, str(total.true), *map(percent, rates)])
    return [["single digits", "true", "precision", "recall", "F1", "mAP50", "mAP50-95"], *rows] if rows else []


def comparison_table(report: Report) -> Table:
    """Return the comparison with a second model, with a row for each set; empty without one."""
    if not report.comparisons:
        return []
    rows = [["compared", "numbers", "first", "second", "fixed", "broken", "p (McNemar)"]]
    for one in report.comparisons if len(report.sets) > 1 else report.comparisons[:1]:
        shares = [percent(exact / one.numbers if one.numbers else None) for exact in (one.first, one.second)]
        rows.append([one.name, str(one.numbers), *shares, str(one.fixed), str(one.broken), f"{one.p_value:.3g}"])
    return rows


def _length_table(report: Report) -> Table:
    lengths = report.together.lengths
    rows = [[str(length), str(metrics.numbers), *_rates(metrics)] for length, metrics in lengths.items()]
    return [["digits", "numbers", *_NUMBER_COLUMNS], *rows] if rows else []


def _mistake_lines(report: Report) -> Iterator[str]:
    found = [mistake for mistake in mistakes(report) if mistake[1].text]
    if found:
        yield "most confident mistakes"
    for outcome, number in found[:_MAX_MISTAKES]:
        image = _printable(f"{outcome.set_name}/{outcome.picture.image}")
        yield f"{number.confidence:6.1%}  {number.truth or '(none)'} read as {number.text}  {image}"


def _rates(metrics: NumberMetrics) -> list[str]:
    return [percent(getattr(metrics, field)) for field in _NUMBER_COLUMNS.values()]


def _printable(text: str) -> str:
    """Escape control characters, and bytes of file names that are not UTF-8: they must not reach a terminal."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").translate(_ESCAPES)
