"""File names and splits of pictures in other formats."""

import pytest

from digitdet.datasets.formats.dataset import safe_name, split_from_file_name, split_from_folder_name


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("instances_train2017", "train"),
        ("valid", "val"),
        ("test", "test"),
        ("_annotations.coco", None),
        ("interval", None),
    ],
)
def test_split_from_file_name(name, split):
    assert split_from_file_name(name) == split


@pytest.mark.parametrize(
    ("name", "split"), [("train2017", "train"), ("valid", "val"), ("test", "test"), ("test_data", None)]
)
def test_split_from_folder_name(name, split):
    assert split_from_folder_name(name) == split


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a/b.jpg", "a/b.jpg"), ("a\\b.jpg", "a/b.jpg"), ("./a", "a"), ("..", None), ("a/../b", None)],
)
def test_safe_name(name, expected):
    assert safe_name(name) == expected
