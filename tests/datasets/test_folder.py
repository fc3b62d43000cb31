import shutil

import numpy as np
import pytest
import yaml

from digitdet.common.errors import DataError
from digitdet.datasets.formats import yolo as dataset


@pytest.fixture
def valid(tmp_path):
    """A dataset with one picture per split, whose content is not checked."""
    for split in dataset.SPLITS:
        (tmp_path / "images" / split).mkdir(parents=True)
        (tmp_path / "labels" / split).mkdir(parents=True)
        (tmp_path / "images" / split / "a.jpg").write_bytes(split.encode())
        (tmp_path / "labels" / split / "a.txt").write_text("1 0.5 0.5 0.2 0.2\n")
    dataset.write_data_file(tmp_path)
    return tmp_path


def reasons(folder):
    return [str(problem) for problem in dataset.check_dataset(folder / dataset.DATA_FILE)]


def test_valid_dataset_has_no_problems(valid):
    assert reasons(valid) == []


def test_data_file_round_trip(valid):
    splits = dataset.read_data_file(valid / dataset.DATA_FILE)
    assert splits == {split: valid / "images" / split for split in dataset.SPLITS}


def test_data_file_has_no_absolute_path(valid):
    assert str(valid) not in (valid / dataset.DATA_FILE).read_text()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("10 0.5 0.5 0.2 0.2\n", "class 10 is not a digit"),
        ("-1 0.5 0.5 0.2 0.2\n", "class -1 is not a digit"),
        ("1 0.95 0.5 0.2 0.2\n", "reaches outside the picture"),
        ("1 0.5 0.05 0.2 0.2\n", "reaches outside the picture"),
        ("1 0.5 0.5 0 0.2\n", "width and height must be above 0"),
        ("1 0.5 0.5 nan 0.2\n", "width and height must be above 0"),
        ("1 0.5 0.5 0.2 0.2\n1 0.5 0.5 0.2 0.2\n", "1 box(es) given twice"),
        ("1 0.5 0.5\n", "line 1: '1 0.5 0.5' is not"),
    ],
)
def test_bad_labels_are_named(valid, lines, expected):
    (valid / "labels" / "val" / "a.txt").write_text(lines)
    found = reasons(valid)
    assert len(found) == 1
    assert expected in found[0]
    assert str(valid / "labels" / "val" / "a.txt") in found[0]


def test_box_up_to_the_edge_is_valid(valid):
    (valid / "labels" / "val" / "a.txt").write_text("1 0.100000 0.050000 0.200001 0.100000\n")
    assert reasons(valid) == []


def test_missing_label_and_missing_picture(valid):
    (valid / "labels" / "val" / "a.txt").rename(valid / "labels" / "val" / "b.txt")
    found = reasons(valid)
    assert "no label file" in found[0]
    assert "no picture of this name" in found[1]


def test_same_picture_in_two_splits(valid):
    (valid / "images" / "test" / "a.jpg").write_bytes(b"train")
    assert reasons(valid) == [
        f"{valid / 'images' / 'test' / 'a.jpg'}: the same picture as {valid / 'images' / 'train' / 'a.jpg'}"
    ]


def test_blank_pictures_may_be_the_same(valid):
    for split in ("train", "test"):
        (valid / "images" / split / "b.jpg").write_bytes(b"blank")
        (valid / "labels" / split / "b.txt").write_text("")
    assert reasons(valid) == []


def test_path_is_relative_to_the_folder_of_the_data_file(valid, tmp_path_factory):
    path = valid / dataset.DATA_FILE
    path.write_text("path: .\n" + path.read_text())
    assert dataset.read_data_file(path)["val"] == valid / "images" / "val"


def test_fingerprint_depends_on_the_labels_only(valid, tmp_path_factory):
    before = dataset.fingerprint(valid / dataset.DATA_FILE)
    moved = tmp_path_factory.mktemp("elsewhere") / "moved"
    shutil.copytree(valid, moved)
    assert dataset.fingerprint(moved / dataset.DATA_FILE) == before
    (moved / "labels" / "val" / "a.txt").write_text("2 0.5 0.5 0.2 0.2\n")
    assert dataset.fingerprint(moved / dataset.DATA_FILE) != before


def test_empty_split(valid):
    (valid / "images" / "test" / "a.jpg").unlink()
    (valid / "labels" / "test" / "a.txt").unlink()
    assert reasons(valid) == [f"{valid / 'images' / 'test'}: no pictures"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"download": "print('owned')"}, "the key 'download' is not allowed"),
        ({"names": ["a"]}, "names must be the ten digits"),
        ({"names": {0: "1", 1: "0"}}, "names must be the ten digits"),
        ({"train": None}, "expected the keys train, val and names"),
        ({"names": {0: "0", "a": "1"}}, "names must be the ten digits"),
        ({"names": 10}, "names must be the ten digits"),
        ({"train": ["images/a", "images/b"]}, "train must be the folder"),
        ({"train": "pictures"}, "below 'images'"),
    ],
)
def test_invalid_data_file(valid, change, expected):
    path = valid / dataset.DATA_FILE
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **change}))
    with pytest.raises(DataError, match=expected):
        dataset.check_dataset(path)


@pytest.mark.parametrize(
    "content", ["", "- 1\n", "a: [", "train: images/train\n", "!!python/object/apply:os.system ['true']\n", "[" * 3000]
)
def test_data_file_of_no_dataset(tmp_path, content):
    (tmp_path / "data.yaml").write_text(content)
    with pytest.raises(DataError, match=r"data\.yaml"):
        dataset.read_data_file(tmp_path / "data.yaml")


def test_missing_data_file_says_how_to_make_one(tmp_path):
    with pytest.raises(DataError, match="digitdet synth"):
        dataset.read_data_file(tmp_path / "data.yaml")


def test_label_path_changes_the_last_images_folder(tmp_path):
    path = tmp_path / "images" / "images" / "train" / "x.y.jpg"
    assert dataset.label_path(path) == tmp_path / "images" / "labels" / "train" / "x.y.txt"


def test_check_labels_of_an_empty_picture():
    labels = dataset.Labels(np.zeros(0, np.int64), np.zeros((0, 4)))
    assert dataset.check_labels(labels) == []
