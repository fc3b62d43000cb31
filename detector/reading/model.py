"""A model in memory: its networks, loaded once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from digitdet.detection.detector import OnnxDetector
from digitdet.detection.proposals import ProposalNetwork
from digitdet.models.model_file import SECOND_READER, find_model
from digitdet.reading.line_reader import LazyLineReader, LineReader, OnnxLineReader


@dataclass(frozen=True)
class Model:
    """The networks of a model. Several threads may use them at the same time."""

    detector: OnnxDetector
    proposals: ProposalNetwork
    line_reader: OnnxLineReader
    second_reader: LineReader


def load_model(path: Path | None = None, is_short_lived: bool = False) -> Model:
    """Load a model.

    Args:
        path: A run folder of `digitdet train`, or the ONNX file of one network; None is the model that
            ships with the package, which also stands in for a network that is not there.
        is_short_lived: Whether it will read only a few pictures; see `Session`. The shipped second reader is then
            loaded when a line is uncertain for the first time.

    Raises:
        ModelError: A file is missing, damaged, or does not hold the network that it should.
    """
    files = find_model(path)
    is_lazy = is_short_lived and SECOND_READER not in files.own  # other files are checked while loading
    second_reader = LazyLineReader if is_lazy else OnnxLineReader
    return Model(
        OnnxDetector(files.detector, is_short_lived),
        ProposalNetwork(files.proposals, is_short_lived),
        OnnxLineReader(files.line_reader, is_short_lived),
        second_reader(files.second_reader, is_short_lived),
    )
