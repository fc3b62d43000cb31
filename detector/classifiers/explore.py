"""Statistics and plots of MNIST: class counts, mean digits, grey levels, samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.classifiers.base import DigitImages
from digitdet.classifiers.plots import draw_gallery
from digitdet.datasets.mnist import Digits
from digitdet.evaluation.html import data_uri, render_page
from digitdet.training.plots import new_figure, to_png

_INK_LEVEL = 128  # grey level from which a pixel counts as ink
_SAMPLES = 12  # of each digit
_SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Exploration:
    """Statistics of digits; all but `counts` are of the training split.

    Args:
        counts: Number of digits (10,) by split.
        means: Mean images (10, 28, 28), grey levels.
        deviations: Standard deviations (10, 28, 28) of the images.
        ink: Mean share (10,) of pixels with ink, 0 to 1.
        widths: Mean width (10,) of the ink in pixels.
        heights: Mean height (10,) of the ink in pixels.
        slants: Mean slant (10,) in degrees; positive leans right.
        pixel_mean: Mean of all pixels, 0 to 1.
        pixel_deviation: Standard deviation of all pixels.
    """

    counts: Mapping[str, npt.NDArray[np.int64]]
    means: npt.NDArray[np.float64]
    deviations: npt.NDArray[np.float64]
    ink: npt.NDArray[np.float64]
    widths: npt.NDArray[np.float64]
    heights: npt.NDArray[np.float64]
    slants: npt.NDArray[np.float64]
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
    extents = np.array([np.mean([_extent(image) for image in group], axis=0) for group in groups])
    values = train.images.astype(np.float32) / 255
    return Exploration(
        counts={name: np.bincount(parts[name].labels, minlength=10) for name in _SPLITS if name in parts},
        means=np.array([group.mean(axis=0) for group in groups]),
        deviations=np.array([group.std(axis=0) for group in groups]),
        ink=np.array([(group >= _INK_LEVEL).mean() for group in groups]),
        widths=extents[:, 0],
        heights=extents[:, 1],
        slants=extents[:, 2],
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


def draw_samples(train: Digits) -> bytes:
    """Draw samples of each digit, evenly spaced over the training split, as PNG."""
    rows = [np.flatnonzero(train.labels == digit) for digit in range(10)]
    chosen = np.concatenate([row[:: max(len(row) // _SAMPLES, 1)][:_SAMPLES] for row in rows])
    return draw_gallery(train.images[chosen], [str(label) for label in train.labels[chosen]])


def format_exploration(found: Exploration, train: Digits) -> bytes:
    """Return an HTML page with the table and both pictures."""
    return render_page(
        "digitdet.classifiers",
        "exploration.html.j2",
        table=found.rows(),
        pixel_mean=found.pixel_mean,
        pixel_deviation=found.pixel_deviation,
        overview=data_uri(draw_exploration(found, train)),
        samples=data_uri(draw_samples(train)),
    )


def _extent(image: DigitImages) -> tuple[float, float, float]:
    """Width and height of the ink in pixels, and the slant in degrees."""
    _, _, width, height = cv2.boundingRect((image >= _INK_LEVEL).view(np.uint8))
    moments = cv2.moments(image)
    slant = -np.degrees(np.arctan2(moments["mu11"], moments["mu02"])) if moments["mu02"] else 0.0
    return float(width), float(height), float(slant)
