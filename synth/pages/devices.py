"""Layouts with a body: plates and signs, and the drums of counters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from digitdet.common.types import Box, FloatArray
from digitdet.synth.digits.glyphs import NO_DIGIT
from digitdet.synth.pages.layouts import LAYOUTS, fill_box
from digitdet.synth.pages.lines import Line
from digitdet.synth.pages.page_draft import PageDraft, centre_of, centred_box, inset
from digitdet.synth.pages.texts import word
from digitdet.synth.surfaces.fields import log_uniform, with_level

# Free space around the number of a plate in digit heights.
_PLATE_MARGIN = (0.0, 0.4)
# Colour BGR of decimals.
_RED = np.array([45.0, 35.0, 190.0])


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
    colour = _body_colour(draft, light)
    if rng.random() < 0.4:  # the plate stands off the wall
        shift = rng.uniform(0.01, 0.05) * height
        shadow = (box[0] + shift, box[1] + shift, box[2] + shift, box[3] + shift)
        draft.panel(shadow, np.zeros(3), corner, alpha=rng.uniform(0.2, 0.5))
    draft.panel(box, colour, corner)
    line_colour = _body_colour(draft, not light)
    if rng.random() < 0.5:
        border, thickness = side * rng.uniform(0.0, 0.08), height * rng.uniform(0.01, 0.05)
        draft.frame(inset(box, border), line_colour, max(thickness, 0.7), max(corner - border, 0))
    if rng.random() < 0.25:
        radius = height * rng.uniform(0.02, 0.045)
        for screw in (x - (width / 2 - 3 * radius), x + (width / 2 - 3 * radius)):
            draft.panel(centred_box(screw, y, 2 * radius, 2 * radius), colour * 0.6, radius)
    fill_box(draft, inset(box, 0.08 * side + 0.15 * corner), dark=light, margin=_PLATE_MARGIN)


@LAYOUTS.add("counter")
def counter(draft: PageDraft) -> None:
    """The drums of a meter in their windows. A drum may stand between two digits, and the last ones may be red."""
    look, rng = draft.look, draft.rng
    count = int(rng.integers(max(look.digits_per_number[0], 3), max(look.digits_per_number[1], 4) + 1))
    aspect, gap = rng.uniform(0.5, 0.95), float(rng.choice([0.0, rng.uniform(0.02, 0.6)]))
    window = min(draft.width * rng.uniform(0.85, 1.15) / (count * aspect * (1 + gap)), draft.height * 0.95)
    cell, pitch = window * aspect, window * aspect * (1 + gap)
    line = Line(min(window * rng.uniform(0.5, 0.85), look.digit_height[1]))
    light, one_window = bool(rng.random() < 0.5), gap == 0 or rng.random() < 0.3
    body_colour, drum_colour = _body_colour(draft, bool(rng.random() < 0.5)), draft.background_colour(light)
    left = -count * pitch / 2 + (pitch - cell) / 2
    y = rng.uniform(-0.5, 0.5) * max(draft.height - window * 1.3, 0)
    body = (left - 0.3 * cell, y - 0.62 * window, left + count * pitch + 0.3 * cell, y + 0.62 * window)
    if rng.random() < 0.7:
        draft.panel(body, body_colour, 0.1 * window)
    red = int(rng.choice([0, 0, 1, 2, 3])) if count > 4 else 0
    framed = rng.random() < 0.6
    if one_window:
        _add_drum(draft, (left, y - window / 2, left + count * pitch, y + window / 2), drum_colour)
    number: list[int] = []
    line.numbers.append(number)
    values, turns = rng.integers(0, 10, count), _drum_turns(rng, count)
    mode = rng.choice(3)  # decimals have red drums (0), red frames (1), or no mark (2)
    for i in range(count):
        x0 = left + i * pitch
        box = (x0, y - window / 2, x0 + cell, y + window / 2)
        is_red = i >= count - red
        if is_red and mode == 0:
            _add_drum(draft, box, _RED * rng.uniform(0.6, 1.2))
        elif not one_window:
            _add_drum(draft, box, drum_colour)
        if framed:
            frame_colour = _body_colour(draft, not light) if rng.random() < 0.5 else body_colour * 0.5
            draft.frame(box, frame_colour, max(window * 0.02, 0.7))
        if is_red and mode == 1:
            corner = float(rng.choice([0.0, 0.5])) * min(cell, window)
            draft.frame(inset(box, -0.12 * cell), _RED, window * 0.07, corner)
        _add_drum_digits(draft, line, number, int(values[i]), turns[i], box, y)
    if number:
        draft.put_left(line, float(line.box[0]), 0.0, dark=light)
        if rng.random() < 0.4:
            unit = draft.write(str(rng.choice(["kWh", "m", "km", word(rng)])), line.height * 0.5, draft.width)
            draft.put(unit, rng.uniform(-0.3, 0.3) * draft.width, body[3] + 0.4 * line.height)


def _sample_centre(draft: PageDraft, width: float, height: float) -> FloatArray:
    """Draw the centre (2,) of a body; a body that is larger than the page is centred."""
    return draft.rng.uniform(-0.5, 0.5, 2) * np.maximum([draft.width - width, draft.height - height], 0)


def _drum_turns(rng: np.random.Generator, count: int) -> list[float]:
    """Draw how far each drum is turned towards the next digit: most not at all, the last drum more often."""
    turns = np.where(rng.random(count) < 0.12, rng.uniform(-0.3, 0.3, count), rng.normal(0, 0.03, count))
    if rng.random() < 0.5:
        turns[-1] = rng.uniform(-0.45, 0.45)
    return [float(turn) for turn in turns]


def _add_drum_digits(
    draft: PageDraft, line: Line, number: list[int], value: int, turn: float, window: Box, middle: float
) -> None:
    """Add the digit of a drum turned by `turn` digits, and the neighbouring digits that the window shows."""
    distance = (window[3] - window[1]) * 0.98
    max_width = 0.96 * (window[2] - window[0])
    for step in (0, 1, -1):
        offset = (step - turn) * distance
        if abs(offset) > distance * 0.95:
            continue  # not visible
        digit = draft.write(str((value + step) % 10), line.height, np.inf)
        if digit.width > max_width:
            digit = digit.scaled(max_width / digit.width)
        for i, placed in enumerate(digit.glyphs):
            glyph = placed.glyph if step == 0 else replace(placed.glyph, label=NO_DIGIT)
            character = placed.character if step == 0 else ""
            digit.glyphs[i] = replace(placed, glyph=glyph, clip=window, character=character)
        x = centre_of(window)[0] - centre_of(digit.box.tolist())[0]
        line.append(digit, x, middle + offset, number if step == 0 else [])


def _add_drum(draft: PageDraft, box: Box, colour: FloatArray) -> None:
    """Add a drum or its window, darker towards the top and the bottom, where the drum curves away."""
    depth = draft.rng.uniform(0, 0.5)
    bands = 7
    height = box[3] - box[1]
    for band in range(bands):
        share = abs((band + 0.5) / bands * 2 - 1) ** 2
        top = box[1] + height * band / bands
        draft.panel((box[0], top, box[2], min(top + height / bands + 0.5, box[3])), colour * (1 - depth * share))


def _body_colour(draft: PageDraft, light: bool) -> FloatArray:
    """Draw a colour (3,) BGR, near grey or coloured (blue, green, red and brown enamel) with the same probability."""
    colour = draft.background_colour(light)
    if draft.rng.random() < 0.5:
        return colour
    hue = draft.rng.uniform(0, 255, 3)
    return np.asarray(with_level(hue, float(colour.mean())), np.float64)
