"""Labelled sets: what is loaded, and what is refused."""

import cv2
import numpy as np
import pytest

from digitdet.common.errors import DataError
from digitdet.datasets.formats.yolo import write_data_file
from digitdet.evaluation.sets import load_sets

BOXES = "image,digit,x,y,w,h\n"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def texts(true_set):
    return {picture.image: picture.texts for picture in true_set.pictures}


def test_a_folder_with_labels(tmp_path):
    write(tmp_path / "mine" / "labels.csv", "\ufeffimage,number,note\na.png, 007 ,x\nsub/b.png,12|34||5,\nc.png,,\n")
    (one,) = load_sets(tmp_path / "mine")
    assert one.name == "mine"
    assert texts(one) == {"a.png": ("007",), "sub/b.png": ("12", "34", "5"), "c.png": ()}
    assert one.pictures[1].path == tmp_path / "mine" / "sub" / "b.png"
    assert all(picture.digits is None for picture in one.pictures)
    assert load_sets(tmp_path / "mine" / "labels.csv") == [one]
    assert load_sets(tmp_path) == [one]


def test_links_to_folders_of_one_name_are_two_sets(tmp_path):
    for name in ("one", "two"):
        write(tmp_path / name / "data" / "labels.csv", "image,number\na.png,1\n")
        (tmp_path / "sets").mkdir(exist_ok=True)
        (tmp_path / "sets" / name).symlink_to(tmp_path / name / "data")
    assert [one.name for one in load_sets(tmp_path / "sets")] == ["one", "two"]


def test_a_labels_file_of_another_name(tmp_path):
    file = write(tmp_path / "checked.csv", "image,number\na.png,1\n")
    assert load_sets(file)[0].name == "checked"


def test_numbers_with_marks(tmp_path):
    write(tmp_path / "labels.csv", "image,number\na.png,-264.27\nb.png,314|3.14\n")
    (one,) = load_sets(tmp_path)
    assert texts(one) == {"a.png": ("-264.27",), "b.png": ("314", "3.14")}
    assert all(picture.as_written for picture in one.pictures)
    write(tmp_path / "labels.csv", "image,number\na.png,26427\n")
    assert not load_sets(tmp_path)[0].pictures[0].as_written


def test_boxes(tmp_path):
    write(tmp_path / "labels.csv", "image,number\na.png,12\nb.png,3\nc.png,\n")
    write(tmp_path / "boxes.csv", BOXES + "a.png,1,10,20,5,8.5\na.png,2,16,20,5,8\nother.png,3,0,0,1,1\n")
    (one,) = load_sets(tmp_path)
    first, second, blank = (picture.digits for picture in one.pictures)
    assert first.labels.tolist() == [1, 2]
    assert first.in_pixels(100, 100).boxes.tolist() == [[10, 20, 15, 28.5], [16, 20, 21, 28]]
    assert second is None  # it has a number: its boxes are not known
    assert len(blank.labels) == 0


def test_a_split_of_a_labels_file(tmp_path):
    write(tmp_path / "labels.csv", "image,number,split\na.png,1,train\nb.png,2,validation\n")
    assert texts(load_sets(tmp_path, "validation")[0]) == {"b.png": ("2",)}
    with pytest.raises(DataError, match="no pictures of the split 'test'"):
        load_sets(tmp_path, "test")


def make_yolo(folder, numbers=True):
    for split, label in (("train", 1), ("val", 2), ("test", 3)):
        write(folder / "labels" / split / "a.txt", f"{label} 0.5 0.5 0.25 0.5\n")
        (folder / "images" / split).mkdir(parents=True)
        cv2.imwrite(str(folder / "images" / split / "a.png"), np.zeros((40, 80, 3), np.uint8))
    write_data_file(folder)
    if numbers:
        line = (
            '{"image": "images/test/a.png", "split": "test", "numbers": [{"text": "3", "boxes": [[30, 10, 50, 30]]}]}\n'
        )
        write(folder / "numbers.jsonl", line)


def test_a_yolo_dataset(tmp_path):
    make_yolo(tmp_path)
    (one,) = load_sets(tmp_path)
    (picture,) = one.pictures
    assert (picture.path, picture.texts) == (tmp_path / "images" / "test" / "a.png", None)
    assert [number.text for number in picture.placed] == ["3"]
    assert picture.digits.labels.tolist() == [3]
    assert picture.digits.in_pixels(80, 40).boxes.tolist() == [[30, 10, 50, 30]]
    (other,) = load_sets(tmp_path / "data.yaml", "val")
    assert other.pictures[0].digits.labels.tolist() == [2]
    assert other.pictures[0].placed is None


def test_sets_of_several_folders(tmp_path):
    make_yolo(tmp_path / "b", numbers=False)
    write(tmp_path / "a" / "labels.csv", "image,number\na.png,1\n")
    write(tmp_path / "c" / "notes.txt", "nothing")
    assert [one.name for one in load_sets(tmp_path)] == ["a", "b"]


def test_a_sample_is_evenly_spaced(tmp_path):
    write(tmp_path / "labels.csv", "image,number\n" + "".join(f"{i}.png,{i}\n" for i in range(10)))
    (one,) = load_sets(tmp_path)
    assert [picture.image for picture in one.sample(3).pictures] == ["0.png", "3.png", "6.png"]
    assert one.sample(0) == one.sample(10) == one


@pytest.mark.parametrize(
    ("labels", "boxes", "message"),
    [
        ("image,text\na.png,1\n", None, "column number is missing"),
        ("", None, "column image is missing"),
        ("image,number\n", None, "lists no pictures"),
        ("image,number\na.png,12a\n", None, "line 2: expected a picture and its number"),
        ("image,number\na.png,12;13\n", None, "several rows separated by |"),
        ("image,number\na.png,1|-\n", None, "line 2: expected a picture and its number"),
        ("image,number\n,12\n", None, "line 2: expected a picture"),
        ("image,number\na.png,1\na.png,1\n", None, "line 3: 'a.png' is listed twice"),
        ("image,number\na.png,1\n", "image,digit,x,y\na.png,1,1,1\n", "column w is missing"),
        ("image,number\na.png,1\n", BOXES + "a.png,10,1,1,1,1\n", "line 2: expected image,digit,x,y,w,h"),
        ("image,number\na.png,1\n", BOXES + "a.png,1,1,1,0,1\n", "line 2"),
        ("image,number\na.png,1\n", BOXES + "a.png,1,nan,1,1,1\n", "line 2"),
        ("image,number\na.png,1\n", BOXES + "a.png,1,1,1,inf,1\n", "line 2"),
        ("image,number\na.png,1\n", BOXES + "a.png,1,1,1\n", "line 2"),
    ],
)
def test_damaged_labels(tmp_path, labels, boxes, message):
    write(tmp_path / "labels.csv", labels)
    if boxes is not None:
        write(tmp_path / "boxes.csv", boxes)
    with pytest.raises(DataError, match=message) as caught:
        load_sets(tmp_path)
    assert "\n" not in str(caught.value)


def test_no_labels(tmp_path):
    with pytest.raises(DataError, match=r"no labelled pictures here; expected labels\.csv"):
        load_sets(tmp_path)
    with pytest.raises(DataError, match="no such file or folder"):
        load_sets(tmp_path / "gone")


def test_labels_that_are_not_utf8(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"image,number\n\xff.png,1\n")
    with pytest.raises(DataError, match="save it as UTF-8"):
        load_sets(tmp_path)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_spreadsheets_may_separate_by_semicolons_or_tabs(tmp_path, delimiter):
    write(tmp_path / "labels.csv", f"image{delimiter}number\na.png{delimiter}1,5\n")
    assert load_sets(tmp_path)[0].pictures[0].texts == ("1,5",)
