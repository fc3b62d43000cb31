"""The networks of the two line readers: residual convolutional networks over the columns of a strip, for CTC.

After CRNN (Shi, Bai and Yao, 2017) without the recurrent layers; the second reader has attention layers instead. Beside
the characters they learn what every single column shows and where the edges of that character are, which speeds up the
training.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from digitdet.common.characters import BLANK
from digitdet.reading.strips import COLUMN_WIDTH, STRIP_HEIGHT
from digitdet.training.blocks import Residual, convolution

_CLASSES = BLANK + 1
_STRIDES = ((2, 2), (2, 1), (2, 1))  # (down, across) of the three stages; the stem halves both
_MIXERS, _MIXED_COLUMNS = 3, 5
_HEADS = 8


class Size(NamedTuple):
    """The size of a network."""

    channels: tuple[int, int, int, int]  # of the stem and of the three stages
    features: int  # of a column
    stem_blocks: int = 0  # residual blocks after the stem
    blocks: int = 2  # residual blocks of each stage
    attention_layers: int = 0


LINE_READER_SIZE = Size((32, 48, 64, 112), 128)
SECOND_READER_SIZE = Size((64, 96, 192, 320), 384, stem_blocks=1, blocks=3, attention_layers=2)


class LineReaderNet(nn.Module):
    """Strips (B, 3, STRIP_HEIGHT, W) float32, see `digitdet.reading.line_reader.to_tensor`, to columns (B, T, ...).

    Returns logits of the characters and the CTC blank (B, T, 18), of the character in each column (B, T, 18), and the
    distances to the left, top, right and bottom edge of that character in strip heights (B, T, 4). T is W / 4.
    """

    def __init__(self, size: Size = LINE_READER_SIZE) -> None:
        super().__init__()
        channels, features = size.channels, size.features
        layers: list[nn.Module] = [convolution(3, channels[0], 3, 2), nn.ReLU()]
        layers += [Residual(channels[0], channels[0]) for _ in range(size.stem_blocks)]
        for before, after, stride in zip(channels, channels[1:], _STRIDES, strict=False):
            layers += [Residual(before, after, stride)]
            layers += [Residual(after, after) for _ in range(size.blocks - 1)]
        layers += [convolution(channels[-1], features, (STRIP_HEIGHT // 16, 1), 1, padding=0), nn.ReLU()]
        self.backbone = nn.Sequential(*layers)
        self.mixers = nn.Sequential(*(_Mixer(features) for _ in range(_MIXERS)))
        self.attention = nn.ModuleList(_Attention(features) for _ in range(size.attention_layers))
        self.characters = nn.Linear(features, _CLASSES)
        self.columns = nn.Linear(features, _CLASSES)
        self.edges = nn.Linear(features, 4)

    def forward(self, strips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the three outputs of a batch of strips."""
        features = self.mixers(self.backbone(strips).squeeze(2)).transpose(1, 2)
        if self.attention:
            is_strip = functional.max_pool1d(strips.abs().amax(2), COLUMN_WIDTH).amax(1) > 0  # the padding is 0
            for layer in self.attention:
                features = layer(features, is_strip)
        return self.characters(features), self.columns(features), self.edges(features)


class _Mixer(nn.Module):
    """A residual convolution along the columns."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(features, features, _MIXED_COLUMNS, padding=_MIXED_COLUMNS // 2, bias=False)
        self.norm = nn.BatchNorm1d(features)

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.relu(self.norm(self.convolution(x)))


class _Attention(nn.Module):
    """A transformer layer (Vaswani et al., 2017) with the normalization first. The padding is not attended to."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first_norm, self.second_norm = nn.LayerNorm(features), nn.LayerNorm(features)
        self.projections, self.combine = nn.Linear(features, 3 * features), nn.Linear(features, features)
        self.widen, self.narrow = nn.Linear(features, 2 * features), nn.Linear(2 * features, features)

    def forward(self, x: Tensor, is_strip: Tensor) -> Tensor:
        """Return the output for features (B, T, C); `is_strip` (B, T) is False for the columns of the padding."""
        parts = self.projections(self.first_norm(x)).chunk(3, dim=-1)
        queries, keys, values = (part.unflatten(2, (_HEADS, -1)).transpose(1, 2) for part in parts)
        found = functional.scaled_dot_product_attention(queries, keys, values, is_strip[:, None, None])
        x = x + self.combine(found.transpose(1, 2).flatten(2))
        return x + self.narrow(functional.gelu(self.widen(self.second_norm(x))))


class ExportedNet(nn.Module):
    """The network as it is used for reading: log probabilities (18) and edges (4) in one output (B, T, 22)."""

    def __init__(self, network: LineReaderNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, strips: Tensor) -> Tensor:
        """Return the output of a batch of strips."""
        characters, _, edges = self.network(strips)
        return torch.cat([characters.log_softmax(2), edges], dim=2)
