"""The table of effects, and applying a random choice of them to a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from digitdet.common.types import Boxes, Image
from digitdet.synth.effects import camera, lights, scanner
from digitdet.synth.effects.limits import digit_contrast

Effect = Callable[[Image, np.random.Generator, Boxes], Image]
"""f(image, rng, boxes): return a new picture of the same shape, without moving any pixel.

`image` is (H, W, 3) uint8 BGR, `rng` the only source of randomness, `boxes` (N, 4) xyxy pixels are those of the digits.
"""

Steps = tuple[tuple[str, int], ...]
"""Names of effects or transforms in the order of application, each with a seed from 0 to 2**31 - 1."""

_LEGIBLE_CONTRAST = 10.0  # as measured by `digit_contrast`

# In the order in which they are applied: paper, light, lens, sensor, scanner, file. Another order changes all pictures
# of a seed.
EFFECTS: Mapping[str, Effect] = {
    effect.__name__: effect
    for effect in (
        scanner.bleed_through,
        scanner.photocopy,
        scanner.dust,
        lights.shadow,
        lights.illumination,
        lights.glare,
        camera.moire,
        camera.colour_cast,
        camera.softness,
        camera.focus_blur,
        camera.motion_blur,
        camera.vignette,
        camera.exposure,
        camera.sensor_noise,
        camera.sharpen,
        scanner.grey,
        scanner.binarise,
        scanner.scan_border,
        camera.low_resolution,
        camera.jpeg,
        camera.double_jpeg,
    )
}

# How many effects of a group a picture may have: more would make it illegible or have the same result twice.
_AT_MOST: tuple[tuple[int, frozenset[str]], ...] = (
    (2, frozenset({"softness", "focus_blur", "motion_blur", "low_resolution"})),
    (2, frozenset({"shadow", "illumination", "glare", "vignette"})),
    (1, frozenset({"photocopy", "binarise"})),
    (1, frozenset({"shadow", "glare", "binarise"})),  # a threshold turns their edges into strokes
    (1, frozenset({"jpeg", "double_jpeg"})),
)


class CameraEffects:
    """Draws effects with a probability by name, 0 to 1, and applies them. None moves a pixel, so boxes stay valid."""

    def __init__(self, shares: Mapping[str, float]) -> None:
        self._shares = np.array([shares.get(name, 0.0) for name in EFFECTS])

    def sample(self, rng: np.random.Generator) -> Steps:
        """Draw the effects of one picture."""
        drawn = rng.random(len(EFFECTS)) < self._shares
        seeds = rng.integers(2**31, size=len(EFFECTS)).tolist()
        steps = {name: seed for name, seed, chosen in zip(EFFECTS, seeds, drawn, strict=True) if chosen}
        for limit, group in _AT_MOST:
            members = [name for name in steps if name in group]
            if len(members) > limit:
                for place in rng.permutation(len(members))[limit:]:
                    del steps[members[place]]
        return tuple(steps.items())

    def apply(self, image: Image, steps: Steps, boxes: Boxes) -> Image:
        """Return a changed copy of (H, W, 3) uint8 BGR; the same arguments give the same bytes.

        An effect that would hide one of the digits in `boxes` (N, 4) xyxy pixels is skipped.
        """
        image = image.copy()
        if not steps:
            return image
        needed = np.minimum(0.6 * digit_contrast(image, boxes), _LEGIBLE_CONTRAST)
        for name, seed in steps:
            changed = EFFECTS[name](image, np.random.default_rng(seed), boxes)
            if (digit_contrast(changed, boxes) >= needed).all():
                image = changed
        return image
