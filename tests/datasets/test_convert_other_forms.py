"""Conversion of datasets in other forms than digitdet writes."""

import json

import cv2
import numpy as np
import pytest

from digitdet.datasets.convert import convert
from digitdet.datasets.formats.dataset import linked_yolo
from digitdet.datasets.formats.yolo import label_path, list_images, read_data_file


@pytest.fixture
def dataset(tmp_path):
    """A dataset with a picture of the same name in each split, whose classes are words and a point."""
    for shade, (split, text) in enumerate(
        [("train", "2 0.3 0.5 0.2 0.4\n1 0.5 0.5 0.1 0.1\n"), ("val", "0 0.4 0.5 0.2 0.4\n")]
    ):
        picture = tmp_path / "yolo" / "images" / split / "a.png"
        picture.parent.mkdir(parents=True)
        picture.write_bytes(cv2.imencode(".png", np.full((50, 100, 3), shade, np.uint8))[1].tobytes())
        label_path(picture).parent.mkdir(parents=True)
        label_path(picture).write_text(text)
    names = "names: [zero, '.', two]\n"
    (tmp_path / "yolo" / "data.yaml").write_text("train: [images/train, images/val]\nval: images/val\n" + names)
    return tmp_path / "yolo"


def labels_of(folder, split):
    data = read_data_file(folder / "data.yaml")
    return {path.name: data.labels(path).classes.tolist() for path in data.pictures(split)}


def test_a_note_says_that_the_numbers_are_left_out(dataset, tmp_path):
    note = "numbers.jsonl is left out: the new dataset has only the boxes of digits"
    assert note not in convert(dataset, tmp_path / "without", "yolo").notes
    (dataset / "numbers.jsonl").write_text("")
    assert note in convert(dataset, tmp_path / "with", "coco").notes


def test_any_yolo_dataset_becomes_a_plain_one(dataset, tmp_path):
    done = convert(dataset, tmp_path / "out", "yolo")
    assert "the classes '.' are left out" in done.notes[0]
    assert labels_of(tmp_path / "out", "train") == {"a.png": [2], "a-2.png": [0]}
    assert labels_of(tmp_path / "out", "val") == {"a.png": [0]}


def test_training_gets_links_to_the_pictures_and_its_own_labels(dataset, tmp_path):
    with linked_yolo(read_data_file(dataset / "data.yaml"), tmp_path / "links") as splits:
        assert [path.name for path in list_images(splits["train"])] == ["a-2.png", "a.png"]
        assert label_path(splits["train"] / "a.png").read_text() == "2 0.300000 0.500000 0.200000 0.400000\n"
    assert not (tmp_path / "links").exists()
    assert len(list(dataset.rglob("*.png"))) == 2


def test_coco_without_boxes_uses_the_polygons(dataset, tmp_path):
    convert(dataset, tmp_path / "coco", "coco")
    for file in (tmp_path / "coco").rglob("*.json"):
        content = json.loads(file.read_text())
        for annotation in content["annotations"]:
            left, top, width, height = annotation.pop("bbox")
            right, bottom = left + width, top + height
            annotation["segmentation"] = [
                [left, top, left + 1, top, left, bottom],
                [right, bottom, right, top, left, top],
            ]
        file.write_text(json.dumps(content))
    convert(tmp_path / "coco", tmp_path / "out", "yolo")
    [labels] = [path.read_text() for path in (tmp_path / "out").rglob("labels/val/a.txt")]
    assert labels == "0 0.400000 0.500000 0.200000 0.400000\n"
    content["annotations"][0]["segmentation"] = {"counts": [1], "size": [1, 1]}
    file.write_text(json.dumps(content))
    assert "1 box(es) that are neither" in " ".join(convert(tmp_path / "coco", tmp_path / "b", "yolo").notes)
