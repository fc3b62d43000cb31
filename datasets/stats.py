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

from digitdet.common.boxes import clip_xyxy
from digitdet.common.characters import CHARACTERS, OTHER, class_of
from digitdet.common.errors import MissingExtraError
from digitdet.common.files import write_atomically
from digitdet.common.tables import format_table
from digitdet.common.types import CLASS_NAMES, FloatArray, Image
from digitdet.datasets.formats import yolo
from digitdet.datasets.formats.numbers import NUMBERS_FILE, PictureTruth, read_truths

MEASURE_ALL = 3000  # a split with more pictures is measured in a sample
SAMPLE = 1000
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

_Row = tuple[str, list[str]]


@dataclass(frozen=True)
class SplitStats:
    """The statistics of one split; the counters are empty without numbers.jsonl."""

    pictures: int
    blank: int  # pictures without digits
    digits: tuple[int, ...]  # number of digits of each class 0 to 9
    measured: int  # pictures in which heights and contrasts were measured, evenly spaced over the split
    heights: FloatArray  # (M,) heights of digit boxes in pixels
    contrasts: FloatArray  # (M,) contrasts of digits, see `box_contrast`
    lengths: Counter[int]  # numbers by their number of digits
    numbers_per_picture: Counter[int]  # pictures by their number of numbers
    characters: Counter[str]  # characters of the lines of text by class, letters and others as one
    looks: Counter[str]  # pictures by look
    sources: Counter[str]  # numbers by source


def collect_stats(data_file: Path) -> dict[str, SplitStats]:
    """Count and measure each split of a YOLO dataset, given as data.yaml or its folder."""
    data_file = yolo.find_data_file(data_file)
    numbers_file = data_file.parent / NUMBERS_FILE
    truths = read_truths(numbers_file) if numbers_file.is_file() else []
    data = yolo.read_data_file(data_file)
    return {
        split: _collect_split(data, split, [truth for truth in truths if truth.split == split])
        for split in data.sources
    }


def box_contrast(grey: Image) -> float:
    """Return the contrast, 0 to 255 grey levels, between a digit and its background in the (H, W) pixels of its box.

    Otsu's threshold (1979) divides the pixels in dark and light ones; the contrast is the difference of their medians,
    or 0 if all pixels are equal.
    """
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    light = grey > threshold
    if light.all() or not light.any():
        return 0.0
    return float(np.median(grey[light]) - np.median(grey[~light]))


def format_stats(stats: Mapping[str, SplitStats]) -> str:
    """Return the statistics as a table with one column per split, without a final line break."""
    splits = list(stats.values())
    rows: list[_Row] = [
        ("", list(stats)),
        ("pictures", [str(split.pictures) for split in splits]),
        ("  without digits", [_share(split.blank, split.pictures) for split in splits]),
        ("digits", [str(sum(split.digits)) for split in splits]),
        *((f"  {name}", [_share(s.digits[k], sum(s.digits)) for s in splits]) for k, name in enumerate(CLASS_NAMES)),
        *_quantile_rows("digit height, px", [split.heights for split in splits]),
        *_quantile_rows("digit contrast, grey levels", [split.contrasts for split in splits]),
        *_count_rows("digits per number", [split.lengths for split in splits]),
        *_count_rows("numbers per picture", [split.numbers_per_picture for split in splits]),
        *_count_rows("characters, of lines", [split.characters for split in splits]),
        *_count_rows("looks, of pictures", [split.looks for split in splits]),
        *_count_rows("sources, of numbers", [split.sources for split in splits]),
    ]
    lines = [format_table([[label, *cells] for label, cells in rows])]
    for name, split in stats.items():
        if split.measured < split.pictures:
            lines.append(f"{name}: heights and contrasts of {split.measured} pictures, evenly spaced")
    return "\n".join(lines)


def plot_stats(stats: Mapping[str, SplitStats], path: Path) -> None:
    """Plot the statistics of all splits together as the PNG file `path` in the folder of the dataset."""
    try:
        # Figure instead of pyplot: no window system, and no settings of the caller are changed.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("plotting the statistics", "train", "matplotlib") from error
    splits = list(stats.values())
    digits = {name: sum(split.digits[k] for split in splits) for k, name in enumerate(CLASS_NAMES)}
    lengths, looks, sources = (
        _total([getattr(split, name) for split in splits]) for name in ("lengths", "looks", "sources")
    )
    figure = Figure(figsize=(13, 11), layout="constrained")
    FigureCanvasAgg(figure)
    axes = iter(figure.subplots(3, 2).flat)
    _plot_bars(next(axes), "digits of each class", digits)
    _plot_bars(next(axes), "digits per number", {str(length): lengths[length] for length in sorted(lengths)})
    _plot_histogram(next(axes), "digit height, px", np.concatenate([s.heights for s in splits]), logarithmic=True)
    _plot_histogram(next(axes), "digit contrast, grey levels", np.concatenate([s.contrasts for s in splits]))
    _plot_bars(next(axes), "looks, of pictures", dict(reversed(looks.most_common())), horizontal=True)
    _plot_bars(next(axes), "sources, of numbers", dict(reversed(sources.most_common())), horizontal=True)
    pictures = sum(split.pictures for split in splits)
    figure.suptitle(f"{path.parent}: {pictures} pictures, {sum(digits.values())} digits")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    write_atomically(path, buffer.getvalue())


def _collect_split(data: yolo.DataFile, split: str, truths: Sequence[PictureTruth]) -> SplitStats:
    images = data.pictures(split)
    labels = [data.labels(image) for image in images]
    classes = np.concatenate([np.zeros(0, np.int64), *(found.classes for found in labels)])
    measured = SAMPLE if len(images) > MEASURE_ALL else len(images)
    sample = [k * len(images) // measured for k in range(measured)]
    measures = [_measure_picture(images[index], labels[index]) for index in sample if len(labels[index])]
    heights, contrasts = np.concatenate([np.zeros((2, 0)), *measures], axis=1)
    numbers = [number for truth in truths for number in truth.numbers]
    return SplitStats(
        pictures=len(images),
        blank=sum(not len(found) for found in labels),
        digits=tuple(int((classes == digit).sum()) for digit in range(len(CLASS_NAMES))),
        measured=measured,
        heights=heights,
        contrasts=contrasts,
        lengths=Counter(len(number.text) for number in numbers),
        numbers_per_picture=Counter(len(truth.numbers) for truth in truths),
        characters=Counter(
            _class_name(one) for truth in truths for line in truth.lines for one in line.text if one != " "
        ),
        looks=Counter(truth.look for truth in truths if truth.look),
        sources=Counter(number.source for number in numbers if number.source),
    )


def _class_name(character: str) -> str:
    found = class_of(character)
    return "other" if found == OTHER else CHARACTERS[found]


def _measure_picture(image: Path, labels: yolo.Labels) -> FloatArray:
    """Return the heights and contrasts of the N digits of a picture, (2, N)."""
    grey = cv2.cvtColor(yolo.read_picture(image), cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    boxes = labels.xyxy(width, height)
    contrasts = []
    for left, top, right, bottom in clip_xyxy(np.rint(boxes), width, height).astype(int).tolist():
        inside = grey[top : max(bottom, top + 1), left : max(right, left + 1)]
        contrasts.append(box_contrast(np.ascontiguousarray(inside, np.uint8)) if inside.size else 0.0)
    return np.array([boxes[:, 3] - boxes[:, 1], contrasts])


def _quantile_rows(title: str, columns: Sequence[FloatArray]) -> list[_Row]:
    values = [np.quantile(column, _QUANTILES) if len(column) else None for column in columns]
    rows = [
        (f"  {quantile:.0%} below", ["-" if found is None else f"{found[row]:.1f}" for found in values])
        for row, quantile in enumerate(_QUANTILES)
    ]
    return [(title, []), *rows]


def _count_rows(title: str, columns: Sequence[Counter[Any]]) -> list[_Row]:
    """Return a row for every key; integers in ascending order, names by descending count."""
    total = _total(columns)
    if not total:
        return []
    keys = sorted(total, key=lambda key: key if isinstance(key, int) else -total[key])
    return [(title, []), *((f"  {k}", [_share(c[k], c.total()) for c in columns]) for k in keys)]


def _share(count: int, total: int) -> str:
    return f"{count} {count / total:6.1%}" if total else "-"


def _total(counters: Iterable[Counter[Any]]) -> Counter[Any]:
    return sum(counters, Counter())


def _plot_bars(axes: Any, title: str, counts: Mapping[str, int], horizontal: bool = False) -> None:
    axes.set_title(title if counts else f"{title}: not recorded")
    plot = axes.barh if horizontal else axes.bar  # horizontal bars leave room for long names
    plot(list(counts), list(counts.values()))


def _plot_histogram(axes: Any, title: str, values: FloatArray, logarithmic: bool = False) -> None:
    values = values[values > 0] if logarithmic else values
    axes.set_title(title if len(values) else f"{title}: no digits")
    if not len(values):
        return
    axes.hist(values, bins=np.geomspace(values.min(), values.max() * 1.001, 41) if logarithmic else 40)
    if logarithmic:
        axes.set_xscale("log")
