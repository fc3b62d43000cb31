"""The geometry of a page before the camera: rotation, perspective, curvature, folds and crop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdet.common.types import Box, FloatArray, Points
from digitdet.configs.look import LookConfig

# Step in pixels of the finite differences, and the offsets (3, 1, 2) of the points they are computed from.
_STEP = 0.5
_OFFSETS = np.array([[[0.0, 0.0]], [[_STEP, 0.0]], [[0.0, _STEP]]])
# Points (16, 2) along the border of a centred unit square: the extremes of a curved page need not be at its corners.
_SIDE = np.linspace(-0.5, 0.5, 5)[:-1]
_TOP = np.column_stack([_SIDE, np.full(4, -0.5)])
_RIGHT = np.column_stack([np.full(4, 0.5), _SIDE])
_BORDER = np.concatenate([_TOP, _RIGHT, -_TOP, -_RIGHT])
# An object is at most this part of a scene, and at most this part of it is outside on each side.
_LARGEST, _OVERHANG = 0.9, 0.05
# Pixels between two objects, and positions that are tried for one.
_CLEARANCE, _TRIES = 6, 12
# Range in degrees of the pages of `look.turned_share`.
_TURNED = (20.0, 35.0)


@dataclass(frozen=True)
class Folds:
    """Waves of a cloth: each moves its points along the cloth and tilts it towards the light or away from it."""

    waves: Points  # wave vectors (K, 2) in radians per pixel
    phases: FloatArray  # (K,) radians
    shifts: Points  # amplitudes (K, 2) in pixels
    contrast: float  # how much brightness changes with the tilt, as a fraction

    def displace(self, points: Points) -> Points:
        """Return the moved points (N, 2)."""
        return np.asarray(points + np.sin(points @ self.waves.T + self.phases) @ self.shifts)

    def brightness(self, points: Points) -> FloatArray:
        """Return a factor (N,) on the brightness at points (N, 2): below 1 where the cloth turns from the light."""
        return np.asarray(1 + self.contrast * np.cos(points @ self.waves.T + self.phases).mean(axis=1))


def sample_folds(rng: np.random.Generator, width: float, height: float) -> Folds:
    """Draw the folds of a cloth of a size: two to four waves, mostly hanging down."""
    count = int(rng.integers(2, 5))
    side = max(width, height)
    angles = rng.normal(0, 0.5, count) + np.where(rng.random(count) < 0.25, np.pi / 2, 0.0)
    lengths = side * rng.uniform(0.3, 1.1, count)
    along = np.column_stack([np.cos(angles), np.sin(angles)])
    # The steepest slope stays below 0.3: a cloth never moves so far that a digit would fold over.
    slopes = rng.uniform(0.03, 0.3, count) / count
    directions = rng.uniform(0, 2 * np.pi, count)
    shifts = np.column_stack([np.cos(directions), np.sin(directions)]) * (slopes * lengths / (2 * np.pi))[:, None]
    return Folds(
        along * (2 * np.pi / lengths)[:, None], rng.uniform(0, 2 * np.pi, count), shifts, rng.uniform(0.1, 0.45)
    )


@dataclass(frozen=True)
class PageMap:
    """Maps points of a flat page (x, y in pixels from its centre, y down) to the canvas.

    Lines are first bent into arcs or moved by folds, then the page is mapped by a homography (Hartley and Zisserman,
    Multiple View Geometry, 2.3).
    """

    matrix: FloatArray  # the homography (3, 3)
    radius: float = 0.0  # radius of the arcs in pixels; 0 is straight, positive values bend the ends down
    folds: Folds | None = None

    def apply(self, points: npt.ArrayLike) -> Points:
        """Return the canvas points (N, 2) of page points (N, 2)."""
        flat: Points = np.asarray(points, np.float64).reshape(-1, 2)
        if self.radius:
            angle, y = flat[:, 0] / self.radius, flat[:, 1]
            # r - (r - y) cos(a), in a form that stays exact for a huge r and a tiny a.
            bent = 2 * self.radius * np.sin(angle / 2) ** 2 + y * np.cos(angle)
            flat = np.column_stack([(self.radius - y) * np.sin(angle), bent])
        if self.folds is not None:
            flat = self.folds.displace(flat)
        return _project(self.matrix, flat)

    def unfold(self, points: npt.ArrayLike) -> Points:
        """Return the page points (N, 2) of canvas points (N, 2), without arcs and folds."""
        return _project(np.linalg.inv(self.matrix), np.asarray(points, np.float64).reshape(-1, 2))

    def linearise(self, points: npt.ArrayLike) -> tuple[Points, FloatArray]:
        """Return the canvas points (N, 2) of page points (N, 2), and the Jacobians (N, 2, 2) of the map there."""
        flat = np.asarray(points, np.float64).reshape(-1, 2)
        mapped = self.apply(flat + _OFFSETS).reshape(3, -1, 2)
        return mapped[0], ((mapped[1:] - mapped[0]) / _STEP).transpose(1, 2, 0)


def _project(matrix: FloatArray, points: Points) -> Points:
    mapped = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def sample_angle(rng: np.random.Generator, look: LookConfig) -> float:
    """Draw the rotation of a page in radians, clockwise."""
    if look.turned_share and rng.random() < look.turned_share:
        return math.radians(float(rng.choice([-1, 1])) * rng.uniform(*_TURNED))
    # The mean of two draws makes small angles the most common ones.
    return math.radians(float(rng.uniform(*look.page_angle) + rng.uniform(*look.page_angle)) / 2)


def sample_page_map(
    rng: np.random.Generator, look: LookConfig, width: int, height: int
) -> tuple[PageMap, float, float]:
    """Return the map of a page to a canvas, and the size of the part of the page that is visible before `look.crop`."""
    angle = sample_angle(rng, look)
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


def place_page(
    rng: np.random.Generator,
    look: LookConfig,
    box: Box,
    canvas: tuple[int, int],
    taken: Sequence[Box],
    folds: Folds | None,
) -> tuple[PageMap, Box] | None:
    """Place an object, the part `box` of a page, at a free place of a scene.

    Args:
        rng: The random generator.
        look: The rotation and the perspective of objects.
        box: Extent of the object on its page.
        canvas: Width and height of the scene in pixels.
        taken: Extents on the canvas of the objects so far.
        folds: Folds of a cloth.

    Returns:
        The map of the page and the object's extent on the canvas, at most a tenth of which is outside; None if no try
        found a free place.
    """
    size = np.array([box[2] - box[0], box[3] - box[1]])
    if size.min() <= 0:
        return None
    angle = sample_angle(rng, look)
    tilt = rng.uniform(-look.perspective, look.perspective, (2, 2)).mean(axis=0)
    # A surface that is seen from the side is also narrower.
    across, down = 1 - 0.8 * np.abs(tilt)
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos * across, -sin * down, 0.0], [sin * across, cos * down, 0.0], [*(tilt / size), 1.0]])
    middle = np.array([[1.0, 0.0, -(box[0] + box[2]) / 2], [0.0, 1.0, -(box[1] + box[3]) / 2], [0.0, 0.0, 1.0]])
    border = _BORDER * size + middle[:2, 2] * -1
    low, high = _extent(PageMap(turn @ middle, 0.0, folds).apply(border))
    scale = min(1.0, float((_LARGEST * np.array(canvas) / (high - low)).min()))
    low, high = low * scale, high * scale
    overhang = _OVERHANG * (high - low)
    for _ in range(_TRIES):
        x, y = rng.uniform(-overhang - low, np.array(canvas) + overhang - high).tolist()
        place = (x + low[0], y + low[1], x + high[0], y + high[1])
        if not any(_touch(place, other) for other in taken):
            move = np.array([[scale, 0.0, x], [0.0, scale, y], [0.0, 0.0, 1.0]])
            return PageMap(move @ turn @ middle, 0.0, folds), place
    return None


def _extent(points: Points) -> tuple[FloatArray, FloatArray]:
    return points.min(axis=0), points.max(axis=0)


def _touch(first: Box, second: Box) -> bool:
    """Whether two boxes overlap or are closer than a few pixels."""
    apart = _CLEARANCE
    across = first[0] < second[2] + apart and second[0] < first[2] + apart
    return across and first[1] < second[3] + apart and second[1] < first[3] + apart
