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
        layers: list[nn.Module] = [_convolution(3, channels[0], 3, 2), nn.ReLU()]
        for before, after, stride in zip(channels, channels[1:], _STRIDES, strict=False):
            layers += [_Residual(before, after, stride), _Residual(after, after, (1, 1))]
        layers += [_convolution(channels[-1], features, (STRIP_HEIGHT // 16, 1), 1, padding=0), nn.ReLU()]
        self.backbone = nn.Sequential(*layers)
        self.mixers = nn.Sequential(*(_Mixer(features) for _ in range(_MIXERS)))
        self.characters = nn.Linear(features, _CLASSES)
        self.columns = nn.Linear(features, _CLASSES)
        self.edges = nn.Linear(features, 4)

    def forward(self, strips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the three outputs of a batch of strips."""
        features = self.mixers(self.backbone(strips).squeeze(2)).transpose(1, 2)
        return self.characters(features), self.columns(features), self.edges(features)


class _Residual(nn.Module):
    """Two convolutions and a shortcut (He et al., 2016)."""

    def __init__(self, before: int, after: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.first = _convolution(before, after, 3, stride)
        self.second = _convolution(after, after, 3, 1)
        is_same = before == after and stride == (1, 1)
        self.shortcut = nn.Identity() if is_same else _convolution(before, after, 1, stride, padding=0)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


class _Mixer(nn.Module):
    """A residual convolution along the columns."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(features, features, _MIXED_COLUMNS, padding=_MIXED_COLUMNS // 2, bias=False)
        self.norm = nn.BatchNorm1d(features)

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.relu(self.norm(self.convolution(x)))


def _convolution(
    before: int, after: int, kernel: int | tuple[int, int], stride: int | tuple[int, int], padding: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(after),
    )


class ExportedNet(nn.Module):
    """The network as it is used for reading: log probabilities (18) and edges (4) in one output (B, T, 22)."""

    def __init__(self, network: LineReaderNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, strips: Tensor) -> Tensor:
        """Return the output of a batch of strips."""
        characters, _, edges = self.network(strips)
        return torch.cat([characters.log_softmax(2), edges], dim=2)
