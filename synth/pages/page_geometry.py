"""The geometry of the page before the camera: rotation, perspective, curvature and crop."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdet.common.types import FloatArray, Points
from digitdet.configs.look import LookConfig

# Step in pixels of the finite differences, and the offsets (3, 1, 2) of the points they are computed from.
_STEP = 0.5
_OFFSETS = np.array([[[0.0, 0.0]], [[_STEP, 0.0]], [[0.0, _STEP]]])
# Points (16, 2) along the border of a centred unit square: the extremes of a curved page need not be at its corners.
_SIDE = np.linspace(-0.5, 0.5, 5)[:-1]
_TOP = np.column_stack([_SIDE, np.full(4, -0.5)])
_RIGHT = np.column_stack([np.full(4, 0.5), _SIDE])
_BORDER = np.concatenate([_TOP, _RIGHT, -_TOP, -_RIGHT])


@dataclass(frozen=True)
class PageMap:
    """Maps points of a flat page (x, y in pixels from its centre, y down) to the canvas.

    Lines are first bent into arcs, then the page is mapped by a homography (Hartley and Zisserman, Multiple View
    Geometry, 2.3).
    """

    matrix: FloatArray  # the homography (3, 3)
    radius: float = 0.0  # radius of the arcs in pixels; 0 is straight, positive values bend the ends down

    def apply(self, points: npt.ArrayLike) -> Points:
        """Return the canvas points (N, 2) of page points (N, 2)."""
        flat = np.asarray(points, np.float64).reshape(-1, 2)
        if self.radius:
            angle, y = flat[:, 0] / self.radius, flat[:, 1]
            # r - (r - y) cos(a), in a form that stays exact for a huge r and a tiny a.
            bent = 2 * self.radius * np.sin(angle / 2) ** 2 + y * np.cos(angle)
            flat = np.column_stack([(self.radius - y) * np.sin(angle), bent])
        mapped = flat @ self.matrix[:, :2].T + self.matrix[:, 2]
        return np.asarray(mapped[:, :2] / mapped[:, 2:])

    def linearise(self, points: npt.ArrayLike) -> tuple[Points, FloatArray]:
        """Return the canvas points (N, 2) of page points (N, 2), and the Jacobians (N, 2, 2) of the map there."""
        flat = np.asarray(points, np.float64).reshape(-1, 2)
        mapped = self.apply(flat + _OFFSETS).reshape(3, -1, 2)
        return mapped[0], ((mapped[1:] - mapped[0]) / _STEP).transpose(1, 2, 0)


def sample_page_map(
    rng: np.random.Generator, look: LookConfig, width: int, height: int
) -> tuple[PageMap, float, float]:
    """Return the map of a page to a canvas, and the size of the part of the page that is visible before `look.crop`."""
    # The mean of two draws makes small angles the most common ones.
    angle = math.radians(float(rng.uniform(*look.page_angle) + rng.uniform(*look.page_angle)) / 2)
    radius = 0.0
    if look.curve and rng.random() < look.curved_share:
        sag = look.curve * rng.uniform(0.3, 1)
        # The ends of this arc lie `sag` widths below its middle; a page higher than the radius would fold.
        radius = float(rng.choice([-1, 1])) * max(width / (8 * sag), height)
    tilt_x, tilt_y = (rng.uniform(-look.perspective, look.perspective, 2) / (width, height)).tolist()
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [tilt_x, tilt_y, 1.0]])
    half = np.array([width / 2, height / 2])
    to_centre = np.array([[1.0, 0.0, half[0]], [0.0, 1.0, half[1]], [0.0, 0.0, 1.0]])
    page = PageMap(to_centre @ turn, radius)
    visible = 2 * half
    for _ in range(3):  # the map is nearly linear, so a few steps suffice to fit the page into the canvas
        fit = float((half / np.abs(page.apply(_BORDER * visible) - half).max(axis=0)).min())
        if fit >= 1:
            break
        visible *= fit
    if look.crop:
        zoom = 1 / (1 - look.crop * rng.random() ** 2)
        left, top = half * (1 - zoom) + rng.uniform(-1, 1, 2) * half * (zoom - 1)
        crop = np.array([[zoom, 0.0, left], [0.0, zoom, top], [0.0, 0.0, 1.0]])
        page = PageMap(crop @ page.matrix, radius)
    return page, float(visible[0]), float(visible[1])
