"""Statistics of a YOLO dataset: digits, their heights and contrasts, numbers, and the kinds of pictures."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import MissingExtraError
from digitdet.common.files import write_atomically
from digitdet.common.tables import format_table
from digitdet.common.types import CLASS_NAMES, Image
from digitdet.datasets.formats.numbers import NUMBERS_FILE, PictureTruth, read_truths
from digitdet.datasets.formats.yolo import (
    Labels,
    find_data_file,
    label_path,
    list_images,
    read_data_file,
    read_labels,
    read_picture,
)

MEASURE_ALL = 3000  # a split with more pictures is measured in a sample
SAMPLE = 1000
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

_Counts = Mapping[Any, int]
_Row = tuple[str, list[str]]


@dataclass(frozen=True)
class SplitStats:
    """The statistics of one split.

    Attributes:
        pictures: Number of pictures.
        blank: Number of pictures without digits.
        digits: Number of digits of each class 0 to 9.
        measured: Number of pictures in which the heights and contrasts were measured, evenly spaced over the split.
        heights: (M,) heights of digit boxes in pixels.
        contrasts: (M,) contrasts of digits, see `box_contrast`.
        lengths: Count of numbers by their number of digits; like the following, empty without numbers.jsonl.
        numbers_per_picture: Count of pictures by their number of numbers.
        looks: Count of pictures by look.
        sources: Count of numbers by source.
    """

    pictures: int
    blank: int
    digits: tuple[int, ...]
    measured: int
    heights: npt.NDArray[np.float64]
    contrasts: npt.NDArray[np.float64]
    lengths: _Counts
    numbers_per_picture: _Counts
    looks: _Counts
    sources: _Counts


@dataclass(frozen=True)
class Stats:
    """The statistics of a dataset by split, in the order of data.yaml."""

    data_file: Path
    splits: Mapping[str, SplitStats]


def collect_stats(data_file: Path) -> Stats:
    """Count and measure a YOLO dataset, given as data.yaml or its folder.

    Raises:
        DataError: data.yaml, a label file, numbers.jsonl or a measured picture cannot be used.
    """
    data_file = find_data_file(data_file)
    numbers_file = data_file.parent / NUMBERS_FILE
    truths = read_truths(numbers_file) if numbers_file.is_file() else []
    return Stats(
        data_file,
        {
            split: _collect_split(list_images(folder), [truth for truth in truths if truth.split == split])
            for split, folder in read_data_file(data_file).items()
        },
    )


def box_contrast(grey: Image) -> float:
    """Return the contrast between a digit and its background, 0 to 255 grey levels.

    Otsu's threshold (1979) divides the pixels in dark and light ones; the contrast is the difference of their medians,
    or 0 if all pixels are equal.

    Args:
        grey: (H, W) uint8, the part of the picture inside the digit's box.
    """
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    light = grey > threshold
    if light.all() or not light.any():
        return 0.0
    return float(np.median(grey[light]) - np.median(grey[~light]))


def format_stats(stats: Stats) -> str:
    """Return the statistics as a table with one column per split, without a final line break."""
    splits = list(stats.splits.values())
    rows: list[_Row] = [
        ("", list(stats.splits)),
        ("pictures", [str(split.pictures) for split in splits]),
        ("  without digits", [_share(split.blank, split.pictures) for split in splits]),
        ("digits", [str(sum(split.digits)) for split in splits]),
        *((f"  {name}", [_share(s.digits[k], sum(s.digits)) for s in splits]) for k, name in enumerate(CLASS_NAMES)),
        *_quantile_rows("digit height, px", [split.heights for split in splits]),
        *_quantile_rows("digit contrast, grey levels", [split.contrasts for split in splits]),
        *_count_rows("digits per number", [split.lengths for split in splits]),
        *_count_rows("numbers per picture", [split.numbers_per_picture for split in splits]),
        *_count_rows("looks, of pictures", [split.looks for split in splits]),
        *_count_rows("sources, of numbers", [split.sources for split in splits]),
    ]
    lines = [format_table([[label, *cells] for label, cells in rows])]
    for name, split in stats.splits.items():
        if split.measured < split.pictures:
            lines.append(f"{name}: heights and contrasts of {split.measured} pictures, evenly spaced")
    return "\n".join(lines)


def plot_stats(stats: Stats, path: Path) -> None:
    """Plot the statistics of all splits together as a PNG.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OSError: `path` cannot be written.
    """
    try:
        # Figure instead of pyplot: no window system, and no settings of the caller are changed.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("plotting the statistics", "train", "matplotlib") from error
    splits = list(stats.splits.values())
    digits = {name: sum(split.digits[k] for split in splits) for k, name in enumerate(CLASS_NAMES)}
    lengths = _sum_counts(split.lengths for split in splits)
    figure = Figure(figsize=(13, 11), layout="constrained")
    FigureCanvasAgg(figure)
    axes = iter(figure.subplots(3, 2).flat)
    _plot_bars(next(axes), "digits of each class", digits)
    _plot_bars(next(axes), "digits per number", {str(length): lengths[length] for length in sorted(lengths)})
    _plot_histogram(next(axes), "digit height, px", np.concatenate([s.heights for s in splits]), logarithmic=True)
    _plot_histogram(next(axes), "digit contrast, grey levels", np.concatenate([s.contrasts for s in splits]))
    for title, tables in (
        ("looks, of pictures", [split.looks for split in splits]),
        ("sources, of numbers", [split.sources for split in splits]),
    ):
        _plot_bars(next(axes), title, dict(reversed(_sum_counts(tables).most_common())), horizontal=True)
    pictures = sum(split.pictures for split in splits)
    figure.suptitle(f"{stats.data_file.parent}: {pictures} pictures, {sum(digits.values())} digits")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    write_atomically(path, buffer.getvalue())


def _collect_split(images: Sequence[Path], truths: Sequence[PictureTruth]) -> SplitStats:
    labels = [read_labels(label_path(image)) for image in images]
    classes = np.concatenate([np.zeros(0, np.int64), *(found.classes for found in labels)])
    measured = SAMPLE if len(images) > MEASURE_ALL else len(images)
    heights: list[float] = []
    contrasts: list[float] = []
    for index in (k * len(images) // measured for k in range(measured)):
        if len(labels[index]):
            _measure_picture(images[index], labels[index], heights, contrasts)
    numbers = [number for truth in truths for number in truth.numbers]
    return SplitStats(
        pictures=len(images),
        blank=sum(not len(found) for found in labels),
        digits=tuple(int((classes == digit).sum()) for digit in range(len(CLASS_NAMES))),
        measured=measured,
        heights=np.array(heights, np.float64),
        contrasts=np.array(contrasts, np.float64),
        lengths=Counter(len(number.text) for number in numbers),
        numbers_per_picture=Counter(len(truth.numbers) for truth in truths),
        looks=Counter(truth.look for truth in truths if truth.look),
        sources=Counter(number.source for number in numbers if number.source),
    )


def _measure_picture(image: Path, labels: Labels, heights: list[float], contrasts: list[float]) -> None:
    grey = cv2.cvtColor(read_picture(image), cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    boxes = labels.xyxy(width, height)
    heights.extend((boxes[:, 3] - boxes[:, 1]).tolist())
    corners = np.clip(np.rint(boxes), 0, [width, height, width, height]).astype(int)
    for left, top, right, bottom in corners.tolist():
        inside = grey[top : max(bottom, top + 1), left : max(right, left + 1)]
        contrasts.append(box_contrast(np.ascontiguousarray(inside, np.uint8)) if inside.size else 0.0)


def _quantile_rows(title: str, columns: Sequence[npt.NDArray[np.float64]]) -> list[_Row]:
    values = [np.quantile(column, _QUANTILES) if len(column) else None for column in columns]
    rows = [
        (f"  {quantile:.0%} below", ["-" if found is None else f"{found[row]:.1f}" for found in values])
        for row, quantile in enumerate(_QUANTILES)
    ]
    return [(title, []), *rows]


def _count_rows(title: str, columns: Sequence[_Counts]) -> list[_Row]:
    """Return a row for every key; integers in ascending order, names by descending count."""
    total = _sum_counts(columns)
    if not total:
        return []
    keys = sorted(total, key=lambda key: key if isinstance(key, int) else -total[key])
    return [(title, []), *((f"  {k}", [_share(c.get(k, 0), sum(c.values())) for c in columns]) for k in keys)]


def _share(count: int, total: int) -> str:
    return f"{count} {count / total:6.1%}" if total else "-"


def _sum_counts(tables: Iterable[_Counts]) -> Counter[Any]:
    total: Counter[Any] = Counter()
    for table in tables:
        total.update(table)
    return total


def _plot_bars(axes: Any, title: str, counts: _Counts, horizontal: bool = False) -> None:
    axes.set_title(title)
    if not counts:
        axes.text(0.5, 0.5, "not recorded", ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    plot = axes.barh if horizontal else axes.bar  # horizontal bars leave room for long names
    plot(list(counts), list(counts.values()))


def _plot_histogram(axes: Any, title: str, values: npt.NDArray[np.float64], logarithmic: bool = False) -> None:
    axes.set_title(title)
    values = values[values > 0] if logarithmic else values
    if not len(values):
        axes.text(0.5, 0.5, "no digits", ha="center", va="center", transform=axes.transAxes)
        return
    axes.hist(values, bins=np.geomspace(values.min(), values.max() * 1.001, 41) if logarithmic else 40)
    if logarithmic:
        axes.set_xscale("log")
