"""A model's second stage made: the recogniser trained, and put into the model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from digitdet.configs import ReadConfig, TrainConfig
from digitdet.detection.search import MultiScaleDetector
from digitdet.models.model_file import store_recogniser
from digitdet.training import yolo
from digitdet.training.hardware import computes_in_bf16, pick_device, use_cores
from digitdet.training.proposals import (
    collect_proposals,
    load_proposals,
    save_proposals,
)

PROPOSALS, CHECKPOINT = "proposals.npz", "recogniser.pt"
"""In the run folder while it trains."""


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

    from digitdet.training.recogniser import Machine, train_recogniser
    from digitdet.training.recogniser_network import load_network, to_onnx

    finder = MultiScaleDetector(model, ReadConfig())
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
    store_recogniser(model, to_onnx(network))
    return dict(network.state_dict())


def keep_second_stage(model: Path, weights: Path) -> dict[str, Any] | None:
    """Store the recogniser of a .pt file, if it has one, in the .onnx file of a detector, and return its weights."""
    from digitdet.training.recogniser_network import load_network, to_onnx

    kept = yolo.load_recogniser(weights)
    if kept is not None:
        store_recogniser(model, to_onnx(load_network(kept, str(weights))))
    return kept
