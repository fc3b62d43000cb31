"""A line reader's part of a training run: from a dataset to line_reader.pt and .onnx, or second_reader.pt and .onnx."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from digitdet import __version__
from digitdet.common.characters import SPACE
from digitdet.common.files import write_atomically
from digitdet.configs import ReadConfig, TrainConfig
from digitdet.detection.search import MultiScaleDetector
from digitdet.models.model_file import (
    LINE_READER_WEIGHTS,
    SECOND_READER_WEIGHTS,
    find_model,
    read_entries,
    write_line_reader,
)
from digitdet.reading.ctc import decode
from digitdet.reading.line_reader import OnnxLineReader
from digitdet.reading.strips import STRIP_HEIGHT
from digitdet.training.hardware import CpuThreads, describe_machine, pick_machine
from digitdet.training.line_crops import Shard
from digitdet.training.line_data import cut_pictures, list_pictures
from digitdet.training.line_reader import count_steps, load_weights, save_weights, to_onnx, train_line_reader
from digitdet.training.line_reader_network import LINE_READER_SIZE, SECOND_READER_SIZE, LineReaderNet
from digitdet.training.loop import Step
from digitdet.training.plots import draw_curve
from digitdet.training.progress import Say, TrainingProgress
from digitdet.training.strip_samples import plain_sample

_CHECKPOINT = "line_reader_checkpoint.pt"
_LOGGED_STEPS = 20  # steps whose mean loss is one row of the log
_MEASURED_BATCH = 64  # strips


def make_line_reader(config: TrainConfig, data: Path, folder: Path, start: Path | None, known: Path, say: Say) -> None:
    """Train a line reader for the detector of the run folder `folder`, or resume, and write its files there.

    With `only: second-reader` it is a second reader. `start` is the .pt file to start from; None starts from random
    weights. `known` is the .onnx file of a trained line reader: it reads the marks of pictures without lines of text,
    and the new one begins with its calibration.
    """
    is_second = config.only == "second-reader"
    weights = folder / (SECOND_READER_WEIGHTS if is_second else LINE_READER_WEIGHTS)
    if not weights.is_file():
        detector = MultiScaleDetector(find_model(folder).detector, ReadConfig())
        shards = _cut_lines(data, "train", OnnxLineReader(known), folder / "lines-train", config.seed, say, detector)
        torch.manual_seed(config.seed)
        size = SECOND_READER_SIZE if is_second else LINE_READER_SIZE
        network = load_weights(start) if start else LineReaderNet(size)
        save_weights(_train(config, shards, network, folder, say), weights)
    entries = read_entries(known.read_bytes(), str(known))
    calibration = {name: text for name, text in entries.items() if name in ("weights", "calibration")}
    write_line_reader(
        weights.with_suffix(".onnx"), to_onnx(load_weights(weights)), STRIP_HEIGHT, __version__, calibration
    )


def _train(config: TrainConfig, shards: list[Path], network: LineReaderNet, folder: Path, say: Say) -> LineReaderNet:
    lines = sum(len(Shard(path)) for path in shards)
    say(f"training the line reader on {lines} lines")
    settings, log = config.line_reader, _LossLog(folder / "training" / "line_reader.csv")
    machine, checkpoint, total = pick_machine(config), folder / _CHECKPOINT, count_steps(lines, settings)
    threads, device = CpuThreads(config.threads), machine.device.removeprefix("cuda:")
    progress = TrainingProgress("line reader", lambda: describe_machine(device, machine.in_bf16), total, say)
    epochs = max(round(settings.epochs), 1)
    losses: list[float] = []

    def show(step: Step) -> None:
        if not losses and step.number > 1:
            progress.line(f"continuing the line reader after step {step.number - 1} of {total}")
        progress.step(step.number, step.loss)
        threads.adapt()
        losses.append(step.loss)
        log.add(step)
        epoch = step.number * epochs // total
        if epoch > (step.number - 1) * epochs // total:
            progress.epoch(epoch, epochs, f"loss {np.mean(losses[-math.ceil(total / epochs) :]):.3f}")

    try:
        network = train_line_reader(shards, settings, config.seed, machine, network, checkpoint, show)
    finally:
        progress.close()
    log.draw()
    return network


def measure_line_reader(file: Path, data: Path, split: str, say: Say) -> dict[str, Any]:
    """Measure the line reader in an ONNX file in a run folder on the true lines of a split.

    Returns:
        The number of lines, and the shares of them whose whole text, and whose digits, are exact.
    """
    reader = OnnxLineReader(file)
    right, count = np.zeros(2), 0
    for shard in map(Shard, _cut_lines(data, split, reader, file.with_name(f"lines-{split}"), 0, say)):
        drawn = (plain_sample(shard[row]) for row in range(len(shard)))
        samples = [sample for sample in drawn if sample is not None]
        for start in range(0, len(samples), _MEASURED_BATCH):
            group = samples[start : start + _MEASURED_BATCH]
            for sample, columns in zip(group, reader.read([sample.image for sample in group]), strict=True):
                read, true = decode(columns.log_probabilities).classes, sample.text
                right += np.array_equal(read, true), np.array_equal(read[read < SPACE], true[true < SPACE])
        count += len(samples)
    exact, exact_digits = (right / max(count, 1)).tolist()
    return {"lines": count, "exact": exact, "exact_digits": exact_digits}


def _cut_lines(
    data: Path,
    split: str,
    line_reader: OnnxLineReader,
    stem: Path,
    seed: int,
    say: Say,
    detector: MultiScaleDetector | None = None,
) -> list[Path]:
    """Cut the lines out of the pictures of a split into the files `stem`-NUMBER.npz; see `cut_pictures`."""
    pictures = list_pictures(data, split)
    if derived := sum(picture.lines is None for picture in pictures):
        say(f"{derived} of {len(pictures)} {split} pictures have only digits labelled; the line reader adds the marks")
    with tqdm(total=len(pictures), unit="picture", desc=f"lines of {split}", delay=0.2, disable=None) as bar:
        return cut_pictures(pictures, detector, line_reader, stem, seed, bar.update)


class _LossLog:
    """The mean loss of every `_LOGGED_STEPS` steps as a CSV file, which a resumed training continues."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._rows = self._read() if file.is_file() else []
        self._losses: list[float] = []

    def _read(self) -> list[tuple[int, float]]:
        lines = (line.split(",") for line in self._file.read_text(encoding="utf-8").splitlines()[1:])
        return [(int(step), float(loss)) for step, loss in lines]

    def add(self, step: Step) -> None:
        """Add a step, and drop those that were made after the checkpoint of an interrupted training."""
        self._losses.append(step.loss)
        if step.number % _LOGGED_STEPS:
            return
        self._rows = [row for row in self._rows if row[0] < step.number]
        self._rows.append((step.number, float(np.mean(self._losses))))
        self._losses.clear()
        self._file.parent.mkdir(exist_ok=True)
        write_atomically(self._file, "step,loss\n" + "".join(f"{number},{loss:.5f}\n" for number, loss in self._rows))

    def draw(self) -> None:
        """Write the curve beside the CSV file."""
        if self._rows:
            write_atomically(self._file.with_suffix(".png"), draw_curve(self._rows, "step", "loss"))
