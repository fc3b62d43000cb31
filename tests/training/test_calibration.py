"""Weights and calibration are fitted to labelled pictures and stored with the line reader."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("scipy", reason="the training packages are not installed")
pytest.importorskip("onnx", reason="the training packages are not installed")

from digitdet import NumberReader
from digitdet.cli.main import main
from digitdet.common.boxes import as_boxes
from digitdet.common.errors import DataError, ModelError
from digitdet.configs import ReadConfig
from digitdet.datasets.formats.numbers import LineTruth, NumberTruth
from digitdet.datasets.formats.yolo import format_labels, labels_from_xyxy, write_data_file
from digitdet.evaluation.sets import DigitBoxes
from digitdet.models.model_file import DETECTOR, LINE_READER, shipped_file
from digitdet.reading.calibration import Calibration, LatticeWeights
from digitdet.reading.line_reader import OnnxLineReader
from digitdet.reading.results import Digit, Mark, Number
from digitdet.training import calibration as calibrate
from digitdet.training.calibration import (
    CalibrationPicture,
    NumberEvidence,
    are_right,
    fit_calibration,
    written_numbers,
)

EXAMPLES = Path(__file__).parents[2] / "examples"
TRUE = Calibration(0.6, -0.4, 0.5)
SETS = (400, 2), (4000, 3)  # numbers, and how many of four are right


def drawn(rng, count, calibration=TRUE):
    """Numbers of which each is right with the probability that a calibration gives it."""
    probabilities, lengths = rng.uniform(0.02, 0.999, count), rng.integers(1, 9, count)
    is_right = rng.random(count) < calibration.confidences(probabilities, lengths)
    return NumberEvidence(probabilities, lengths, is_right)


def test_the_calibration_that_made_the_numbers_is_found():
    fitted = fit_calibration([drawn(np.random.default_rng(0), 8000)])
    for probability in (0.05, 0.4, 0.9, 0.99):
        for characters in (1, 3, 8):
            wanted = TRUE.confidence(probability, characters)
            assert fitted.confidence(probability, characters) == pytest.approx(wanted, abs=0.06)


def test_it_stays_finite_where_all_that_is_likely_is_right():
    probabilities = np.linspace(0.01, 0.99, 200)
    fitted = fit_calibration([NumberEvidence(probabilities, np.full(200, 3), probabilities > 0.5)])
    assert fitted.confidence(0.2, 3) < 0.1
    assert fitted.confidence(0.8, 3) > 0.9
    assert fitted.scale < 50


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_too_few_numbers_are_refused(confidence):
    numbers = NumberEvidence(np.full(400, 0.9), np.full(400, 3), np.full(400, bool(confidence)))
    with pytest.raises(DataError, match="needs at least 50 right and 50 wrong ones; give more pictures"):
        fit_calibration([numbers])


def test_every_set_has_the_same_weight():
    half, all_ = (NumberEvidence(np.full(n, 0.5), np.full(n, 1), np.arange(n) % 4 < right) for n, right in SETS)
    fitted = fit_calibration([half, all_])
    assert fitted.confidence(0.5, 1) == pytest.approx((0.5 + 0.75) / 2, abs=0.01)


# --- what is right ---


def boxes_of(text, x=0, pitch=12):
    """Boxes for the characters of a text, without those of its spaces."""
    return [(x + pitch * i, 0, x + pitch * i + 10, 20) for i, character in enumerate(text) if character != " "]


def number(text, x=0):
    found = list(zip(text, boxes_of(text, x), strict=True))
    digits = tuple(Digit(character, 0.9, box) for character, box in found if character.isdigit())
    marks = tuple(Mark(one, 0.9, box, place) for place, (one, box) in enumerate(found) if not one.isdigit())
    return Number(text, 0.9, digits, marks=marks)


def moved_down(found, y):
    digits = ((digit, digit.box) for digit in found.digits)
    return replace(found, digits=tuple(replace(d, box=(a, b + y, c, e + y)) for d, (a, b, c, e) in digits))


def page(*lines, numbers=None):
    """A picture with lines (text, spans)."""
    truths = tuple(LineTruth(text, tuple(boxes_of(text)), spans) for text, spans in lines)
    digits = DigitBoxes(np.zeros(0, np.int64), as_boxes([]))
    return CalibrationPicture((), truths, numbers, digits=digits)


@pytest.mark.parametrize(
    ("text", "spans", "found", "right"),
    [
        ("x 3.14", ((2, 6),), [number("3.14", 24)], [True]),
        ("x 3.14", ((2, 6),), [number("314", 24)], [False]),
        ("x 3.14", ((2, 6),), [number("3", 24), number("14", 48)], [False, False]),
        ("x 3.14", ((2, 6),), [number("3.14", 0)], [False]),  # elsewhere
        ("17 17", ((0, 2), (3, 5)), [number("17"), number("17", 36), number("17", 37)], [True, True, False]),
        ("\u22125\u20136", ((0, 4),), [number("-5-6")], [True]),  # minus sign and dash
        ("abc", (), [number("12")], [False]),
        ("12", ((0, 2),), [], []),
    ],
)
def test_a_number_is_right_as_it_is_written(text, spans, found, right):
    assert are_right(found, page((text, spans))) == right


def test_written_numbers_have_the_boxes_of_their_digits():
    (found,) = written_numbers(LineTruth("a 1\u20132", tuple(boxes_of("a 1-2")), ((2, 5),)))
    assert found == NumberTruth("1-2", ((24, 0, 34, 20), (48, 0, 58, 20)))


def test_digits_alone_where_the_text_is_not_known():
    truth = NumberTruth("314", ((0, 0, 10, 20), (24, 0, 34, 20), (36, 0, 46, 20)))
    assert are_right([number("3.14"), number("3", 90)], page(numbers=(truth,))) == [True, False]


@pytest.mark.parametrize(("found", "is_right"), [("123", True), ("12", False), ("1234", False), ("124", False)])
def test_the_digits_at_a_place_where_the_numbers_are_not_known(found, is_right):
    boxes = as_boxes(boxes_of("123") + boxes_of("9", 60))
    picture = CalibrationPicture((), digits=DigitBoxes(np.array([1, 2, 3, 9]), boxes))
    assert are_right([number(found)], picture) == [is_right]


@pytest.mark.parametrize(
    ("texts", "rows", "right"),
    [
        (["123"], [[number("123")]], [True]),
        (["123"], [[number("1"), number("23", 24)]], [False, False]),  # not the whole number
        (["142", "57"], [[number("1"), number("43", 24)], [number("5"), number("7", 24)]], [True, False, True, True]),
        (["142", "57"], [[number("9")], [number("57")]], [False, True]),
        ([], [[number("1")]], [False]),
    ],
)
def test_the_texts_of_rows(texts, rows, right):
    found = [moved_down(one, 40 * row) for row, numbers in enumerate(rows) for one in numbers]
    assert are_right(found, CalibrationPicture((), texts=tuple(texts))) == right


# --- the command ---


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Pictures whose labels are what the shipped model reads, but every third digit a wrong one."""
    data = tmp_path_factory.mktemp("calibration") / "data"
    reader = NumberReader()
    for split in ("train", "val", "test"):
        for kind in ("images", "labels"):
            (data / kind / split).mkdir(parents=True)
        for name in ("number", "chalk"):
            image = cv2.imread(str(EXAMPLES / f"{name}.jpg"))
            found = [digit for number in reader.read(image).numbers for digit in number.digits]
            classes = [(int(digit.text) + (place % 3 == 2)) % 10 for place, digit in enumerate(found)]
            labels = labels_from_xyxy(classes, [digit.box for digit in found], image.shape[1], image.shape[0])
            cv2.imwrite(str(data / "images" / split / f"{name}.png"), image)
            (data / "labels" / split / f"{name}.txt").write_text(format_labels(labels))
    write_data_file(data)
    return data


def test_command(dataset, tmp_path, monkeypatch):
    shutil.copy(shipped_file(DETECTOR), tmp_path / DETECTOR)
    command = ["calibrate", str(dataset), "--model", str(tmp_path)]
    refused = CliRunner().invoke(main, command)
    assert refused.exit_code == 2
    assert "give more pictures" in refused.stderr
    monkeypatch.setattr(calibrate, "_MIN_NUMBERS", 1)
    dry = CliRunner().invoke(main, [*command, "--dry-run"])
    assert dry.exit_code == 0, dry.stderr
    assert re.search(r"data after: +\d+ of \d+ numbers right \([\d.]+%\), mean confidence ", dry.stdout)
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "labels.csv").write_text(f"image,number\n{EXAMPLES / 'number.jpg'},72366\n")
    both = CliRunner().invoke(main, [*command, str(tmp_path / "csv"), "--dry-run"])
    assert "csv after:  1 of 1 numbers right (100.0%)" in both.stdout
    assert both.stdout.splitlines()[1] != dry.stdout.splitlines()[1]
    assert not (tmp_path / LINE_READER).exists()
    assert CliRunner().invoke(main, command).stdout == dry.stdout
    shipped, mine = (OnnxLineReader(path) for path in (shipped_file(LINE_READER), tmp_path / LINE_READER))
    assert mine.calibration != shipped.calibration
    assert mine.weights == shipped.weights  # the text of these pictures is not known
    everything = ReadConfig(min_confidence=0)
    before, after = (NumberReader(path, config=everything).read(EXAMPLES / "number.jpg") for path in (None, tmp_path))
    assert before.numbers[0].confidence != after.numbers[0].confidence


def test_the_shipped_line_reader_is_left_alone(dataset, tmp_path):
    model = tmp_path / DETECTOR
    shutil.copy(shipped_file(DETECTOR), model)
    with pytest.raises(ModelError, match="name a folder that holds"):
        calibrate.calibrate_model(model, [dataset], "val")


def test_weights_are_fitted_where_the_text_is_known(monkeypatch):
    monkeypatch.setattr(calibrate, "fit_calibration", lambda _: Calibration())
    image = cv2.imread(str(EXAMPLES / "number.jpg"))
    reader = OnnxLineReader(shipped_file(LINE_READER))
    (found,) = NumberReader().read(image).numbers
    digits = NumberReader().find(image)
    line = LineTruth(found.best, tuple(digit.box for digit in found.digits), ((0, len(found.best)),))
    strips = calibrate.read_strips(image, *calibrate.place_confirmed_strips(image, digits, reader), reader)
    truth = DigitBoxes(np.array([int(digit.text) for digit in found.digits]), as_boxes(line.boxes))
    known, unknown = (CalibrationPicture(strips, lines, digits=truth) for lines in ((line,), ()))
    unknown, known = (calibrate.CalibrationSet("one", (picture,)) for picture in (unknown, known))
    assert calibrate.fit([unknown], LatticeWeights(nothing=3))[0] == LatticeWeights(nothing=3)
    assert calibrate.fit([unknown, known], LatticeWeights())[0] != LatticeWeights()
