"""The proposal network's part of a training run: from a dataset to proposals.pt and proposals.onnx."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import torch
from torch import Tensor

from digitdet import __version__
from digitdet.common.boxes import area, intersection
from digitdet.common.types import Boxes, Image
from digitdet.configs import ProposalConfig, TrainConfig
from digitdet.datasets.formats.yolo import DATA_FILE, read_data_file, read_picture
from digitdet.detection.proposals import CELL, ProposalNetwork, proposal_scale
from digitdet.models.model_file import PROPOSALS_WEIGHTS, write_proposals
from digitdet.training.hardware import Machine, pick_machine
from digitdet.training.loop import LoopSettings, TrainingLoop
from digitdet.training.monitor import monitored
from digitdet.training.progress import Say
from digitdet.training.proposal_network import (
    ProposalNet,
    Targets,
    load_weights,
    proposal_loss,
    save_weights,
    to_onnx,
)
from digitdet.training.proposal_samples import SIDE, CellSample, draw_sample, seed_augmentation
from digitdet.training.sampling import draw_in_workers, shuffled

_CHECKPOINT = "proposals_checkpoint.pt"

_BATCH = 16
_STEPS_PER_CHUNK = 256  # at the end of a chunk there is a checkpoint
_GREY = 114  # beside small pictures, if no picture is without digits
_GREY_SHARE = 0.1
_MEASURED_HEIGHTS = 6.0, 48.0  # pixels
_SHARED = 0.3  # of a digit's area that a proposal covers
_NEAR = 2.0  # a proposal this near to a digit is no mistake, in heights of the digit


@dataclass(frozen=True)
class _Picture:
    """A picture file and the boxes (N, 4) xyxy of its digits, as shares of its sides."""

    path: Path
    boxes: Boxes


def make_proposals(config: TrainConfig, data: Path, folder: Path, start: Path | None, say: Say) -> None:
    """Train a proposal network on the pictures of a dataset, or resume, and write its files to the folder of a run.

    `start` is the .pt file to start from; None starts from random weights.
    """
    weights = folder / PROPOSALS_WEIGHTS
    if not weights.is_file():
        torch.manual_seed(config.seed)
        network = load_weights(start) if start else ProposalNet()
        save_weights(_train(config, _list_pictures(data, "train"), network, folder, say), weights)
    write_proposals(weights.with_suffix(".onnx"), to_onnx(load_weights(weights)), CELL, __version__)


def _train(
    config: TrainConfig, pictures: Sequence[_Picture], network: ProposalNet, folder: Path, say: Say
) -> ProposalNet:
    say(f"training the proposal network on {len(pictures)} pictures")
    settings, machine = config.proposals, pick_machine(config)
    network = network.to(memory_format=torch.channels_last)
    total = max(round(settings.epochs * len(pictures) / _BATCH), 1)
    chunks = math.ceil(total / _STEPS_PER_CHUNK)
    chunk = math.ceil(total / chunks)
    loop = TrainingLoop(
        network, proposal_loss, _settings(settings, chunks, chunk, config.seed, machine), folder / _CHECKPOINT
    )
    draw_batch = _Batches(pictures, config.seed).draw
    log_file = folder / "training" / "proposals.csv"
    with monitored("proposal network", config, machine, chunks * chunk, settings.epochs, log_file, say) as show:
        while not loop.is_finished:
            loop.run_epoch(draw_in_workers(draw_batch, loop.epoch * chunk, chunk, machine), show)
            loop.save()
    return cast(ProposalNet, loop.averaged.eval())


def _settings(config: ProposalConfig, chunks: int, steps: int, seed: int, machine: Machine) -> LoopSettings:
    """Return the settings of a loop whose epochs are `chunks` of so many steps, with a checkpoint after each."""
    return LoopSettings(
        epochs=chunks,
        steps_per_epoch=steps,
        learning_rate=config.learning_rate,
        warmup=0.05,
        final_rate=0.01,
        weight_decay=0.02,
        averaging=0.999,
        seed=seed,
        device=machine.device,
        in_bf16=machine.in_bf16,
    )


class _Batches:
    """Draws batches of squares from pictures."""

    def __init__(self, pictures: Sequence[_Picture], seed: int) -> None:
        self._pictures, self._seed = pictures, seed
        self._empty = [one.path for one in pictures if not len(one.boxes)]

    def draw(self, batch: int) -> tuple[Tensor, Targets]:
        """Return the batch with this number; the same number always gives the same batch."""
        rng = np.random.default_rng((self._seed, batch))
        seed_augmentation(int(rng.integers(2**31)))
        surroundings = self._draw_surroundings(rng)
        samples = []
        for row in shuffled(len(self._pictures), self._seed, batch * _BATCH, (batch + 1) * _BATCH):
            picture = self._pictures[row]
            image = read_picture(picture.path)
            boxes = picture.boxes * np.array([image.shape[1], image.shape[0]] * 2)
            samples.append(draw_sample(image, boxes, surroundings, rng))
        return _to_batch(samples)

    def _draw_surroundings(self, rng: np.random.Generator) -> Image:
        """Return a square of a picture without digits, or a grey one."""
        if not self._empty or rng.random() < _GREY_SHARE:
            return np.full((SIDE, SIDE, 3), _GREY, np.uint8)
        image = read_picture(self._empty[rng.integers(len(self._empty))])
        short = min(image.shape[:2])
        if short < SIDE:
            image = np.asarray(cv2.resize(image, None, fx=SIDE / short + 0.01, fy=SIDE / short + 0.01), np.uint8)
        y, x = (int(rng.integers(side - SIDE + 1)) for side in image.shape[:2])
        return image[y : y + SIDE, x : x + SIDE]


def _to_batch(samples: Sequence[CellSample]) -> tuple[Tensor, Targets]:
    images = np.stack([sample.image[:, :, ::-1].transpose(2, 0, 1) for sample in samples])
    tensor = torch.from_numpy(images.astype(np.float32) / 255).contiguous(memory_format=torch.channels_last)
    is_digit, heights = (
        torch.from_numpy(np.stack([getattr(one, name) for one in samples])) for name in ("is_digit", "heights")
    )
    return tensor, (is_digit, heights)


def _list_pictures(data: Path, split: str) -> list[_Picture]:
    data_file = read_data_file(data / DATA_FILE)
    return [_Picture(path, data_file.labels(path).xyxy(1, 1).astype(np.float32)) for path in data_file.pictures(split)]


def measure_proposals(file: Path, data: Path, split: str) -> dict[str, Any]:
    """Measure the proposal network in an ONNX file on a split of a dataset.

    Returns:
        The number of digits with a height of 6 to 48 px, the share of them that is proposed, and the share of the
        pictures' area that is proposed far from digits.
    """
    network = ProposalNetwork(file)
    digits = proposed = false = 0
    cells = 0.0
    for picture in _list_pictures(data, split):
        image = read_picture(picture.path)
        height, width = image.shape[:2]
        true = (picture.boxes * np.array([width, height] * 2)).astype(np.float32)
        found = network.propose(image)
        heights = true[:, 3] - true[:, 1]
        measured = (heights >= _MEASURED_HEIGHTS[0]) & (heights <= _MEASURED_HEIGHTS[1])
        is_proposed = intersection(true, found).max(axis=1, initial=0) > _SHARED * area(true)
        margins = _NEAR * heights[:, None] * np.array([-1, -1, 1, 1])
        digits += int(measured.sum())
        proposed += int((is_proposed & measured).sum())
        false += int((intersection(found, true + margins).max(axis=1, initial=0) == 0).sum())
        cells += width * height * (proposal_scale(width, height) / CELL) ** 2
    return {"digits": digits, "proposed": proposed / max(digits, 1), "false_area": false / max(cells, 1)}
