"""The network of the recogniser in PyTorch, and its export to ONNX."""

from __future__ import annotations

import io
import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from digitdet.common.errors import ModelError
from digitdet.detection.recogniser import CLASSES, SIDE

_WIDTHS = (32, 64, 128)  # channels at 24, 12 and 6 px
_DROPOUT = 0.2
_MIN_CONTRAST = 0.03  # added to the standard deviation, so that noise on an even background is not amplified


class RecogniserNet(nn.Module):
    """A residual network (He et al., 2016)."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third = _WIDTHS
        self.stem = nn.Sequential(
            nn.Conv2d(4, first, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(first), nn.ReLU(inplace=True)
        )
        self.body = nn.Sequential(
            _Block(first, first, stride=1),
            _Block(first, second, stride=2),
            _Block(second, second, stride=1),
            _Block(second, third, stride=2),
            _Block(third, third, stride=1),
        )
        self.dropout = nn.Dropout(_DROPOUT)
        cells = (SIDE // 16) ** 2  # 3 x 3 cells keep the position in the crop
        self.classify = nn.Linear(third * cells, CLASSES)

    def forward(self, crops: Tensor) -> Tensor:
        """Return logits (N, 11) of crops (N, 48, 48, 4) uint8."""
        inputs = normalise(crops).contiguous(memory_format=torch.channels_last)
        features = functional.avg_pool2d(self.body(self.stem(inputs)), 2)
        logits: Tensor = self.classify(self.dropout(features.flatten(1)))
        return logits


class _Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        self.shortcut = (
            nn.Identity()
            if before == after and stride == 1
            else nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after))
        )

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.second_norm(self.second(inner)) + self.shortcut(x))


def normalise(crops: Tensor) -> Tensor:
    """Convert crops (N, 48, 48, 4) uint8 to inputs (N, 4, 48, 48) float32.

    The colours of each crop have mean 0 and standard deviation 1, the mask of the box is 1 inside and -1 outside.
    """
    values = crops.permute(0, 3, 1, 2).float() / 255
    colours = values[:, :3]
    centred = colours - colours.mean(dim=(1, 2, 3), keepdim=True)
    deviation = centred.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    return torch.cat([centred / (deviation + _MIN_CONTRAST), values[:, 3:] * 2 - 1], dim=1)


def to_onnx(network: RecogniserNet) -> bytes:
    """Export the network to ONNX: `crops` (N, 48, 48, 4) uint8 to probabilities `chances` (N, 11) float32."""
    buffer = io.BytesIO()
    example = torch.zeros((2, SIDE, SIDE, 4), dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter needs another package
        torch.onnx.export(
            nn.Sequential(network.eval().float().cpu(), nn.Softmax(dim=1)),
            (example,),
            buffer,
            input_names=["crops"],
            output_names=["chances"],
            dynamic_axes={"crops": {0: "n"}, "chances": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
    return buffer.getvalue()


def load_network(weights: dict[str, Any], source: str) -> RecogniserNet:
    """Return a network with stored weights; raise ModelError if they have another architecture."""
    network = RecogniserNet()
    try:
        network.load_state_dict({name: value.float() for name, value in weights.items()})
    except (RuntimeError, AttributeError) as error:
        raise ModelError(f"{source}: its recogniser was made by another version of digitdet") from error
    return network
