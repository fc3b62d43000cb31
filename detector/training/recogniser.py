"""Training the second stage on what the first one proposes: digits, and what is none."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from digitdet.common.boxes import intersection
from digitdet.common.files import write_atomically
from digitdet.configs import RecogniserConfig
from digitdet.datasets.formats.yolo import read_picture
from digitdet.detection.recogniser import SIDE, cut_crops
from digitdet.training.proposals import NO_DIGIT, PictureProposals, widened
from digitdet.training.recogniser_network import RecogniserNet

Crops = npt.NDArray[np.uint8]

_PICTURES_A_STEP = 24  # about 400 crops: what is learnt from one step is not about one picture
_WARMUP_STEPS = 200  # or a tenth of a short training
_FINAL_RATE = 0.02  # part of the learning rate that is left at the end
_WEIGHT_DECAY = 0.02
_LABEL_SMOOTHING = 0.02  # a few boxes are labelled wrong: covered digits, and those that nobody can tell
# The weights that are kept are a running mean of those of the last steps (Polyak and Juditsky, 1992).
_MEAN_DECAY = 0.998
# Standard deviations by which the sides of boxes are moved, in parts of the sides of the widened box: of true ones, and
# of proposals, which are inexact anyway. True ones are loosened, too, each side by this on average.
_TRUE_SHIFT, _PROPOSED_SHIFT = 0.06, 0.025
_LOOSENING = 0.06


@dataclass(frozen=True)
class Machine:
    """What to compute on: a torch device, and whether in bfloat16."""

    device: str
    in_bf16: bool
    workers: int


def train_recogniser(
    pictures: Sequence[PictureProposals],
    config: RecogniserConfig,
    seed: int,
    machine: Machine,
    start: RecogniserNet | None,
    checkpoint: Path,
    on_step: Callable[[int, float], object] = lambda _steps, _loss: None,
) -> RecogniserNet:
    """Fit the recogniser, or go on from a checkpoint of the same settings and pictures.

    Args:
        pictures: What the detector proposed on the training pictures.
        config: How to train.
        seed: Of the order, the choice of boxes and the augmentation.
        machine: What to compute on.
        start: Where the weights start; None is random ones.
        checkpoint: Written after every epoch, in one step.
        on_step: Called after every step with the number of all steps and the loss.
    """
    torch.manual_seed(seed)
    network = start or RecogniserNet()
    training = _Training(network, config, machine, math.ceil(len(pictures) / _PICTURES_A_STEP))
    if checkpoint.is_file():
        training.restore(torch.load(checkpoint, map_location=machine.device, weights_only=True))
    while training.epoch < config.epochs:
        loader = DataLoader(
            _Steps(pictures, config, seed, training.epoch),
            batch_size=None,
            num_workers=machine.workers,
            prefetch_factor=8 if machine.workers else None,
        )
        for crops, labels in loader:
            loss = training.step(crops, labels)
            on_step(training.steps, loss)
        training.epoch += 1
        buffer = io.BytesIO()
        torch.save(training.state(), buffer)
        write_atomically(checkpoint, buffer.getvalue())
    return training.averaged()


class _Training:
    """A network on its way: its optimiser, its running mean, and how far it is."""

    def __init__(self, network: RecogniserNet, config: RecogniserConfig, machine: Machine, steps_an_epoch: int) -> None:
        self._network = network.to(machine.device, memory_format=torch.channels_last).train()
        self._optimiser = torch.optim.AdamW(
            self._network.parameters(), lr=config.learning_rate, weight_decay=_WEIGHT_DECAY
        )
        self._mean = {name: value.clone() for name, value in self._network.state_dict().items()}
        self._config = config
        self._machine = machine
        self._total = config.epochs * steps_an_epoch
        self.epoch = 0
        self.steps = 0

    def step(self, crops: Tensor, labels: Tensor) -> float:
        self._set_rate()
        kind = "cpu" if self._machine.device == "cpu" else "cuda"
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=self._machine.in_bf16):
            logits = self._network(crops.to(self._machine.device, non_blocking=True))
        labels = labels.to(self._machine.device)
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=_LABEL_SMOOTHING)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        self.steps += 1
        self._average()
        return float(loss.detach())

    def _set_rate(self) -> None:
        """The learning rate along a cosine (Loshchilov and Hutter, 2017) after a warm-up."""
        done = min(self.steps / max(self._total, 1), 1.0)
        factor = _FINAL_RATE + (1 - _FINAL_RATE) * (1 + math.cos(math.pi * done)) / 2
        factor *= min((self.steps + 1) / min(_WARMUP_STEPS, self._total / 10 + 1), 1.0)
        for group in self._optimiser.param_groups:
            group["lr"] = self._config.learning_rate * factor

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(_MEAN_DECAY, (self.steps + 1) / (self.steps + 10))  # the first steps are soon forgotten
        for name, value in self._network.state_dict().items():
            if value.dtype.is_floating_point:
                self._mean[name].mul_(decay).add_(value, alpha=1 - decay)
            else:
                self._mean[name].copy_(value)

    def averaged(self) -> RecogniserNet:
        network = RecogniserNet()
        network.load_state_dict(self._mean)
        return network.eval()

    def state(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "steps": self.steps,
            "network": self._network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "mean": self._mean,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._mean = state["mean"]
        self.epoch, self.steps = state["epoch"], state["steps"]


class _Steps(Dataset[tuple[Tensor, Tensor]]):
    """The steps of one epoch: the crops (N, 48, 48, 4) uint8 of some pictures and what they hold (N,)."""

    def __init__(self, pictures: Sequence[PictureProposals], config: RecogniserConfig, seed: int, epoch: int) -> None:
        self._pictures = pictures
        self._config = config
        self._seed = (seed, epoch)
        self._order = np.random.default_rng(self._seed).permutation(len(pictures))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / _PICTURES_A_STEP)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        return (self[step] for step in range(len(self)))

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        cv2.setNumThreads(0)  # the loader's processes are as many as the cores can take
        rng = np.random.default_rng((*self._seed, step))
        crops, labels = [np.zeros((0, SIDE, SIDE, 4), np.uint8)], [np.zeros(0, np.int64)]
        for row in self._order[step * _PICTURES_A_STEP : (step + 1) * _PICTURES_A_STEP]:
            picture = self._pictures[row]
            boxes, held = choose_boxes(picture, self._config, rng)
            if len(boxes):
                crops.append(augment(cut_crops(read_picture(picture.path), boxes), rng))
                labels.append(held.astype(np.int64))
        return torch.from_numpy(np.concatenate(crops)), torch.from_numpy(np.concatenate(labels))


def choose_boxes(
    picture: PictureProposals, config: RecogniserConfig, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]:
    """Boxes (N, 4) of a picture to learn from, each moved a little, and what they hold (N,).

    Of the pieces of digits the boxes with the higher scores come more often: those that reading has to fear.
    """
    is_digit = np.flatnonzero((picture.labels >= 0) & (picture.labels < NO_DIGIT))
    is_none = np.flatnonzero(picture.labels == NO_DIGIT)
    touches = intersection(picture.proposed[is_none], picture.boxes).any(axis=1)
    pieces, others = is_none[touches], is_none[~touches]
    fear = picture.scores[pieces].max(axis=1, initial=0) + 0.02
    true = _some(np.arange(len(picture.boxes)), config.true_boxes, rng)
    own = np.concatenate(
        [
            _some(is_digit, config.proposals, rng),
            _some(pieces, config.pieces, rng, fear),
            _some(others, config.other_proposals, rng),
        ]
    )
    boxes = [
        _moved(picture.boxes[true], _TRUE_SHIFT, _LOOSENING, rng),
        _moved(picture.proposed[own], _PROPOSED_SHIFT, 0.0, rng),
    ]
    return np.concatenate(boxes), np.concatenate([picture.digits[true], picture.labels[own]])


def _some(
    rows: npt.NDArray[np.int64], count: int, rng: np.random.Generator, weights: npt.NDArray[np.floating] | None = None
) -> npt.NDArray[np.int64]:
    if len(rows) <= count:
        return rows
    chances = None if weights is None else weights / weights.sum()
    return np.asarray(rng.choice(rows, count, replace=False, p=chances))


def _moved(
    boxes: npt.NDArray[np.float32], shift: float, loosening: float, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    wide = widened(boxes)
    sides = np.tile(wide[:, 2:] - wide[:, :2], 2)
    outwards = rng.exponential(1.0, boxes.shape) * loosening * [-1, -1, 1, 1]
    moved = boxes + (rng.normal(0, shift, boxes.shape) + outwards) * sides
    # A thin box may have been turned inside out.
    return np.concatenate([np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])], axis=1)


def augment(crops: Crops, rng: np.random.Generator) -> Crops:
    """Crops (N, 48, 48, 4) in other light, sharpness and form: what the pictures' own variety does not reach, since the
    same ones are seen in every epoch.
    """
    changed = crops.copy()
    for crop in changed:
        colours = np.ascontiguousarray(crop[:, :, :3])
        if rng.random() < 0.25:
            colours = 255 - colours  # ink may be light or dark
        if rng.random() < 0.3:
            colours = np.repeat(cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY)[:, :, None], 3, axis=2)
        if rng.random() < 0.25:
            colours = _with_fewer_pixels(colours, rng.uniform(1.3, 3.2))
        if rng.random() < 0.3:
            colours = cv2.GaussianBlur(colours, (0, 0), rng.uniform(0.3, 1.6))
        if rng.random() < 0.3:
            noise = rng.normal(0, rng.uniform(2, 14), colours.shape)
            colours = np.clip(colours + noise, 0, 255).astype(np.uint8)
        if rng.random() < 0.35:
            matrix = _small_change_of_form(rng)
            colours = cv2.warpAffine(colours, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
        crop[:, :, :3] = colours
    return changed


def _with_fewer_pixels(colours: Crops, factor: float) -> Crops:
    """As from a picture with so many times fewer pixels a side: down to digits of 8 px, as house numbers often are."""
    side = round(SIDE / factor)
    small = cv2.resize(colours, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)


def _small_change_of_form(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """An affine map (2, 3) that leaves the middle where it is: scaling by about 8%, slant up to about 15 degrees."""
    linear = np.eye(2) + rng.normal(0, 1, (2, 2)) * [[0.08, 0.12], [0.06, 0.08]]
    middle = np.full(2, SIDE / 2)
    return np.concatenate([linear, (middle - linear @ middle)[:, None]], axis=1)
