"""A model's second stage made: the recogniser trained, weighed against the detector, and put into the model."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digitdet import yolo
from digitdet.configs import MissingExtraError, ReadConfig, TrainConfig
from digitdet.datasets.folder import read_picture
from digitdet.finder import DigitFinder
from digitdet.hardware import computes_in_bf16, pick_device, use_cores
from digitdet.inference import OPINIONS, RECOGNISER
from digitdet.model_file import read_entries, store_entries
from digitdet.proposals import (
    UNCLEAR,
    PictureProposals,
    collect_proposals,
    load_proposals,
    save_proposals,
)
from digitdet.reading.opinions import Opinions
from digitdet.recogniser import OnnxRecogniser

PROPOSALS, CHECKPOINT = "proposals.npz", "recogniser.pt"
"""In the run folder while it trains."""

_EQUAL = Opinions(0.5, 0.5, 0.0)  # where the fit starts, and what holds without pictures to fit to


def train_second_stage(
    config: TrainConfig, splits: Mapping[str, Path], run: Path, model: Path, start_weights: Path | None
) -> dict[str, Any]:
    """Train a recogniser for the detector in an .onnx file, put it in there, and return its weights.

    It goes on from `run`/recogniser.pt where an earlier training was interrupted.

    Args:
        config: How to train.
        splits: Folder of the pictures of 'train' and 'val'.
        run: The run folder.
        model: The detector, as exported; changed.
        start_weights: A .pt file whose recogniser to start from, if it has one; None starts from random weights.

    Raises:
        MissingExtraError: A package of the extra `train` is missing.
    """
    from tqdm import tqdm

    from digitdet.recogniser_net import load_network, to_onnx
    from digitdet.train_recogniser import Machine, train_recogniser

    finder = DigitFinder(model, ReadConfig())
    if not (run / PROPOSALS).is_file():
        with tqdm(unit="picture", desc="proposals", delay=0.2) as bar:
            save_proposals(run / PROPOSALS, collect_proposals(finder, splits["train"], bar.update))
    pictures = load_proposals(run / PROPOSALS)
    before = yolo.load_recogniser(start_weights) if start_weights else None
    device = pick_device(config.device)
    use_cores(config.threads)
    machine = Machine(
        device if device == "cpu" else f"cuda:{device}",
        computes_in_bf16(config.precision, device),
        workers=1 if device == "cpu" else min(os.cpu_count() or 1, 8),
    )
    with tqdm(unit="step", desc="recogniser", delay=0.2) as bar:

        def show(_steps: int, loss: float) -> None:
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            bar.update()

        network = train_recogniser(
            pictures,
            config.recogniser,
            config.seed,
            machine,
            load_network(before, str(start_weights)) if before else None,
            run / CHECKPOINT,
            show,
        )
    content = to_onnx(network)
    recogniser = OnnxRecogniser(content, str(model))
    opinions = fit_opinions(collect_proposals(finder, splits["val"], quick=False), recogniser)
    put_in(model, content, opinions)
    return dict(network.state_dict())


def put_in(model: Path, recogniser: bytes, opinions: Opinions) -> None:
    """Store a recogniser (an ONNX file) and how much it counts in the .onnx file of a detector."""
    store_entries(model, {RECOGNISER: base64.b64encode(recogniser).decode("ascii"), OPINIONS: opinions.to_json()})


def copy_second_stage(source: Path, model: Path) -> None:
    """Store the recogniser of one .onnx file, if it has one, in another."""
    entries = read_entries(source)
    store_entries(model, {name: entries[name] for name in (RECOGNISER, OPINIONS) if name in entries})


def fit_opinions(pictures: Sequence[PictureProposals], recogniser: OnnxRecogniser) -> Opinions:
    """The weights under which what is there is the most probable.

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise MissingExtraError("digitdet train", "train", "scipy") from error
    scores, chances, labels = [], [], []
    for picture in pictures:
        known = picture.labels != UNCLEAR
        scores.append(picture.scores[known])
        chances.append(recogniser.recognise(read_picture(picture.path), picture.proposed[known]))
        labels.append(picture.labels[known])
    if not sum(map(len, labels)):
        return _EQUAL
    every = np.concatenate(scores), np.concatenate(chances), np.concatenate(labels).astype(np.int64)
    start = np.array([_EQUAL.detector, _EQUAL.recogniser, _EQUAL.shift])
    found = minimize(
        # A pull towards the start, worth one box, keeps few boxes from running to infinity.
        lambda weights: _loss(Opinions(*weights), *every) + float(((weights - start) ** 2).sum()) / len(every[2]),
        start,
        method="Nelder-Mead",
        bounds=[(0, None), (0, None), (None, None)],
    )
    return Opinions(*(float(value) for value in found.x))


def _loss(
    opinions: Opinions,
    scores: npt.NDArray[np.float32],
    chances: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
) -> float:
    """Mean negative log-likelihood of what the boxes hold."""
    score = np.clip(opinions.combine(scores, chances).astype(np.float64), 1e-7, 1 - 1e-7)
    odds = np.concatenate([np.log(score) - np.log1p(-score), np.zeros((len(score), 1))], axis=1)
    odds -= odds.max(axis=1, keepdims=True)
    return float((np.log(np.exp(odds).sum(axis=1)) - odds[np.arange(len(labels)), labels]).mean())
