"""Fitting a model to labelled pictures: how it weighs the evidence of its networks, and the confidences of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from digitdet.common.characters import CHARACTERS, class_of, only_digits
from digitdet.common.errors import DataError, ModelError
from digitdet.common.files import write_atomically
from digitdet.common.types import CLASS_NAMES, FloatArray, Indices, Mask
from digitdet.configs import ReadConfig
from digitdet.datasets.formats.numbers import LineTruth, NumberTruth
from digitdet.datasets.formats.yolo import find_data_file, read_data_file, read_picture
from digitdet.detection.search import MultiScaleDetector
from digitdet.evaluation.matching import align, exact_readings, group_rows
from digitdet.evaluation.sets import DigitBoxes, load_sets
from digitdet.evaluation.statistics import expected_calibration_error
from digitdet.models.model_file import LINE_READER, find_model, shipped_file, store_entries
from digitdet.reading.calibration import Calibration, LatticeWeights, to_json
from digitdet.reading.decoding import NumberDecoder
from digitdet.reading.digits_only import without_marks
from digitdet.reading.line_reader import OnnxLineReader
from digitdet.reading.model import Model, load_model
from digitdet.reading.pooling import build_lattice
from digitdet.reading.results import Number
from digitdet.reading.transcription import StripReading, place_confirmed_strips, read_strips
from digitdet.training.lattice_weights import fit_weights, label_strip
from digitdet.training.line_crops import true_characters

_MIN_NUMBERS = 50  # correct and incorrect ones each
_BESIDE = 0.5  # digits this near to a number, in its heights, belong to it where the true numbers are not known


@dataclass(frozen=True)
class CalibrationPicture:
    """What the networks see in a picture, and its labels: the first that are known decide which numbers are right."""

    strips: Sequence[StripReading]
    lines: tuple[LineTruth, ...] = ()  # its text
    numbers: tuple[NumberTruth, ...] | None = None  # with their places
    texts: tuple[str, ...] | None = None  # the numbers of each row
    digits: DigitBoxes | None = None  # in pixels


@dataclass(frozen=True)
class NumberEvidence:
    """Numbers that were read: the probability (N,) of each, its number of characters (N,), whether it is right (N,)."""

    probabilities: FloatArray
    lengths: Indices
    is_right: Mask

    def __len__(self) -> int:
        return len(self.is_right)


@dataclass(frozen=True)
class CalibrationSet:
    """The pictures of one labelled set."""

    name: str
    pictures: tuple[CalibrationPicture, ...]


def calibrate_model(
    model: Path,
    data: Sequence[Path],
    split: str,
    store: bool = True,
    on_picture: Callable[[], object] = lambda: None,
    measure: bool = True,
) -> list[str]:
    """Fit the weights and the calibration of a model to labelled sets; store them if `store` is true.

    Those of a run folder without a line reader are stored in a copy of the shipped one.

    Args:
        model: Run folder, or one of its model files.
        data: YOLO datasets, of which `split` is used, folders with a labels.csv, or folders of such folders. Every set
            has the same weight.
        split: The split of YOLO datasets.
        store: Whether to change the model.
        on_picture: Called after each picture.
        measure: Whether to measure the quality.

    Returns:
        The parameters and, with `measure`, their quality on each set, or on its test split if there is one, as lines
        of text.

    Raises:
        DataError: A dataset has no such split, or there are too few numbers.
        ModelError: The model has no line reader of its own, and is no folder.
    """
    file = find_model(model).line_reader
    target = model / LINE_READER if model.is_dir() else file
    if target == shipped_file(LINE_READER):
        raise ModelError(f"{model}: the calibration belongs to the line reader; name a folder that holds {model.name}")
    loaded = load_model(model)
    reader = loaded.line_reader

    known = [one for path in data for one in read_sets(loaded, path, split, on_picture)]
    weights, calibration = fit(known, reader.weights)
    lines = [f"weights: {to_json(weights)}", f"calibration: {to_json(calibration)}"]
    if measure:
        is_tested = split != "test" and all(map(_has_test_split, data))
        if is_tested:
            known = [one for path in data for one in read_sets(loaded, path, "test", on_picture)]
        lines += [line for one in known for line in _compare(one, reader, weights, calibration)]
        lines.append(f"measured on {'the test splits' if is_tested else 'the pictures that they were fitted to'}")
    if store:
        if target != file:
            write_atomically(target, file.read_bytes())
        store_entries(target, weights=to_json(weights), calibration=to_json(calibration))
    return lines


def _has_test_split(data: Path) -> bool:
    file = find_data_file(data)
    return file.is_file() and "test" in read_data_file(file).sources


def _compare(one: CalibrationSet, reader: OnnxLineReader, weights: LatticeWeights, new: Calibration) -> list[str]:
    """Return the quality of a line reader's calibration and of a new one on a set, as lines of text."""
    before = _quality(number_evidence(one.pictures, reader.weights), reader.calibration)
    after = _quality(number_evidence(one.pictures, weights), new)
    return [f"{one.name} before: {before}", f"{one.name} after:  {after}"]


def _quality(evidence: NumberEvidence, calibration: Calibration) -> str:
    if not len(evidence):
        return "no numbers were read"
    confidences = calibration.confidences(evidence.probabilities, evidence.lengths)
    error = expected_calibration_error(confidences, evidence.is_right)
    right = f"{int(evidence.is_right.sum())} of {len(evidence)} numbers right ({evidence.is_right.mean():.1%})"
    return f"{right}, mean confidence {confidences.mean():.1%}, calibration error {error:.1%}"


def read_sets(
    model: Model, data: Path, split: str, on_picture: Callable[[], object] = lambda: None
) -> Iterator[CalibrationSet]:
    """Read the strips of all pictures of the sets at a path, and yield them with the labels."""
    detector = MultiScaleDetector(model.detector, model.proposals, ReadConfig())
    file = find_data_file(data)
    for one in load_sets(file, split) if file.is_file() else load_sets(data):
        pictures = []
        for picture in one.pictures:
            if picture.digits is None and picture.texts is None:
                raise DataError(f"{picture.path}: has no label file")
            image = read_picture(picture.path)
            found, placed = place_confirmed_strips(image, detector.detect([image])[0], model.line_reader)
            strips = read_strips(image, found, placed, model.line_reader, model.second_reader)
            digits = None if picture.digits is None else picture.digits.in_pixels(image.shape[1], image.shape[0])
            pictures.append(CalibrationPicture(strips, picture.lines, picture.placed, picture.texts, digits))
            on_picture()
        yield CalibrationSet(one.name, tuple(pictures))


def fit(sets: Sequence[CalibrationSet], weights: LatticeWeights) -> tuple[LatticeWeights, Calibration]:
    """Fit weights and calibration by maximum likelihood; without lines of text, `weights` stay.

    Raises:
        DataError: There are too few numbers.
    """
    pictures = [picture for one in sets for picture in one.pictures]
    labelled = (label_strip(strip, true_characters(one.lines)) for one in pictures if one.lines for strip in one.strips)
    if lines := [line for line in labelled if line is not None]:
        weights = fit_weights(lines)
    return weights, fit_calibration([number_evidence(one.pictures, weights) for one in sets])


def fit_calibration(sets: Sequence[NumberEvidence]) -> Calibration:
    """Fit a calibration to the numbers of several sets by maximum likelihood; every set has the same weight.

    Raises:
        DataError: There are too few numbers.
    """
    sets = [one for one in sets if len(one)]
    count, right = sum(map(len, sets)), sum(int(one.is_right.sum()) for one in sets)
    if min(right, count - right) < _MIN_NUMBERS:
        raise DataError(
            f"{count} numbers were read, {right} of them right: a calibration needs at least "
            f"{_MIN_NUMBERS} right and {_MIN_NUMBERS} wrong ones; give more pictures"
        )
    start = np.array(list(asdict(Calibration()).values()))

    def loss(values: FloatArray) -> float:
        calibration = Calibration(*values.tolist())
        total = 0.0
        for one in sets:
            confidences = calibration.confidences(one.probabilities, one.lengths)
            likelihoods = np.where(one.is_right, confidences, 1 - confidences)
            total -= np.log(likelihoods.clip(1e-12)).mean() * count / len(sets)
        # A prior towards no change, worth one observation, keeps the parameters of separable numbers finite.
        return float(total + ((values - start) ** 2).sum() / 2)

    # A negative scale would reverse the order of the numbers.
    bounds = [(0, None), *[(None, None)] * (len(start) - 1)]
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    return Calibration(*(round(float(value), 4) for value in found.x))


def number_evidence(pictures: Iterable[CalibrationPicture], weights: LatticeWeights) -> NumberEvidence:
    """Build the numbers of pictures with these weights, and compare them with the true ones.

    Where the labels have digits alone, the numbers have no marks either, as with `digitdet read --digits-only`.
    """
    decoder = NumberDecoder(ReadConfig(min_confidence=0))  # every number
    probabilities, lengths, right = list[float](), list[int](), list[bool]()
    for picture in pictures:
        found = decoder.decode([build_lattice(one.evidence, one.angle, weights) for one in picture.strips])
        if not picture.lines:
            found = tuple(without_marks(number, 0) for number in found)
        probabilities += [number.confidence for number in found]
        lengths += [len(number.best) for number in found]
        right += are_right(found, picture)
    return NumberEvidence(np.array(probabilities), np.array(lengths), np.array(right, bool))


def are_right(found: Sequence[Number], picture: CalibrationPicture) -> list[bool]:
    """Return for each number whether it is a true one: as it is written, if that is known, and at its place."""
    if picture.lines:
        written = [number for line in picture.lines for number in written_numbers(line)]
        return exact_readings(found, written, as_written=True)
    if picture.numbers is not None:
        return exact_readings(found, picture.numbers)
    if picture.texts is not None:
        return _are_in_rows(found, [only_digits(text) for text in picture.texts])
    digits = picture.digits
    return [digits is not None and only_digits(number.best) == _digits_at(number, digits) for number in found]


def _are_in_rows(found: Sequence[Number], texts: Sequence[str]) -> list[bool]:
    """Whether numbers are the true ones, or parts of the true rows if there are several."""
    if len(texts) < 2:
        return [only_digits(number.best) in texts for number in found]
    rows = group_rows(found)
    read = ["".join(only_digits(number.best) for number in row) for row in rows]
    right: list[bool] = []
    for wanted, index in align(texts, read):
        if index is not None:
            right += _are_parts(rows[index], read[index], "" if wanted is None else texts[wanted])
    return right


def _are_parts(row: Sequence[Number], read: str, true: str) -> Iterator[bool]:
    """Yield for each number of a row that was read whether it is a part of the true one."""
    blocks = SequenceMatcher(None, read, true, autojunk=False).get_matching_blocks()
    start = 0
    for number in row:
        stop = start + len(only_digits(number.best))
        yield any(block.a <= start and stop <= block.a + block.size for block in blocks)
        start = stop


def written_numbers(line: LineTruth) -> Iterator[NumberTruth]:
    """Yield the numbers of a line as they are written, with the boxes of their digits."""
    boxes = iter(line.boxes)
    box_of = [None if character == " " else next(boxes) for character in line.text]
    for start, stop in line.numbers:
        text = "".join(CHARACTERS[class_of(character)] for character in line.text[start:stop])
        of_digits = (box for box, character in zip(box_of[start:stop], text, strict=True) if character in CLASS_NAMES)
        yield NumberTruth(text, tuple(box for box in of_digits if box is not None))


def _digits_at(number: Number, digits: DigitBoxes) -> str:
    """Return the true digits at the place of a number, and directly beside it, along its line."""
    margin = _BESIDE * float(np.median([digit.box[3] - digit.box[1] for digit in number.digits]))
    left, top, right, bottom = number.box
    middles = (digits.boxes[:, :2] + digits.boxes[:, 2:]) / 2
    inside = ((middles > [left - margin, top]) & (middles < [right + margin, bottom])).all(axis=1)
    radians = np.radians(number.angle)
    order = np.argsort(middles[inside] @ [np.cos(radians), np.sin(radians)])
    return "".join(CLASS_NAMES[label] for label in digits.labels[inside][order])
