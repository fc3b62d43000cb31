"""Type aliases and constants that all parts of the package share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""A picture: (H, W, 3) uint8 BGR, or (H, W) uint8 where a function says grey."""

Boxes = npt.NDArray[np.floating]
"""Boxes: (N, 4) float, xyxy in pixels unless a function says otherwise; right and bottom are exclusive."""

Box = tuple[float, float, float, float]
"""One box: left, top, right, bottom in pixels; right and bottom are exclusive."""

Slices = tuple[slice, slice]
"""Rows and columns of a picture."""

Points = npt.NDArray[np.floating]
"""Points: (N, 2) float, x and y in pixels with y down unless a function says otherwise."""

FloatArray = npt.NDArray[np.floating]
"""Any other float array; its shape is documented where it is used."""

Scores = npt.NDArray[np.float32]
"""Raw network outputs from 0 to 1: (N, 10), one for every digit, unless a function says otherwise."""

Tensor = npt.NDArray[np.float32]
"""Input or output of a network in float32."""

Indices = npt.NDArray[np.integer]
"""Row numbers or counts: integers, (N,) unless a function says otherwise."""

Mask = npt.NDArray[np.bool_]
"""Which rows are meant: booleans, (N,) unless a function says otherwise."""

CLASS_NAMES = tuple("0123456789")
"""Names of the detector's ten classes, in the order of their class numbers."""
