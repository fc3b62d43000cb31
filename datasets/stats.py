"""What a dataset holds, in figures: digits, their sizes and contrasts, numbers, and the kinds of pictures."""

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
from digitdet.common.types import CLASS_NAMES
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

MEASURE_ALL = 3000  # pictures of a split; of more, a sample is decoded
SAMPLE = 1000
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

Counts = Mapping[int, int]
Shares = Mapping[str, int]


@dataclass(frozen=True)
class SplitStats:
    """The figures of one split.

    Counted in all label files: `pictures`, `blank` ones (without digits), `digits` for each class 0 to 9. Measured in
    `measured` pictures, spread evenly over the split: `heights` (M,) of digit boxes in pixels, and `contrasts` (M,),
    see `box_contrast`. Counted in numbers.jsonl, empty without it: `lengths` (numbers by their digits),
    `numbers_per_picture` (pictures by their numbers), `looks` (pictures of each look), `sources` (numbers of each).
    """

    pictures: int
    blank: int
    digits: tuple[int, ...]
    measured: int
    heights: npt.NDArray[np.float64]
    contrasts: npt.NDArray[np.float64]
    lengths: Counts
    numbers_per_picture: Counts
    looks: Shares
    sources: Shares


@dataclass(frozen=True)
class Stats:
    """The figures of a dataset by split, in the order of data.yaml."""

    data_file: Path
    splits: Mapping[str, SplitStats]


def collect_stats(data_file: Path) -> Stats:
    """Count and measure a YOLO dataset, given as data.yaml or its folder.

    Raises:
        DataError: data.yaml, a label file, numbers.jsonl or a picture that is measured cannot be used.
    """
    data_file = find_data_file(data_file)
    folders = read_data_file(data_file)
    numbers_file = data_file.parent / NUMBERS_FILE
    truths = read_truths(numbers_file) if numbers_file.is_file() else []
    return Stats(
        data_file,
        {
            split: _collect_split(list_images(folder), [truth for truth in truths if truth.split == split])
            for split, folder in folders.items()
        },
    )


def box_contrast(grey: npt.NDArray[np.uint8]) -> float:
    """The contrast of a digit against what is round it, 0 to 255 grey levels, in the part (H, W) inside its box.

    Otsu's threshold parts the pixels in dark and light ones; the contrast is the distance of their medians. It does
    not matter which of the two is the ink. 0 if all pixels are alike.
    """
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    light = grey > threshold
    if light.all() or not light.any():
        return 0.0
    return float(np.median(grey[light]) - np.median(grey[~light]))


def format_stats(stats: Stats) -> str:
    """The figures as text for a terminal: a column a split; no line end after the last line."""
    splits = list(stats.splits.values())
    rows: list[tuple[str, list[str]]] = [("", list(stats.splits))]
    rows.append(("pictures", [str(split.pictures) for split in splits]))
    rows.append(("  without digits", [_share(split.blank, split.pictures) for split in splits]))
    rows.append(("digits", [str(sum(split.digits)) for split in splits]))
    rows += [(f"  {name}", [_share(s.digits[k], sum(s.digits)) for s in splits]) for k, name in enumerate(CLASS_NAMES)]
    rows.append(("digit height, px", [""] * len(splits)))
    rows += _quantile_rows([split.heights for split in splits])
    rows.append(("digit contrast, grey levels", [""] * len(splits)))
    rows += _quantile_rows([split.contrasts for split in splits])
    for title, tables in (
        ("digits a number", [_as_text(split.lengths) for split in splits]),
        ("numbers a picture", [_as_text(split.numbers_per_picture) for split in splits]),
        ("looks, of pictures", [split.looks for split in splits]),
        ("sources, of numbers", [split.sources for split in splits]),
    ):
        rows += _share_rows(title, tables)
    label_width = max(len(label) for label, _ in rows)
    widths = [max(len(cells[k]) for _, cells in rows) for k in range(len(splits))]
    lines = [
        "  ".join([label.ljust(label_width), *(cell.rjust(w) for cell, w in zip(cells, widths, strict=True))]).rstrip()
        for label, cells in rows
    ]
    for name, split in stats.splits.items():
        if split.measured < split.pictures:
            lines.append(f"{name}: heights and contrasts of {split.measured} pictures, evenly spread")
    return "\n".join(lines)


def plot_stats(stats: Stats, path: Path) -> None:
    """Draw the figures of all splits together as a PNG.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OSError: `path` cannot be written.
    """
    try:
        # The figure itself, not pyplot: no window system, and no settings of the caller are touched.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("a plot of the figures", "train", "matplotlib") from error
    splits = list(stats.splits.values())
    figure = Figure(figsize=(13, 11), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(3, 2)
    digits = {name: sum(split.digits[k] for split in splits) for k, name in enumerate(CLASS_NAMES)}
    _plot_bars(axes[0, 0], digits, "digits of each class")
    lengths = _as_text(_sum_counts(split.lengths for split in splits))
    _plot_bars(axes[0, 1], lengths, "digits a number")
    heights = np.concatenate([split.heights for split in splits])
    _plot_histogram(axes[1, 0], heights, "digit height, px", logarithmic=True)
    contrasts = np.concatenate([split.contrasts for split in splits])
    _plot_histogram(axes[1, 1], contrasts, "digit contrast, grey levels")
    _plot_bars(axes[2, 0], _sum_counts(split.looks for split in splits), "looks, of pictures", lying=True)
    _plot_bars(axes[2, 1], _sum_counts(split.sources for split in splits), "sources, of numbers", lying=True)
    figure.suptitle(
        f"{stats.data_file.parent}: {sum(s.pictures for s in splits)} pictures, {sum(digits.values())} digits"
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    write_atomically(path, buffer.getvalue())


def _collect_split(images: Sequence[Path], truths: Sequence[PictureTruth]) -> SplitStats:
    labels = [read_labels(label_path(image)) for image in images]
    classes = np.concatenate([np.zeros(0, np.int64), *(found.classes for found in labels)])
    sample = _spread(len(images), SAMPLE if len(images) > MEASURE_ALL else len(images))
    heights: list[float] = []
    contrasts: list[float] = []
    for index in sample:
        if len(labels[index]):
            _measure_picture(images[index], labels[index], heights, contrasts)
    numbers = [number for truth in truths for number in truth.numbers]
    return SplitStats(
        pictures=len(images),
        blank=sum(not len(found) for found in labels),
        digits=tuple(int((classes == digit).sum()) for digit in range(len(CLASS_NAMES))),
        measured=len(sample),
        heights=np.array(heights, np.float64),
        contrasts=np.array(contrasts, np.float64),
        lengths=Counter(len(number.text) for number in numbers),
        numbers_per_picture=Counter(len(truth.numbers) for truth in truths),
        looks=Counter(truth.look for truth in truths if truth.look),
        sources=Counter(number.source for number in numbers if number.source),
    )


def _spread(count: int, chosen: int) -> list[int]:
    """`chosen` of the whole numbers below `count`, as evenly spaced as they can be."""
    return [index * count // chosen for index in range(chosen)]


def _measure_picture(image: Path, labels: Labels, heights: list[float], contrasts: list[float]) -> None:
    grey = cv2.cvtColor(read_picture(image), cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    boxes = labels.xyxy(width, height)
    heights.extend((boxes[:, 3] - boxes[:, 1]).tolist())
    corners = np.clip(np.rint(boxes), 0, [width, height, width, height]).astype(int)
    for left, top, right, bottom in corners.tolist():
        inside = grey[top : max(bottom, top + 1), left : max(right, left + 1)]
        contrasts.append(box_contrast(np.ascontiguousarray(inside, np.uint8)) if inside.size else 0.0)


def _quantile_rows(columns: Sequence[npt.NDArray[np.float64]]) -> list[tuple[str, list[str]]]:
    values = [np.quantile(column, _QUANTILES) if len(column) else None for column in columns]
    return [
        (f"  {quantile:.0%} below", ["-" if found is None else f"{found[row]:.1f}" for found in values])
        for row, quantile in enumerate(_QUANTILES)
    ]


def _share_rows(title: str, tables: Sequence[Shares]) -> list[tuple[str, list[str]]]:
    """A row for every name of the tables, numbers in order, other names by how often they occur."""
    total = _sum_counts(tables)
    if not total:
        return []
    names = sorted(total, key=int) if all(name.isdigit() for name in total) else sorted(total, key=lambda n: -total[n])
    rows = [(f"  {name}", [_share(table.get(name, 0), sum(table.values())) for table in tables]) for name in names]
    return [(title, [""] * len(tables)), *rows]


def _share(count: int, total: int) -> str:
    return f"{count} {count / total:6.1%}" if total else "-"


def _as_text(counts: Counts) -> Shares:
    return {str(key): count for key, count in sorted(counts.items())}


def _sum_counts(tables: Iterable[Mapping[Any, int]]) -> Counter[Any]:
    total: Counter[Any] = Counter()
    for table in tables:
        total.update(table)
    return total


def _plot_bars(axes: Any, counts: Mapping[str, int], title: str, lying: bool = False) -> None:
    axes.set_title(title)
    if not counts:
        axes.text(0.5, 0.5, "not recorded", ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
    elif lying:  # long names need the room
        ordered = sorted(counts.items(), key=lambda item: item[1])
        axes.barh([name for name, _ in ordered], [count for _, count in ordered])
    else:
        axes.bar(list(counts), list(counts.values()))


def _plot_histogram(axes: Any, values: npt.NDArray[np.float64], title: str, logarithmic: bool = False) -> None:
    axes.set_title(title)
    positive = values[values > 0] if logarithmic else values
    if not len(positive):
        axes.text(0.5, 0.5, "no digits", ha="center", va="center", transform=axes.transAxes)
    elif logarithmic:
        axes.hist(positive, bins=np.geomspace(positive.min(), positive.max() * 1.001, 41))
        axes.set_xscale("log")
    else:
        axes.hist(positive, bins=40)
