"""Fitting a model to labelled pictures: how it weighs the evidence of both networks, and the confidences of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from digitdet.common.boxes import iou
from digitdet.common.characters import CHARACTERS, class_of, only_digits
from digitdet.common.errors import DataError, ModelError
from digitdet.common.files import write_atomically
from digitdet.common.types import CLASS_NAMES, FloatArray, Indices, Mask
from digitdet.configs import ReadConfig
from digitdet.datasets.formats.numbers import LineTruth, NumberTruth
from digitdet.datasets.formats.yolo import find_data_file, read_data_file, read_picture
from digitdet.detection.search import MultiScaleDetector
from digitdet.evaluation.matching import MIN_IOU, exact_readings, greedy_matches
from digitdet.evaluation.sets import DigitBoxes, load_sets
from digitdet.evaluation.statistics import expected_calibration_error
from digitdet.models.model_file import LINE_READER, find_model, shipped_file, store_entries
from digitdet.reading.calibration import Calibration, LatticeWeights, to_json
from digitdet.reading.decoding import NumberDecoder
from digitdet.reading.line_reader import OnnxLineReader
from digitdet.reading.pooling import build_lattice
from digitdet.reading.results import Number
from digitdet.reading.transcription import StripReading, read_strips
from digitdet.training.lattice_weights import fit_weights, label_strip
from digitdet.training.line_crops import true_characters

_MIN_NUMBERS = 50  # correct and incorrect ones each
_BESIDE = 0.5  # digits this near to a number, in its heights, belong to it where the true numbers are not known


@dataclass(frozen=True)
class CalibrationPicture:
    """What both networks see in a picture, and what is in it.

    `lines` is its text, empty if that is not known, and `numbers` its true numbers, None if only the digits are known.
    """

    strips: Sequence[StripReading]
    digits: DigitBoxes
    numbers: tuple[NumberTruth, ...] | None = None
    lines: tuple[LineTruth, ...] = ()


@dataclass(frozen=True)
class NumberEvidence:
    """Numbers that were read: the probability (N,) of each, its number of characters (N,), whether it is right (N,)."""

    probabilities: FloatArray
    lengths: Indices
    is_right: Mask

    def __len__(self) -> int:
        return len(self.is_right)


def calibrate_model(
    model: Path, data: Path, split: str, store: bool = True, on_picture: Callable[[], object] = lambda: None
) -> list[str]:
    """Fit the weights and the calibration of a model to a split of a dataset; store them if `store` is true.

    Those of a run folder without a line reader are stored in a copy of the shipped one.

    Returns them, and their quality on the test split, or on `split` without one, as lines of text.

    Raises:
        DataError: The dataset has no such split, or too few numbers in it.
        ModelError: The model has no line reader of its own, and is no folder.
    """
    files = find_model(model)
    target = model / LINE_READER if model.is_dir() else files.line_reader
    if target == shipped_file(LINE_READER):
        raise ModelError(f"{model}: the calibration belongs to the line reader; name a folder that holds {model.name}")
    detector, reader = MultiScaleDetector(files.detector, ReadConfig()), OnnxLineReader(files.line_reader)
    pictures = list(read_split(detector, reader, data, split, on_picture))
    weights, calibration = fit(pictures, reader.weights)
    where = f"the {split} split, which they were fitted to"
    if split != "test" and "test" in read_data_file(find_data_file(data)).sources:
        where, pictures = "the test split", list(read_split(detector, reader, data, "test", on_picture))
    before = _quality(number_evidence(pictures, reader.weights), reader.calibration)
    after = _quality(number_evidence(pictures, weights), calibration)
    if store:
        if target != files.line_reader:
            write_atomically(target, files.line_reader.read_bytes())
        store_entries(target, weights=to_json(weights), calibration=to_json(calibration))
    return [
        f"weights: {to_json(weights)}",
        f"calibration: {to_json(calibration)}",
        f"before: {before}",
        f"after:  {after}",
        f"measured on {where}",
    ]


def _quality(evidence: NumberEvidence, calibration: Calibration) -> str:
    error = expected_calibration_error(
        calibration.confidences(evidence.probabilities, evidence.lengths), evidence.is_right
    )
    return f"{int(evidence.is_right.sum())} of {len(evidence)} numbers right, calibration error {error:.1%}"


def read_split(
    detector: MultiScaleDetector,
    reader: OnnxLineReader,
    data: Path,
    split: str,
    on_picture: Callable[[], object] = lambda: None,
) -> Iterator[CalibrationPicture]:
    """Read the strips of all pictures of a split, and yield them with the labels."""
    for picture in load_sets(find_data_file(data), split)[0].pictures:
        if picture.digits is None:
            raise DataError(f"{picture.path}: has no label file")
        image = read_picture(picture.path)
        strips = read_strips(image, detector.detect([image])[0], reader)
        digits = picture.digits.in_pixels(image.shape[1], image.shape[0])
        yield CalibrationPicture(strips, digits, picture.placed, picture.lines)
        on_picture()


def fit(pictures: Sequence[CalibrationPicture], weights: LatticeWeights) -> tuple[LatticeWeights, Calibration]:
    """Fit weights and calibration by maximum likelihood; without lines of text, `weights` stay.

    Raises:
        DataError: There are too few numbers.
    """
    labelled = (label_strip(strip, true_characters(one.lines)) for one in pictures if one.lines for strip in one.strips)
    if lines := [line for line in labelled if line is not None]:
        weights = fit_weights(lines)
    return weights, fit_calibration(number_evidence(pictures, weights))


def fit_calibration(evidence: NumberEvidence) -> Calibration:
    """Fit a calibration to numbers by maximum likelihood. Raises DataError if there are too few of them."""
    right = int(evidence.is_right.sum())
    if min(right, len(evidence) - right) < _MIN_NUMBERS:
        raise DataError(
            f"{len(evidence)} numbers were read, {right} of them right: a calibration needs at least "
            f"{_MIN_NUMBERS} right and {_MIN_NUMBERS} wrong ones; give more pictures"
        )
    start = np.array(list(asdict(Calibration()).values()))

    def loss(values: FloatArray) -> float:
        confidences = Calibration(*values.tolist()).confidences(evidence.probabilities, evidence.lengths)
        likelihoods = np.where(evidence.is_right, confidences, 1 - confidences)
        # A prior towards no change, worth one observation, keeps the parameters of separable numbers finite.
        return float(-np.log(likelihoods.clip(1e-12)).sum() + ((values - start) ** 2).sum() / 2)

    # A negative scale would reverse the order of the numbers.
    bounds = [(0, None), *[(None, None)] * (len(start) - 1)]
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    return Calibration(*(round(float(value), 4) for value in found.x))


def number_evidence(pictures: Iterable[CalibrationPicture], weights: LatticeWeights) -> NumberEvidence:
    """Build the numbers of pictures with these weights, and compare them with the true ones."""
    decoder, probabilities, lengths, right = NumberDecoder(ReadConfig()), list[float](), list[int](), list[bool]()
    for picture in pictures:
        found = decoder.decode(
            [build_lattice(one.evidence, one.rows.tolist(), one.angle, weights) for one in picture.strips]
        )
        probabilities += [number.confidence for number in found]
        lengths += [len(number.best) for number in found]
        right += are_right(found, picture)
    return NumberEvidence(np.array(probabilities), np.array(lengths), np.array(right, bool))


def are_right(found: Sequence[Number], picture: CalibrationPicture) -> list[bool]:
    """Return for each number whether it is a true one: as it is written, if that is known, and at its place."""
    if picture.lines:
        return _are_as_written(found, [number for line in picture.lines for number in written_numbers(line)])
    if picture.numbers is not None:
        return exact_readings(found, picture.numbers)
    return [only_digits(number.best) == _digits_at(number, picture.digits) for number in found]


def written_numbers(line: LineTruth) -> Iterator[NumberTruth]:
    """Yield the numbers of a line as they are written, with the boxes of their digits."""
    boxes = iter(line.boxes)
    box_of = [None if character == " " else next(boxes) for character in line.text]
    for start, stop in line.numbers:
        text = "".join(CHARACTERS[class_of(character)] for character in line.text[start:stop])
        of_digits = (box for box, character in zip(box_of[start:stop], text, strict=True) if character in CLASS_NAMES)
        yield NumberTruth(text, tuple(box for box in of_digits if box is not None))


def _are_as_written(found: Sequence[Number], truths: Sequence[NumberTruth]) -> list[bool]:
    is_right = [False] * len(found)
    if found and truths:
        is_same = np.array([[truth.text == number.best for number in found] for truth in truths])
        ious = iou([truth.box for truth in truths], [number.box for number in found])
        for _, column in greedy_matches(np.where(is_same, ious, 0), MIN_IOU):
            is_right[column] = True
    return is_right


def _digits_at(number: Number, digits: DigitBoxes) -> str:
    """Return the true digits at the place of a number, and directly beside it, along its line."""
    margin = _BESIDE * float(np.median([digit.box[3] - digit.box[1] for digit in number.digits]))
    left, top, right, bottom = number.box
    middles = (digits.boxes[:, :2] + digits.boxes[:, 2:]) / 2
    inside = ((middles > [left - margin, top]) & (middles < [right + margin, bottom])).all(axis=1)
    radians = np.radians(number.angle)
    order = np.argsort(middles[inside] @ [np.cos(radians), np.sin(radians)])
    return "".join(CLASS_NAMES[label] for label in digits.labels[inside][order])
