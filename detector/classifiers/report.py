"""The HTML report that compares classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from digitdet.classifiers.metrics import Result
from digitdet.classifiers.plots import draw_comparison, draw_gallery, draw_reliability
from digitdet.datasets.mnist import Digits
from digitdet.evaluation.html import data_uri, render_page
from digitdet.training.plots import draw_confusion

_MAX_MISTAKES = 60  # shown of each classifier


def format_page(results: Sequence[Result], digits: Digits, source: str) -> bytes:
    """Return a page that compares classifiers on the same digits: metrics, plots and the most confident mistakes."""
    return render_page(
        "digitdet.classifiers",
        "comparison.html.j2",
        count=len(digits),
        source=source,
        comparison=comparison_rows(results),
        error_plot=data_uri(draw_comparison(results)),
        reliability_plot=data_uri(draw_reliability(results, digits.labels)),
        classifiers=[_section(result, digits) for result in results],
    )


def comparison_rows(results: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    """Return the headings and rows of a table with a row for each classifier."""
    heads = [
        "classifier",
        "accuracy",
        "95% interval",
        "precision",
        "recall",
        "F1",
        "calibration error",
        "stored values",
    ]
    rows = []
    for one in results:
        scores, means = one.scores, one.scores.means
        shares = [f"{means[name]:.2%}" for name in ("precision", "recall", "f1")]
        seconds = f"{one.training_seconds:,.0f} s" if one.training_seconds is not None else "?"
        interval = f"{scores.low:.2%} to {scores.high:.2%}"
        sizes = [f"{scores.calibration_error:.2%}", f"{one.size:,}", seconds, f"{scores.microseconds:,.0f} us"]
        rows.append([one.name, f"{scores.accuracy:.2%}", interval, *shares, *sizes])
    return [*heads, "training time", "time per digit"], rows


def _section(result: Result, digits: Digits) -> dict[str, Any]:
    scores = result.scores
    wrong = result.mistakes(digits.labels)[:_MAX_MISTAKES]
    predicted, confidences = result.probabilities.argmax(axis=1), result.probabilities.max(axis=1)
    titles = [f"{digits.labels[row]} as {predicted[row]}\n{confidences[row]:.0%}" for row in wrong.tolist()]
    return {
        "name": result.name,
        "confusion": data_uri(draw_confusion(scores.confusion, "0123456789")),
        "digits": [
            [str(digit), *(f"{values[digit]:.2%}" for values in (scores.precision, scores.recall, scores.f1))]
            for digit in range(10)
        ],
        "mistakes": len(wrong),
        "gallery": data_uri(draw_gallery(digits.images[wrong], titles)) if len(wrong) else None,
    }
