"""Training the recogniser on digit crops and background crops from the detector's proposals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from digitdet.common.boxes import intersection
from digitdet.common.types import Boxes, FloatArray, Image, Indices
from digitdet.configs import ReadConfig, RecogniserConfig, TrainConfig
from digitdet.datasets.formats.yolo import read_picture
from digitdet.detection.recogniser import SIDE, cut_crops
from digitdet.detection.search import MultiScaleDetector
from digitdet.models.model_file import store_recogniser
from digitdet.training import yolo
from digitdet.training.hardware import Machine, pick_machine
from digitdet.training.loop import LoopSettings, Step, TrainingLoop
from digitdet.training.proposals import (
    BACKGROUND,
    PictureProposals,
    collect_proposals,
    load_proposals,
    save_proposals,
    widened,
)
from digitdet.training.recogniser_network import RecogniserNet, load_network, to_onnx

_PICTURES_PER_STEP = 24  # about 400 crops
_WARMUP_STEPS = 200  # at most a tenth of all steps
# Augmentation of boxes, as fractions of the sides of the widened box: standard deviation of the shift of every side of
# true boxes and of proposals (which are inexact already), and mean outward shift of the sides of true boxes.
_TRUE_SHIFT, _PROPOSED_SHIFT = 0.06, 0.025
_LOOSENING = 0.06


def add_recogniser(
    config: TrainConfig, pictures: Path, proposals_file: Path, checkpoint: Path, model: Path, start: Path | None
) -> dict[str, Tensor] | None:
    """Train a recogniser for the detector in the .onnx file `model`, store it there, and return its weights.

    The training starts from the recogniser in `start`, a .pt file, if there is one; with 0 epochs it is stored as it
    is. An interrupted training is resumed from `proposals_file` and `checkpoint`.
    """
    stored = yolo.load_recogniser(start) if start else None
    network = load_network(stored, str(start)) if stored else None
    if config.recogniser.epochs:
        if not proposals_file.is_file():
            detector = MultiScaleDetector(model, ReadConfig())
            with tqdm(unit="picture", desc="proposals", delay=0.2) as bar:
                save_proposals(proposals_file, collect_proposals(detector, pictures, bar.update))
        proposals, machine = load_proposals(proposals_file), pick_machine(config)
        with tqdm(unit="step", desc="recogniser", delay=0.2) as bar:

            def show(step: Step) -> None:
                bar.set_postfix(loss=f"{step.loss:.3f}", refresh=False)
                bar.update()

            network = train_recogniser(proposals, config.recogniser, config.seed, machine, network, checkpoint, show)
    if network is None:
        return None
    store_recogniser(model, to_onnx(network))
    return network.state_dict()


def train_recogniser(
    pictures: Sequence[PictureProposals],
    config: RecogniserConfig,
    seed: int,
    machine: Machine,
    start: RecogniserNet | None,
    checkpoint: Path,
    on_step: Callable[[Step], object] = lambda _step: None,
) -> RecogniserNet:
    """Train the recogniser, or resume from a checkpoint of the same settings and pictures.

    Returns the network with averaged weights, in evaluation mode. `start` is the network to start from; None starts
    from random weights.
    """
    torch.manual_seed(seed)
    network = (start or RecogniserNet()).to(memory_format=torch.channels_last)
    steps = math.ceil(len(pictures) / _PICTURES_PER_STEP)
    settings = LoopSettings(
        epochs=config.epochs,
        steps_per_epoch=steps,
        learning_rate=config.learning_rate,
        warmup=min(_WARMUP_STEPS / max(config.epochs * steps, 1), 0.1),
        final_rate=0.02,
        weight_decay=0.02,
        label_smoothing=0.02,  # some labels are wrong: covered or illegible digits
        averaging=0.998,
        seed=seed,
        device=machine.device,
        in_bf16=machine.in_bf16,
    )
    loop = TrainingLoop(network, settings, checkpoint)
    while not loop.is_finished:
        batches = DataLoader(
            _EpochBatches(pictures, config, seed, loop.epoch),
            batch_size=None,
            num_workers=machine.workers,
            prefetch_factor=8 if machine.workers else None,
        )
        loop.run_epoch(batches, on_step)
        loop.save()
    return cast(RecogniserNet, loop.averaged.eval())


class _EpochBatches(Dataset[tuple[Tensor, Tensor]]):
    """The batches of one epoch: crops (N, 48, 48, 4) uint8 of some pictures and their labels (N,)."""

    def __init__(self, pictures: Sequence[PictureProposals], config: RecogniserConfig, seed: int, epoch: int) -> None:
        self._pictures, self._config, self._seed = pictures, config, (seed, epoch)
        self._order = np.random.default_rng(self._seed).permutation(len(pictures))

    def __len__(self) -> int:
        return math.ceil(len(self._order) / _PICTURES_PER_STEP)

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        cv2.setNumThreads(0)  # the loader has a process for every core already
        rng = np.random.default_rng((*self._seed, step))
        crops, labels = [np.zeros((0, SIDE, SIDE, 4), np.uint8)], [np.zeros(0, np.int64)]
        for row in self._order[step * _PICTURES_PER_STEP : (step + 1) * _PICTURES_PER_STEP]:
            picture = self._pictures[row]
            boxes, box_labels = choose_boxes(picture, self._config, rng)
            if len(boxes):
                crops.append(augment(cut_crops(read_picture(picture.path), boxes), rng))
                labels.append(box_labels.astype(np.int64))
        return torch.from_numpy(np.concatenate(crops)), torch.from_numpy(np.concatenate(labels))


def choose_boxes(
    picture: PictureProposals, config: RecogniserConfig, rng: np.random.Generator
) -> tuple[Boxes, Indices]:
    """Sample boxes (N, 4) of a picture to train on, each moved a little, and their labels (N,).

    Among the proposals that cover part of a digit, those with higher scores are sampled more often.
    """
    is_digit = np.flatnonzero((picture.labels >= 0) & (picture.labels < BACKGROUND))
    is_background = np.flatnonzero(picture.labels == BACKGROUND)
    touches = intersection(picture.proposed[is_background], picture.boxes).any(axis=1)
    pieces, others = is_background[touches], is_background[~touches]
    weights = picture.scores[pieces].max(axis=1, initial=0) + 0.02
    true = _sample(np.arange(len(picture.boxes)), config.true_boxes, rng)
    proposed = np.concatenate(
        [
            _sample(is_digit, config.proposals, rng),
            _sample(pieces, config.pieces, rng, weights),
            _sample(others, config.other_proposals, rng),
        ]
    )
    boxes = [
        _moved(picture.boxes[true], _TRUE_SHIFT, _LOOSENING, rng),
        _moved(picture.proposed[proposed], _PROPOSED_SHIFT, 0.0, rng),
    ]
    return np.concatenate(boxes), np.concatenate([picture.digits[true], picture.labels[proposed]])


def _sample(rows: Indices, count: int, rng: np.random.Generator, weights: FloatArray | None = None) -> Indices:
    if len(rows) <= count:
        return rows
    probabilities = None if weights is None else weights / weights.sum()
    return np.asarray(rng.choice(rows, count, replace=False, p=probabilities))


def _moved(boxes: Boxes, shift: float, loosening: float, rng: np.random.Generator) -> Boxes:
    wide = widened(boxes)
    sides = np.tile(wide[:, 2:] - wide[:, :2], 2)
    outwards = rng.exponential(1.0, boxes.shape) * loosening * [-1, -1, 1, 1]
    moved = boxes + (rng.normal(0, shift, boxes.shape) + outwards) * sides
    # The sides of a thin box may have changed places.
    return np.concatenate([np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])], axis=1)


def augment(crops: Image, rng: np.random.Generator) -> Image:
    """Vary polarity, colour, resolution, sharpness, noise and shape of crops (N, 48, 48, 4); the mask stays."""
    changed = crops.copy()
    for crop in changed:
        colours = np.ascontiguousarray(crop[:, :, :3])
        if rng.random() < 0.25:
            colours = 255 - colours
        if rng.random() < 0.3:
            colours = np.repeat(cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY)[:, :, None], 3, axis=2)
        if rng.random() < 0.25:
            colours = _downsampled(colours, rng.uniform(1.3, 3.2))
        if rng.random() < 0.3:
            colours = cv2.GaussianBlur(colours, (0, 0), rng.uniform(0.3, 1.6))
        if rng.random() < 0.3:
            noise = rng.normal(0, rng.uniform(2, 14), colours.shape)
            colours = np.clip(colours + noise, 0, 255).astype(np.uint8)
        if rng.random() < 0.35:
            colours = cv2.warpAffine(colours, _affine(rng), (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
        crop[:, :, :3] = colours
    return changed


def _downsampled(colours: Image, factor: float) -> Image:
    """Reduce the resolution by a factor: house numbers often have digits of 8 px."""
    side = round(SIDE / factor)
    small = cv2.resize(colours, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)


def _affine(rng: np.random.Generator) -> FloatArray:
    """An affine map (2, 3) around the centre: scaling by about 8%, slant of up to about 15 degrees."""
    linear = np.eye(2) + rng.normal(0, 1, (2, 2)) * [[0.08, 0.12], [0.06, 0.08]]
    centre = np.full(2, SIDE / 2)
    return np.concatenate([linear, (centre - linear @ centre)[:, None]], axis=1)
