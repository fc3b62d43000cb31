"""Symmetric quantization of weights to int8 with a scale for every output channel: a quarter of the size of float32.

Only the files are smaller. Networks are trained and run with the restored float32 weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

_SCALE = ".scale"  # added to the name of a weight
_MIN_VALUES = 4096  # smaller weights are stored as they are


def quantize(weights: dict[str, Any]) -> dict[str, Any]:
    """Return a state dictionary in which large weights (C, ...) are int8, and their scales (C,) float32 are added."""
    quantized = {}
    for name, value in weights.items():
        if value.ndim < 2 or value.numel() < _MIN_VALUES:
            quantized[name] = value
            continue
        whole, scale = _quantized(value.float().cpu().numpy(), axis=0)
        quantized[name], quantized[name + _SCALE] = torch.from_numpy(whole), torch.from_numpy(scale)
    return quantized


def dequantize(quantized: dict[str, Any]) -> dict[str, Any]:
    """Return the state dictionary with float32 weights; one that was not quantized is returned unchanged."""
    weights = {}
    for name, value in quantized.items():
        if name.endswith(_SCALE) and name.removesuffix(_SCALE) in quantized:
            continue
        scale = quantized.get(name + _SCALE)
        weights[name] = value if scale is None else value * scale.reshape(-1, *[1] * (value.ndim - 1))
    return weights


def quantize_onnx(content: bytes) -> bytes:
    """Return an ONNX file in which large weights are int8, with a DequantizeLinear that restores each of them."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_from_string(content)
    graph = model.graph
    matrices = {name for node in graph.node if node.op_type == "MatMul" for name in node.input}
    dequantizing = []
    for weight in list(graph.initializer):
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.ndim < 2 or values.size < _MIN_VALUES:
            continue
        # The weights of a MatMul are (..., in, out), all others (out, in, ...).
        name, axis = weight.name, values.ndim - 1 if weight.name in matrices else 0
        parts = dict(zip((name + "_int8", name + _SCALE), _quantized(values, axis), strict=True))
        graph.initializer.remove(weight)
        graph.initializer.extend(numpy_helper.from_array(part, part_name) for part_name, part in parts.items())
        dequantizing.append(helper.make_node("DequantizeLinear", list(parts), [name], axis=axis))
    nodes = [*dequantizing, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(model.SerializeToString())


def _quantized(values: npt.NDArray[np.float32], axis: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Return float32 values quantized to int8, and the scale (C,) of each channel along an axis."""
    others = tuple(dimension for dimension in range(values.ndim) if dimension != axis)
    scale = np.maximum(np.abs(values).max(axis=others, keepdims=True), 1e-12) / 127
    return np.rint(values / scale).astype(np.int8), scale.ravel().astype(np.float32)
