"""Plots of trainings, drawn with Matplotlib as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

_DPI = 100


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure; width and height in inches."""
    return Figure((width, height), layout="constrained")


def to_png(figure: Figure) -> bytes:
    """Render a figure as PNG."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=_DPI)
    return content.getvalue()


def draw_curve(points: Sequence[tuple[float, float]], x_name: str, y_name: str) -> bytes:
    """Draw one curve through points (x, y); y has a logarithmic scale."""
    figure = new_figure(5.2, 3.2)
    axes = figure.subplots()
    axes.plot(*zip(*points, strict=True))
    axes.set(xlabel=x_name, ylabel=y_name, yscale="log")
    return to_png(figure)


def draw_confusion(confusion: npt.NDArray[np.integer], names: Sequence[str]) -> bytes:
    """Draw a confusion matrix (N, N), rows are true; the shade is the square root of the share of the row."""
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    figure = new_figure(5.6, 5.2)
    axes = figure.subplots()
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(confusion), strict=True):
        colour = "white" if shares[row, column] > 0.4 else "black"
        axes.text(column, row, str(confusion[row, column]), ha="center", va="center", fontsize=8, color=colour)
    ticks = range(len(names))
    axes.set(xticks=ticks, yticks=ticks, xticklabels=names, yticklabels=names, xlabel="predicted", ylabel="true")
    return to_png(figure)
