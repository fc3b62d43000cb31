"""The proposal network: a small fully convolutional network that marks the places of digits in a large picture."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from digitdet.common.errors import ModelError
from digitdet.training import blocks
from digitdet.training.blocks import Residual, convolution

Targets = tuple[Tensor, Tensor]
"""Of the cells (B, h, w): 1 for a digit, 0 for none, -1 if it does not count; and heights as the network has them."""

_CHANNELS = (12, 24, 40)  # after each of the three halvings
_COARSE = 56  # channels at a sixteenth of the size, where the surroundings are seen
_KIND = "proposal_network"
_USUAL_HEIGHT = 16.0  # input pixels
_OCTAVES = (-2.0, 3.0)  # limits of the binary logarithm of the relative height
# Cells with a digit count twice; cells that are right already count less, after the focal loss (Lin et al., 2017).
_DIGIT_WEIGHT, _DIGIT_FOCUS, _OTHER_FOCUS = 2.0, 1.0, 1.5
_HEIGHT_WEIGHT, _HEIGHT_BETA = 0.7, 0.1
_FEWEST_DIGIT_CELLS = 20  # of a batch, in the denominator of the loss


class ProposalNet(nn.Module):
    """Pictures (B, 3, H, W) float32 RGB, 0 to 1, to cells (B, 2, H / 8, W / 8); H and W are multiples of 16.

    Returns the logit of a digit and the binary logarithm of its height, relative to 16 px.
    """

    def __init__(self) -> None:
        super().__init__()
        first, second, third = _CHANNELS
        self.fine = nn.Sequential(
            *(convolution(3, first, 3, 2), nn.ReLU()),
            *(convolution(first, second, 3, 2), nn.ReLU()),
            *(convolution(second, third, 3, 2), nn.ReLU()),
            Residual(third, third),
        )
        self.coarse = nn.Sequential(
            *(convolution(third, _COARSE, 3, 2), nn.ReLU()),
            *(Residual(_COARSE, _COARSE), Residual(_COARSE, _COARSE, dilation=2)),
            convolution(_COARSE, third, 1, padding=0),
            nn.Upsample(scale_factor=2.0, mode="nearest"),
        )
        self.last = nn.Sequential(Residual(third, third), nn.Conv2d(third, 2, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the output of a batch of pictures."""
        features = self.fine(pictures)
        cells: Tensor = self.last(torch.relu(features + self.coarse(features)))
        return cells


def proposal_loss(cells: Tensor, targets: Targets) -> Tensor:
    """Return the loss of a batch: the weighted cross-entropy of all cells, and the error of the heights of digits."""
    is_digit, heights = targets
    counts, digit = is_digit >= 0, is_digit == 1
    score = cells[:, 0].sigmoid()
    weight = torch.where(digit, _DIGIT_WEIGHT * (1 - score) ** _DIGIT_FOCUS, score**_OTHER_FOCUS)
    entropy = functional.binary_cross_entropy_with_logits(cells[:, 0], is_digit.clamp(min=0), reduction="none")
    height = functional.smooth_l1_loss(cells[:, 1][digit], heights[digit], beta=_HEIGHT_BETA, reduction="sum")
    return ((entropy * weight * counts).sum() + _HEIGHT_WEIGHT * height) / digit.sum().clamp(min=_FEWEST_DIGIT_CELLS)


def relative_height(height: float) -> float:
    """Return a height in input pixels as the network returns it."""
    return float(torch.tensor(height / _USUAL_HEIGHT).log2().clamp(*_OCTAVES))


class _ExportedNet(nn.Module):
    """The network as it is used for reading: a score, 0 to 1, and a height in input pixels (B, 2, H / 8, W / 8)."""

    def __init__(self, network: ProposalNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        cells = self.network(pictures)
        heights = _USUAL_HEIGHT * 2 ** cells[:, 1].clamp(*_OCTAVES)
        return torch.stack([cells[:, 0].sigmoid(), heights], dim=1)


def to_onnx(network: ProposalNet) -> bytes:
    """Return the network as the content of an ONNX file."""
    axes = {"pictures": {0: "batch", 2: "height", 3: "width"}, "cells": {0: "batch", 2: "rows", 3: "columns"}}
    return blocks.to_onnx(_ExportedNet(network), torch.zeros(1, 3, 64, 64), ("pictures", "cells"), axes)


def save_weights(network: ProposalNet, file: Path) -> None:
    """Write the weights in half precision, to start other trainings from."""
    blocks.write_weights(network, _KIND, file)


def load_weights(file: Path) -> ProposalNet:
    """Load a network from a file of `save_weights`, without executing code from the file.

    Raises:
        ModelError: The file is missing, damaged, or holds weights of another network.
    """
    network = ProposalNet()
    try:
        network.load_state_dict(blocks.read_weights(file, _KIND))
    except RuntimeError as error:
        raise ModelError(f"{file}: not weights of a proposal network of this version") from error
    return network
