"""The lines of a dataset as training data of the line reader."""

import importlib.util

import cv2
import numpy as np
import pytest

if importlib.util.find_spec("torch") is None or importlib.util.find_spec("albumentations") is None:
    pytest.skip("the training packages are not installed", allow_module_level=True)

from digitdet.common.characters import BLANK, CHARACTERS, OTHER, SPACE
from digitdet.configs import ReadConfig
from digitdet.datasets.formats.numbers import LineTruth, NumberTruth, PictureTruth, format_truth
from digitdet.datasets.formats.yolo import Labels, format_labels, labels_from_xyxy, write_data_file
from digitdet.detection.detector import OnnxDetector
from digitdet.detection.postprocess import Detections
from digitdet.detection.proposals import ProposalNetwork
from digitdet.detection.search import MultiScaleDetector
from digitdet.models.model_file import LINE_READER, shipped_file
from digitdet.reading.line_reader import Columns, OnnxLineReader
from digitdet.reading.strips import COLUMN_WIDTH, STRIP_HEIGHT
from digitdet.reading.transcription import place_strips
from digitdet.training import line_data
from digitdet.training.line_crops import Shard
from digitdet.training.line_data import cut_pictures, lines_of_labels, list_pictures

DETECTOR = MultiScaleDetector(OnnxDetector(), ProposalNetwork(), ReadConfig())
READER = OnnxLineReader(shipped_file(LINE_READER))
TEXT = "-3.14 kg"
PLACES = {"-": 20, "3": 60, ".": 100, "1": 125, "4": 160, "k": 220, "g": 255}


def draw(text=TEXT):
    """A line on a plain page, and the box of each of its characters."""
    image = np.full((120, 320, 3), 230, np.uint8)
    boxes = []
    for character in text.replace(" ", ""):
        x = PLACES[character]
        cv2.putText(image, character, (x, 75), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (30, 30, 30), 3)
        (width, height), _ = cv2.getTextSize(character, cv2.FONT_HERSHEY_SIMPLEX, 1.6, 3)
        boxes.append((float(x), float(75 - height), float(x + width), 75.0))
    return image, tuple(boxes)


@pytest.fixture
def data(tmp_path):
    """Three training pictures: one with lines, one with labels alone, one without text."""
    for kind in ("images", "labels"):
        for split in ("train", "val"):
            (tmp_path / kind / split).mkdir(parents=True)
    write_data_file(tmp_path)
    image, boxes = draw()
    is_digit = [character.isdigit() for character in TEXT.replace(" ", "")]
    digits = [box for box, one in zip(boxes, is_digit, strict=True) if one]
    blank = np.full((120, 320, 3), 200, np.uint8)
    for name, picture, labels in (
        ("line", image, labels_from_xyxy([3, 1, 4], digits, 320, 120)),
        ("labels", image, labels_from_xyxy([3, 1, 4], digits, 320, 120)),
        ("blank", blank, Labels(np.zeros(0, np.int64), np.zeros((0, 4)))),
    ):
        cv2.imwrite(str(tmp_path / "images" / "train" / f"{name}.png"), picture)
        (tmp_path / "labels" / "train" / f"{name}.txt").write_text(format_labels(labels))
    truths = [
        PictureTruth("images/train/blank.png", "train", ()),
        PictureTruth(
            "images/train/line.png",
            "train",
            (NumberTruth("314", tuple(digits)),),
            lines=(LineTruth(TEXT, boxes, ((0, 5),)),),
        ),
    ]
    (tmp_path / "numbers.jsonl").write_text("".join(map(format_truth, truths)))
    return tmp_path


def test_lines_come_from_numbers_jsonl_where_it_has_them(data):
    pictures = {picture.path.stem: picture.lines for picture in list_pictures(data, "train")}
    assert pictures["blank"] == ()
    assert pictures["labels"] is None
    assert [line.text for line in pictures["line"]] == [TEXT]


def test_all_characters_of_the_true_and_of_the_found_lines_are_kept(data, tmp_path, monkeypatch):
    for name in ("_FOUND_SHARE", "_OTHER_SHARE", "_EMPTY_SHARE"):
        monkeypatch.setattr(line_data, name, 1.0)
    pictures = [one for one in list_pictures(data, "train") if one.path.stem == "line"]
    paths = cut_pictures(
        pictures,
        DETECTOR,
        READER,
        tmp_path / "lines-train",
        seed=0,
    )
    (shard,) = map(Shard, paths)
    crops = [shard[row] for row in range(len(shard))]
    assert {crop.is_found for crop in crops} == {False, True}
    true = next(crop for crop in crops if not crop.is_found and len(crop.characters.classes))
    assert true.characters.classes.tolist() == [12, 3, 10, 1, 4, 16, 16]
    assert true.characters.after_space.tolist() == [True, False, False, False, False, True, False]
    assert len(true.digits) == 3


def test_what_the_detector_finds_without_a_digit_is_always_cut_out(data, tmp_path, monkeypatch):
    class Mistaken:
        def detect(self, images, quick):
            return [Detections(np.array([[20, 20, 40, 60]], np.float32), np.full((1, 10), 0.6, np.float32))]

    for share in ("_FOUND_SHARE", "_OTHER_SHARE", "_EMPTY_SHARE"):
        monkeypatch.setattr(line_data, share, 0.0)
    pictures = [one for one in list_pictures(data, "train") if one.lines is not None]
    (path,) = cut_pictures(pictures, Mistaken(), READER, tmp_path / "shard", 0)
    shard = Shard(path)
    assert [len(shard[row].characters.boxes) for row in range(len(shard)) if shard[row].is_found] == [0]


def test_a_picture_with_digit_boxes_alone_gives_its_digits(data, tmp_path):
    pictures = [one for one in list_pictures(data, "train") if one.path.stem == "labels"]
    (path,) = cut_pictures(
        pictures,
        DETECTOR,
        READER,
        tmp_path / "lines-train",
        seed=0,
    )
    shard = Shard(path)
    assert len(shard) == 1  # no place without text: there may be letters anywhere
    classes = shard[0].characters.classes
    assert classes[classes < 10].tolist() == [3, 1, 4]


def test_shards_that_are_there_are_kept(data, tmp_path):
    pictures = list_pictures(data, "train")
    before = cut_pictures(pictures, None, READER, tmp_path / "lines-train", seed=0)
    stamps = [path.stat().st_mtime_ns for path in before]
    assert cut_pictures(pictures, None, READER, tmp_path / "lines-train", seed=0) == before
    assert [path.stat().st_mtime_ns for path in before] == stamps
    assert [len(Shard(path)) for path in before] == [2]


class Reader:
    """Stands in for a line reader: sees characters at the columns of their boxes on the only strip."""

    def __init__(self, classes, boxes, strip):
        self._classes, self._boxes, self._width = classes, strip.boxes_to_strip(boxes), strip.width

    def read(self, strips):
        assert len(strips) <= 1  # no line is read a second time
        count = -(-self._width // COLUMN_WIDTH)
        seen, edges = np.full(count, BLANK), np.zeros((count, 4))
        middles = (np.arange(count) + 0.5) * COLUMN_WIDTH
        for label, (left, top, right, bottom) in zip(self._classes, self._boxes, strict=True):
            column = min(int((left + right) / 2 / COLUMN_WIDTH), count - 1)
            seen[column] = label
            half = STRIP_HEIGHT / 2
            edges[column] = np.array([middles[column] - left, half - top, right - middles[column], bottom - half])
        probabilities = np.full((count, BLANK + 1), 1e-4)
        probabilities[np.arange(count), seen] = 1
        return [Columns(np.log(probabilities), edges / STRIP_HEIGHT)]


def test_marks_are_as_the_line_reader_sees_them_and_digits_as_the_labels_say():
    """The line reader takes the 1 for a 7, and sees a digit in the k."""
    image, boxes = draw()
    digits = np.array([box for box, character in zip(boxes, "-3.14kg", strict=True) if character.isdigit()])
    found = Detections(digits.astype(np.float32), np.eye(10, dtype=np.float32)[[3, 1, 4]])
    (placed,) = place_strips(found, 320, 120)
    space = (float(PLACES["4"] + 30), 40.0, float(PLACES["k"]), 75.0)
    classes = [12, 3, 10, 7, 4, SPACE, 2, OTHER]
    reader = Reader(classes, [*boxes[:5], space, *boxes[5:]], placed.strip)
    (line,) = lines_of_labels(image, labels_from_xyxy([3, 1, 4], digits, 320, 120), reader)
    assert line.text == f"-3.14 {CHARACTERS[OTHER]}"
    assert np.allclose(line.boxes, [*boxes[:5], boxes[6]], atol=1)


def test_a_picture_without_labels_has_no_lines():
    assert lines_of_labels(draw()[0], Labels(np.zeros(0, np.int64), np.zeros((0, 4))), None) == ()
