"""What numbers stand on: a ground drawn by name and weight, or cut from one of the user's pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from digitdet.common.registry import check_names, draw_name
from digitdet.common.types import Image
from digitdet.synth.surfaces import panels, papers, textures  # noqa: F401  (each registers its surfaces when imported)
from digitdet.synth.surfaces.backgrounds import cut_background
from digitdet.synth.surfaces.fields import clouds, gradient, grain, paint, plain_field, sample_ground_colour
from digitdet.synth.surfaces.surface_registry import SURFACES, Ground, SurfaceFunction, surface

__all__ = ["FOLDER", "SURFACES", "Ground", "SurfaceFunction", "check_surfaces", "sample_surface", "surface"]

FOLDER = "folder"
"""The name under which the weights count a cut of one of the user's pictures."""


def check_surfaces(weights: Mapping[str, float]) -> None:
    """Refuse a name that is neither a surface nor "folder".

    Raises:
        ConfigError: Names it, and the nearest one there is.
    """
    check_names(weights, sorted([*SURFACES, FOLDER]), "surfaces")


def sample_surface(
    rng: np.random.Generator,
    weights: Mapping[str, float],
    width: int,
    height: int,
    light: bool,
    backgrounds: Sequence[Image] = (),
) -> Ground:
    """A ground (height, width, 3) float32 BGR, 0 to 255: light for dark ink or dark for light ink.

    The surface is drawn by weight. "folder" is a cut of one of `backgrounds`, which is as light as it is; without any
    its weight counts for nothing, and where it is the only one the ground is plain. `weights` have passed
    `check_surfaces`.
    """
    usable = {name: weight for name, weight in weights.items() if weight > 0 and (name != FOLDER or len(backgrounds))}
    name = draw_name(rng, usable or {"plain": 1.0})
    if name == FOLDER:
        picture = backgrounds[int(rng.integers(len(backgrounds)))]
        return cut_background(rng, picture, width, height).astype(np.float32)
    return SURFACES[name](rng, width, height, light)


@surface("plain")
def _plain(rng: np.random.Generator, width: int, height: int, light: bool) -> Ground:
    return paint(sample_ground_colour(rng, light), (plain_field(width, height), 0))


@surface("gradient")
def _gradient(rng: np.random.Generator, width: int, height: int, light: bool) -> Ground:
    colour = sample_ground_colour(rng, light)
    return paint(colour, (gradient(rng, width, height), sample_ground_colour(rng, light) - colour))


@surface("clouds")
def _clouds(rng: np.random.Generator, width: int, height: int, light: bool) -> Ground:
    colour = sample_ground_colour(rng, light)
    depth, noise = rng.uniform(10, 45), rng.uniform(1, 8)
    return paint(colour, (clouds(rng, width, height), depth), (grain(rng, width, height), noise))
