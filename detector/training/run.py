"""A training run, from a dataset to a model that reads numbers. It can be interrupted at any time and resumed.

The folder of a finished run:

    NETWORK.onnx     a network, for reading: detector, line_reader; second_reader and proposals if they were trained
    NETWORK.pt       its weights, to start other trainings from
    metrics.json     metrics on the test split; marks the run as finished
    train.yaml       the settings
    synth.yaml       the settings of the dataset, if digitdet composed it
    run.json         folder and fingerprint of the dataset, versions of Python and packages, the machine
    training/        Ultralytics' curves, samples and messages; line_reader.csv and .png: its losses; likewise proposals
    test/            confusion matrix of the detector on the test split (val/ if there is none)
"""

from __future__ import annotations

import json
import os
import platform
import shlex
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from digitdet import __version__
from digitdet.common.errors import DataError, ModelError
from digitdet.common.files import write_atomically
from digitdet.common.run_folder import RunFolder, package_versions
from digitdet.common.tables import format_table
from digitdet.configs import TrainConfig, parse_config
from digitdet.datasets.formats.dataset import linked_yolo
from digitdet.datasets.formats.numbers import NUMBERS_FILE
from digitdet.datasets.formats.yolo import DATA_FILE, DataFile, check_dataset, fingerprint, read_data_file
from digitdet.evaluation.outcomes import score_numbers
from digitdet.models.model_file import (
    DETECTOR,
    DETECTOR_WEIGHTS,
    LINE_READER,
    NETWORKS,
    PROPOSALS,
    SECOND_READER,
    find_model,
    shipped_file,
)
from digitdet.reader import NumberReader
from digitdet.training import yolo
from digitdet.training.calibration import calibrate_model
from digitdet.training.progress import Say

UNFINISHED = (yolo.CHECKPOINT, yolo.BEST, "line_reader_checkpoint.pt", "proposals_checkpoint.pt", "lines-*.npz")
"""The files of an unfinished run, which are removed at its end."""

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
        """Return the metrics as a table, and the command to read with the model, as lines of text."""
        found, split = self.metrics["detection"], self.metrics["split"]
        rows = [[f"{split} split", "precision", "recall", "mAP50", "mAP50-95"]]
        rows += [[digit, *_figures(values["precision"], values["recall"])] for digit, values in found["digits"].items()]
        rows.append(["all digits", *_figures(*(found[name] for name in ("precision", "recall", "map50", "map50_95")))])
        lines = format_table(rows).splitlines()
        if texts := self.metrics.get("lines"):
            marks = "" if texts["exact"] is None else f", {texts['exact']:.2%} with their marks"
            lines.append(f"{texts['exact_digits']:.2%} of {texts['lines']} lines exact in their digits{marks}")
        if places := self.metrics.get("proposals"):
            lines.append(
                f"{places['proposed']:.2%} of {places['digits']} digits of 6 to 48 px proposed, "
                f"and {places['false_area']:.2%} of the area without digits"
            )
        if numbers := self.metrics.get("numbers"):
            share = numbers["exact"] / max(numbers["numbers"], 1)
            lines.append(f"{share:.2%} of {numbers['numbers']} numbers exact")
        return [*lines, f"read with it:  digitdet read --model {shlex.quote(str(self.folder))} photo.jpg"]


def _figures(*values: float) -> list[str]:
    return [f"{value:.4f}" for value in values]


def train_run(config: TrainConfig, data: Path, folder: Path, say: Say) -> Run:
    """Train on the dataset folder `data`, or resume an interrupted run; `say` gets a line of text about each stage.

    Raises:
        DataError: The dataset is damaged, `folder` is not empty and holds no such run, or another process writes there.
    """
    data_file = read_data_file(data / DATA_FILE)
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
        temporary=UNFINISHED,
    )
    with run.locked():
        run.require_free_or_same()
        if run.is_finished:
            say(f"{folder} holds this run already, finished; choose another --out or remove it to train again")
            return Run(folder, json.loads((folder / _METRICS_FILE).read_text(encoding="utf-8")))
        say(f"checking {data}")
        _require_sound(data / DATA_FILE)
        for note in data_file.notes:
            say(note)
        training = _Training(config, data, data_file, folder, say)
        training.check_start()
        if (folder / run.settings_file).is_file():
            say(f"continuing the interrupted run in {folder}")
        run.claim()
        if (data / _SYNTH_FILE).is_file():
            run.write(_SYNTH_FILE, (data / _SYNTH_FILE).read_bytes())
        try:
            training.make_model()
            metrics = training.measure()
        except KeyboardInterrupt:
            say(f"interrupted; the same command continues the run in {folder} after its last finished epoch")
            raise
        run.finish(json.dumps(metrics, indent=2) + "\n")
    return Run(folder, metrics)


@dataclass(frozen=True)
class _Training:
    """The stages of a run in the folder `folder`."""

    config: TrainConfig
    data: Path
    data_file: DataFile
    folder: Path
    say: Say

    def check_start(self) -> None:
        """Raise ModelError if the weights to start from are missing or damaged."""
        start = self._start_folder
        if start is not None and not start.is_dir():
            raise ModelError(f"{self.config.start}: no such run folder; expected 'scratch', 'shipped' or a run folder")
        if start is not None:
            self._require_weights(start)
        for network in self._trained:
            if (weights := self._start_file(_weights(network))) is None:
                continue
            if network == DETECTOR:
                yolo.require_loadable(weights)
            elif network == PROPOSALS:
                from digitdet.training import proposal_network  # here: importing torch takes seconds

                proposal_network.load_weights(weights)
            else:
                from digitdet.training import line_reader

                line_reader.load_weights(weights)

    def _require_weights(self, folder: Path) -> None:
        """Raise ModelError if a run folder holds no network, or a network to be trained without its weights."""
        find_model(folder)
        for network in self._trained:
            # `digitdet calibrate` copies the shipped line reader without its weights.
            if network != LINE_READER and (folder / network).is_file() and not (folder / _weights(network)).is_file():
                raise ModelError(f"{folder}: has {network}, but not {_weights(network)}, from which training starts")

    @property
    def _trained(self) -> tuple[str, ...]:
        """The ONNX files of the networks that are trained."""
        return {
            None: (DETECTOR, LINE_READER),
            "detector": (DETECTOR,),
            "line-reader": (LINE_READER,),
            "second-reader": (SECOND_READER,),
            "proposals": (PROPOSALS,),
        }[self.config.only]

    def make_model(self) -> None:
        """Train the networks of which the folder has no ONNX file yet, copy the others, and calibrate."""
        for network in {*NETWORKS} - {*self._trained}:
            self._copy(network)
        for network in self._trained:
            if not (self.folder / network).is_file():
                self._train(network)
        self._calibrate()

    def _copy(self, network: str) -> None:
        """Copy a network that is not trained: that of the start, else the shipped detector or line reader."""
        source = self._start_folder
        if source is None or not (source / network).is_file():
            if network not in (DETECTOR, LINE_READER):
                return  # reading takes the shipped one
            source = shipped_file(network).parent
        for name in (network, _weights(network)):
            if (source / name).is_file():
                write_atomically(self.folder / name, (source / name).read_bytes())

    def _train(self, network: str) -> None:
        """Train a network, and write its .pt and .onnx files."""
        start = self._start_file(_weights(network))
        if network == DETECTOR:
            weights = self.folder / DETECTOR_WEIGHTS
            if not weights.is_file():
                with linked_yolo(self.data_file, self.folder / "training" / "data") as splits:
                    yolo.save_weights(yolo.train(self.config, splits, self.folder, start, self.say), weights)
            yolo.export_onnx(weights, self.folder / DETECTOR, self.config.image_size, __version__)
        elif network == PROPOSALS:
            from digitdet.training.proposal_run import make_proposals  # here: importing torch takes seconds

            make_proposals(self.config, self.data, self.folder, start, self.say)
        else:
            from digitdet.training.line_reader_run import make_line_reader

            known = self._start_file(network) or shipped_file(network)
            make_line_reader(self.config, self.data, self.folder, start, known, self.say)

    def _calibrate(self) -> None:
        """Calibrate on the validation split; if it is too small, the calibration stays that of the start."""
        self.say("calibrating on the val split")
        try:
            calibrate_model(self.folder, [self.data], "val", measure=False)
        except DataError as error:
            self.say(f"not calibrated: {error}; it keeps the calibration of the model that it started from")

    @property
    def _start_folder(self) -> Path | None:
        return None if self.config.start in ("scratch", "shipped") else Path(self.config.start)

    def _start_file(self, name: str) -> Path | None:
        """Return a file of the model to start from, the shipped one if the run folder has none; None from scratch."""
        if self.config.start == "scratch":
            return None
        if self._start_folder is not None and (self._start_folder / name).is_file():
            return self._start_folder / name
        return shipped_file(name)

    def measure(self) -> dict[str, Any]:
        """Return the content of metrics.json."""
        from digitdet.training.line_reader_run import measure_line_reader
        from digitdet.training.measure import measure_detector  # here: it imports Matplotlib

        split = "test" if "test" in self.data_file.sources else "val"
        self.say(f"measuring on the {split} split")
        detector = find_model(self.folder).detector
        metrics = {"split": split, "detection": measure_detector(detector, self.data, split, self.folder / split)}
        if (last := self._trained[-1]) == PROPOSALS:
            from digitdet.training.proposal_run import measure_proposals

            metrics["proposals"] = measure_proposals(self.folder / PROPOSALS, self.data, split)
        elif last != DETECTOR:
            metrics["lines"] = measure_line_reader(self.folder / last, self.data, split, self.say)
        if (self.data / NUMBERS_FILE).is_file():
            metrics["numbers"] = score_numbers(NumberReader(self.folder), self.data, split)
        return metrics


def _weights(network: str) -> str:
    return Path(network).with_suffix(".pt").name


def _require_sound(data_file: Path) -> None:
    if problems := check_dataset(data_file, decode=True):
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
