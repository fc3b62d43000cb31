"""Fitting a model's calibration on labelled pictures, and storing it in the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import iou
from digitdet.common.errors import DataError, MissingExtraError
from digitdet.configs import ReadConfig
from digitdet.datasets.formats.numbers import NUMBERS_FILE, NumberTruth, read_truths
from digitdet.datasets.formats.yolo import (
    find_data_file,
    label_path,
    list_images,
    read_data_file,
    read_labels,
    read_picture,
)
from digitdet.detection.postprocess import NmsResult
from digitdet.detection.search import MultiScaleDetector
from digitdet.evaluation.matching import exact_readings
from digitdet.evaluation.statistics import expected_calibration_error
from digitdet.models.model_file import store_calibration
from digitdet.reading.calibration import Calibration, log_odds, parse_calibration
from digitdet.reading.lines import find_lines
from digitdet.reading.numbers import NumberBuilder

_NO_DIGIT = 10  # the class of a box where no digit is
_MIN_IOU = 0.5  # a box is that of a true digit from this on: the usual limit of object detection
_MIN_NUMBERS = 50  # fewer right and wrong ones say nothing about how sure to be


@dataclass(frozen=True)
class LabelledPicture:
    """What was found in a picture, and what is there: `classes` (N,) and `boxes` (N, 4) xyxy of its digits, and the
    numbers that they make.
    """

    places: NmsResult
    classes: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]
    numbers: tuple[NumberTruth, ...]


@dataclass(frozen=True)
class Quality:
    """How honest probabilities are on some pictures: counts, negative log-likelihood a box, calibration errors."""

    boxes: int
    numbers: int
    digit_loss: float
    digit_error: float
    number_error: float


@dataclass(frozen=True)
class CalibrationReport:
    """What a fit changed: the calibrations, and their quality on the `split` that is named, unseen where it is not the
    one that was fitted to.
    """

    before: Calibration
    after: Calibration
    split: str
    is_unseen: bool
    quality_before: Quality
    quality_after: Quality

    def summary(self) -> list[str]:
        """What a person wants to know, a line each."""
        old, new = self.quality_before, self.quality_after
        where = f"the {self.split} split" if self.is_unseen else f"the {self.split} split, which it was fitted to"
        return [
            f"calibration: {self.after.to_json()}",
            f"digits:  calibration error {old.digit_error:.1%} -> {new.digit_error:.1%}, "
            f"log-likelihood loss {old.digit_loss:.3f} -> {new.digit_loss:.3f}, {new.boxes} boxes",
            f"numbers: calibration error {old.number_error:.1%} -> {new.number_error:.1%}, {new.numbers} numbers",
            f"measured on {where}",
        ]


def calibrate_model(
    model: Path, data: Path, split: str, store: bool = True, on_picture: Callable[[], object] = lambda: None
) -> CalibrationReport:
    """Fit a model's calibration to a split of a dataset, store it in the model, and measure it, on the test split where
    there is another one of that name.

    Raises:
        ModelError: The model cannot be loaded.
        DataError: The dataset has no such split, or too few numbers in it.
        MissingExtraError: A package of the extra `train` is missing.
    """
    config = ReadConfig()
    finder = MultiScaleDetector(model, config)
    pictures = look_at(finder, data, split, on_picture)
    before = parse_calibration(finder.detector.calibration, str(model))
    fitted = fit_calibration(pictures, config)
    measured, seen = split, pictures
    if split != "test" and "test" in read_data_file(find_data_file(data)):
        measured, seen = "test", look_at(finder, data, "test", on_picture)
    report = CalibrationReport(
        before,
        fitted,
        measured,
        measured != split,
        measure_calibration(seen, before, config),
        measure_calibration(seen, fitted, config),
    )
    if store:
        store_calibration(model, fitted.to_json())
    return report


def look_at(
    finder: MultiScaleDetector, data: Path, split: str, on_picture: Callable[[], object] = lambda: None
) -> list[LabelledPicture]:
    """Find the digits in all pictures of a split of a dataset.

    Where numbers.jsonl is missing, as after a correction by hand, the true boxes are put together as a reading is.

    Raises:
        DataError: The dataset has no such split, or a label file is damaged.
    """
    data_file = find_data_file(data)
    splits = read_data_file(data_file)
    if split not in splits:
        raise DataError(f"{data_file}: has no {split} split; it has {', '.join(splits)}")
    known = {}
    if (data_file.parent / NUMBERS_FILE).is_file():
        known = {truth.image: truth.numbers for truth in read_truths(data_file.parent / NUMBERS_FILE, split)}
    pictures = []
    for path in list_images(splits[split]):
        image = read_picture(path)
        labels = read_labels(label_path(path))
        boxes = labels.xyxy(image.shape[1], image.shape[0])
        numbers = known.get(path.relative_to(data_file.parent).as_posix()) if known else None
        if numbers is None:
            numbers = tuple(_group(labels.classes, boxes))
        pictures.append(LabelledPicture(finder.detect([image])[0], labels.classes, boxes, numbers))
        on_picture()
    return pictures


def _group(classes: npt.NDArray[np.int64], boxes: npt.NDArray[np.float64]) -> Iterator[NumberTruth]:
    for line in find_lines(boxes):
        for rows in line.numbers:
            text = "".join(str(classes[row]) for row in rows)
            x0, y0, x1, y1 = boxes[list(rows)].T.tolist()
            yield NumberTruth(text, tuple(zip(x0, y0, x1, y1, strict=True)))


def fit_calibration(pictures: Sequence[LabelledPicture], config: ReadConfig) -> Calibration:
    """The calibration under which what is there is the most probable: first that of digits, then that of numbers.

    Raises:
        DataError: The pictures hold too few numbers that were read, or none that was read wrong or right.
        MissingExtraError: SciPy is not installed.
    """
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise MissingExtraError("digitdet calibrate", "train", "scipy") from error

    def fit(loss: Callable[[npt.NDArray[np.float64]], float], start: Sequence[float], count: int) -> list[float]:
        # A pull towards no change, worth one observation, keeps few or cleanly parted ones from running to infinity;
        # a slope below zero would turn the order of the scores round.
        bounds = [(0, None) if value else (None, None) for value in start]
        options = {"maxiter": 2000}
        found = minimize(
            lambda values: loss(values) + float(((values - start) ** 2).sum()) / (2 * count),
            start,
            method="Nelder-Mead",
            bounds=bounds,
            options=options,
        )
        return [float(value) for value in found.x]

    scores, truths = digit_evidence(pictures)
    if not len(scores):
        raise DataError("no digits were found: there is nothing to calibrate; train longer, or give other pictures")
    digits = Calibration(*fit(lambda v: _digit_loss(Calibration(*v), scores, truths), (1, 1, 0), len(scores)))
    chances, right = number_evidence(pictures, digits, config)
    if min(right.sum(), (~right).sum()) < _MIN_NUMBERS:
        raise DataError(
            f"{len(right)} numbers were read, {int(right.sum())} of them right: a calibration needs at least "
            f"{_MIN_NUMBERS} right and {_MIN_NUMBERS} wrong ones; give more pictures"
        )
    signs, odds = np.where(right, 1, -1), log_odds(chances)
    scale, shift = fit(lambda v: float(np.logaddexp(0, -signs * (v[0] * odds + v[1])).mean()), (1, 0), len(right))
    return replace(digits, number_scale=scale, number_shift=shift)


def measure_calibration(pictures: Sequence[LabelledPicture], calibration: Calibration, config: ReadConfig) -> Quality:
    """How honest a calibration is on pictures, best on others than those it was fitted to."""
    scores, truths = digit_evidence(pictures)
    chances = calibration.digit_probabilities(scores)
    top, best = chances[:, :_NO_DIGIT].max(axis=1, initial=0), chances[:, :_NO_DIGIT].argmax(axis=1)
    confidences, right = number_evidence(pictures, calibration, config)
    return Quality(
        len(scores),
        len(right),
        _digit_loss(calibration, scores, truths),
        expected_calibration_error(top, best == truths),
        expected_calibration_error(confidences, right),
    )


def digit_evidence(
    pictures: Sequence[LabelledPicture],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Scores (N, 10) of every box, winners and rivals, and the digit that is there (N,): 10 where there is none."""
    scores, truths = [np.zeros((0, 10), np.float32)], [np.zeros(0, np.int64)]
    for picture in pictures:
        for found in (picture.places.digits, picture.places.suppressed):
            scores.append(found.scores)
            truth = np.full(len(found), _NO_DIGIT)
            if len(found) and len(picture.boxes):
                places = iou(found.boxes, picture.boxes)
                there = places.max(axis=1) >= _MIN_IOU
                truth[there] = picture.classes[places.argmax(axis=1)[there]]
            truths.append(truth)
    return np.concatenate(scores), np.concatenate(truths)


def number_evidence(
    pictures: Sequence[LabelledPicture], calibration: Calibration, config: ReadConfig
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The confidence (M,) of every number that is read, and whether it is one that is there, with exactly its text."""
    builder = NumberBuilder(calibration, config)
    confidences: list[float] = []
    right: list[bool] = []
    for picture in pictures:
        found = builder.build(picture.places)
        confidences += [number.confidence for number in found]
        right += exact_readings(found, picture.numbers)
    return np.array(confidences), np.array(right, bool)


def _digit_loss(calibration: Calibration, scores: npt.NDArray[np.float32], truths: npt.NDArray[np.int64]) -> float:
    """Mean negative log-likelihood of what is there."""
    chances = calibration.digit_probabilities(scores)[np.arange(len(scores)), truths]
    return float(-np.log(np.maximum(chances, 1e-12)).mean())
