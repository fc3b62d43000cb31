"""Training the line reader on strips that are drawn anew from line crops in every epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from digitdet.common.characters import BLANK
from digitdet.common.errors import ModelError
from digitdet.configs import LineReaderConfig
from digitdet.reading.line_reader import to_tensor
from digitdet.reading.strips import COLUMN_WIDTH, STRIP_HEIGHT
from digitdet.training import blocks, eight_bits
from digitdet.training.hardware import Machine
from digitdet.training.line_crops import Shard
from digitdet.training.line_reader_network import LINE_READER_SIZE, SECOND_READER_SIZE, ExportedNet, LineReaderNet
from digitdet.training.loop import LoopSettings, Step, TrainingLoop
from digitdet.training.sampling import draw_in_workers, shuffled
from digitdet.training.strip_samples import StripSample, draw_sample, seed_augmentation

Targets = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""Texts of all strips of a batch, one after the other; their lengths (B,); the columns of each strip (B,); the class of
the character in every column (B, T), -100 in the padding; the edges of that character (B, T, 4)."""

_KIND = "line_reader"
_BATCH = 64
_BATCHES_PER_POOL = 8  # a pool is drawn together and sorted by width, so that little padding is needed
_POOLS_PER_CHUNK = 64  # at most; at the end of a chunk there is a checkpoint
_WARMUP_STEPS = 400  # at most a tenth of all steps
_PADDING = -100
_LARGE = 5_000_000  # weights; the files of larger networks would have more than 20 MB
# Weights beside the CTC loss: of the class of every column, and of the edges.
_COLUMN_WEIGHT, _EDGE_WEIGHT, _EDGE_BETA = 2.5, 2.0, 0.05


def train_line_reader(
    shards: Sequence[Path],
    config: LineReaderConfig,
    seed: int,
    machine: Machine,
    network: LineReaderNet,
    checkpoint: Path,
    on_step: Callable[[Step], object] = lambda _step: None,
) -> LineReaderNet:
    """Train a line reader, or resume from a checkpoint of the same settings and lines.

    Args:
        shards: Files that `digitdet.training.line_crops.write_shard` wrote.
        config: The settings.
        seed: Seed of the start weights, the order of the lines and the strips.
        machine: See `digitdet.training.hardware.pick_machine`.
        network: The network to start from.
        checkpoint: File of an interrupted training.
        on_step: Called after every step.

    Returns:
        The network with averaged weights, in evaluation mode.
    """
    network = network.to(memory_format=torch.channels_last)
    lines = [Shard(path) for path in shards]
    draw_pool = _Pools(lines, seed).draw
    chunks, pools = _plan(sum(map(len, lines)), config)
    settings = _settings(config, chunks, pools * _BATCHES_PER_POOL, seed, machine)
    loop = TrainingLoop(network, line_reader_loss, settings, checkpoint)
    while not loop.is_finished:
        chunk = draw_in_workers(draw_pool, loop.epoch * pools, pools, machine)
        loop.run_epoch((batch for pool in chunk for batch in pool), on_step)
        loop.save()
    return cast(LineReaderNet, loop.averaged.eval())


def count_steps(lines: int, config: LineReaderConfig) -> int:
    """Return the number of steps of a training on so many lines."""
    chunks, pools = _plan(lines, config)
    return chunks * pools * _BATCHES_PER_POOL


def _plan(lines: int, config: LineReaderConfig) -> tuple[int, int]:
    """Return the number of chunks, and of the pools in each."""
    total = max(round(config.epochs * lines / (_BATCH * _BATCHES_PER_POOL)), 1)
    chunks = math.ceil(total / _POOLS_PER_CHUNK)
    return chunks, math.ceil(total / chunks)


def _settings(config: LineReaderConfig, chunks: int, steps: int, seed: int, machine: Machine) -> LoopSettings:
    """Return the settings of a loop whose epochs are `chunks` of so many steps, with a checkpoint after each."""
    return LoopSettings(
        epochs=chunks,
        steps_per_epoch=steps,
        learning_rate=config.learning_rate,
        warmup=min(_WARMUP_STEPS / (chunks * steps), 0.1),
        final_rate=0.02,
        weight_decay=0.02,
        averaging=0.9995,
        seed=seed,
        device=machine.device,
        in_bf16=machine.in_bf16,
    )


def line_reader_loss(outputs: tuple[Tensor, Tensor, Tensor], targets: Targets) -> Tensor:
    """Return the loss of a batch: CTC (Graves et al., 2006), and the class and the edges of every column."""
    characters, columns, edges = outputs
    texts, lengths, widths, true_columns, true_edges = targets
    log_probabilities = characters.log_softmax(2).transpose(0, 1)
    ctc = functional.ctc_loss(
        log_probabilities, texts, widths, lengths, blank=BLANK, reduction="none", zero_infinity=True
    ).mean()
    column = functional.cross_entropy(columns.flatten(0, 1), true_columns.flatten(), ignore_index=_PADDING)
    is_character = (true_columns >= 0) & (true_columns < BLANK)
    edge = functional.smooth_l1_loss(edges[is_character], true_edges[is_character], beta=_EDGE_BETA, reduction="sum")
    return ctc + _COLUMN_WEIGHT * column + _EDGE_WEIGHT * edge / (4 * is_character.sum() + 1)


def to_batch(samples: Sequence[StripSample]) -> tuple[Tensor, Targets]:
    """Return the input (B, 3, STRIP_HEIGHT, W) and the targets of a batch of strips."""
    width = max(sample.image.shape[1] for sample in samples)
    count = width // COLUMN_WIDTH
    columns = np.full((len(samples), count), _PADDING, np.int64)
    edges = np.zeros((len(samples), count, 4), np.float32)
    for row, sample in enumerate(samples):
        columns[row, : len(sample.columns)] = sample.columns
        edges[row, : len(sample.columns)] = sample.edges
    targets = (
        torch.from_numpy(np.concatenate([sample.text for sample in samples])),
        torch.tensor([len(sample.text) for sample in samples]),
        torch.tensor([len(sample.columns) for sample in samples]),
        torch.from_numpy(columns),
        torch.from_numpy(edges),
    )
    tensor = torch.from_numpy(to_tensor([sample.image for sample in samples], width))
    return tensor.contiguous(memory_format=torch.channels_last), targets


class _Pools:
    """Draws pools of batches from the lines of shards."""

    def __init__(self, shards: Sequence[Shard], seed: int) -> None:
        self._shards, self._seed = shards, seed
        self._ends = np.cumsum([len(shard) for shard in shards])

    def draw(self, pool: int) -> list[tuple[Tensor, Targets]]:
        """Return the batches of the pool with this number; the same number always gives the same batches."""
        rng = np.random.default_rng((self._seed, pool))
        seed_augmentation(int(rng.integers(2**31)))
        drawn = (draw_sample(self._shards[shard][row], rng) for shard, row in self._lines(pool))
        samples = sorted((one for one in drawn if one is not None), key=lambda one: one.image.shape[1])
        batches = [to_batch(samples[at : at + _BATCH]) for at in range(0, len(samples), _BATCH)]
        return [batches[at] for at in rng.permutation(len(batches))]

    def _lines(self, pool: int) -> list[tuple[int, int]]:
        """Return the shards and rows of the lines of a pool."""
        size = _BATCH * _BATCHES_PER_POOL
        lines = shuffled(int(self._ends[-1]), self._seed, pool * size, (pool + 1) * size)
        shards = np.searchsorted(self._ends, lines, side="right")
        rows = lines - np.append(0, self._ends)[shards]
        return list(zip(shards.tolist(), rows.tolist(), strict=True))


def to_onnx(network: LineReaderNet) -> bytes:
    """Return the network as the content of an ONNX file. The weights of a large network are stored in 8 bits."""
    example = torch.ones(2, 3, STRIP_HEIGHT, 16 * COLUMN_WIDTH)  # zeros would be padding
    axes = {"strips": {0: "batch", 3: "width"}, "columns": {0: "batch", 1: "columns"}}
    content = blocks.to_onnx(ExportedNet(network), example, ("strips", "columns"), axes)
    return eight_bits.quantize_onnx(content) if _is_large(network) else content


def save_weights(network: LineReaderNet, file: Path) -> None:
    """Write the weights in half precision, or in 8 bits if there are many, to start other trainings from."""
    blocks.write_weights(network, _KIND, file, _is_large(network))


def _is_large(network: LineReaderNet) -> bool:
    return sum(weight.numel() for weight in network.parameters()) > _LARGE


def load_weights(file: Path) -> LineReaderNet:
    """Load a network of either size from a file of `save_weights`, without executing code from the file.

    Raises:
        ModelError: The file is missing, damaged, or holds weights of another architecture.
    """
    weights = blocks.read_weights(file, _KIND)
    try:
        features = len(weights["characters.weight"][0])
        network = LineReaderNet(
            next(size for size in (LINE_READER_SIZE, SECOND_READER_SIZE) if size.features == features)
        )
        network.load_state_dict(weights)
    except (KeyError, IndexError, RuntimeError, StopIteration, TypeError) as error:
        raise ModelError(f"{file}: not weights of a line reader of this version") from error
    return network
