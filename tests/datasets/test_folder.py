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
    data = dataset.read_data_file(valid / dataset.DATA_FILE)
    assert data.sources == {split: (valid / "images" / split,) for split in dataset.SPLITS}
    assert data.digits == {digit: digit for digit in range(10)}
    assert data.notes == ()


def test_data_file_has_no_absolute_path(valid):
    assert str(valid) not in (valid / dataset.DATA_FILE).read_text()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("10 0.5 0.5 0.2 0.2\n", "class 10 has no name in"),
        ("-1 0.5 0.5 0.2 0.2\n", "class -1 has no name in"),
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
    assert dataset.read_data_file(path).sources["val"] == (valid / "images" / "val",)
    path.write_text(path.read_text().replace("path: .", "path: ../where/it/was"))
    assert dataset.read_data_file(path).sources["val"] == (valid / "images" / "val",)


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
        ({"names": ["a", "10"]}, "no class is named after a digit"),
        ({"train": None}, "expected the keys train, val and names"),
        ({"names": {0: "0", "a": "1"}}, "names must be a list of the classes"),
        ({"names": 10}, "names must be a list of the classes"),
        ({"train": ["images/a", 1]}, "train must be a folder"),
        ({"train": {"images": 1}}, "train must be a folder"),
    ],
)
def test_invalid_data_file(valid, change, expected):
    path = valid / dataset.DATA_FILE
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **change}))
    with pytest.raises(DataError, match=expected):
        dataset.check_dataset(path)


@pytest.mark.parametrize(
    "content", ["", "- 1\n", "a: [", "train: images/train\n", "!!python/object/apply:os.system ['true']\n", "[" * 1000]
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


def test_label_file_beside_the_picture(tmp_path):
    assert dataset.label_path(tmp_path / "pictures" / "x.jpg") == tmp_path / "pictures" / "x.txt"


# Each kind is what another tool writes; the label of the one picture of train is a 1 in all of them.
@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({"roboflow": {"workspace": "w"}, "nc": 10, "kpt_shape": [1, 2]}, None),
        ({"train": "../images/train"}, None),
        ({"train": ["images/train", "images/test"], "test": None}, None),
        ({"train": "train.txt"}, None),
        ({"val": None, "validation": "images/val"}, None),
        ({"names": [*map(str, range(1, 10)), "0"]}, "0 0.5 0.5 0.2 0.2"),
        ({"names": ["Zero", "One", " two "]}, None),
        ({"names": [".", *map(str, range(10)), "kWh"]}, "2 0.5 0.5 0.2 0.2\n0 0.1 0.1 0.1 0.1\n11 0.1 0.1 0.1 0.1"),
        ({"names": {str(digit): str(digit) for digit in range(10)}}, None),
        ({}, "1 0.4 0.4 0.6 0.4 0.6 0.6 0.4 0.6"),
        ({}, "1.0 0.5 0.5 0.2 0.2"),
        ({}, "\ufeff1 0.5 0.5 0.2 0.2\r\n"),
    ],
)
def test_datasets_as_other_tools_write_them(valid, change, label):
    path = valid / dataset.DATA_FILE
    content = {key: value for key, value in {**yaml.safe_load(path.read_text()), **change}.items() if value is not None}
    path.write_bytes(b"\xef\xbb\xbf" + yaml.safe_dump(content).replace("\n", "\r\n").encode())
    (valid / "train.txt").write_text("./images/train/a.jpg\r\nimages/test/a.jpg\n")
    for file in (valid / "labels").rglob("*.txt"):
        file.write_bytes((label or file.read_text()).encode())
    data = dataset.read_data_file(path)
    labels = data.labels(data.pictures("train")[0])
    assert labels.classes.tolist() == [1]
    assert np.allclose(labels.boxes, [[0.5, 0.5, 0.2, 0.2]])
    assert [path.parent.name for path in data.pictures("train")][1:] == ["test"] * (len(data.pictures("train")) - 1)
    expected = [] if "names" not in change or len(change["names"]) != 12 else ["'.', 'kWh'"]
    assert ["'.', 'kWh'" for note in data.notes if "'.', 'kWh'" in note] == expected
    assert [reason for reason in reasons(valid) if "same picture" not in reason] == []


def test_strays_are_ignored(valid):
    (valid / "images" / "train" / "._a.jpg").write_bytes(b"macOS")
    (valid / "labels" / "train" / "._a.txt").write_bytes(b"\xff")
    (valid / "labels" / "train" / "classes.txt").write_text("0\n1\n")
    assert reasons(valid) == []


@pytest.mark.parametrize(("empty", "named"), [(("train", "val", "test"), ("train", "val")), (("val",), ("val",))])
def test_splits_without_a_digit_are_named(valid, empty, named):
    for split in empty:
        (valid / "labels" / split / "a.txt").write_text("")
    assert [reason.partition(": ")[2] for reason in reasons(valid)] == [
        f"no digit in the split {split}; are its label files empty?" for split in named
    ]


def test_listed_pictures_that_are_missing(valid):
    (valid / "train.txt").write_text("images/train/gone.jpg\n")
    path = valid / dataset.DATA_FILE
    path.write_text(path.read_text().replace("images/train", "train.txt"))
    assert "gone.jpg: no label file" in reasons(valid)[0]


def test_check_labels_of_an_empty_picture():
    labels = dataset.Labels(np.zeros(0, np.int64), np.zeros((0, 4)))
    assert dataset.check_labels(labels) == []
