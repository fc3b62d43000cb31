"""Fitting the calibration of a model to labelled pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from digitdet.common.boxes import iou
from digitdet.common.errors import DataError
from digitdet.common.types import Boxes, FloatArray, Indices, Mask, Scores
from digitdet.configs import ReadConfig
from digitdet.datasets.formats.numbers import NumberTruth
from digitdet.datasets.formats.yolo import find_data_file, read_data_file, read_picture
from digitdet.detection.postprocess import NmsResult
from digitdet.detection.search import MultiScaleDetector
from digitdet.evaluation.detection import BACKGROUND
from digitdet.evaluation.matching import exact_readings
from digitdet.evaluation.sets import load_sets
from digitdet.evaluation.statistics import expected_calibration_error
from digitdet.models.model_file import find_model, store_entries
from digitdet.reading.calibration import Calibration, log_odds, parse_calibration
from digitdet.reading.lines import find_lines
from digitdet.reading.numbers import NumberBuilder

_MIN_IOU = 0.5  # of a box and the true digit that it shows
_MIN_NUMBERS = 50  # correct and incorrect ones each


@dataclass(frozen=True)
class LabelledPicture:
    """Detections after non-maximum suppression, and the true digits: `classes` (N,), `boxes` (N, 4), and numbers."""

    detected: NmsResult
    classes: Indices
    boxes: Boxes
    numbers: tuple[NumberTruth, ...]


@dataclass(frozen=True)
class CalibrationQuality:
    """Number of boxes and numbers, mean negative log-likelihood of a box, and expected calibration errors (0 to 1)."""

    boxes: int
    numbers: int
    digit_loss: float
    digit_error: float
    number_error: float


def calibrate_model(
    model: Path, data: Path, split: str, store: bool = True, on_picture: Callable[[], object] = lambda: None
) -> list[str]:
    """Fit the calibration of a model to a split of a dataset, and replace it in the model if `store` is true.

    Returns the new calibration and the quality of both on the test split, or on `split` without one, as lines of text.

    Raises:
        DataError: The dataset has no such split, or too few numbers in it.
    """
    config = ReadConfig()
    file = find_model(model).detector
    detector = MultiScaleDetector(file, config)
    pictures = detect_split(detector, data, split, on_picture)
    fitted = fit_calibration(pictures, config)
    where = f"the {split} split, which it was fitted to"
    if split != "test" and "test" in read_data_file(find_data_file(data)):
        where, pictures = "the test split", detect_split(detector, data, "test", on_picture)
    before = parse_calibration(detector.detector.calibration, str(model))
    old, new = (measure_calibration(pictures, one, config) for one in (before, fitted))
    if store:
        store_entries(file, calibration=fitted.to_json())
    return [
        f"calibration: {fitted.to_json()}",
        f"digits:  calibration error {old.digit_error:.1%} -> {new.digit_error:.1%}, "
        f"log-likelihood loss {old.digit_loss:.3f} -> {new.digit_loss:.3f}, {new.boxes} boxes",
        f"numbers: calibration error {old.number_error:.1%} -> {new.number_error:.1%}, {new.numbers} numbers",
        f"measured on {where}",
    ]


def detect_split(
    detector: MultiScaleDetector, data: Path, split: str, on_picture: Callable[[], object] = lambda: None
) -> list[LabelledPicture]:
    """Detect the digits in all pictures of a split.

    For pictures that are not in numbers.jsonl, the true digits are grouped into numbers by their boxes.
    """
    pictures = []
    for picture in load_sets(find_data_file(data), split)[0].pictures:
        image = read_picture(picture.path)
        if picture.digits is None:
            raise DataError(f"{picture.path}: has no label file")
        digits, boxes = picture.digits.labels, picture.digits.in_pixels(image.shape[1], image.shape[0]).boxes
        numbers = tuple(_group(digits, boxes)) if picture.placed is None else picture.placed
        pictures.append(LabelledPicture(detector.detect([image])[0], digits, boxes, numbers))
        on_picture()
    return pictures


def _group(classes: Indices, boxes: Boxes) -> Iterator[NumberTruth]:
    for line in find_lines(boxes):
        for rows in line.numbers:
            text = "".join(str(classes[row]) for row in rows)
            x0, y0, x1, y1 = boxes[list(rows)].T.tolist()
            yield NumberTruth(text, tuple(zip(x0, y0, x1, y1, strict=True)))


def fit_calibration(pictures: Sequence[LabelledPicture], config: ReadConfig) -> Calibration:
    """Fit a calibration by maximum likelihood: of digits, then of numbers. Raises DataError if there are too few."""
    scores, truths = digit_evidence(pictures)
    if not len(scores):
        raise DataError("no digits were found: train longer, or use other pictures")
    digits = Calibration(*_fit(lambda v: _digit_loss(Calibration(*v), scores, truths), (1, 1, 0), len(scores)))
    confidences, right = number_evidence(pictures, digits, config)
    if min(right.sum(), (~right).sum()) < _MIN_NUMBERS:
        raise DataError(
            f"{len(right)} numbers were read, {int(right.sum())} of them right: a calibration needs at least "
            f"{_MIN_NUMBERS} right and {_MIN_NUMBERS} wrong ones; give more pictures"
        )
    signs, odds = np.where(right, 1, -1), log_odds(confidences)
    scale, shift = _fit(lambda v: float(np.logaddexp(0, -signs * (v[0] * odds + v[1])).mean()), (1, 0), len(right))
    return replace(digits, number_scale=scale, number_shift=shift)


def _fit(loss: Callable[[FloatArray], float], start: Sequence[float], count: int) -> list[float]:
    # A prior towards no change, worth one observation, keeps the parameters of separable data finite; a negative
    # slope would reverse the order of the scores.
    found = minimize(
        lambda values: loss(values) + float(((values - start) ** 2).sum()) / (2 * count),
        start,
        method="Nelder-Mead",
        bounds=[(0, None) if value else (None, None) for value in start],
        options={"maxiter": 2000},
    )
    return [float(value) for value in found.x]


def measure_calibration(
    pictures: Sequence[LabelledPicture], calibration: Calibration, config: ReadConfig
) -> CalibrationQuality:
    """Measure a calibration, preferably on pictures that it was not fitted to."""
    scores, truths = digit_evidence(pictures)
    probabilities = calibration.digit_probabilities(scores)[:, :BACKGROUND]
    confidences, right = number_evidence(pictures, calibration, config)
    return CalibrationQuality(
        len(scores),
        len(right),
        _digit_loss(calibration, scores, truths),
        expected_calibration_error(probabilities.max(axis=1, initial=0), probabilities.argmax(axis=1) == truths),
        expected_calibration_error(confidences, right),
    )


def digit_evidence(pictures: Sequence[LabelledPicture]) -> tuple[Scores, Indices]:
    """Return the scores (N, 10) of all boxes, suppressed ones too, and their true digits (N,), 10 for background."""
    scores, truths = [np.zeros((0, 10), np.float32)], [np.zeros(0, np.int64)]
    for picture in pictures:
        for found in (picture.detected.digits, picture.detected.suppressed):
            scores.append(found.scores)
            truth = np.full(len(found), BACKGROUND)
            if len(found) and len(picture.boxes):
                overlaps = iou(found.boxes, picture.boxes)
                is_digit = overlaps.max(axis=1) >= _MIN_IOU
                truth[is_digit] = picture.classes[overlaps.argmax(axis=1)[is_digit]]
            truths.append(truth)
    return np.concatenate(scores), np.concatenate(truths)


def number_evidence(
    pictures: Sequence[LabelledPicture], calibration: Calibration, config: ReadConfig
) -> tuple[FloatArray, Mask]:
    """Return the confidence (M,) of every number read, and whether it has the text of a true number."""
    builder = NumberBuilder(calibration, config)
    confidences: list[float] = []
    right: list[bool] = []
    for picture in pictures:
        found = builder.build(picture.detected)
        confidences += [number.confidence for number in found]
        right += exact_readings(found, picture.numbers)
    return np.array(confidences), np.array(right, bool)


def _digit_loss(calibration: Calibration, scores: Scores, truths: Indices) -> float:
    probabilities = calibration.digit_probabilities(scores)[np.arange(len(scores)), truths]
    return float(-np.log(np.maximum(probabilities, 1e-12)).mean())
