"""The line reader's network: a residual convolutional network over the columns of a strip, for CTC.

After CRNN (Shi, Bai and Yao, 2017) without the recurrent layers. Beside the characters it learns what every single
column shows and where the edges of that character are, which speeds up the training.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from digitdet.common.characters import BLANK
from digitdet.reading.strips import STRIP_HEIGHT
from digitdet.training.blocks import Residual, convolution

_CLASSES = BLANK + 1
_STRIDES = ((2, 2), (2, 1), (2, 1))  # (down, across) of the three stages; the stem halves both
_MIXERS, _MIXED_COLUMNS = 3, 5


class Size(NamedTuple):
    """The widths of a network: channels of the stem and of the three stages, and features of a column."""

    channels: tuple[int, int, int, int]
    features: int


LINE_READER_SIZE = Size((32, 48, 64, 112), 128)
SECOND_READER_SIZE = Size((48, 72, 112, 176), 208)


class LineReaderNet(nn.Module):
    """Strips (B, 3, STRIP_HEIGHT, W) float32, see `digitdet.reading.line_reader.to_tensor`, to columns (B, T, ...).

    Returns logits of the characters and the CTC blank (B, T, 18), of the character in each column (B, T, 18), and the
    distances to the left, top, right and bottom edge of that character in strip heights (B, T, 4). T is W / 4.
    """

    def __init__(self, size: Size = LINE_READER_SIZE) -> None:
        super().__init__()
        channels, features = size
        layers: list[nn.Module] = [convolution(3, channels[0], 3, 2), nn.ReLU()]
        for before, after, stride in zip(channels, channels[1:], _STRIDES, strict=False):
            layers += [Residual(before, after, stride), Residual(after, after)]
        layers += [convolution(channels[-1], features, (STRIP_HEIGHT // 16, 1), 1, padding=0), nn.ReLU()]
        self.backbone = nn.Sequential(*layers)
        self.mixers = nn.Sequential(*(_Mixer(features) for _ in range(_MIXERS)))
        self.characters = nn.Linear(features, _CLASSES)
        self.columns = nn.Linear(features, _CLASSES)
        self.edges = nn.Linear(features, 4)

    def forward(self, strips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the three outputs of a batch of strips."""
        features = self.mixers(self.backbone(strips).squeeze(2)).transpose(1, 2)
        return self.characters(features), self.columns(features), self.edges(features)


class _Mixer(nn.Module):
    """A residual convolution along the columns."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(features, features, _MIXED_COLUMNS, padding=_MIXED_COLUMNS // 2, bias=False)
        self.norm = nn.BatchNorm1d(features)

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.relu(self.norm(self.convolution(x)))


class ExportedNet(nn.Module):
    """The network as it is used for reading: log probabilities (18) and edges (4) in one output (B, T, 22)."""

    def __init__(self, network: LineReaderNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, strips: Tensor) -> Tensor:
        """Return the output of a batch of strips."""
        characters, _, edges = self.network(strips)
        return torch.cat([characters.log_softmax(2), edges], dim=2)
