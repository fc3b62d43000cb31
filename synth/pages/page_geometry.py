"""The page in front of the camera: turned, tilted and curved; where each point of the flat page is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdet.configs.look import LookConfig

Array = npt.NDArray[np.float64]

# Step in pixels over which the map's slope is measured.
_STEP = 0.5
# A point itself, one to the right of it and one below it (3, 1, 2).
_STEPS = np.array([[[0.0, 0.0]], [[_STEP, 0.0]], [[0.0, _STEP]]])
# Points (16, 2) along the border of a centred square of side 1: an arc's extremes need not be at its corners.
_ALONG = np.linspace(-0.5, 0.5, 5)[:-1]
_TOP = np.column_stack([_ALONG, np.full(4, -0.5)])
_RIGHT = np.column_stack([np.full(4, 0.5), _ALONG])
_BORDER = np.concatenate([_TOP, _RIGHT, -_TOP, -_RIGHT])


@dataclass(frozen=True)
class PageMap:
    """Maps points of a flat page (x, y from its centre, y down, pixels) to the canvas.

    First lines are bent into arcs of radius `radius` pixels (0: straight; positive: the ends hang down), then the page
    is tilted and turned by the homography `matrix` (3, 3), which ends on the canvas (Hartley and Zisserman, Multiple
    View Geometry, 2.3).
    """

    matrix: Array
    radius: float = 0.0

    def apply(self, points: npt.ArrayLike) -> Array:
        """Canvas points (N, 2) of page points (N, 2)."""
        flat = np.asarray(points, np.float64).reshape(-1, 2)
        if self.radius:
            angle, y = flat[:, 0] / self.radius, flat[:, 1]
            # r - (r - y) cos(a), in the form that keeps its digits where r is huge and a tiny.
            bent = 2 * self.radius * np.sin(angle / 2) ** 2 + y * np.cos(angle)
            flat = np.column_stack([(self.radius - y) * np.sin(angle), bent])
        seen = flat @ self.matrix[:, :2].T + self.matrix[:, 2]
        return np.asarray(seen[:, :2] / seen[:, 2:])

    def at(self, x: float, y: float) -> tuple[Array, Array]:
        """Where a page point is seen (2,), and the map's slope there (2, 2): how a small glyph is turned and scaled."""
        seen, slopes = self.around([(x, y)])
        return seen[0], slopes[0]

    def around(self, points: npt.ArrayLike) -> tuple[Array, Array]:
        """Where page points (N, 2) are seen (N, 2), and the map's slopes there (N, 2, 2)."""
        flat = np.asarray(points, np.float64).reshape(-1, 2)
        seen = self.apply(flat + _STEPS).reshape(3, -1, 2)
        return seen[0], ((seen[1:] - seen[0]) / _STEP).transpose(1, 2, 0)


def sample_page_map(
    rng: np.random.Generator, look: LookConfig, width: int, height: int
) -> tuple[PageMap, float, float]:
    """A page in front of a canvas of `width` x `height` pixels, and the width and height of the flat page that are
    wholly seen, before `crop` cuts something off.
    """
    angle = math.radians(_sample_angle(rng, look))
    radius = 0.0
    if look.curve and rng.random() < look.curved_share:
        sag = look.curve * float(rng.uniform(0.3, 1))
        # Of a flat arc whose ends hang `sag` of its width below its middle; a page higher than that would fold.
        radius = float(rng.choice([-1, 1])) * max(width / (8 * sag), height)
    tilt_x, tilt_y = (rng.uniform(-look.perspective, look.perspective, 2) / (width, height)).tolist()
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [tilt_x, tilt_y, 1.0]])
    half = np.array([width / 2, height / 2])
    place = np.array([[1.0, 0.0, half[0]], [0.0, 1.0, half[1]], [0.0, 0.0, 1.0]])
    page = PageMap(place @ turn, radius)
    room = 2 * half
    for _ in range(3):  # a few steps of shrinking find the page that fits: the map is nearly linear
        fit = float((half / np.abs(page.apply(_BORDER * room) - half).max(axis=0)).min())
        if fit >= 1:
            break
        room *= fit
    if look.crop:
        page = PageMap(_closer(rng, look.crop, half) @ page.matrix, radius)
    return page, float(room[0]), float(room[1])


def _closer(rng: np.random.Generator, crop: float, half: Array) -> Array:
    """A map (3, 3) of a canvas, of the given half sizes, to itself: a camera that came nearer sees a part of it."""
    zoom = 1 / (1 - crop * float(rng.random()) ** 2)
    left, top = half * (1 - zoom) + rng.uniform(-1, 1, 2) * half * (zoom - 1)
    return np.array([[zoom, 0.0, left], [0.0, zoom, top], [0.0, 0.0, 1.0]])


def _sample_angle(rng: np.random.Generator, look: LookConfig) -> float:
    """Small angles are the most common ones: the mean of two draws has a peak in the middle of the span."""
    return float(rng.uniform(*look.page_angle) + rng.uniform(*look.page_angle)) / 2
