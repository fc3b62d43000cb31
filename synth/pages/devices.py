"""The layout of plates and signs. Counters are in `counters.py`, displays in `displays.py`."""

from __future__ import annotations

import numpy as np

from digitdet.common.types import FloatArray
from digitdet.synth.pages.layouts import LAYOUTS, fill_box
from digitdet.synth.pages.page_draft import PageDraft, centred_box, inset
from digitdet.synth.surfaces.fields import log_uniform, with_level

# Free space around the number of a plate in digit heights.
_PLATE_MARGIN = (0.0, 0.4)


@LAYOUTS.add("plate")
def plate(draft: PageDraft) -> None:
    """A number on an enamelled, engraved or printed plate, perhaps with a border, screws or a shadow."""
    rng = draft.rng
    width = draft.width * log_uniform(rng, 0.25, 1.1)
    height = min(draft.height * rng.uniform(0.4, 1.05), width * rng.uniform(0.3, 1.3))
    x, y = _sample_centre(draft, width, height)
    box = centred_box(x, y, width, height)
    side = min(width, height)
    corner = side * float(rng.choice([0.0, rng.uniform(0.03, 0.2), 0.5]))
    light = bool(rng.random() < 0.5)
    colour = body_colour(draft, light)
    if rng.random() < 0.4:  # the plate stands off the wall
        shift = rng.uniform(0.01, 0.05) * height
        shadow = (box[0] + shift, box[1] + shift, box[2] + shift, box[3] + shift)
        draft.panel(shadow, np.zeros(3), corner, alpha=rng.uniform(0.2, 0.5))
    draft.panel(box, colour, corner)
    line_colour = body_colour(draft, not light)
    if rng.random() < 0.5:
        border, thickness = side * rng.uniform(0.0, 0.08), height * rng.uniform(0.01, 0.05)
        draft.frame(inset(box, border), line_colour, max(thickness, 0.7), max(corner - border, 0))
    if rng.random() < 0.25:
        radius = height * rng.uniform(0.02, 0.045)
        for screw in (x - (width / 2 - 3 * radius), x + (width / 2 - 3 * radius)):
            draft.panel(centred_box(screw, y, 2 * radius, 2 * radius), colour * 0.6, radius)
    fill_box(draft, inset(box, 0.08 * side + 0.15 * corner), dark=light, margin=_PLATE_MARGIN)


def _sample_centre(draft: PageDraft, width: float, height: float) -> FloatArray:
    """Draw the centre (2,) of a body; a body that is larger than the page is centred."""
    return draft.rng.uniform(-0.5, 0.5, 2) * np.maximum([draft.width - width, draft.height - height], 0)


def body_colour(draft: PageDraft, light: bool) -> FloatArray:
    """Draw a colour (3,) BGR, near grey or coloured (blue, green, red and brown enamel) with the same probability."""
    colour = draft.background_colour(light)
    if draft.rng.random() < 0.5:
        return colour
    hue = draft.rng.uniform(0, 255, 3)
    return np.asarray(with_level(hue, float(colour.mean())), np.float64)
