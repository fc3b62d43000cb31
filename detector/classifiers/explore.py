"""Statistics and plots of MNIST: class counts, mean digits, grey levels, samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from digitdet.classifiers.base import DigitImages
from digitdet.classifiers.report import draw_gallery
from digitdet.common.types import FloatArray, Indices
from digitdet.datasets.mnist import Digits
from digitdet.evaluation.html import data_uri, render_page
from digitdet.training.plots import new_figure, to_png

_INK_LEVEL = 128  # grey level from which a pixel counts as ink
_SAMPLES = 12  # of each digit
_SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Exploration:
    """Statistics of digits: `counts` (10,) by split; all others of the training split.

    `means` and `deviations` are the mean images and standard deviations (10, 28, 28) in grey levels. By digit, (10,):
    `ink` is the mean share of pixels with ink, `widths` and `heights` the mean extent of the ink in pixels, `slants`
    the mean slant in degrees, positive to the right. `pixel_mean` and `pixel_deviation` are of all pixels, 0 to 1.
    """

    counts: Mapping[str, Indices]
    means: FloatArray
    deviations: FloatArray
    ink: FloatArray
    widths: FloatArray
    heights: FloatArray
    slants: FloatArray
    pixel_mean: float
    pixel_deviation: float

    def rows(self) -> tuple[list[str], list[list[str]]]:
        """Return the headings and rows of a table with a row for each digit."""
        heads = ["digit", *self.counts, "ink", "width", "height", "slant"]
        rows = [
            [
                str(digit),
                *(f"{counts[digit]:,}" for counts in self.counts.values()),
                f"{self.ink[digit]:.1%}",
                f"{self.widths[digit]:.1f} px",
                f"{self.heights[digit]:.1f} px",
                f"{self.slants[digit]:.0f} deg",
            ]
            for digit in range(10)
        ]
        return heads, [*rows, ["all", *(f"{counts.sum():,}" for counts in self.counts.values()), "", "", "", ""]]


def explore(parts: Mapping[str, Digits]) -> Exploration:
    """Compute the statistics of digits by split."""
    train = parts["train"]
    groups = [train.images[train.labels == digit] for digit in range(10)]
    widths, heights, slants = np.transpose([np.mean([_extent(image) for image in group], axis=0) for group in groups])
    values = train.images.astype(np.float32) / 255
    return Exploration(
        counts={name: np.bincount(parts[name].labels, minlength=10) for name in _SPLITS if name in parts},
        means=np.array([group.mean(axis=0) for group in groups]),
        deviations=np.array([group.std(axis=0) for group in groups]),
        ink=np.array([(group >= _INK_LEVEL).mean() for group in groups]),
        widths=widths,
        heights=heights,
        slants=slants,
        pixel_mean=float(values.mean(dtype=np.float64)),
        pixel_deviation=float(values.std(dtype=np.float64)),
    )


def draw_exploration(found: Exploration, train: Digits) -> bytes:
    """Draw class counts, grey levels, and the mean and standard deviation of each digit, as PNG."""
    figure = new_figure(11, 5.6)
    grid = figure.add_gridspec(3, 10, height_ratios=(1.6, 1, 1))
    bars = figure.add_subplot(grid[0, :5])
    for place, (name, counts) in enumerate(found.counts.items()):
        bars.bar(np.arange(10) + 0.27 * (place - 1), counts, 0.25, label=name)
    bars.set(title="digits in each split", xticks=range(10))
    bars.legend(fontsize=8)
    levels = figure.add_subplot(grid[0, 5:])
    levels.hist(train.images[:: max(len(train) // 5000, 1)].ravel(), bins=64, log=True, color="grey")
    levels.set(title="grey levels of all pixels", yticks=[])
    for digit in range(10):
        for row, values, name in ((1, found.means, "mean"), (2, found.deviations, "deviation")):
            axes = figure.add_subplot(grid[row, digit])
            axes.imshow(values[digit], cmap="gray_r")
            axes.set(xticks=[], yticks=[])
            if digit == 0:
                axes.set_ylabel(name)
    return to_png(figure)


def format_exploration(found: Exploration, train: Digits) -> bytes:
    """Return an HTML page with the table, the plots, and samples evenly spaced over the training split."""
    rows = [np.flatnonzero(train.labels == digit) for digit in range(10)]
    chosen = np.concatenate([row[:: max(len(row) // _SAMPLES, 1)][:_SAMPLES] for row in rows])
    samples = draw_gallery(train.images[chosen], [str(label) for label in train.labels[chosen]])
    return render_page(
        "digitdet.classifiers",
        "exploration.html.j2",
        table=found.rows(),
        pixel_mean=found.pixel_mean,
        pixel_deviation=found.pixel_deviation,
        overview=data_uri(draw_exploration(found, train)),
        samples=data_uri(samples),
    )


def _extent(image: DigitImages) -> tuple[float, float, float]:
    """Width and height of the ink in pixels, and the slant in degrees."""
    _, _, width, height = cv2.boundingRect((image >= _INK_LEVEL).view(np.uint8))
    moments = cv2.moments(image)
    slant = -np.degrees(np.arctan2(moments["mu11"], moments["mu02"])) if moments["mu02"] else 0.0
    return float(width), float(height), float(slant)
