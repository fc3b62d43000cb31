"""A training run from dataset to a model that reads: resumable at every stage, and everything that made it on record.

The run folder, when it is done:

    model.onnx       for reading
    model.pt         for training on
    metrics.json     on the test split; written last: a run without it is not finished
    train.yaml       the settings
    synth.yaml       the settings of the dataset, if digitdet composed it
    run.json         the dataset's folder and fingerprint; versions of Python and packages; the machine
    training/        Ultralytics' curves and samples
    test/            confusion matrix and precision-recall curve on the test split (val/ where there is none)
"""

from __future__ import annotations

import json
import os
import platform
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from digitdet import __version__
from digitdet.common.errors import DataError
from digitdet.common.files import LOCK_FILE, folder_lock, write_atomically
from digitdet.configs import TrainConfig, parse_config
from digitdet.datasets.formats.numbers import NUMBERS_FILE
from digitdet.datasets.formats.yolo import DATA_FILE, check_dataset, fingerprint, read_data_file
from digitdet.detection.detector import OnnxDetector
from digitdet.evaluation.outcomes import score_numbers
from digitdet.models.model_file import SHIPPED_MODEL, SHIPPED_WEIGHTS, shipped_file, store_calibration
from digitdet.reader import NumberReader
from digitdet.training import yolo
from digitdet.training.calibration import calibrate_model
from digitdet.training.recogniser_stage import CHECKPOINT, PROPOSALS, keep_second_stage, train_second_stage

Say = Callable[[str], None]

_CONFIG_FILE = "train.yaml"
_METRICS_FILE = "metrics.json"
_RUN_FILE = "run.json"
_SYNTH_FILE = "synth.yaml"
_DETECTOR = "detector.pt"
_INTERMEDIATE = (yolo.CHECKPOINT, yolo.BEST, _DETECTOR, PROPOSALS, CHECKPOINT)  # gone when a run is finished
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
        """What a person wants to know at the end, a line each."""
        found = self.metrics["detection"]
        lines = [
            f"digits:  mAP50 {found['map50']:.4f}, mAP50-95 {found['map50_95']:.4f}, "
            f"precision {found['precision']:.4f}, recall {found['recall']:.4f} on the {self.metrics['split']} split"
        ]
        lines += [
            f"     {digit}:  precision {values['precision']:.4f}, recall {values['recall']:.4f}"
            for digit, values in found["digits"].items()
        ]
        if numbers := self.metrics.get("numbers"):
            share = numbers["exact"] / max(numbers["numbers"], 1)
            lines.append(f"numbers: {numbers['exact']} of {numbers['numbers']} exact ({share:.2%})")
        return [
            *lines,
            f"read with it:  digitdet read --model {shlex.quote(str(self.folder / 'model.onnx'))} photo.jpg",
        ]


def train_run(config: TrainConfig, data: Path, folder: Path, say: Say) -> Run:
    """Train on a dataset folder, or go on with a run that was interrupted.

    Args:
        config: How to train.
        data: A dataset folder with data.yaml.
        folder: The run folder; made if it is missing.
        say: Called with a line about each stage.

    Raises:
        DataError: The dataset is not sound, the folder holds another run, or another process is writing into it.
    """
    splits = read_data_file(data / DATA_FILE)
    with folder_lock(folder):
        return _train(config, data, splits, folder, say)


def _train(config: TrainConfig, data: Path, splits: dict[str, Path], folder: Path, say: Say) -> Run:
    metrics_file = folder / _METRICS_FILE
    origin = _origin(data)
    _require_free_or_same(folder, config, origin)
    if metrics_file.is_file():
        say(f"{folder} holds this run already, finished; choose another --out or remove it to train again")
        return Run(folder, json.loads(metrics_file.read_text(encoding="utf-8")))

    say(f"checking {data}")
    _require_sound(data / DATA_FILE)
    start_weights = _start_weights(config)
    _claim_folder(folder, config, data, origin)
    if not (folder / "model.onnx").is_file():
        detector = _train_detector(config, splits, folder, start_weights)
        _finish_model(config, splits, folder, detector, start_weights, data, say)
    split = "test" if "test" in splits else "val"
    say(f"measuring on the {split} split")
    metrics = _measure(config, data, splits[split], folder, split)
    for name in _INTERMEDIATE:
        (folder / name).unlink(missing_ok=True)
    write_atomically(metrics_file, json.dumps(metrics, indent=2) + "\n")
    return Run(folder, metrics)


def _train_detector(config: TrainConfig, splits: dict[str, Path], folder: Path, start_weights: Path | None) -> Path:
    """The first stage: detector.pt in the run folder."""
    detector = folder / _DETECTOR
    if not detector.is_file():
        if config.epochs == 0 and start_weights is not None:
            yolo.save_weights(start_weights, detector)
        else:
            yolo.save_weights(yolo.train(config, splits, folder, start_weights), detector)
    return detector


def _finish_model(
    config: TrainConfig,
    splits: dict[str, Path],
    folder: Path,
    detector: Path,
    start_weights: Path | None,
    data: Path,
    say: Say,
) -> None:
    """The second stage and the calibration: model.pt, and model.onnx last."""
    draft = folder / ".model.onnx.tmp"
    yolo.export_onnx(detector, draft, config.image_size, __version__)
    weights: Mapping[str, Any] | None = None
    if config.recogniser.epochs:
        say("training the recogniser on what the detector proposes")
        weights = train_second_stage(config, splits, folder, draft, start_weights)
    elif start_weights is not None:
        weights = keep_second_stage(draft, start_weights)
    yolo.save_weights(detector, folder / "model.pt", weights)
    _calibrate(draft, data, config, say)
    draft.replace(folder / "model.onnx")


def _calibrate(model: Path, data: Path, config: TrainConfig, say: Say) -> None:
    """Calibrate a model's confidences on the pictures that chose the epoch.

    Where these are too few, it keeps the calibration of the model it goes on from: better than none.
    """
    say("calibrating on the val split")
    try:
        calibrate_model(model, data, "val")
    except DataError as error:
        say(f"not calibrated: {error}")
        before = _model_before(config)
        calibration = OnnxDetector(before).calibration if before else None
        if before and calibration:
            store_calibration(model, calibration)
            say(f"it keeps the calibration of {before.name}")


def _model_before(config: TrainConfig) -> Path | None:
    """The exported model of the weights that a training starts from, if there is one."""
    if config.start == "scratch":
        return None
    path = shipped_file(SHIPPED_MODEL) if config.start == "shipped" else Path(config.start).with_suffix(".onnx")
    return path if path.is_file() else None


def _require_free_or_same(folder: Path, config: TrainConfig, origin: dict[str, Any]) -> None:
    """Refuse a folder that holds anything but this very run."""
    settings = folder / _CONFIG_FILE
    if settings.is_file():
        if parse_config(TrainConfig, settings.read_text(encoding="utf-8"), str(settings)) != config:
            raise DataError(f"{folder}: holds a run of other settings (see {settings}); choose another --out")
        before = json.loads((folder / _RUN_FILE).read_text(encoding="utf-8"))
        if before["fingerprint"] != origin["fingerprint"]:
            raise DataError(f"{folder}: holds a run on other pictures ({before['data']}); choose another --out")
    elif folder.is_dir() and any(not _is_unfinished(path) for path in folder.iterdir()):
        raise DataError(f"{folder}: is not empty and holds no run; choose another --out")


def _is_unfinished(path: Path) -> bool:
    """Whether a file is what a kill leaves of a folder that was just being claimed."""
    return path.name in (_RUN_FILE, LOCK_FILE) or path.suffix == ".tmp"


def _claim_folder(folder: Path, config: TrainConfig, data: Path, origin: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob(".*.tmp"):
        stale.unlink()
    if (folder / _CONFIG_FILE).is_file():
        return
    write_atomically(folder / _RUN_FILE, json.dumps(origin, indent=2) + "\n")
    write_atomically(folder / _CONFIG_FILE, config.to_yaml())  # from now on the folder is a run
    if (data / _SYNTH_FILE).is_file():
        write_atomically(folder / _SYNTH_FILE, (data / _SYNTH_FILE).read_bytes())


def _require_sound(data_file: Path) -> None:
    problems = check_dataset(data_file)
    if problems:
        shown = "; ".join(str(problem) for problem in problems[:_SHOWN_PROBLEMS])
        more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
        raise DataError(f"{shown}{more}")


def _start_weights(config: TrainConfig) -> Path | None:
    if config.start == "scratch":
        return None
    path = shipped_file(SHIPPED_WEIGHTS) if config.start == "shipped" else Path(config.start)
    yolo.require_loadable(path)
    return path


def _measure(config: TrainConfig, data: Path, pictures: Path, folder: Path, split: str) -> dict[str, Any]:
    detection = yolo.measure(folder / "model.pt", pictures, config.image_size, folder / split, config.device)
    metrics: dict[str, Any] = {"split": split, "detection": detection}
    if (data / NUMBERS_FILE).is_file():
        # With the exported model and the reader: what a user will get, not what the trainer measured.
        score = score_numbers(NumberReader(folder / "model.onnx"), data, split)
        metrics["numbers"] = {**asdict(score), "accuracy": score.accuracy}
    return metrics


def _origin(data: Path) -> dict[str, Any]:
    """What a run was made from and with."""
    return {
        "data": str(data.resolve()),
        "fingerprint": fingerprint(data / DATA_FILE),
        "digitdet": __version__,
        "python": platform.python_version(),
        "packages": {package: version for package in _PACKAGES if (version := _version(package))},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None  # one of the two builds of OpenCV is enough
