"""MNIST: 70,000 handwritten digits of 28x28 pixels (LeCun, Cortes and Burges, 1998), read from its four IDX files."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import shutil
import struct
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitdet.common.errors import DataError, MissingExtraError
from digitdet.common.files import user_cache

DATA_VARIABLE = "DIGITDET_DATA"

# SHA-256 of the uncompressed files
CHECKSUMS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_VAL_DIGITS = 5_000  # of the 60,000 training digits


@dataclass(frozen=True)
class Digits:
    """Pictures of digits: `images` (N, H, W) uint8, ink 255 on background 0; `labels` (N,) uint8, 0 to 9."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, part: slice) -> Digits:
        return Digits(self.images[part], self.labels[part])


def load_mnist(part: str, folder: Path | None = None) -> Digits:
    """Load the training part (60,000 digits) or the test part (10,000).

    Args:
        part: 'train' or 'test'.
        folder: Folder of the files; None searches `$DIGITDET_DATA/mnist` and the user's cache, then downloads them.

    Raises:
        DataError: The files are missing and cannot be downloaded, or are not the original ones.
        MissingExtraError: They have to be downloaded and torchvision is not installed.
    """
    folder = folder or _find_folder()
    prefix = {"train": "train", "test": "t10k"}[part]
    names = f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"
    images, labels = (read_idx(_read_checked(folder, name), name) for name in names)
    return Digits(images, labels)


def load_split_digits(mnist_folder: Path | None = None) -> dict[str, Digits]:
    """Load MNIST as 'train' and 'val', which divide the training part (see `hold_out`), and 'test'."""
    train, val = hold_out(load_mnist("train", mnist_folder))
    return {"train": train, "val": val, "test": load_mnist("test", mnist_folder)}


def hold_out(digits: Digits) -> tuple[Digits, Digits]:
    """Divide a training part into 'train' and 'val', the last 5,000 digits, or a twelfth if that is less."""
    cut = len(digits) - min(_VAL_DIGITS, len(digits) // 12)
    return digits[:cut], digits[cut:]


def read_idx(content: bytes, name: str) -> npt.NDArray[np.uint8]:
    """Decode an IDX file of unsigned bytes; the message of a DataError begins with `name`.

    Its header is two zero bytes, 8 (the type), the number of axes, and their lengths as big-endian 32-bit integers.
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise DataError(f"{name}: not an IDX file of bytes; fetch it again")
    axes = content[3]
    header = 4 + 4 * axes
    if len(content) < header:
        raise DataError(f"{name}: the header is cut off; fetch it again")
    shape = struct.unpack(f">{axes}I", content[4:header])
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise DataError(f"{name}: {len(content)} bytes where its header says {expected}; fetch it again")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def search_folders() -> list[Path]:
    """Return the folders in which the files are searched, in order; the last one is where they are downloaded to."""
    data = os.environ.get(DATA_VARIABLE)
    return ([Path(data) / "mnist"] if data else []) + [user_cache() / "mnist"]


def is_complete(folder: Path) -> bool:
    """Return whether a folder has all four files; their content is not checked."""
    return all(_find_file(folder, name) for name in CHECKSUMS)


def _find_folder() -> Path:
    folders = search_folders()
    return next(filter(is_complete, folders), None) or _download(folders[-1])


def _find_file(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)


def _read_checked(folder: Path, name: str) -> bytes:
    path = _find_file(folder, name)
    if path is None:
        raise DataError(f"{folder}: {name}.gz is missing; {_remedy(folder)}")
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}); fetch it again") from error
    if hashlib.sha256(content).hexdigest() != CHECKSUMS[name]:
        raise DataError(f"{path}: not the original MNIST file (its checksum differs); fetch it again")
    return content


def _remedy(folder: Path) -> str:
    names = ", ".join(f"{name}.gz" for name in CHECKSUMS)
    return f"put the four MNIST files ({names}; plain or .gz) into {folder} or name their folder with --mnist"


def _download(folder: Path) -> Path:
    """Download the four files into `folder` with torchvision, which knows the mirrors and shows progress."""
    try:
        from torchvision.datasets import MNIST
    except ImportError as error:
        raise MissingExtraError("downloading MNIST", "train", "torchvision") from error
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # names of mirrors; the progress bar is on stderr
                MNIST(temporary, download=True)
        except (RuntimeError, OSError) as error:
            raise DataError(f"MNIST could not be downloaded; {_remedy(folder)}") from error
        for name in CHECKSUMS:
            shutil.move(Path(temporary) / "MNIST" / "raw" / f"{name}.gz", folder / f"{name}.gz")
    return folder
