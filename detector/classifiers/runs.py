"""One training of one classifier: its folder, its log, and what is on record of it.

The folder, when it is done:

    model.skops or model.safetensors
    config.yaml      the settings
    origin.json      how many digits it learns from and chooses by, and the weights it started from
    run.json         accuracy on the validation part, seconds, digits, versions; written last
    log.csv          a line an epoch: losses and accuracies (networks)
    curve.png        the same, drawn
"""

from __future__ import annotations

import csv
import io
import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from digitdet import __version__
from digitdet.classifiers.base import Classifier, Epoch, Place
from digitdet.common.errors import ConfigError, DataError, ModelError
from digitdet.common.files import LOCK_FILE, folder_lock, write_atomically
from digitdet.configs.classifier import ClassifierConfig, NetworkConfig, parse_classifier_config
from digitdet.datasets.mnist import Digits

CONFIG_FILE, RUN_FILE, LOG_FILE, CURVE_FILE = "config.yaml", "run.json", "log.csv", "curve.png"
_ORIGIN_FILE = "origin.json"
_PACKAGES = ("torch", "torchvision", "scikit-learn", "numpy", "opencv-python")


def make_classifier(config: ClassifierConfig) -> Classifier:
    """An untrained classifier of the settings."""
    if isinstance(config, NetworkConfig):
        from digitdet.classifiers.network import NetworkClassifier

        return NetworkClassifier(config)
    from digitdet.classifiers.classical import SklearnClassifier

    return SklearnClassifier(config)


def load_classifier(path: Path) -> Classifier:
    """A trained classifier: its file, or the folder of its run.

    Raises:
        ModelError: There is none, or it is damaged.
    """
    file = path
    if path.is_dir():
        files = sorted(path.glob("model.*"))
        if not files:
            raise ModelError(f"{path}: holds no trained classifier; make one with  digitdet classify train")
        file = files[0]
    if not file.is_file():
        raise ModelError(f"{path}: there is no such classifier; make one with  digitdet classify train")
    if file.suffix == ".safetensors":
        from digitdet.classifiers.network import NetworkClassifier

        return NetworkClassifier.load(file)
    if file.suffix == ".skops":
        from digitdet.classifiers.classical import SklearnClassifier

        return SklearnClassifier.load(file)
    raise ModelError(f"{file}: not a classifier of digitdet; expected .safetensors or .skops")


def train_classifier(
    config: ClassifierConfig,
    parts: Mapping[str, Digits],
    folder: Path,
    say: Callable[[str], object],
    start: Path | None = None,
) -> Classifier:
    """Train a classifier into a folder, or go on with one that was interrupted.

    Args:
        config: Its settings.
        parts: Digits 'train' to learn from and 'val' to choose by; others are not looked at.
        folder: Made if it is missing.
        say: Called with a line about each epoch.
        start: A trained network to go on from; None starts from random weights.

    Raises:
        DataError: The folder holds another training, or another process is writing into it.
        ConfigError: `start` is given for a method that has no weights to go on from.
    """
    with folder_lock(folder):
        return _train(config, parts, folder, say, start)


def _train(
    config: ClassifierConfig,
    parts: Mapping[str, Digits],
    folder: Path,
    say: Callable[[str], object],
    start: Path | None,
) -> Classifier:
    origin = {"digits": {name: len(parts[name]) for name in ("train", "val")}, "start": str(start) if start else None}
    _claim(folder, config, origin)
    if (folder / RUN_FILE).is_file():
        say(f"{folder} holds this training already, finished")
        return load_classifier(folder)
    classifier = make_classifier(config)
    if start is not None:
        _go_on_from(classifier, start)
    place = Place(folder, lambda epochs: _log(folder, epochs, say))
    began = time.perf_counter()
    classifier.fit(parts["train"], parts["val"], place)
    seconds = _logged_seconds(folder) or time.perf_counter() - began
    classifier.save(folder / f"model{classifier.suffix}")
    accuracy = float((classifier.predict(parts["val"].images) == parts["val"].labels).mean())
    run = {**origin, "val_accuracy": accuracy, "seconds": round(seconds, 1), "size": classifier.size, **_versions()}
    for leftover in folder.glob("checkpoint.*"):
        leftover.unlink()
    write_atomically(folder / RUN_FILE, json.dumps(run, indent=2) + "\n")
    say(f"{accuracy:.2%} of {len(parts['val'])} validation digits right after {seconds:.0f} s; in {folder}")
    return classifier


def read_run(folder: Path) -> dict[str, Any]:
    """What is on record of a finished training; empty where there is no record."""
    file = folder / RUN_FILE
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _claim(folder: Path, config: ClassifierConfig, origin: Mapping[str, Any]) -> None:
    """Make the folder this training's, or refuse it."""
    for stale in folder.glob(".*.tmp"):
        stale.unlink()
    file, note = folder / CONFIG_FILE, folder / _ORIGIN_FILE
    if file.is_file():
        same = parse_classifier_config(file.read_text(encoding="utf-8"), str(file)) == config
        if not same or json.loads(note.read_text(encoding="utf-8")) != origin:
            raise DataError(f"{folder}: holds a training of other settings or digits; choose another --out")
    elif any(not _is_unfinished(path) for path in folder.iterdir()):
        raise DataError(f"{folder}: is not empty and holds no training; choose another --out")
    else:
        write_atomically(note, json.dumps(origin, indent=2) + "\n")
        write_atomically(file, config.to_yaml())


def _is_unfinished(path: Path) -> bool:
    """Whether a file is what a kill leaves of a folder that was just being claimed."""
    return path.name in (_ORIGIN_FILE, LOCK_FILE) or path.suffix == ".tmp"


def _go_on_from(classifier: Classifier, start: Path) -> None:
    from digitdet.classifiers.network import NetworkClassifier

    other = load_classifier(start)
    if not isinstance(classifier, NetworkClassifier) or not isinstance(other, NetworkClassifier):
        raise ConfigError("only networks (fcn, cnn, cnn-strong) can go on from trained weights")
    classifier.go_on_from(other)


def _log(folder: Path, epochs: Sequence[Epoch], say: Callable[[str], object]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(Epoch)])
    for epoch in epochs:
        writer.writerow([f"{value:.5g}" if isinstance(value, float) else value for value in asdict(epoch).values()])
    write_atomically(folder / LOG_FILE, text.getvalue())
    last = epochs[-1]
    say(
        f"epoch {last.epoch}: {last.seconds:.0f} s, training loss {last.train_loss:.4f}, "
        f"validation loss {last.val_loss:.4f}, {last.val_accuracy:.2%} right"
    )
    _draw_curve(folder / CURVE_FILE, epochs)


def _draw_curve(path: Path, epochs: Sequence[Epoch]) -> None:
    from digitdet.classifiers.drawing import new_figure, to_png

    figure = new_figure(8, 3.2)
    losses, accuracies = figure.subplots(1, 2)
    at = [epoch.epoch for epoch in epochs]
    for axes, name in ((losses, "loss"), (accuracies, "accuracy")):
        for part in ("train", "val"):
            axes.plot(at, [getattr(epoch, f"{part}_{name}") for epoch in epochs], marker=".", label=part)
        axes.set(xlabel="epoch", ylabel=name)
        axes.grid(alpha=0.3)
        axes.legend()
    losses.set_yscale("log")
    write_atomically(path, to_png(figure))


def _logged_seconds(folder: Path) -> float:
    """Seconds of all epochs, those before an interruption too; 0 for a method that logs none."""
    file = folder / LOG_FILE
    if not file.is_file():
        return 0.0
    return float(list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))[-1]["seconds"])


def _versions() -> dict[str, Any]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {"digitdet": __version__, "python": platform.python_version(), "packages": versions}
