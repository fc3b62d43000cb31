import gzip

import numpy as np
import pytest

from digitdet.common.errors import DataError
from digitdet.datasets import mnist


@pytest.mark.parametrize("shape", [(5,), (2, 3), (4, 28, 28), (0, 28, 28)])
def test_idx_round_trip(shape, encode_idx):
    array = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    assert np.array_equal(mnist.read_idx(encode_idx(array), "a"), array)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0", b"\0\0\x08", b"\0\0\x0d\x01\0\0\0\0", b"\0\0\x08\x01\0", b"\0\0\x08\x01\0\0\0\x05" + b"\0" * 4],
)
def test_invalid_idx_is_rejected(content):
    with pytest.raises(DataError, match="file-name"):
        mnist.read_idx(content, "file-name")


def test_load_gzipped_and_plain(tiny_mnist):
    packed = mnist.load_mnist("train", tiny_mnist)
    assert packed.images.shape == (120, 28, 28)
    assert packed.labels.shape == (120,)
    for path in list(tiny_mnist.iterdir()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert np.array_equal(mnist.load_mnist("train", tiny_mnist).images, packed.images)


def test_files_in_the_data_variable(tiny_mnist, monkeypatch):
    monkeypatch.setenv(mnist.DATA_VARIABLE, str(tiny_mnist.parent))
    assert len(mnist.load_mnist("test")) == 120


def test_files_in_the_cache(tiny_mnist, monkeypatch, tmp_path):
    monkeypatch.delenv(mnist.DATA_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", str(tmp_path / "cache"))
    (tmp_path / "cache" / "digitdet").mkdir(parents=True)
    tiny_mnist.rename(tmp_path / "cache" / "digitdet" / "mnist")
    assert len(mnist.load_mnist("train")) == 120


def test_modified_file_is_rejected(tiny_mnist, encode_idx):
    path = tiny_mnist / "train-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(encode_idx(np.zeros(120, np.uint8))))
    with pytest.raises(DataError, match=r"train-labels.*checksum"):
        mnist.load_mnist("train", tiny_mnist)


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:12] + b"\xff" * 40 + b[52:]]
)
def test_damaged_file_is_rejected(tiny_mnist, damage):
    path = tiny_mnist / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match="train-images"):
        mnist.load_mnist("train", tiny_mnist)


def test_missing_files_are_named_with_their_folder(tmp_path):
    with pytest.raises(DataError) as caught:
        mnist.load_mnist("train", tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(tmp_path) in message
    assert all(f"{name}.gz" in message for name in mnist.CHECKSUMS)


def test_failed_download_names_the_files_and_their_folder(tmp_path, monkeypatch):
    torchvision = pytest.importorskip("torchvision.datasets")

    def no_network(*_args, **_kwargs):
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr(torchvision, "MNIST", no_network)
    monkeypatch.setenv("DIGITDET_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", str(tmp_path / "cache"))
    with pytest.raises(DataError) as caught:
        mnist.load_mnist("train")
    message = str(caught.value)
    assert "\n" not in message
    assert str(tmp_path / "cache" / "digitdet" / "mnist") in message
    assert all(f"{name}.gz" in message for name in mnist.CHECKSUMS)


def test_real_mnist(real_mnist):
    train, test = mnist.load_mnist("train", real_mnist), mnist.load_mnist("test", real_mnist)
    assert (train.images.shape, test.images.shape) == ((60000, 28, 28), (10000, 28, 28))
    assert np.bincount(test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
