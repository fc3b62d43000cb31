"""The calibration is fitted to labelled pictures and stored in the model."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("scipy", reason="the training packages are not installed")
pytest.importorskip("onnx", reason="the training packages are not installed")

from digitdet import NumberReader
from digitdet.cli.main import main
from digitdet.common.errors import DataError
from digitdet.configs import ReadConfig
from digitdet.datasets.formats.numbers import NumberTruth
from digitdet.datasets.formats.yolo import format_labels, labels_from_xyxy, write_data_file
from digitdet.detection.detector import OnnxDetector
from digitdet.detection.postprocess import Detections, NmsResult
from digitdet.detection.search import MultiScaleDetector
from digitdet.models.model_file import DETECTOR, shipped_file, store_entries
from digitdet.reading.calibration import Calibration, parse_calibration
from digitdet.training import calibration as calibrate
from digitdet.training.calibration import (
    LabelledPicture,
    detect_split,
    digit_evidence,
    fit_calibration,
    measure_calibration,
)

EXAMPLES = Path(__file__).parents[2] / "examples"
TRUE = Calibration(1.6, 1.3, 0.8)


def picture(rng, count=4):
    """A row of digits whose classes are drawn from the probabilities that `TRUE` gives their scores."""
    scores = np.zeros((count, 10), np.float32)
    for row in scores:
        first, second = rng.choice(10, 2, replace=False)
        row[first], row[second] = rng.uniform(0.1, 0.95), rng.uniform(0, 0.3)
    boxes = np.float32([[25 * place, 0, 25 * place + 20, 30] for place in range(count)])
    probabilities = TRUE.digit_probabilities(scores)
    classes = np.array([rng.choice(11, p=row) for row in probabilities])
    is_digit = classes < 10
    numbers = ()
    if is_digit.any():
        text = "".join(map(str, classes[is_digit]))
        numbers = (NumberTruth(text, tuple(map(tuple, boxes[is_digit].tolist()))),)
    nothing = Detections(np.zeros((0, 4), np.float32), np.zeros((0, 10), np.float32))
    places = NmsResult(Detections(boxes, scores), nothing, np.zeros(0, np.int64))
    return LabelledPicture(places, classes[is_digit], boxes[is_digit].astype(float), numbers)


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    return [picture(rng) for _ in range(800)]


def test_the_fit_recovers_the_true_calibration(pictures):
    fitted = fit_calibration(pictures, ReadConfig())
    scores = np.linspace(0.05, 0.95, 19, dtype=np.float32)[:, None] * np.eye(10, dtype=np.float32)[3]
    assert np.abs(fitted.digit_probabilities(scores) - TRUE.digit_probabilities(scores)).max() < 0.04


def test_the_fit_is_calibrated_on_other_pictures(pictures):
    rng = np.random.default_rng(1)
    others = [picture(rng) for _ in range(600)]
    before = measure_calibration(others, Calibration(), ReadConfig())
    after = measure_calibration(others, fit_calibration(pictures, ReadConfig()), ReadConfig())
    assert after.digit_error < 0.03 < before.digit_error
    assert after.digit_loss < before.digit_loss
    assert after.number_error < 0.06
    assert after.boxes == 4 * len(others)


def test_evidence_includes_suppressed_boxes_and_background():
    boxes = np.float32([[0, 0, 20, 30], [100, 0, 120, 30]])
    scores = np.full((2, 10), 0.1, np.float32)
    suppressed = Detections(np.float32([[0, 0, 20, 12]]), scores[:1])
    found = LabelledPicture(
        NmsResult(Detections(boxes, scores), suppressed, np.array([0])), np.array([7]), np.array([[1.0, 0, 21, 30]]), ()
    )
    evidence, truths = digit_evidence([found])
    assert evidence.shape == (3, 10)
    assert truths.tolist() == [7, 10, 10]


def test_too_few_numbers_are_refused():
    rng = np.random.default_rng(2)
    with pytest.raises(DataError, match="needs at least 50 right and 50 wrong"):
        fit_calibration([picture(rng) for _ in range(20)], ReadConfig())


def test_nothing_found_is_refused():
    with pytest.raises(DataError, match="no digits were found"):
        fit_calibration([], ReadConfig())


def test_stored_in_the_model_and_used(tmp_path):
    model = tmp_path / "m.onnx"
    shutil.copy(shipped_file(DETECTOR), model)
    names = OnnxDetector(model).image_size
    for calibration in (Calibration(1.1, 1.2, 0.2, 0.9, -0.1), Calibration(2.0, 1.0, -3.0, number_shift=-4.0)):
        store_entries(model, calibration=calibration.to_json())
        assert parse_calibration(OnnxDetector(model).calibration, "") == calibration
    assert OnnxDetector(model).image_size == names  # the other entries stay
    shipped, mine = (NumberReader(path).read(EXAMPLES / "number.jpg") for path in (None, model))
    assert mine.numbers[0].confidence < shipped.numbers[0].confidence


@pytest.fixture
def dataset(tmp_path):
    """Pictures whose labels are what the shipped model reads, but every third a wrong one."""
    reader = NumberReader()
    for split in ("train", "val", "test"):
        for kind in ("images", "labels"):
            (tmp_path / "data" / kind / split).mkdir(parents=True)
        for row, name in enumerate(["number", "chalk", "page"]):
            image = cv2.imread(str(EXAMPLES / f"{name}.jpg"))
            found = [digit for number in reader.read(image).numbers for digit in number.digits]
            classes = [(int(digit.text) + (place % 3 == 2)) % 10 for place, digit in enumerate(found)]
            labels = labels_from_xyxy(classes, [digit.box for digit in found], image.shape[1], image.shape[0])
            cv2.imwrite(str(tmp_path / "data" / "images" / split / f"{row}.png"), image)
            (tmp_path / "data" / "labels" / split / f"{row}.txt").write_text(format_labels(labels))
    write_data_file(tmp_path / "data")
    return tmp_path / "data"


def test_true_numbers_are_grouped_from_boxes_without_a_file(dataset):
    pictures = detect_split(MultiScaleDetector(None, ReadConfig()), dataset, "val")
    assert [len(one.numbers) for one in pictures] == [1, 5, 9]
    with pytest.raises(DataError, match="no pictures in the split dev"):
        detect_split(MultiScaleDetector(None, ReadConfig()), dataset, "dev")


def test_command(dataset, tmp_path, monkeypatch):
    model = tmp_path / "m.onnx"
    shutil.copy(shipped_file(DETECTOR), model)
    before = model.read_bytes()
    refused = CliRunner().invoke(main, ["calibrate", str(dataset), "--model", str(model)])
    assert refused.exit_code == 1
    assert "give more pictures" in refused.stderr
    monkeypatch.setattr(calibrate, "_MIN_NUMBERS", 1)
    dry = CliRunner().invoke(main, ["calibrate", str(dataset), "--model", str(model), "--dry-run"])
    assert dry.exit_code == 0, dry.stderr
    assert "measured on the test split" in dry.stdout
    assert model.read_bytes() == before
    assert CliRunner().invoke(main, ["calibrate", str(dataset), "--model", str(model)]).exit_code == 0
    assert OnnxDetector(model).calibration != OnnxDetector(None).calibration
