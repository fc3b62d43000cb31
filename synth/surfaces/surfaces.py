"""The table of surfaces, and drawing one of them by weight as the background of a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from digitdet.common.registry import Registry, draw_name
from digitdet.common.types import Image
from digitdet.synth.surfaces.backgrounds import cut_background
from digitdet.synth.surfaces.fields import (
    FloatImage,
    clouds,
    gradient,
    grain,
    paint,
    plain_field,
    sample_background_colour,
)

SurfaceFunction = Callable[[np.random.Generator, int, int, bool], FloatImage]
"""f(rng, width, height, light): draw a background with levels of about 0 to 255.

With `light`, it is bright enough for dark ink (mean brightness about 140 to 255), otherwise dark enough for light ink
(at most about 110). Nothing on it may look like a digit, and its lines and edges have less contrast than ink.
"""

SURFACES: Registry[SurfaceFunction] = Registry()
"""All generated surfaces by name; the other files of this folder add theirs when the package is imported."""

FOLDER = "folder"
"""The name among the weights that means a cut of one of the user's own pictures."""


def sample_background(
    rng: np.random.Generator,
    weights: Mapping[str, float],
    width: int,
    height: int,
    light: bool,
    backgrounds: Sequence[Image] = (),
) -> FloatImage:
    """Draw a surface by weight: (height, width, 3) float32 BGR, 0 to 255, light for dark ink or dark for light ink.

    "folder" is a cut of one of `backgrounds` and ignores `light`. Without any, its weight is ignored; a plain colour is
    drawn if no other surface has a weight.
    """
    usable = {name: weight for name, weight in weights.items() if weight > 0 and (name != FOLDER or len(backgrounds))}
    name = draw_name(rng, usable or {"plain": 1.0})
    if name == FOLDER:
        picture = backgrounds[int(rng.integers(len(backgrounds)))]
        return cut_background(rng, picture, width, height).astype(np.float32)
    return draw_surface(rng, name, width, height, light)


def draw_surface(rng: np.random.Generator, name: str, width: int, height: int, light: bool) -> FloatImage:
    """Draw the surface called `name`, with levels cut to 0 to 255."""
    background = SURFACES[name](rng, width, height, light)
    return np.asarray(np.clip(background, 0, 255, out=background), np.float32)


@SURFACES.add("plain")
def _plain(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    return paint(sample_background_colour(rng, light), (plain_field(width, height), 0))


@SURFACES.add("gradient")
def _gradient(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_background_colour(rng, light)
    return paint(colour, (gradient(rng, width, height), sample_background_colour(rng, light) - colour))


@SURFACES.add("clouds")
def _clouds(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_background_colour(rng, light)
    depth, noise = rng.uniform(10, 45), rng.uniform(1, 8)
    return paint(colour, (clouds(rng, width, height), depth), (grain(rng, width, height), noise))
