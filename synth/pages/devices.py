"""The layout of plates and signs. Counters are in `counters.py`, displays in `displays.py`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from digitdet.common.registry import draw_name
from digitdet.common.types import Box, FloatArray
from digitdet.synth.pages.layouts import LAYOUTS, fill_box
from digitdet.synth.pages.page_draft import Ink, PageDraft, centre_of, centred_box, inset
from digitdet.synth.surfaces.fields import log_uniform, pick_colour, with_level

# Sides of the smallest plate in the least digit heights of the look, so that most numbers on it are legible.
_LEAST_ROOM = 2.0
# Free space around the number of a plate in digit heights.
_PLATE_MARGIN = (0.0, 0.4)
# Colours BGR of enamelled and painted plates: blue, green, red, brown, black; white, cream, yellow, pale blue.
_DARK_PLATES = ((105, 45, 20), (140, 70, 25), (90, 30, 30), (45, 70, 25), (40, 35, 140), (35, 45, 70), (30, 28, 28))
_LIGHT_PLATES = ((240, 240, 240), (230, 232, 235), (235, 225, 215), (195, 220, 232), (70, 195, 235), (235, 215, 190))
# Share of the plates with such a colour; the others are near grey or of any hue.
_USUAL_SHARE = 0.75
# Share of these plates on which the number and the border have one colour, also a usual one.
_ONE_COLOUR_SHARE = 0.7
# Share of the plates whose size follows that of their number.
_FITTED_SHARE = 0.65


@LAYOUTS.add("plate")
def plate(draft: PageDraft) -> None:
    """A number on an enamelled, engraved or printed plate, perhaps with a border, screws or a shadow."""
    rng = draft.rng
    least = _LEAST_ROOM * draft.look.digit_height[0]
    width = max(draft.width * log_uniform(rng, 0.3, 1.1), least)
    height = max(min(draft.height * rng.uniform(0.4, 1.05), width * rng.uniform(0.3, 1.6)), min(least, width))
    x, y = _sample_centre(draft, width, height)
    box = centred_box(x, y, width, height)
    light = bool(rng.random() < 0.5)
    corner_share = float(rng.choice([0.0, 0.0, *rng.uniform(0.03, 0.2, 2), 0.5]))
    is_fitted = rng.random() < _FITTED_SHARE
    fill_box(draft, inset(box, (0.08 + 0.15 * corner_share) * min(width, height)), dark=light, margin=_PLATE_MARGIN)
    if is_fitted and draft.lines:
        box = _box_around(draft)
        (x, y), width, height = centre_of(box), box[2] - box[0], box[3] - box[1]
    side = min(width, height)
    corner = side * corner_share
    is_usual = rng.random() < _USUAL_SHARE
    colour, line_colour = (_usual_colour if is_usual else body_colour)(draft, light), body_colour(draft, not light)
    if is_usual and rng.random() < _ONE_COLOUR_SHARE:
        line_colour = _usual_colour(draft, not light)
        ink = Ink(draw_name(rng, draft.look.inks), rng.uniform(0, 1, 3), 0.0, line_colour)
        draft.lines = [replace(placed, ink=ink) for placed in draft.lines]
    if rng.random() < 0.4:  # the plate stands off the wall
        shift = rng.uniform(0.01, 0.05) * height
        shadow = (box[0] + shift, box[1] + shift, box[2] + shift, box[3] + shift)
        draft.panel(shadow, np.zeros(3), corner, alpha=rng.uniform(0.2, 0.5))
    draft.panel(box, colour, corner)
    for _ in range(int(rng.choice(3, p=(0.45, 0.4, 0.15)))):
        border, thickness = side * rng.uniform(0.0, 0.1), height * rng.uniform(0.01, 0.06)
        draft.frame(inset(box, border), line_colour, max(thickness, 0.7), max(corner - border, 0))
    if rng.random() < 0.25:
        radius = height * rng.uniform(0.02, 0.045)
        reach_x, reach_y = width / 2 - 3 * radius, float(rng.choice([0.0, height / 2 - 3 * radius]))
        for across, down in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
            screw = centred_box(x + across * reach_x, y + down * reach_y, 2 * radius, 2 * radius)
            draft.panel(screw, colour * 0.6, radius)


def _box_around(draft: PageDraft) -> Box:
    """Draw the outline of a plate that is hardly larger than the last number."""
    number = draft.lines[-1].box.tolist()
    height = number[3] - number[1]
    left, top, right, bottom = (height * (0.05 + 0.4 * draft.rng.random(4) ** 1.5)).tolist()
    return number[0] - left, number[1] - top, number[2] + right, number[3] + bottom


def _sample_centre(draft: PageDraft, width: float, height: float) -> FloatArray:
    """Draw the centre (2,) of a body; a body that is larger than the page is centred."""
    return draft.rng.uniform(-0.5, 0.5, 2) * np.maximum([draft.width - width, draft.height - height], 0)


def _usual_colour(draft: PageDraft, light: bool) -> FloatArray:
    """Draw a colour (3,) BGR near one that is usual for plates."""
    return pick_colour(draft.rng, _LIGHT_PLATES if light else _DARK_PLATES, spread=12)


def body_colour(draft: PageDraft, light: bool) -> FloatArray:
    """Draw a colour (3,) BGR, near grey or coloured (blue, green, red and brown enamel) with the same probability."""
    colour = draft.background_colour(light)
    if draft.rng.random() < 0.5:
        return colour
    hue = draft.rng.uniform(0, 255, 3)
    return np.asarray(with_level(hue, float(colour.mean())), np.float64)
