import csv
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import cv2
import numpy as np
import pytest

from digitdet.common.errors import DataError
from digitdet.datasets.formats.yolo import check_dataset, read_labels
from digitdet.outputs.annotations import AnnotationWriter
from digitdet.outputs.crops import COLUMNS, CropWriter, level_crop
from digitdet.outputs.export_folder import FileNames, export_folder
from digitdet.reading.results import UNFIT, UNSURE, Digit, Mark, Number, Reading

ORIENTED = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # orientation 6: a quarter turn


def picture(seed=0, width=80, height=60):
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


def number(text, left=10.0, top=20.0, **fields):
    digits = tuple(Digit(t, 0.9, (left + 10 * i, top, left + 10 * i + 8, top + 12)) for i, t in enumerate(text))
    return Number(text, 0.8, digits, **fields)


def reading(*numbers, source="a.jpg", **fields):
    return Reading(numbers, 80, 60, source, **fields)


def write_jpeg(path, image, exif=b""):
    content = cv2.imencode(".jpg", image)[1].tobytes()
    if exif:
        content = content[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + content[2:]
    path.write_bytes(content)
    return cv2.imread(str(path))


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["x/a.jpg", "y/a.png", "A.tif"], ["a", "a-2", "A-3"]),
        (["a-2.jpg", "a.jpg", "b/a.jpg"], ["a-2", "a", "a-3"]),
        ([None, "-", "..."], ["picture", "stdin", "picture-2"]),
        (["a:b?\n.jpg", b"caf\xe9.jpg".decode("utf-8", "surrogateescape")], ["a_b__", "caf_"]),
        (["数" * 80 + ".jpg"], ["数" * 50]),
    ],
)
def test_file_names(sources, expected):
    names = FileNames()
    assert [names.name(reading(source=source)) for source in sources] == expected


def test_file_names_of_pages():
    names = FileNames()
    assert [names.name(reading(source="s.tif", page=page, pages=2)) for page in (1, 2)] == ["s-p1", "s-p2"]


def test_a_folder_that_is_not_empty_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(DataError, match="is not empty"), export_folder(tmp_path, "x"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_only_the_interrupted_run_writes_into_its_folder_again(tmp_path):
    folder = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt), export_folder(folder, "x") as starts_again:
        assert not starts_again
        (folder / "a.png").touch()
        raise KeyboardInterrupt
    with pytest.raises(DataError, match="other pictures or settings"), export_folder(folder, "y"):
        pass
    with export_folder(folder, "x") as starts_again:
        assert starts_again
    assert [path.name for path in folder.iterdir()] == ["a.png"]
    with pytest.raises(DataError, match="is not empty"), export_folder(folder, "x"):
        pass


def test_crops(tmp_path):
    image, folder = picture(), tmp_path / "new" / "crops"
    writer = CropWriter(folder)
    writer.add(image, reading(number("42"), number("7", 50, 0, status=UNSURE, doubtful=(0,)), source="x/a.jpg"))
    writer.add(image, reading(number("1"), number("9", 500, 500), source="y/a.jpg", page=2, pages=2))
    writer.add(image, reading())
    writer.close()
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        list(COLUMNS),
        ["a_1.png", "42", "ok", "0.8", "x/a.jpg", "1", "10 20 28 32"],
        ["a_2.png", "7", "unsure", "0.8", "x/a.jpg", "1", "50 0 58 12"],
        ["a-p2_1.png", "1", "ok", "0.8", "y/a.jpg", "2", "10 20 18 32"],
    ]
    assert np.array_equal(cv2.imread(str(folder / "a_1.png")), image[18:34, 8:30])
    assert sorted(path.name for path in folder.iterdir()) == sorted(["labels.csv", *(row[0] for row in rows[1:])])


@pytest.mark.parametrize("angle", [-14, 3, 15, 90, 180, 270, -90])
def test_a_rotated_number_is_cropped_upright(angle):
    """White digits on black, rotated with their boxes, fill the same columns when they are upright again."""
    upright, boxes = np.zeros((200, 200, 3), np.uint8), []
    for left in (60, 90, 120):
        upright[90:110, left : left + 20] = 255
        boxes.append((left, 90, left + 20, 110))
    upright[90:100, 60:80] = 100  # the first digit has a dark upper half
    matrix = cv2.getRotationMatrix2D((99.5, 99.5), -angle, 1)
    turned = cv2.warpAffine(upright, matrix, (200, 200))
    digits = []
    for left, top, right, bottom in boxes:
        corners = np.array([[left, top, 1], [right, top, 1], [left, bottom, 1], [right, bottom, 1]]) @ matrix.T
        digits.append(Digit("1", 0.9, (*corners.min(axis=0), *corners.max(axis=0))))
    crop = level_crop(turned, Number("111", 0.9, tuple(digits), angle=angle), margin=0.5)
    height, width = crop.shape[:2]
    middle = crop[height // 2 + 3, :, 0] > 150
    assert width > 2 * height
    assert np.count_nonzero(np.diff(middle.astype(int)) == 1) == 3
    rows = np.nonzero(crop[:, width // 2, 0] > 128)[0]
    assert abs(len(rows) - 20) <= 2
    assert abs((rows[0] + rows[-1] + 1) / 2 - height / 2) <= 1.5
    start = int(np.argmax(middle))
    assert crop[rows[0] + 3, start + 8, 0] < 150 < crop[rows[-1] - 3, start + 8, 0]


@pytest.mark.parametrize("angle", [0.0, 90.0])
def test_a_crop_contains_the_marks(angle):
    """A minus sign before the digits, below them on a page that is turned clockwise."""
    minus = Mark("-", 0.9, (2, 24, 8, 28) if not angle else (10, 50, 14, 56), 0)
    found = number("-7/2", 12, angle=angle, marks=(minus,))
    found = replace(found, digits=(Digit("7", 0.9, (10, 20, 18, 32)), Digit("2", 0.9, (24, 20, 32, 32))))
    if angle:
        found = replace(found, digits=(Digit("7", 0.9, (6, 20, 18, 28)), Digit("2", 0.9, (6, 32, 18, 40))))
    height, width = level_crop(picture(), found, margin=0).shape[:2]
    assert abs(height - 12) <= 1
    assert abs(width - (36 if angle else 30)) <= 1


def test_marks_are_in_tables_but_neither_in_file_names_nor_in_labels(tmp_path):
    found = number("12/34:5", marks=())
    found = replace(found, digits=found.digits[:2] + found.digits[3:5] + found.digits[6:])
    crops, labels = CropWriter(tmp_path / "crops"), AnnotationWriter(tmp_path / "labels")
    for writer in (crops, labels):
        writer.add(picture(), reading(found))
        writer.close()
    assert sorted(path.name for path in (tmp_path / "crops").iterdir()) == ["a_1.png", "labels.csv"]
    assert ",".join(["a_1.png", "12/34:5", "ok"]) in (tmp_path / "crops" / "labels.csv").read_text(encoding="utf-8")
    assert read_labels(tmp_path / "labels/labels/train/a.txt").classes.tolist() == [1, 2, 3, 4, 5]
    (task,) = json.loads((tmp_path / "labels" / "label_studio.json").read_text(encoding="utf-8"))
    values = [result["value"]["rectanglelabels"] for result in task["predictions"][0]["result"]]
    assert values == [["1"], ["2"], ["3"], ["4"], ["5"]]


def test_a_crop_outside_the_picture_is_empty():
    assert level_crop(picture(), number("12", 500, 500)).size == 0
    assert level_crop(picture(), number("12", 500, 500, angle=20.0)).size == 0


@pytest.fixture
def annotated(tmp_path):
    """The folder that twelve pictures of several kinds were written to, and the writer."""
    folder = tmp_path / "out" / "fix me"
    writer = AnnotationWriter(folder)
    plain = write_jpeg(tmp_path / "plain.jpg", picture(1))
    writer.add(plain, reading(number("42"), source=str(tmp_path / "plain.jpg")))
    turned = write_jpeg(tmp_path / "turned.jpg", picture(2), ORIENTED)
    assert turned.shape == (80, 60, 3)
    writer.add(turned, reading(number("7", status=UNFIT), source=str(tmp_path / "turned.jpg")))
    writer.add(picture(3), reading(source=None))
    edges = (number("1", -4, 0), number("1", -4, 0), number("2", 500, 0), number("3", 79.95, 0))
    writer.add(picture(4), reading(*edges, source="-"))
    for page in range(1, 9):
        writer.add(picture(10 + page), reading(number("5"), source="scan.tif", page=page, pages=8))
    writer.add(plain, reading(number("42"), source=str(tmp_path / "plain.jpg")))
    writer.close()
    return folder, writer


def test_annotations_are_a_valid_dataset(annotated):
    folder, writer = annotated
    assert check_dataset(folder, decode=True) == []
    names = {split: sorted(path.name for path in (folder / "images" / split).iterdir()) for split in ("train", "val")}
    assert names == {
        "train": ["picture.png", "plain.jpg", *(f"scan-p{page}.png" for page in range(1, 8)), "stdin.png"],
        "val": ["scan-p8.png", "turned.png"],
    }
    assert (folder / "classes.txt").read_text(encoding="utf-8").split() == list("0123456789")
    assert len(writer.skipped) == 1
    assert writer.skipped[0].endswith("plain.jpg")


def test_annotated_pictures_show_what_was_read(annotated, tmp_path):
    folder, _ = annotated
    assert (folder / "images/train/plain.jpg").read_bytes() == (tmp_path / "plain.jpg").read_bytes()
    turned = cv2.imread(str(folder / "images/val/turned.png"), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    assert np.array_equal(turned, cv2.imread(str(tmp_path / "turned.jpg")))
    labels = read_labels(folder / "labels/train/plain.txt")
    assert labels.classes.tolist() == [4, 2]
    assert np.allclose(labels.xyxy(80, 60), [[10, 20, 18, 32], [20, 20, 28, 32]], atol=1e-3)
    assert (folder / "labels/train/picture.txt").read_text(encoding="utf-8") == ""
    clipped = read_labels(folder / "labels/train/stdin.txt")
    assert np.allclose(clipped.xyxy(80, 60), [[0, 0, 4, 12]], atol=1e-3)


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [(90, [20, 80 - 18, 32, 80 - 10]), (180, [80 - 18, 60 - 32, 80 - 10, 60 - 20]), (270, [60 - 32, 10, 60 - 20, 18])],
)
def test_a_rotated_page_is_annotated_upright(tmp_path, rotation, expected):
    image = np.zeros((60, 80, 3), np.uint8)
    image[20:32, 10:18] = 255
    writer = AnnotationWriter(tmp_path / "out")
    writer.add(image, reading(number("6", angle=float(rotation)), rotation=rotation))
    upright = cv2.imread(str(tmp_path / "out/images/train/a.png"))
    height, width = upright.shape[:2]
    box = read_labels(tmp_path / "out/labels/train/a.txt").xyxy(width, height)[0]
    assert np.allclose(box, expected, atol=1e-3)
    left, top, right, bottom = np.rint(box).astype(int)
    assert (upright[top:bottom, left:right] == 255).all()


def test_label_studio_has_the_same_boxes(annotated):
    folder, _ = annotated
    tasks = json.loads((folder / "label_studio.json").read_text(encoding="utf-8"))
    assert len(tasks) == 12
    assert tasks[0]["data"] == {"image": "/data/local-files/?d=fix%20me/images/train/plain.jpg"}
    prediction = tasks[0]["predictions"][0]
    assert prediction["score"] == 0.8
    second = prediction["result"][1]
    assert (second["original_width"], second["original_height"], second["image_rotation"]) == (80, 60, 0)
    assert second["value"] == {"x": 25.0, "y": 33.33333, "width": 10.0, "height": 20.0, "rotation": 0} | {
        "rectanglelabels": ["2"]
    }
    assert tasks[2]["predictions"][0] == prediction | {"score": 0.0, "result": []}
    config = ET.parse(folder / "label_config.xml").getroot()
    image, rectangles = config.find("Image"), config.find("RectangleLabels")
    assert (image.get("name"), image.get("value")) == (second["to_name"], "$image")
    assert (rectangles.get("name"), rectangles.get("toName")) == (second["from_name"], second["to_name"])
    assert [label.get("value") for label in rectangles] == list("0123456789")


def test_an_empty_run_leaves_a_complete_folder(tmp_path):
    writer = AnnotationWriter(tmp_path / "out")
    writer.close()
    assert [str(problem) for problem in check_dataset(tmp_path / "out")] == [
        f"{tmp_path / 'out' / 'images' / split}: no pictures" for split in ("train", "val")
    ]
