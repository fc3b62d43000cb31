"""A report as one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources

from digitdet.evaluation.comparison import Comparison
from digitdet.evaluation.gallery import KINDS, gallery_cards
from digitdet.evaluation.html import document, table
from digitdet.evaluation.outcomes import NumberOutcome
from digitdet.evaluation.plots import confusion_table, coverage_plot, length_plot, reliability_plot
from digitdet.evaluation.report import Report, SetReport
from digitdet.evaluation.table import NUMBER_COLUMNS, percent


def format_page(report: Report) -> bytes:
    """The page in UTF-8: tables, plots of each set, and a gallery that can be filtered. The same bytes for the same
    readings; pictures are read once more for their thumbnails.
    """
    cards, count = gallery_cards(report)
    body = "".join(
        [
            _head(report),
            _numbers_section(report),
            _comparison_section(report) if report.comparisons else "",
            _plots_section(report),
            _gallery_section(report, cards, count),
        ]
    )
    script = (resources.files("digitdet.evaluation") / "page.js").read_text(encoding="utf-8")
    return document(f"digitdet eval: {report.model}", body, script)


def _head(report: Report) -> str:
    together = report.together.numbers
    line = f"{together.exact} of {together.numbers} numbers in {len(report.together.outcomes)} pictures read exactly"
    if together.accuracy is not None:
        line += f": {percent(together.accuracy)} (95% interval {_interval(report.together)})"
    other = f" compared with {escape(report.other.model)}" if report.other else ""
    return f"<header><h1>digitdet eval</h1><p>{escape(report.model)}{other}</p><p>{line}.</p></header>\n<main>\n"


def _numbers_section(report: Report) -> str:
    head = ["set", "pictures", "not read", "numbers", "false", *(heading for heading, _ in NUMBER_COLUMNS)]
    rows = [_set_row(one) for one in report.sets]
    if len(report.sets) > 1:
        means = [percent(report.mean.get(field)) for _, field in NUMBER_COLUMNS]
        rows += [["mean of sets", "", "", "", "", *means], _set_row(report.together)]
    return (
        f'<section><h2>Figures</h2><div class="wide" tabindex="0">{table(head, rows)}</div>'
        "<p><small>low, high: 95% interval of the exact share. digit err: edits for one true digit. cov @95: the "
        "largest share that can be accepted by confidence with 95% of it right; from: the confidence to accept from. "
        f"false: readings of what is no number.</small></p>{_digits_table(report)}</section>\n"
    )


def _set_row(one: SetReport) -> list[str]:
    counts = [len(one.outcomes), one.errors, one.numbers.numbers, one.numbers.false]
    return [one.name, *map(str, counts), *(percent(getattr(one.numbers, field)) for _, field in NUMBER_COLUMNS)]


def _digits_table(report: Report) -> str:
    """Single digits of each set in which they were measured; nothing if that is none."""
    rows = []
    for one in report.sets:
        if one.digits is not None:
            total = one.digits.total
            rates = (total.precision, total.recall, total.f1, one.digits.map50, one.digits.map50_95)
            rows.append([one.name, str(total.true), *map(percent, rates)])
    head = ["single digits", "true", "precision", "recall", "F1", "mAP50", "mAP50-95"]
    return f'<div class="wide" tabindex="0">{table(head, rows)}</div>' if rows else ""


def _comparison_section(report: Report) -> str:
    head = ["set", "numbers", "this model", "other model", "fixed", "broken", "p (McNemar)"]
    shown: Sequence[Comparison] = report.comparisons if len(report.sets) > 1 else report.comparisons[:1]
    rows = [
        [
            *(one.name, str(one.numbers)),
            *(percent(hits / one.numbers if one.numbers else None) for hits in (one.first, one.second)),
            *(str(one.fixed), str(one.broken), f"{one.p_value:.3g}"),
        ]
        for one in shown
    ]
    changes = "".join(
        f"<li>{escape(change.set_name)}/{escape(change.image)}: {escape(change.first.truth)} was read as "
        f"{escape(change.first.text) or 'nothing'}, by the other model as {escape(change.second.text) or 'nothing'} "
        f"({change.kind})</li>"
        for change in report.comparisons[-1].changes
    )
    return (
        f'<section><h2>Two models</h2><div class="wide" tabindex="0">{table(head, rows)}</div>'
        "<p><small>fixed: only the other model reads it; broken: only this one does. p: how probable so large a "
        "difference is if both were equally good.</small></p>"
        f"<details><summary>All {len(report.comparisons[-1].changes)} changes</summary><ul>{changes}</ul></details>"
        "</section>\n"
    )


def _plots_section(report: Report) -> str:
    several = len(report.sets) > 1
    sets = [report.together, *report.sets] if several else list(report.sets)
    options = _options((one.name for one in sets), None)
    choice = f'<label>Plots of <select id="plots">{options}</select></label>' if several else ""
    groups = "".join(_plot_group(report, one) for one in sets)
    return f"<section><h2>Plots</h2>{choice}{groups}</section>\n"


def _plot_group(report: Report, one: SetReport) -> str:
    curves: dict[str, Sequence[NumberOutcome]] = {one.name: one.number_outcomes}
    if one is report.together:
        curves |= {other.name: other.number_outcomes for other in report.sets}
    elif report.other is not None:
        curves["other model"] = next(o.number_outcomes for o in report.other.sets if o.name == one.name)
    names = "".join(f'<li class="c{place % 10}">{escape(name)}</li>' for place, name in enumerate(curves))
    plots = [coverage_plot(curves), reliability_plot(one.number_outcomes), length_plot(one.lengths)]
    legend = (
        f'<ul class="legend" aria-label="lines of accuracy against coverage">{names}</ul>' if len(curves) > 1 else ""
    )
    confusion = f'<div class="wide" tabindex="0">{confusion_table(one.digits)}</div>' if one.digits else ""
    heading = f"<h3>{escape(one.name)}</h3>"
    return (
        f'<div class="plots" data-set="{escape(one.name)}">{heading}<div class="row">{"".join(plots)}</div>'
        f"{legend}{confusion}</div>\n"
    )


def _gallery_section(report: Report, cards: Sequence[str], count: int) -> str:
    numbers = report.together.number_outcomes
    lengths = sorted({len(number.truth) for number in numbers})
    controls = [
        _select("set", "Set", (one.name for one in report.sets)),
        _select("kind", "Kind", KINDS),
        _select("status", "Status", sorted({number.status for number in numbers})),
        _select("length", "Digits", map(str, lengths)),
        _select("change", "Changed", ("fixed", "broken")) if report.comparisons else "",
        '<label>Contains <input type="search" name="text"></label>',
        '<label><input type="checkbox" name="mistakes" checked> Only mistakes</label>',
        '<label><input type="checkbox" name="frames" checked> Frames</label>',
        '<label>Sort <select name="sort"><option value="down">most confident first</option>'
        '<option value="up">least confident first</option></select></label>',
    ]
    left_out = f" {count - len(cards)} more numbers are only in the JSON." if count > len(cards) else ""
    return (
        f'<section><h2>Gallery</h2><form id="filter" role="search" aria-label="numbers">{"".join(controls)}</form>'
        f'<p id="shown" role="status"></p><p><small>{len(cards)} numbers are on this page.{left_out}</small></p>'
        f'<ul id="cards">{"".join(cards)}</ul></section>\n</main>\n'
    )


def _select(name: str, label: str, values: Iterable[str]) -> str:
    return f'<label>{label} <select name="{name}">{_options(values, "all")}</select></label>'


def _options(values: Iterable[str], anything: str | None) -> str:
    first = f'<option value="">{anything}</option>' if anything is not None else ""
    return first + "".join(f'<option value="{escape(value)}">{escape(value)}</option>' for value in values)


def _interval(one: SetReport) -> str:
    return f"{percent(one.numbers.accuracy_low)} to {percent(one.numbers.accuracy_high)}"
