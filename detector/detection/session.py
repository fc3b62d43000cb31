"""A network in ONNX, from whomever, ready to be run; no torch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from digitdet.common.errors import ModelError

# The official builds of ONNX Runtime report to their maker when models are loaded and run, on Linux too since 2026,
# unless this is set before the import. The call is for where somebody else has imported it. What is read is nobody's
# business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

onnxruntime.disable_telemetry_events()


class Session:
    """ONNX Runtime on the CPU, for networks with one input. Any number of threads may run it at the same time.

    Args:
        content: The bytes of an ONNX file; or its path, for one that can be trusted: by its path a crafted model could
            pull in other files as external data. By path takes less memory.
        name: What errors call it.
        reason: What they say where it cannot be loaded.
        is_short_lived: Whether it is for a few pictures: it is loaded in half of the time, and runs 1.5 times as long.

    Raises:
        ModelError: It cannot be loaded.
    """

    def __init__(self, content: bytes | Path, name: str, reason: str, is_short_lived: bool = False) -> None:
        options = onnxruntime.SessionOptions()
        # Its own threads share out each layer, and wait for each other at its end: on two cores, two pictures or two
        # passes at once take two thirds of the time.
        options.intra_op_num_threads = 1
        if is_short_lived:  # without the rearrangement of all weights for this processor's vectors
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.log_severity_level = 4  # its warnings are about graphs, not about the user's picture
        # With bytes, names of external data would count from the folder where the program runs.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
        self._name = name
        source = str(content) if isinstance(content, Path) else content
        try:
            self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
            self.input_shapes = [one.shape for one in self._session.get_inputs()]
            """Of each input: numbers, and names where any number will do."""
            self.output_shape = self._session.get_outputs()[0].shape
            """Of the first output."""
            self.entries: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
            """What the file says about itself."""
            self._input = self._session.get_inputs()[0].name
        except Exception as error:  # onnxruntime's errors have no common base but Exception
            raise ModelError(f"{name}: {reason}") from error

    def run(self, tensor: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The first output for an input.

        Raises:
            ModelError: The network cannot be run on it.
        """
        try:
            return np.asarray(self._session.run(None, {self._input: tensor})[0], np.float32)
        except Exception as error:  # as above; a network that was damaged, or made to do harm, may fail only here
            raise ModelError(f"{self._name}: the network fails on a picture") from error
