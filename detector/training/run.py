"""A training run, from a dataset to a model that reads numbers. It can be interrupted at any time and resumed.

The folder of a finished run:

    detector.onnx    the detector, for reading
    detector.pt      its weights, to start other trainings from
    metrics.json     metrics on the test split; marks the run as finished
    train.yaml       the settings
    synth.yaml       the settings of the dataset, if digitdet composed it
    run.json         folder and fingerprint of the dataset, versions of Python and packages, the machine
    training/        Ultralytics' curves and samples
    test/            confusion matrix of the detector on the test split (val/ if there is none)
"""

from __future__ import annotations

import json
import os
import platform
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from digitdet import __version__
from digitdet.common.errors import DataError, ModelError
from digitdet.common.run_folder import RunFolder, package_versions
from digitdet.configs import TrainConfig, parse_config
from digitdet.datasets.formats.numbers import NUMBERS_FILE
from digitdet.datasets.formats.yolo import DATA_FILE, check_dataset, fingerprint, read_data_file
from digitdet.evaluation.outcomes import score_numbers
from digitdet.models.model_file import DETECTOR, DETECTOR_WEIGHTS, find_model, read_entries, shipped_file, store_entries
from digitdet.reader import NumberReader
from digitdet.training import yolo
from digitdet.training.calibration import calibrate_model

Say = Callable[[str], None]

_METRICS_FILE = "metrics.json"
_SYNTH_FILE = "synth.yaml"
_SHOWN_PROBLEMS = 3
_PACKAGES = (
    "ultralytics",
    "torch",
    "torchvision",
    "albumentations",
    "opencv-python",
    "opencv-python-headless",
    "numpy",
    "onnxruntime",
    "onnx",
)


@dataclass(frozen=True)
class Run:
    """A finished run: its folder and the content of its metrics.json."""

    folder: Path
    metrics: dict[str, Any]

    def summary(self) -> list[str]:
        """Return the metrics and the command to read with the model, as lines of text."""
        found = self.metrics["detection"]
        lines = [
            f"digits:  mAP50 {found['map50']:.4f}, mAP50-95 {found['map50_95']:.4f}, "
            f"precision {found['precision']:.4f}, recall {found['recall']:.4f} on the {self.metrics['split']} split"
        ]
        for digit, values in found["digits"].items():
            lines.append(f"     {digit}:  precision {values['precision']:.4f}, recall {values['recall']:.4f}")
        if numbers := self.metrics.get("numbers"):
            share = numbers["exact"] / max(numbers["numbers"], 1)
            lines.append(f"numbers: {numbers['exact']} of {numbers['numbers']} exact ({share:.2%})")
        return [*lines, f"read with it:  digitdet read --model {shlex.quote(str(self.folder))} photo.jpg"]


def train_run(config: TrainConfig, data: Path, folder: Path, say: Say) -> Run:
    """Train on the dataset folder `data`, or resume an interrupted run; `say` gets a line of text about each stage.

    Raises:
        DataError: The dataset is damaged, `folder` is not empty and holds no such run, or another process writes there.
    """
    splits = read_data_file(data / DATA_FILE)
    run = RunFolder(
        folder,
        "run",
        config,
        partial(parse_config, TrainConfig),
        "train.yaml",
        _METRICS_FILE,
        identity=_origin(data),
        identity_file="run.json",
        identity_keys=("fingerprint",),
        temporary=(yolo.CHECKPOINT, yolo.BEST),
    )
    with run.locked():
        run.require_free_or_same()
        if run.is_finished:
            say(f"{folder} holds this run already, finished; choose another --out or remove it to train again")
            return Run(folder, json.loads((folder / _METRICS_FILE).read_text(encoding="utf-8")))
        say(f"checking {data}")
        _require_sound(data / DATA_FILE)
        training = _Training(config, data, splits, folder, _start_weights(config), say)
        run.claim()
        if (data / _SYNTH_FILE).is_file():
            run.write(_SYNTH_FILE, (data / _SYNTH_FILE).read_bytes())
        if not (folder / DETECTOR).is_file():
            training.make_detector()
        metrics = training.measure()
        run.finish(json.dumps(metrics, indent=2) + "\n")
    return Run(folder, metrics)


@dataclass(frozen=True)
class _Training:
    config: TrainConfig
    data: Path
    splits: Mapping[str, Path]
    folder: Path
    start: Path | None
    say: Say

    def make_detector(self) -> None:
        """Train the detector, calibrate, and write its weights and then its ONNX file."""
        weights, draft = self.folder / DETECTOR_WEIGHTS, self.folder / f".{DETECTOR}.tmp"
        if not weights.is_file():
            yolo.save_weights(yolo.train(self.config, self.splits, self.folder, self.start), weights)
        yolo.export_onnx(weights, draft, self.config.image_size, __version__)
        self._calibrate(draft)
        draft.replace(self.folder / DETECTOR)

    def _calibrate(self, model: Path) -> None:
        """Calibrate on the validation split, or copy the calibration of the start model if that split is too small."""
        self.say("calibrating on the val split")
        try:
            calibrate_model(model, self.data, "val")
        except DataError as error:
            self.say(f"not calibrated: {error}")
            before = self.start.with_suffix(".onnx") if self.start is not None else None
            if before is not None and before.is_file():
                store_entries(model, calibration=read_entries(before.read_bytes(), str(before)).get("calibration", ""))
                self.say(f"it keeps the calibration of {before.name}")

    def measure(self) -> dict[str, Any]:
        """Return the content of metrics.json."""
        from digitdet.training.measure import measure_detector  # here: it imports Matplotlib

        split = "test" if "test" in self.splits else "val"
        self.say(f"measuring on the {split} split")
        detector = find_model(self.folder).detector
        metrics = {"split": split, "detection": measure_detector(detector, self.data, split, self.folder / split)}
        if (self.data / NUMBERS_FILE).is_file():
            metrics["numbers"] = score_numbers(NumberReader(self.folder), self.data, split)
        return metrics


def _start_weights(config: TrainConfig) -> Path | None:
    """Return the weights of the detector to start from, those of a run folder or the shipped ones."""
    if config.start == "scratch":
        return None
    folder = Path(config.start)
    if config.start != "shipped" and not folder.is_dir():
        raise ModelError(f"{folder}: no such run folder; expected 'scratch', 'shipped' or a folder of digitdet train")
    path = folder / DETECTOR_WEIGHTS
    if config.start == "shipped" or not path.is_file():
        path = shipped_file(DETECTOR_WEIGHTS)
    yolo.require_loadable(path)
    return path


def _require_sound(data_file: Path) -> None:
    if problems := check_dataset(data_file):
        shown = "; ".join(str(problem) for problem in problems[:_SHOWN_PROBLEMS])
        more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
        raise DataError(f"{shown}{more}")


def _origin(data: Path) -> dict[str, Any]:
    return {
        "data": str(data.resolve()),
        "fingerprint": fingerprint(data / DATA_FILE),
        "digitdet": __version__,
        "python": platform.python_version(),
        "packages": package_versions(_PACKAGES),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
