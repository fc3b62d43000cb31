"""How classifiers of single digits hold up on digits of another origin: `python benchmarks/transfer.py RUN...`

Reads data/real/single_digits (found by DIGITDET_DATA): USPS zip codes, mouse-drawn digits, drums of counters, digits
from street photos. Each is made like MNIST's first (classifiers/prepare.py). With --tune the first network is trained
further on half of the mouse-drawn digits (MIT), and measured on the other half, before and after.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from halves import half_of, load_rows

from digitdet.classifiers.base import Classifier
from digitdet.classifiers.prepare import to_mnist
from digitdet.classifiers.runs import load_classifier, train_classifier
from digitdet.configs import ImageError, replace
from digitdet.configs.classifier import NetworkConfig
from digitdet.datasets.mnist import DATA_VARIABLE, Digits, load_split_digits

_TUNED = "hwd1000"
_TUNING = {"epochs": 20, "patience": 20, "learning_rate": 0.0005}


def main() -> None:
    """Print one table: rows are classifiers, columns where the digits come from."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of `digitdet classify train`")
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    parser.add_argument("--tune", action="store_true", help="train the first on half of the mouse-drawn digits, too")
    options = parser.parse_args()
    sets, unread = load_sets(Path(os.environ[DATA_VARIABLE]) / "real" / "single_digits")
    columns = {"MNIST test": load_split_digits(options.mnist)["test"], **sets}
    print("| | " + " | ".join(f"{name} ({len(part):,})" for name, part in columns.items()) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for run in options.runs:
        print_row(run.name, load_classifier(run), columns)
    if options.tune:
        tune(options.runs[0], sets)
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
            labels[row["split"]].append((int(row["number"]), half_of(folder.name, row) == "choose"))
        except ImageError:
            unread += 1
    sets = {}
    for name, part in images.items():
        truth = np.array(labels[name])
        sets[name] = Digits(np.array(part), truth[:, 0].astype(np.uint8))
        if name == _TUNED:
            chosen = truth[:, 1].astype(bool)
            for half, rows in (("choose", chosen), ("confirm", ~chosen)):
                sets[f"{name} {half}"] = Digits(sets[name].images[rows], sets[name].labels[rows])
    return sets, unread


def print_row(name: str, classifier: Classifier, columns: dict[str, Digits]) -> None:
    """One line of the table."""
    shares = [(classifier.predict(part.images) == part.labels).mean() for part in columns.values()]
    print(f"| {name} | " + " | ".join(f"{share:.1%}" for share in shares) + " |", flush=True)


def tune(run: Path, sets: dict[str, Digits]) -> None:
    """Train a network further on the choose half of the mouse-drawn digits; print it on the confirm half."""
    before = load_classifier(run)
    assert isinstance(before.config, NetworkConfig)
    known, new = sets[f"{_TUNED} choose"], sets[f"{_TUNED} confirm"]
    cut = len(known) * 4 // 5
    with tempfile.TemporaryDirectory() as folder:
        parts = {"train": known[:cut], "val": known[cut:]}
        config = replace(before.config, **_TUNING)
        after = train_classifier(config, parts, Path(folder) / "tuned", lambda _line: None, start=run)
    shares = [(one.predict(new.images) == new.labels).mean() for one in (before, after)]
    print(f"\n{run.name} on {len(new)} mouse-drawn digits: {shares[0]:.1%}; trained further on {cut}: {shares[1]:.1%}")


if __name__ == "__main__":
    main()
