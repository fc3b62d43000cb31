"""A line reader's part of a training run: from a dataset to line_reader.pt and .onnx, or second_reader.pt and .onnx."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from digitdet import __version__
from digitdet.common.characters import SPACE
from digitdet.configs import ReadConfig, TrainConfig
from digitdet.detection.detector import OnnxDetector
from digitdet.detection.proposals import ProposalNetwork
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
from digitdet.training.hardware import pick_machine
from digitdet.training.line_crops import Shard
from digitdet.training.line_data import cut_pictures, list_pictures
from digitdet.training.line_reader import count_steps, load_weights, save_weights, to_onnx, train_line_reader
from digitdet.training.line_reader_network import LINE_READER_SIZE, SECOND_READER_SIZE, LineReaderNet
from digitdet.training.monitor import monitored
from digitdet.training.progress import Say
from digitdet.training.strip_samples import plain_sample

_CHECKPOINT = "line_reader_checkpoint.pt"
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
        files = find_model(folder)
        networks = OnnxDetector(files.detector), ProposalNetwork(files.proposals)
        detector = MultiScaleDetector(*networks, ReadConfig())
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
    settings, machine, log_file = config.line_reader, pick_machine(config), folder / "training" / "line_reader.csv"
    total = count_steps(lines, settings)
    with monitored("line reader", config, machine, total, settings.epochs, log_file, say) as show:
        return train_line_reader(shards, settings, config.seed, machine, network, folder / _CHECKPOINT, show)


def measure_line_reader(file: Path, data: Path, split: str, say: Say) -> dict[str, Any]:
    """Measure the line reader in an ONNX file in a run folder on the true lines of a split.

    Returns:
        The number of lines, and the shares of them whose whole text, and whose digits, are exact. The first is None
        where only digits are labelled: the marks would be those that the line reader itself sees.
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
    if any(picture.lines is None for picture in list_pictures(data, split)):
        exact = None
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
