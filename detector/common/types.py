"""Type aliases and constants that every part of the package shares."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""A picture: (H, W, 3) uint8 BGR, or (H, W) uint8 where a function says grey."""

Boxes = npt.NDArray[np.floating]
"""Boxes: (N, 4) float, xyxy in pixels unless a function says otherwise; right and bottom are exclusive."""

Box = tuple[float, float, float, float]
"""One box: left, top, right, bottom in pixels; right and bottom exclusive."""

CLASS_NAMES = tuple("0123456789")
"""The ten classes of the detector, by class number."""
