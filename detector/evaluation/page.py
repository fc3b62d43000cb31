"""A report as one self-contained HTML page."""

from __future__ import annotations

from typing import Any

from digitdet.evaluation.comparison import BROKEN, FIXED
from digitdet.evaluation.gallery import KINDS, gallery_cards
from digitdet.evaluation.html import render_page
from digitdet.evaluation.plots import coverage_chart, length_chart, reliability_chart
from digitdet.evaluation.report import Report, SetReport
from digitdet.evaluation.table import comparison_table, digit_table, number_table, percent


def format_page(report: Report) -> bytes:
    """Return the page in UTF-8: tables, plots of each set, and a gallery of numbers that can be filtered.

    The pictures are read again for their thumbnails. The same readings give the same bytes.
    """
    cards, count = gallery_cards(report)
    plotted = report.sets if len(report.sets) == 1 else (report.together, *report.sets)
    numbers = report.together.number_outcomes
    filters = {
        "set": ("Set", [one.name for one in report.sets]),
        "kind": ("Kind", KINDS),
        "status": ("Status", sorted({number.status for number in numbers})),
        "length": ("Digits", sorted({number.length for number in numbers})),
    }
    if report.comparisons:
        filters["change"] = ("Changed", (FIXED, BROKEN))
    return render_page(
        "digitdet.evaluation",
        "report.html.j2",
        percent=percent,
        report=report,
        numbers=number_table(report),
        digits=digit_table(report),
        comparison=comparison_table(report),
        plots=[_plots(report, one) for one in plotted],
        filters=filters,
        cards=cards,
        omitted=count - len(cards),
    )


def _plots(report: Report, one: SetReport) -> dict[str, Any]:
    """The charts of a set, or of all sets together, and the names of the curves in the first one."""
    curves = {one.name: one.number_outcomes}
    if one is report.together:
        curves |= {other.name: other.number_outcomes for other in report.sets}
    elif report.other is not None:
        curves["other model"] = next(other.number_outcomes for other in report.other.sets if other.name == one.name)
    return {
        "name": one.name,
        "charts": [coverage_chart(curves), reliability_chart(one.number_outcomes), length_chart(one.lengths)],
        "curves": list(curves),
        "confusion": one.digits.confusion.tolist() if one.digits else None,
    }
