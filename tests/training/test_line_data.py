"""The lines of a dataset as training data of the line reader."""

import importlib.util

import cv2
import numpy as np
import pytest

if importlib.util.find_spec("torch") is None or importlib.util.find_spec("albumentations") is None:
    pytest.skip("the training packages are not installed", allow_module_level=True)

from digitdet.configs import ReadConfig
from digitdet.datasets.formats.numbers import LineTruth, NumberTruth, PictureTruth, format_truth
from digitdet.datasets.formats.yolo import Labels, format_labels, labels_from_xyxy, write_data_file
from digitdet.detection.search import MultiScaleDetector
from digitdet.training import line_data
from digitdet.training.line_crops import Shard
from digitdet.training.line_data import cut_pictures, lines_of_digits, list_pictures

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
    paths = cut_pictures(pictures, MultiScaleDetector(None, ReadConfig()), tmp_path / "lines-train", seed=0)
    (shard,) = map(Shard, paths)
    crops = [shard[row] for row in range(len(shard))]
    assert {crop.is_found for crop in crops} == {False, True}
    true = next(crop for crop in crops if not crop.is_found and len(crop.characters.classes))
    assert true.characters.classes.tolist() == [12, 3, 10, 1, 4, 16, 16]
    assert true.characters.after_space.tolist() == [True, False, False, False, False, True, False]
    assert len(true.digits) == 3


def test_a_picture_with_digit_boxes_alone_gives_its_digits(data, tmp_path):
    pictures = [one for one in list_pictures(data, "train") if one.path.stem == "labels"]
    (path,) = cut_pictures(pictures, MultiScaleDetector(None, ReadConfig()), tmp_path / "lines-train", seed=0)
    shard = Shard(path)
    assert len(shard) == 1  # no place without text: there may be letters anywhere
    assert shard[0].characters.classes.tolist() == [3, 1, 4]


def test_shards_that_are_there_are_kept(data, tmp_path):
    pictures = list_pictures(data, "train")
    before = cut_pictures(pictures, None, tmp_path / "lines-train", seed=0)
    stamps = [path.stat().st_mtime_ns for path in before]
    assert cut_pictures(pictures, None, tmp_path / "lines-train", seed=0) == before
    assert [path.stat().st_mtime_ns for path in before] == stamps
    assert [len(Shard(path)) for path in before] == [2]


def test_digits_of_a_label_file_are_arranged_in_lines_and_numbers():
    boxes = [(10 + 14 * place, y, 20 + 14 * place, y + 18) for y in (10, 60) for place in (0, 1, 2, 8, 9)]
    order = np.random.default_rng(0).permutation(len(boxes))
    labels = labels_from_xyxy(np.arange(10)[order], np.float64(boxes)[order], 200, 100)
    lines = lines_of_digits(labels, 200, 100)
    assert [line.text for line in lines] == ["012 34", "567 89"]
    assert np.allclose([box for line in lines for box in line.boxes], boxes, atol=1e-3)
    assert lines_of_digits(Labels(np.zeros(0, np.int64), np.zeros((0, 4))), 9, 9) == ()
