"""The proposal network: a fast look at a large picture for places where small digits may be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from digitdet.common.errors import ModelError
from digitdet.common.parallel import MapFunction
from digitdet.common.types import Boxes, Image
from digitdet.detection.letterbox import letterbox
from digitdet.detection.session import Session
from digitdet.models.model_file import PROPOSALS, shipped_file, trusted_or_bytes

CELL = 8
"""Side in input pixels of the squares for which the network returns a score and a height."""

_MIN_SCORE = 0.3
_WIDTH = 0.6  # of a proposed digit, in its heights

# A picture is seen at its own size, or reduced to so many pixels, in parts of at most this side that overlap by more
# than the height of a small digit. This bounds the memory.
_MAX_PIXELS = 5_000_000
_PART_SIDE, _PART_OVERLAP = 1024, 64


class ProposalNetwork:
    """The network that proposes places of digits with a height of about 5 to 50 px, without telling which digits.

    Args:
        path: Path of an .onnx file; None is the network that ships with the package.
        is_short_lived: Whether it will read only a few pictures; see `Session`.

    Attributes:
        session: The network.

    Raises:
        ModelError: The file is missing, damaged, or holds another network.
    """

    def __init__(self, path: Path | None = None, is_short_lived: bool = False) -> None:
        path = path or shipped_file(PROPOSALS)
        self.session = Session(trusted_or_bytes(path), str(path), "not an ONNX model that can be run", is_short_lived)
        shape = self.session.output_shape
        if self.session.metadata.get("cell") != str(CELL) or len(shape) != 4 or shape[1] != 2:
            raise ModelError(f"{path}: not a proposal network made by digitdet train")

    def propose(self, image: Image, map_function: MapFunction = map) -> Boxes:
        """Return boxes (N, 4) xyxy in pixels, several for each possible digit.

        `map_function` runs the network on the parts of the picture.
        """
        height, width = image.shape[:2]
        scale = proposal_scale(width, height)

        def propose_in_part(part: tuple[int, int, int, int]) -> Boxes:
            x0, y0, x1, y1 = part
            return self._propose(image[y0:y1, x0:x1], scale) + np.array([x0, y0] * 2, np.float32)

        return np.concatenate(list(map_function(propose_in_part, _parts(width, height, scale))))

    def _propose(self, part: Image, scale: float) -> Boxes:
        """Return the proposed boxes (N, 4) in a part of a picture, in pixels of that part."""
        tensor, box = letterbox(part, max(round(max(part.shape[:2]) * scale), 1))
        scores, heights = self.session.run(tensor)[0]
        rows, columns = np.nonzero(scores >= _MIN_SCORE)
        height = heights[rows, columns]
        centres = np.stack([columns, rows] * 2, axis=1) * np.float32(CELL) + CELL / 2
        return box.to_picture((centres + height[:, None] / 2 * [-_WIDTH, -1, _WIDTH, 1]).astype(np.float32))


def proposal_scale(width: int, height: int) -> float:
    """Return the input pixels per picture pixel with which a picture is seen, at most 1."""
    return min(math.sqrt(_MAX_PIXELS / (width * height)), 1.0)


def _parts(width: int, height: int, scale: float) -> Iterator[tuple[int, int, int, int]]:
    """Yield the overlapping parts x0, y0, x1, y1 of a picture, at least two, so that two threads share the work."""
    columns, rows = (math.ceil(side * scale / _PART_SIDE) for side in (width, height))
    if columns * rows == 1:
        columns, rows = (2, 1) if width >= height else (1, 2)
    margin = math.ceil(_PART_OVERLAP / 2 / scale)
    for y0, y1 in _intervals(height, rows, margin):
        for x0, x1 in _intervals(width, columns, margin):
            yield x0, y0, x1, y1


def _intervals(length: int, count: int, margin: int) -> list[tuple[int, int]]:
    """Divide 0 to `length` into `count` intervals, each extended by the margin on both sides."""
    ends = [length * number // count for number in range(count + 1)]
    return [(max(start - margin, 0), min(stop + margin, length)) for start, stop in pairwise(ends)]
