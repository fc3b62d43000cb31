"""Shared fixtures: tiny digits made on the spot, so that the tests run in a fresh clone without any data."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import shutil
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import hypothesis
import numpy as np
import pytest

# `python -m pytest` puts the root on the path, where `datasets` would hide the package of that name from PyPI.
ROOT = Path(__file__).parents[1]
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]

from digitdet.configs import SynthConfig
from digitdet.datasets import mnist
from digitdet.datasets.mnist import Digits

if TYPE_CHECKING:
    from digitdet.synth.sources import Materials

# Of the typefaces that come with Matplotlib: one a family.
FONTS = ("DejaVuSans", "DejaVuSansMono", "DejaVuSerif", "STIXGeneral", "cmr10", "cmss10")


# The same examples in every run: a failure that comes and goes tells nothing about the change at hand.
hypothesis.settings.register_profile("deterministic", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("deterministic")


def draw_digits(per_label: int, seed: int = 0) -> Digits:
    """Digits in a stroke font, 28x28, white on black like MNIST; each a little moved and scaled."""
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for label in np.tile(np.arange(10), per_label):
        image = np.zeros((28, 28), np.uint8)
        scale, x, y = rng.uniform(0.7, 0.9), int(rng.integers(4, 9)), int(rng.integers(21, 26))
        cv2.putText(image, str(label), (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 2, cv2.LINE_AA)
        images.append(image)
        labels.append(label)
    return Digits(np.array(images), np.array(labels, np.uint8))


@pytest.fixture(scope="session")
def digits() -> Digits:
    return draw_digits(per_label=12)


@pytest.fixture(scope="session")
def make_digits() -> Callable[..., Digits]:
    """Draws digits: `per_label` of each, and other ones with another `seed`."""
    return draw_digits


def draw_drum(reading: int, drum: tuple[int, ...], ink: tuple[int, ...], seed: int) -> np.ndarray:
    """A drum (32, 20, 3) at a reading in tenths: digits 24 pixels high, 30 pixels apart, in a little noise."""
    strip = np.full((120, 20, 3), drum, np.uint8)
    for step in range(4):  # the digit before the reading's, that one, and the next two
        text = str((reading // 10 + step - 1) % 10)
        cv2.putText(strip, text, (3, 27 + 30 * step), cv2.FONT_HERSHEY_SIMPLEX, 0.75, ink, 2, cv2.LINE_AA)
    top = 29 + round(3 * (reading % 10))
    noise = np.random.default_rng(seed).normal(0, 2, (32, 20, 3))
    return np.clip(strip[top : top + 32] + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def drum_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of the drums of twelve meters and labels.csv; a name is the meter and the reading in tenths."""
    folder = tmp_path_factory.mktemp("drums")
    rows = ["image,reading"]
    for meter in range(12):
        drum = (20 * meter, 240 - 18 * meter, 60 + (70 * meter) % 150)
        ink = (250, 250, 250) if sum(drum) < 380 else (10, 10, 10)
        for reading in (10 * digit + tenth for digit in range(10) for tenth in (0, 2, 4, 5, 6)):
            name = f"{meter}_{reading:02d}.png"
            cv2.imwrite(str(folder / name), draw_drum(reading, drum, ink, 100 * meter + reading))
            rows.append(f"{name},{reading / 10}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


def load_tiny_materials(config: SynthConfig) -> Materials:
    """What `load_materials` loads, with drawn digits in the place of MNIST's."""
    from digitdet.synth import sources  # here: reading is tested without the training packages, too

    with pytest.MonkeyPatch.context() as patch:
        digits = {split: draw_digits(6, seed) for seed, split in enumerate(("train", "val", "test"))}
        patch.setattr(sources, "load_split_digits", lambda _folder: digits)
        return sources.load_materials(config)


@pytest.fixture(scope="session")
def tiny_materials() -> Callable[[SynthConfig], Materials]:
    """Loads materials with drawn digits in the place of MNIST's."""
    return load_tiny_materials


@pytest.fixture(scope="session")
def few_fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with six font families that are on every machine where the training packages are."""
    package = importlib.util.find_spec("matplotlib")
    if package is None or package.origin is None:
        pytest.skip("the training packages are not installed")
    folder = tmp_path_factory.mktemp("fonts")
    for name in FONTS:
        shutil.copy(Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf", folder)
    return folder


def _encode_idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def encode_idx() -> Callable[[np.ndarray], bytes]:
    """Makes an IDX file of unsigned bytes."""
    return _encode_idx


@pytest.fixture
def tiny_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with tiny files in the place of MNIST's, and their checksums in the place of the original ones."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    checksums = {}
    for seed, prefix in enumerate(("train", "t10k")):
        digits = draw_digits(12, seed)
        for name, array in (
            (f"{prefix}-images-idx3-ubyte", digits.images),
            (f"{prefix}-labels-idx1-ubyte", digits.labels),
        ):
            content = _encode_idx(array)
            checksums[name] = hashlib.sha256(content).hexdigest()
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    monkeypatch.setattr(mnist, "CHECKSUMS", checksums)
    return folder


@pytest.fixture
def real_mnist() -> Iterator[Path]:
    """The folder with the real MNIST files, where there is one."""
    folder = Path(os.environ.get("DIGITDET_DATA", "")) / "mnist"
    if not os.environ.get("DIGITDET_DATA") or not folder.is_dir():
        pytest.skip("no real MNIST: set DIGITDET_DATA to a folder that holds mnist/")
    yield folder
