"""The list of surfaces: a look joins it by one decorator."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import numpy as np
import numpy.typing as npt

from digitdet.common.registry import Registry

Ground = npt.NDArray[np.float32]

SurfaceFunction = Callable[[np.random.Generator, int, int, bool], Ground]
"""`f(rng, width, height, light)` draws a ground (height, width, 3) float32 BGR, 0 to 255, from `rng` alone.

With `light` it is bright enough for dark ink, a mean brightness of about 140 to 255; without, it is at most about 110.
No digits, nor what could be taken for one; lines and edges are lower in contrast than ink.
"""

SURFACES: Registry[SurfaceFunction] = Registry()
"""Every surface by its name; `digitdet.synth.surfaces.surfaces` imports the files that fill it."""


def surface(name: str) -> Callable[[SurfaceFunction], SurfaceFunction]:
    """Decorator that lists a function under `name`; the values it returns are cut to 0 to 255.

    Raises:
        ValueError: There is a surface of that name already.
    """

    def add(draw: SurfaceFunction) -> SurfaceFunction:
        @wraps(draw)
        def draw_clipped(rng: np.random.Generator, width: int, height: int, light: bool) -> Ground:
            ground = draw(rng, width, height, light)
            return np.asarray(np.clip(ground, 0, 255, out=ground), np.float32)

        if name in SURFACES:
            raise ValueError(f"there are two surfaces called {name!r}")
        SURFACES[name] = draw_clipped
        return draw_clipped

    return add
