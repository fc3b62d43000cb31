"""Pictographs on signs: arrows and persons."""

from __future__ import annotations

import numpy as np

from digitdet.common.types import FloatArray
from digitdet.synth.pages.page_draft import PageDraft, centred_box
from digitdet.synth.pages.texts import pick

_ARROWS = "\u2190\u2192\u2191\u2197\u2196"
_TYPE_SHARE = 0.6  # of the arrows that are characters of a typeface, if one has them


def arrow(draft: PageDraft, x: float, y: float, size: float, colour: FloatArray) -> None:
    """Draw an arrow to the left, the right or upwards, around a centre."""
    rng = draft.rng
    if rng.random() < _TYPE_SHARE:
        line = draft.sign_writer.with_any(_ARROWS).write(rng, pick(rng, _ARROWS), 1.4 * size, np.inf)
        if line.glyphs:
            draft.put(line, x, y, dark=float(colour.mean()) < 128)
            return
    back, half = rng.uniform(-0.1, 0.25), rng.uniform(0.2, 0.4)
    head = np.array([[back, -half], [0.5, 0], [back, half]])
    turn = float(rng.choice([0.0, np.pi, -np.pi / 2]))
    matrix = size * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    thickness, is_filled = max(rng.uniform(0.08, 0.2) * size, 1.0), rng.random() < 0.3
    draft.add_shape(np.array([[-0.5, 0], [0.4, 0]]) @ matrix + (x, y), colour, thickness, closed=False)
    draft.add_shape(head @ matrix + (x, y), colour, 0.0 if is_filled else thickness, closed=is_filled)


def person(draft: PageDraft, x: float, y: float, size: float, colour: FloatArray) -> None:
    """Draw a pictograph of a person, `size` pixels high."""
    shoulder, foot = draft.rng.uniform(0.1, 0.2), draft.rng.uniform(0.06, 0.25)
    draft.panel(centred_box(x, y - 0.41 * size, 0.18 * size, 0.18 * size), colour, size)
    body = np.array([[-shoulder, -0.28], [shoulder, -0.28], [foot, 0.5], [-foot, 0.5]])
    draft.add_shape(body * size + (x, y), colour)
