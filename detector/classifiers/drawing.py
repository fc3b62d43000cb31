"""The pictures of the pages, drawn with Matplotlib, as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from digitdet.classifiers.base import Images
from digitdet.classifiers.metrics import Result
from digitdet.common.errors import MissingExtraError
from digitdet.evaluation.statistics import reliability_bins

try:
    from matplotlib.figure import Figure
except ImportError as error:
    raise MissingExtraError("digitdet classify", "classify", "matplotlib") from error

_DPI = 100
_COLUMNS = 12  # of a gallery


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches."""
    return Figure((width, height), layout="constrained")


def to_png(figure: Figure) -> bytes:
    """A figure as PNG."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI)
    return content.getvalue()


def draw_gallery(images: Images, titles: Sequence[str], columns: int = _COLUMNS) -> bytes:
    """Digits (N, 28, 28) side by side, each under its title."""
    rows = max(-(-len(images) // columns), 1)
    figure = new_figure(columns * 0.9, rows * 1.05)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, image, title in zip(grid.flat, images, titles, strict=False):
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
        axes.set_title(title, fontsize=8, pad=2)
    return to_png(figure)


def draw_confusion(confusion: npt.NDArray[np.int64]) -> bytes:
    """A confusion matrix (10, 10); the shade of a cell is the root of its share of the row, so that rare ones show."""
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    figure = new_figure(5.6, 5.2)
    axes = figure.subplots()
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(confusion), strict=True):
        colour = "white" if shares[row, column] > 0.4 else "black"
        axes.text(column, row, str(confusion[row, column]), ha="center", va="center", fontsize=8, color=colour)
    axes.set(xticks=range(10), yticks=range(10), xlabel="taken for", ylabel="is")
    return to_png(figure)


def draw_reliability(results: Sequence[Result], labels: npt.NDArray[np.uint8]) -> bytes:
    """How many are right of the digits that are given with a confidence, a line for each classifier."""
    figure = new_figure(5.6, 4.4)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], "--", color="grey", linewidth=1)
    for result in results:
        chosen = result.probabilities.argmax(axis=1)
        bins = reliability_bins(result.probabilities.max(axis=1), chosen == labels)
        axes.plot([one.confidence for one in bins], [one.accuracy for one in bins], marker="o", label=result.name)
    axes.set(xlabel="confidence", ylabel="right", xlim=(0, 1.01), ylim=(0, 1.01))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return to_png(figure)


def draw_comparison(results: Sequence[Result]) -> bytes:
    """Errors of each classifier against the time it takes for a digit."""
    figure = new_figure(5.6, 4.4)
    axes = figure.subplots()
    for result in results:
        scores = result.scores
        error = max(1 - scores.accuracy, 1e-5)
        bars = [[max(error - (1 - scores.high), 0)], [max((1 - scores.low) - error, 0)]]
        axes.errorbar(scores.microseconds, error, bars, marker="o", capsize=3)
        axes.annotate(result.name, (scores.microseconds, error), xytext=(6, 4), textcoords="offset points")
    axes.set(xscale="log", yscale="log", xlabel="microseconds a digit", ylabel="wrong")
    axes.grid(alpha=0.3, which="both")
    return to_png(figure)
