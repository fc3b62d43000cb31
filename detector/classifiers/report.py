"""Plots of trainings and classifiers as PNG, and the HTML report that compares classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from digitdet.classifiers.base import DigitImages, Epoch
from digitdet.classifiers.metrics import Result
from digitdet.common.errors import MissingExtraError
from digitdet.common.types import Indices
from digitdet.datasets.mnist import Digits
from digitdet.evaluation.html import data_uri, render_page
from digitdet.evaluation.statistics import reliability_bins

try:
    from digitdet.training.plots import draw_confusion, new_figure, to_png
except ImportError as error:
    raise MissingExtraError("digitdet classify", "classify", "matplotlib") from error

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
    rows = []
    for one in results:
        scores = one.scores
        rows.append(
            {
                "classifier": one.name,
                "accuracy": f"{scores.accuracy:.2%}",
                "95% interval": f"{scores.low:.2%} to {scores.high:.2%}",
                "precision": f"{scores.means['precision']:.2%}",
                "recall": f"{scores.means['recall']:.2%}",
                "F1": f"{scores.means['f1']:.2%}",
                "calibration error": f"{scores.calibration_error:.2%}",
                "stored values": f"{one.size:,}",
                "training time": f"{one.training_seconds:,.0f} s" if one.training_seconds is not None else "?",
                "time per digit": f"{scores.microseconds:,.0f} us",
            }
        )
    return list(rows[0]), [list(row.values()) for row in rows]


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


def draw_gallery(images: DigitImages, titles: Sequence[str], columns: int = 12) -> bytes:
    """Draw digits (N, 28, 28) in a grid with titles."""
    rows = max(-(-len(images) // columns), 1)
    figure = new_figure(columns * 0.9, rows * 1.05)
    axes = figure.subplots()  # one for all: a hundred take seconds
    axes.axis("off")
    cell_width, cell_height = 36, 42
    axes.set(xlim=(0, columns * cell_width), ylim=(rows * cell_height, 0), aspect="equal")
    for place, (image, title) in enumerate(zip(images, titles, strict=True)):
        left, bottom = place % columns * cell_width + 4, (place // columns + 1) * cell_height - 2
        extent = (left, left + 28, bottom, bottom - 28)
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest", extent=extent)
        axes.text(left + 14, bottom - 29, title, fontsize=8, ha="center", va="bottom")
    return to_png(figure)


def draw_curve(epochs: Sequence[Epoch]) -> bytes:
    """Draw losses and accuracies over the epochs."""
    figure = new_figure(8, 3.2)
    losses, accuracies = figure.subplots(1, 2)
    numbers = [epoch.epoch for epoch in epochs]
    for axes, name in ((losses, "loss"), (accuracies, "accuracy")):
        for part in ("train", "val"):
            axes.plot(numbers, [getattr(epoch, f"{part}_{name}") for epoch in epochs], marker=".", label=part)
        axes.set(xlabel="epoch", ylabel=name)
        axes.grid(alpha=0.3)
        axes.legend()
    losses.set_yscale("log")
    return to_png(figure)


def draw_reliability(results: Sequence[Result], labels: Indices) -> bytes:
    """Draw the reliability diagram: accuracy against confidence, a line for each classifier."""
    figure = new_figure(5.6, 4.4)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], "--", color="grey", linewidth=1)
    for result in results:
        chosen = result.probabilities.argmax(axis=1)
        bins = reliability_bins(result.probabilities.max(axis=1), chosen == labels)
        axes.plot([one.confidence for one in bins], [one.accuracy for one in bins], marker="o", label=result.name)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.01), ylim=(0, 1.01))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return to_png(figure)


def draw_comparison(results: Sequence[Result]) -> bytes:
    """Draw the error rate of each classifier against its time per digit."""
    figure = new_figure(5.6, 4.4)
    axes = figure.subplots()
    for result in results:
        scores = result.scores
        error = max(1 - scores.accuracy, 1e-5)
        bars = [[max(error - (1 - scores.high), 0)], [max((1 - scores.low) - error, 0)]]
        axes.errorbar(scores.microseconds, error, bars, marker="o", capsize=3)
        axes.annotate(result.name, (scores.microseconds, error), xytext=(6, 4), textcoords="offset points")
    axes.set(xscale="log", yscale="log", xlabel="microseconds per digit", ylabel="error rate")
    axes.grid(alpha=0.3, which="both")
    return to_png(figure)
