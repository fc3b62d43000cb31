"""How classifiers of single digits hold up on digits of another origin: `python benchmarks/transfer.py RUN...`

Reads data/real/single_digits (found by DIGITDET_DATA): USPS zip codes, mouse-drawn digits, drums of counters, digits
from street photos. Each is made like MNIST's first (classifiers/prepare.py). With --typefaces the first network is
trained further on MNIST and as many digits of the system's typefaces, and measured once more.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from halves import load_rows

from digitdet.classifiers.base import Classifier
from digitdet.classifiers.prepare import to_mnist
from digitdet.classifiers.runs import load_classifier, train_classifier
from digitdet.common.errors import ImageError
from digitdet.configs import replace
from digitdet.configs.classifier import NetworkConfig
from digitdet.datasets.mnist import DATA_VARIABLE, Digits, load_split_digits
from digitdet.synth.digits.fonts import FontGlyphs, find_fonts, load_fonts, system_font_folders

_TUNING = {"epochs": 6, "patience": 6, "learning_rate": 0.001}
_TYPEFACE_SIDE = 64  # pixels of the height that a typeface's digits are drawn at


def main() -> None:
    """Print one table: rows are classifiers, columns where the digits come from."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of `digitdet classify train`")
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    parser.add_argument("--typefaces", action="store_true", help="train the first on typefaces, too")
    options = parser.parse_args()
    sets, unread = load_sets(Path(os.environ[DATA_VARIABLE]) / "real" / "single_digits")
    mnist = load_split_digits(options.mnist)
    columns = {"MNIST test": mnist["test"], **sets}
    print("| | " + " | ".join(f"{name} ({len(part):,})" for name, part in columns.items()) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for run in options.runs:
        print_row(run.name, load_classifier(run), columns)
    if options.typefaces:
        print_row(f"{options.runs[0].name}, typefaces too", with_typefaces(options.runs[0], mnist), columns)
    print(f"\nnothing was seen to be written in {unread} pictures; they are left out")


def load_sets(folder: Path) -> tuple[dict[str, Digits], int]:
    """Digits by origin, and in how many pictures none was found."""
    images, labels = defaultdict(list), defaultdict(list)
    unread = 0
    for row in load_rows(folder):
        picture = cv2.imread(str(folder / row["image"]))
        try:
            # As a user gives them: whole pictures. Those of 28 x 28 pixels are not MNIST's and are cut out, too.
            height, width = picture.shape[:2]
            images[row["split"]].append(to_mnist(picture, (0, 0, width, height)))
            labels[row["split"]].append(int(row["number"]))
        except ImageError:
            unread += 1
    return {name: Digits(np.array(part), np.array(labels[name], np.uint8)) for name, part in images.items()}, unread


def print_row(name: str, classifier: Classifier, columns: dict[str, Digits]) -> None:
    """One line of the table."""
    shares = [(classifier.predict(part.images) == part.labels).mean() for part in columns.values()]
    print(f"| {name} | " + " | ".join(f"{share:.1%}" for share in shares) + " |", flush=True)


def with_typefaces(run: Path, mnist: Mapping[str, Digits]) -> Classifier:
    """A network trained further on as many digits of typefaces as of MNIST, mixed."""
    config = load_classifier(run).config
    assert isinstance(config, NetworkConfig)
    parts = {}
    for seed, name in enumerate(("train", "val")):
        known = mnist[name]
        drawn = draw_typefaces(len(known), seed)
        images = np.concatenate([known.images, drawn.images])
        parts[name] = Digits(images, np.concatenate([known.labels, drawn.labels]))
    with tempfile.TemporaryDirectory() as folder:
        return train_classifier(replace(config, **_TUNING), parts, Path(folder) / "run", lambda _line: None, start=run)


def draw_typefaces(count: int, seed: int) -> Digits:
    """Digits of random typefaces of the system, made like MNIST's."""
    rng = np.random.default_rng(seed)
    source = FontGlyphs(load_fonts(find_fonts(system_font_folders())).typefaces)
    images, labels = [], rng.integers(0, 10, count).astype(np.uint8)
    for label in labels.tolist():
        ink = source.sample(rng, label).ink
        width = max(round(ink.shape[1] * _TYPEFACE_SIDE / ink.shape[0]), 1)
        drawn = (255 * cv2.resize(ink, (width, _TYPEFACE_SIDE), interpolation=cv2.INTER_AREA)).astype(np.uint8)
        framed = cv2.copyMakeBorder(drawn, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=0)
        images.append(to_mnist(framed, (0, 0, framed.shape[1], framed.shape[0])))
    return Digits(np.array(images), labels)


if __name__ == "__main__":
    main()
