"""ONNX Runtime on the CPU, set up for model files from unknown sources."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digitdet.common.errors import ModelError
from digitdet.common.types import Tensor

# The official builds of ONNX Runtime send usage reports unless this is set before the import; the call below covers the
# case that another package has imported it already.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

onnxruntime.disable_telemetry_events()


class Session:
    """A network with one input. Several threads may run it at the same time.

    Args:
        content: The bytes of an ONNX file, or the path of a trusted one: loading by path takes less memory, but lets a
            crafted model read other files as external data.
        name: What error messages call the model.
        reason: What the error message says where the model cannot be loaded.
        is_short_lived: Skip the optimisation of the memory layout: loading takes half of the time, running 1.5 times.

    Attributes:
        input_shapes: For each input the dimensions: integers, or names where any size is allowed.
        output_shape: The dimensions of the first output.
        metadata: The metadata entries of the file.
    """

    def __init__(self, content: bytes | Path, name: str, reason: str, is_short_lived: bool = False) -> None:
        options = onnxruntime.SessionOptions()
        # One thread per run: whole pictures or passes side by side are faster than sharing out every layer.
        options.intra_op_num_threads = 1
        if is_short_lived:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        # Weights in 8 bits are restored once, while loading, and not computed with, which would be less exact.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        options.log_severity_level = 4  # its warnings are about graphs, not about the user's picture
        # Models given as bytes could refer to external data in the working directory.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
        self._name = name
        source = str(content) if isinstance(content, Path) else content
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
            self.input_shapes = [one.shape for one in self._session.get_inputs()]
            self.output_shape = self._session.get_outputs()[0].shape
            self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
            self._input = self._session.get_inputs()[0].name
        except Exception as error:  # onnxruntime's errors have no common base but Exception
            raise ModelError(f"{name}: {reason}") from error

    def run(self, tensor: npt.NDArray[Any]) -> Tensor:
        """Return the first output for an input."""
        try:
            return np.asarray(self._session.run(None, {self._input: tensor})[0], np.float32)
        except Exception as error:  # as above; a damaged or hostile network may fail only here
            raise ModelError(f"{self._name}: the network fails on a picture") from error
