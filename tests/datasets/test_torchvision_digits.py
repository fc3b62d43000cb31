import bz2
import importlib.util
import struct
import sys

import numpy as np
import pytest

from digitdet.common.errors import DataError, MissingExtraError
from digitdet.datasets.torchvision_digits import load_torchvision_digits

if importlib.util.find_spec("torchvision") is None:  # importing it takes seconds, in every process of pytest
    pytest.skip("torchvision is not installed", allow_module_level=True)

TRAIN, TEST = 48, 24


def numbered_images(count, side, first=0):
    """Pictures with their number in the top left pixel, and ink in the top right quarter only."""
    images = np.zeros((count, side, side), np.uint8)
    images[:, 2 : side // 2 - 2, side // 2 + 2 : side - 2] = 255
    images[:, 0, 0] = np.arange(first, first + count)
    return images


def write_emnist(root, encode_idx):
    folder = root / "EMNIST" / "raw"
    folder.mkdir(parents=True)
    for part, count, first in (("train", TRAIN, 0), ("test", TEST, 100)):
        images = numbered_images(count, 28, first).transpose(0, 2, 1)
        (folder / f"emnist-digits-{part}-images-idx3-ubyte").write_bytes(encode_idx(np.ascontiguousarray(images)))
        labels = (np.arange(count) % 10).astype(np.uint8)
        (folder / f"emnist-digits-{part}-labels-idx1-ubyte").write_bytes(encode_idx(labels))


def write_qmnist(root, encode_idx):
    folder = root / "QMNIST" / "raw"
    folder.mkdir(parents=True)
    for part, count, first in (("train", TRAIN, 0), ("test", TEST, 100)):
        (folder / f"qmnist-{part}-images-idx3-ubyte").write_bytes(encode_idx(numbered_images(count, 28, first)))
        labels = np.full((count, 8), 77, ">i4")
        labels[:, 0] = np.arange(count) % 10
        header = struct.pack(">BBBB2I", 0, 0, 12, 2, *labels.shape)
        (folder / f"qmnist-{part}-labels-idx2-int").write_bytes(header + labels.tobytes())


def write_usps(root, encode_idx):
    root.mkdir(parents=True)
    for name, count, first in (("usps.bz2", TRAIN, 0), ("usps.t.bz2", TEST, 100)):
        lines = []
        for row, image in enumerate(numbered_images(count, 16, first)):
            values = image.ravel() / 127.5 - 1
            pixels = " ".join(f"{index}:{value:.4f}" for index, value in enumerate(values, start=1))
            lines.append(f"{row % 10 + 1} {pixels} \n")  # in libsvm's USPS the labels are 1 to 10
        (root / name).write_bytes(bz2.compress("".join(lines).encode()))


WRITERS = {"emnist": write_emnist, "qmnist": write_qmnist, "usps": write_usps}


@pytest.fixture(params=WRITERS)
def digit_set(request, tmp_path, encode_idx):
    root = tmp_path / "root"
    WRITERS[request.param](root, encode_idx)
    return request.param, root


def test_pictures_are_upright_and_as_large_as_in_mnist(digit_set):
    name, root = digit_set
    for split in ("train", "val", "test"):
        digits = load_torchvision_digits(name, root, split)
        assert digits.images.shape[1:] == (28, 28)
        assert digits.images.dtype == digits.labels.dtype == np.uint8
        quarters = [[digits.images[:, y : y + 14, x : x + 14].max() > 200 for x in (0, 14)] for y in (0, 14)]
        assert quarters == [[False, True], [False, False]]


def test_splits(digit_set):
    name, root = digit_set
    train, val, test = (load_torchvision_digits(name, root, split) for split in ("train", "val", "test"))
    assert (len(train), len(val), len(test)) == (44, 4, 24)
    assert train.labels.tolist() == [row % 10 for row in range(44)]
    assert val.labels.tolist() == [4, 5, 6, 7]
    assert test.labels.tolist() == [row % 10 for row in range(24)]


@pytest.mark.parametrize("name", ["emnist", "qmnist"])
def test_digits_are_in_their_original_order(name, tmp_path, encode_idx):
    WRITERS[name](tmp_path / "root", encode_idx)
    numbers = {
        split: load_torchvision_digits(name, tmp_path / "root", split).images[:, 0, 0].tolist()
        for split in ("train", "val", "test")
    }
    assert numbers == {"train": list(range(44)), "val": list(range(44, 48)), "test": list(range(100, 124))}


@pytest.mark.parametrize("name", WRITERS)
def test_a_missing_set_names_the_remedy(name, tmp_path):
    with pytest.raises(DataError, match="download=True") as caught:
        load_torchvision_digits(name, tmp_path, "train")
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value) and name.upper() in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_set_is_rejected(digit_set):
    name, root = digit_set
    for path in [path for path in root.rglob("*") if path.is_file()]:
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=name) as caught:
        load_torchvision_digits(name, root, "train")
    assert "\n" not in str(caught.value)


def test_invalid_labels_are_rejected(tmp_path, encode_idx):
    write_emnist(tmp_path, encode_idx)
    path = tmp_path / "EMNIST" / "raw" / "emnist-digits-train-labels-idx1-ubyte"
    path.write_bytes(encode_idx(np.full(TRAIN, 11, np.uint8)))
    with pytest.raises(DataError, match="labels"):
        load_torchvision_digits("emnist", tmp_path, "train")


def test_without_torchvision(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(MissingExtraError, match="torchvision"):
        load_torchvision_digits("usps", tmp_path, "train")
