"""Training a classifier into a resumable folder, and loading it.

The folder of a finished training:

    model.skops or model.safetensors
    config.yaml      the settings
    origin.json      number and hash of the training and validation digits, and the start weights
    run.json         validation accuracy, duration, versions of packages; marks the training as finished
    log.csv          losses and accuracies of every epoch (networks)
    curve.png        plot of log.csv
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from digitdet import __version__
from digitdet.classifiers.base import Classifier, Epoch
from digitdet.common.errors import ConfigError, ModelError
from digitdet.common.run_folder import RunFolder, package_versions
from digitdet.configs.classifier import ClassifierConfig, NetworkConfig, parse_classifier_config
from digitdet.datasets.mnist import Digits

_RUN_FILE, _LOG_FILE = "run.json", "log.csv"
_PACKAGES = ("torch", "torchvision", "scikit-learn", "numpy", "opencv-python")


def make_classifier(config: ClassifierConfig) -> Classifier:
    """Return an untrained classifier."""
    if isinstance(config, NetworkConfig):
        from digitdet.classifiers.network import NetworkClassifier

        return NetworkClassifier(config)
    from digitdet.classifiers.classical import SklearnClassifier

    return SklearnClassifier(config)


def load_classifier(path: Path) -> Classifier:
    """Load a trained classifier from its file or training folder; raise ModelError if it is missing or damaged."""
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
    """Train a classifier into a folder, or resume an interrupted training.

    Args:
        config: The settings.
        parts: The digits of the splits 'train' and 'val'.
        folder: The folder; created if it is missing.
        say: Called with a line of text about every epoch.
        start: A trained network to start from; None starts from random weights.

    Raises:
        DataError: The folder is not empty and holds no such training, or another process writes there.
        ConfigError: `start` is given for a method without weights.
    """
    identity = {
        "digits": {name: len(parts[name]) for name in ("train", "val")},
        "fingerprint": _fingerprint(parts),
        "start": str(start) if start else None,
    }
    run = RunFolder(
        folder,
        "training",
        config,
        parse_classifier_config,
        "config.yaml",
        _RUN_FILE,
        identity=identity,
        identity_file="origin.json",
        identity_keys=tuple(identity),
        temporary=("checkpoint.*",),
    )
    with run.locked():
        run.require_free_or_same()
        if run.is_finished:
            say(f"{folder} holds this training already, finished")
            return load_classifier(folder)
        classifier = make_classifier(config)
        if start is not None:
            _warm_start(classifier, start)
        run.claim()
        began = time.perf_counter()
        classifier.fit(parts["train"], parts["val"], folder, lambda epochs: _log(run, epochs, say))
        _finish(run, classifier, parts["val"], _logged_seconds(folder) or time.perf_counter() - began, say)
        return classifier


def _fingerprint(parts: Mapping[str, Digits]) -> str:
    """Return a hash of the digits to train on, with their labels."""
    digest = hashlib.sha256()
    for name in ("train", "val"):
        digest.update(parts[name].images.tobytes())
        digest.update(parts[name].labels.tobytes())
    return digest.hexdigest()


def _finish(run: RunFolder, classifier: Classifier, val: Digits, seconds: float, say: Callable[[str], object]) -> None:
    classifier.save(run.path / f"model{classifier.suffix}")
    accuracy = float((classifier.predict(val.images) == val.labels).mean())
    facts = {
        **run.identity,
        "val_accuracy": accuracy,
        "seconds": round(seconds, 1),
        "size": classifier.size,
        "digitdet": __version__,
        "python": platform.python_version(),
        "packages": package_versions(_PACKAGES),
    }
    run.finish(json.dumps(facts, indent=2) + "\n")
    say(f"{accuracy:.2%} of {len(val)} validation digits correct after {seconds:.0f} s; in {run.path}")


def read_run(folder: Path) -> dict[str, Any]:
    """Return the content of run.json, or an empty dictionary."""
    file = folder / _RUN_FILE
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def _warm_start(classifier: Classifier, start: Path) -> None:
    from digitdet.classifiers.network import NetworkClassifier

    other = load_classifier(start)
    if not isinstance(classifier, NetworkClassifier) or not isinstance(other, NetworkClassifier):
        raise ConfigError("only networks (fcn, cnn, cnn-strong) can start from trained weights")
    classifier.copy_weights(other)


def _log(run: RunFolder, epochs: Sequence[Epoch], say: Callable[[str], object]) -> None:
    from digitdet.classifiers.report import draw_curve

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(Epoch)])
    for epoch in epochs:
        writer.writerow([f"{value:.5g}" if isinstance(value, float) else value for value in asdict(epoch).values()])
    run.write(_LOG_FILE, text.getvalue())
    last = epochs[-1]
    say(
        f"epoch {last.epoch}: {last.seconds:.0f} s, training loss {last.train_loss:.4f}, "
        f"validation loss {last.val_loss:.4f}, {last.val_accuracy:.2%} correct"
    )
    run.write("curve.png", draw_curve(epochs))


def _logged_seconds(folder: Path) -> float:
    """Duration of all epochs, including those before an interruption; 0 if there is no log."""
    file = folder / _LOG_FILE
    if not file.is_file():
        return 0.0
    return float(list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))[-1]["seconds"])
