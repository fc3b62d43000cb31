"""Figures of the report pages, drawn with Matplotlib as PNG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from digitdet.classifiers.base import DigitImages, Epoch
from digitdet.classifiers.metrics import Result
from digitdet.common.errors import MissingExtraError
from digitdet.evaluation.statistics import reliability_bins

try:
    from digitdet.training.plots import new_figure, to_png
except ImportError as error:
    raise MissingExtraError("digitdet classify", "classify", "matplotlib") from error


def draw_gallery(images: DigitImages, titles: Sequence[str], columns: int = 12) -> bytes:
    """Draw digits (N, 28, 28) in a grid with titles."""
    rows = max(-(-len(images) // columns), 1)
    figure = new_figure(columns * 0.9, rows * 1.05)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    for axes, image, title in zip(grid.flat, images, titles, strict=False):
        axes.imshow(image, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
        axes.set_title(title, fontsize=8, pad=2)
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


def draw_reliability(results: Sequence[Result], labels: npt.NDArray[np.uint8]) -> bytes:
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
