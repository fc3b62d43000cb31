"""The lines of a labelled dataset, cut out of its pictures: the training data of the line reader, stored in shards.

A picture gives its true lines; some also give the lines that the detector finds in them, with its misses and false
boxes, letters cut out like digits, or a place without text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from digitdet.common.characters import CHARACTERS, SPACE
from digitdet.common.types import CLASS_NAMES, Image
from digitdet.datasets.formats.numbers import NUMBERS_FILE, LineTruth, read_truths
from digitdet.datasets.formats.yolo import DATA_FILE, Labels, read_data_file, read_picture
from digitdet.detection.postprocess import Detections
from digitdet.detection.search import MultiScaleDetector
from digitdet.reading.line_reader import OnnxLineReader
from digitdet.reading.transcription import StripReading, place_strips, read_strips
from digitdet.training.line_crops import (
    Characters,
    LineCrop,
    cut_empty_line,
    cut_lines,
    cut_other_characters,
    true_characters,
    write_shard,
)

_SHARD = 256  # pictures
_FOUND_SHARE, _OTHER_SHARE, _EMPTY_SHARE = 0.25, 0.5, 0.2  # of the pictures
_MIN_SCORES = (0.15, 0.5)  # of the detector's digits, varied from picture to picture


@dataclass(frozen=True)
class LabelledPicture:
    """A picture with its lines of text or, where these are not known, with its digits."""

    path: Path
    lines: tuple[LineTruth, ...] | None
    digits: Labels | None = None


def list_pictures(data: Path, split: str) -> list[LabelledPicture]:
    """Return the pictures of a split of the dataset folder `data`, with the lines that numbers.jsonl has for them."""
    file = data / NUMBERS_FILE
    truths = {(data / truth.image).resolve(): truth for truth in read_truths(file, split)} if file.is_file() else {}
    data_file = read_data_file(data / DATA_FILE)
    pictures = []
    for path in data_file.pictures(split):
        truth = truths.get(path.resolve())
        if truth is not None and (truth.lines or not truth.numbers):
            pictures.append(LabelledPicture(path, truth.lines))
        else:
            pictures.append(LabelledPicture(path, None, data_file.labels(path)))
    return pictures


def cut_pictures(
    pictures: list[LabelledPicture],
    detector: MultiScaleDetector | None,
    line_reader: OnnxLineReader,
    stem: Path,
    seed: int,
    on_picture: Callable[[], object] = lambda: None,
) -> list[Path]:
    """Cut the lines out of pictures into shards, the files `stem`-NUMBER.npz; shards that are there already are kept.

    Without a detector, only true lines are cut out. The line reader reads what is not labelled.
    """
    shards = []
    for number, start in enumerate(range(0, len(pictures), _SHARD)):
        shard = stem.with_name(f"{stem.name}-{number:05d}.npz")
        group = pictures[start : start + _SHARD]
        if not shard.is_file():
            crops = list(_cut(group, detector, line_reader, np.random.default_rng((seed, number)), on_picture))
            if not crops:
                continue
            write_shard(shard, crops)
        shards.append(shard)
    return shards


def _cut(
    pictures: list[LabelledPicture],
    detector: MultiScaleDetector | None,
    line_reader: OnnxLineReader,
    rng: np.random.Generator,
    on_picture: Callable[[], object],
) -> Iterator[LineCrop]:
    for picture in pictures:
        image = read_picture(picture.path)
        lines = picture.lines
        if picture.digits is not None:
            lines = lines_of_labels(image, picture.digits, line_reader)
        characters = true_characters(lines or ())
        digits = characters.boxes[characters.classes < len(CLASS_NAMES)]
        yield from cut_lines(image, digits, characters, is_found=False)
        # Where only the digits are known, there may be other text in the picture.
        if detector is not None and picture.lines is not None:
            yield from _cut_mistakes(image, characters, detector, rng)
        on_picture()


def _cut_mistakes(
    image: Image, characters: Characters, detector: MultiScaleDetector, rng: np.random.Generator
) -> Iterator[LineCrop]:
    """Cut out what the detector finds or might take for digits; each kind from a share of the pictures.

    The detector always searches pictures without a digit: all that it finds there is a mistake.
    """
    found, other, empty = rng.random(3) < (_FOUND_SHARE, _OTHER_SHARE, _EMPTY_SHARE)
    if found or not (characters.classes < len(CLASS_NAMES)).any():
        digits = detector.detect([image], quick=True)[0]
        sure = digits.take(digits.best_scores >= rng.uniform(*_MIN_SCORES))
        yield from cut_lines(image, sure.boxes, characters, is_found=True)
    if other:
        yield from cut_other_characters(image, characters, rng)
    if empty and (line := cut_empty_line(image, characters, rng)) is not None:
        yield line


def lines_of_labels(image: Image, labels: Labels, line_reader: OnnxLineReader) -> tuple[LineTruth, ...]:
    """Return the lines of a picture (H, W, 3) of which only the digits are labelled.

    The digits are those of the labels, and the marks, letters and spaces between them are as the line reader sees them.
    """
    if not len(labels):
        return ()
    boxes = labels.xyxy(image.shape[1], image.shape[0])
    digits = Detections(boxes.astype(np.float32), np.eye(len(CLASS_NAMES), dtype=np.float32)[labels.classes])
    seen: set[int] = set()  # a digit may lie on two strips
    placed = place_strips(digits, image.shape[1], image.shape[0])
    lines = (_read_line(one, digits, seen) for one in read_strips(image, digits, placed, line_reader))
    return tuple(line for line in lines if line.boxes)


def _read_line(reading: StripReading, digits: Detections, seen: set[int]) -> LineTruth:
    evidence = reading.evidence
    text, boxes = "", []
    options = evidence.network[:, : len(CHARACTERS)].argmax(axis=1).tolist()
    for place in np.flatnonzero(~evidence.is_empty).tolist():
        row, option = evidence.rows[place], options[place]
        if row >= 0:
            row = int(reading.rows[row])
            if row in seen:
                continue
            seen.add(row)
            option = int(digits.labels[row])
        elif option < len(CLASS_NAMES):
            continue  # no digit, as the labels say
        text += CHARACTERS[option]
        if option != SPACE:
            boxes.append(evidence.boxes[place].tolist())
    return LineTruth(" ".join(text.split()), tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in boxes))
