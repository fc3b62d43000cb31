import gzip
import hashlib
import struct

import numpy as np
import pytest

from digitdet.configs import DataError
from digitdet.datasets import mnist


def idx(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder with tiny files in the place of MNIST's, and their checksums in the place of the original ones."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "mnist"
    folder.mkdir()
    sums = {}
    for name in mnist.CHECKSUMS:
        shape = (20, 28, 28) if "images" in name else (20,)
        content = idx(rng.integers(0, 10, shape).astype(np.uint8))
        sums[name] = hashlib.sha256(content).hexdigest()
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    monkeypatch.setattr(mnist, "CHECKSUMS", sums)
    return folder


@pytest.mark.parametrize("shape", [(5,), (2, 3), (4, 28, 28), (0, 28, 28)])
def test_idx_round_trip(shape):
    array = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    assert np.array_equal(mnist.read_idx(idx(array), "a"), array)


@pytest.mark.parametrize(
    "content", [b"", b"\0\0", b"\0\0\x08", b"\0\0\x0d\x01\0\0\0\0", b"\0\0\x08\x01\0", idx(np.zeros(5, np.uint8))[:-1]]
)
def test_broken_idx_is_named(content):
    with pytest.raises(DataError, match="file-name"):
        mnist.read_idx(content, "file-name")


def test_load_gzipped_and_plain(tiny):
    packed = mnist.load_mnist("train", tiny)
    assert packed.images.shape == (20, 28, 28)
    assert packed.labels.shape == (20,)
    for path in list(tiny.iterdir()):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert np.array_equal(mnist.load_mnist("train", tiny).images, packed.images)


def test_found_through_the_environment(tiny, monkeypatch):
    monkeypatch.setenv(mnist.DATA_VARIABLE, str(tiny.parent))
    assert len(mnist.load_mnist("test")) == 20


def test_found_in_the_cache(tiny, monkeypatch, tmp_path):
    monkeypatch.delenv(mnist.DATA_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    (tmp_path / "cache" / "digitdet").mkdir(parents=True)
    tiny.rename(tmp_path / "cache" / "digitdet" / "mnist")
    assert len(mnist.load_mnist("train")) == 20


def test_changed_file_is_refused(tiny):
    path = tiny / "train-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(idx(np.zeros(20, np.uint8))))
    with pytest.raises(DataError, match=r"train-labels.*checksum"):
        mnist.load_mnist("train", tiny)


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:12] + b"\xff" * 40 + b[52:]]
)
def test_damaged_file_is_refused(tiny, damage):
    path = tiny / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match="train-images"):
        mnist.load_mnist("train", tiny)


def test_missing_files_are_named_with_the_place_to_put_them(tmp_path):
    with pytest.raises(DataError) as caught:
        mnist.load_mnist("train", tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(tmp_path) in message
    assert all(f"{name}.gz" in message for name in mnist.CHECKSUMS)


def test_offline_without_files_says_what_to_put_where(tmp_path, monkeypatch):
    torchvision = pytest.importorskip("torchvision.datasets")

    def no_network(*_args, **_kwargs):
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr(torchvision, "MNIST", no_network)
    monkeypatch.setenv("DIGITDET_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
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
