"""Building blocks of the networks in plain PyTorch, and their files."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from digitdet.common.errors import ModelError
from digitdet.common.files import write_atomically
from digitdet.training import eight_bits

Pair = int | tuple[int, int]


def convolution(
    before: int, after: int, kernel: Pair, stride: Pair = 1, padding: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Return a convolution of `before` to `after` channels with batch normalization."""
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(after),
    )


class Residual(nn.Module):
    """Two convolutions and a shortcut (He et al., 2016)."""

    def __init__(self, before: int, after: int, stride: tuple[int, int] = (1, 1), dilation: int = 1) -> None:
        super().__init__()
        self.first = convolution(before, after, 3, stride, dilation, dilation)
        self.second = convolution(after, after, 3)
        is_same = before == after and stride == (1, 1)
        self.shortcut = nn.Identity() if is_same else convolution(before, after, 1, stride, padding=0)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for (B, C, H, W)."""
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


def to_onnx(network: nn.Module, example: Tensor, names: tuple[str, str], axes: dict[str, dict[int, str]]) -> bytes:
    """Return a network as the content of an ONNX file, with `names` for its input and output.

    `axes` holds the names of the dimensions of any size.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter needs another package
        torch.onnx.export(
            network.float().cpu().eval(),
            (example,),
            buffer,
            input_names=[names[0]],
            output_names=[names[1]],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    return buffer.getvalue()


def write_weights(network: nn.Module, kind: str, file: Path, in_8_bits: bool = False) -> None:
    """Write the weights in half precision or in 8 bits, to start other trainings from.

    `kind` is the name of the network.
    """
    state = {name: value.cpu() for name, value in network.state_dict().items()}
    weights = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    buffer = io.BytesIO()
    torch.save({kind: eight_bits.quantize(weights) if in_8_bits else weights, "license": "MIT"}, buffer)
    write_atomically(file, buffer.getvalue())


def read_weights(file: Path, kind: str) -> dict[str, Any]:
    """Read weights that `write_weights` wrote, without executing code from the file.

    Raises:
        ModelError: The file is missing, damaged, or holds weights of another network.
    """
    reason = f"not weights of a {kind.replace('_', ' ')}"
    try:
        weights = eight_bits.dequantize(torch.load(file, map_location="cpu", weights_only=True)[kind])
    except OSError as error:
        raise ModelError(f"{file}: {error.strerror or reason}") from error
    except Exception as error:  # a damaged archive raises many kinds of errors
        raise ModelError(f"{file}: {reason}") from error
    return weights
