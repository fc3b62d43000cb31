"""Layouts with a body: plates and signs, the drums of counters, and displays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from digitdet.common.types import Box
from digitdet.synth.digits.glyphs import NO_DIGIT
from digitdet.synth.pages.layouts import LAYOUTS, add_piece, put_single
from digitdet.synth.pages.lines import Line
from digitdet.synth.pages.page_draft import PageDraft, Shape, rounded
from digitdet.synth.pages.texts import word
from digitdet.synth.surfaces.fields import sample_background_colour, with_level

Array = npt.NDArray[np.float64]

# Free space around the digits of a plate, in their heights: plates are made for their number.
_PLATE_MARGIN = (0.0, 0.4)

_RED = np.array([45.0, 35.0, 190.0])


@LAYOUTS.add("plate")
def plate(draft: PageDraft) -> None:
    """A number on a plate: enamelled, engraved or printed, with a border, screws, a shadow below it."""
    rng = draft.rng
    width = draft.width * float(np.exp(rng.uniform(np.log(0.25), np.log(1.1))))
    height = min(draft.height * float(rng.uniform(0.4, 1.05)), width * float(rng.uniform(0.3, 1.3)))
    x, y = rng.uniform(-0.5, 0.5, 2) * np.maximum([draft.width - width, draft.height - height], 0)
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    corner = min(width, height) * float(rng.choice([0.0, rng.uniform(0.03, 0.2), 0.5]))
    light = bool(rng.random() < 0.5)
    colour = _plate_colour(draft, light)
    if rng.random() < 0.4:  # the plate stands off the wall
        shift = rng.uniform(0.01, 0.05) * height
        shade = (box[0] + shift, box[1] + shift, box[2] + shift, box[3] + shift)
        draft.shapes.append(Shape(rounded(shade, corner), np.zeros(3), alpha=float(rng.uniform(0.2, 0.5))))
    draft.panel(box, colour, corner)
    line_colour = _plate_colour(draft, not light)
    if rng.random() < 0.5:
        inset, thickness = min(width, height) * float(rng.uniform(0.0, 0.08)), height * float(rng.uniform(0.01, 0.05))
        draft.frame(_inset(box, inset), line_colour, max(thickness, 0.7), max(corner - inset, 0))
    if rng.random() < 0.25:
        radius = height * float(rng.uniform(0.02, 0.045))
        for sx in (-1, 1):
            centre = (x + sx * (width / 2 - 3 * radius), y)
            draft.panel((centre[0] - radius, y - radius, centre[0] + radius, y + radius), colour * 0.6, radius)
    inner = _inset(box, 0.08 * min(width, height) + 0.15 * corner)
    put_single(draft, inner, dark=light, margin=_PLATE_MARGIN)


@LAYOUTS.add("counter")
def counter(draft: PageDraft) -> None:
    """The drums of a meter behind their windows; a drum may stand between two digits, the last ones may be red."""
    look, rng = draft.look, draft.rng
    count = int(rng.integers(max(look.digits_per_number[0], 3), max(look.digits_per_number[1], 4) + 1))
    aspect, gap = float(rng.uniform(0.5, 0.95)), float(rng.choice([0.0, rng.uniform(0.02, 0.6)]))
    window = min(draft.width * float(rng.uniform(0.85, 1.15)) / (count * aspect * (1 + gap)), draft.height * 0.95)
    cell, pitch = window * aspect, window * aspect * (1 + gap)
    height = min(window * float(rng.uniform(0.5, 0.85)), look.digit_height[1])
    light, one_window = bool(rng.random() < 0.5), gap == 0 or rng.random() < 0.3
    ground, drum = _plate_colour(draft, bool(rng.random() < 0.5)), _drum_colour(rng, light)
    left = -count * pitch / 2 + (pitch - cell) / 2
    y = float(rng.uniform(-0.5, 0.5)) * max(draft.height - window * 1.3, 0)
    body = (left - 0.3 * cell, y - 0.62 * window, left + count * pitch + 0.3 * cell, y + 0.62 * window)
    if rng.random() < 0.7:
        draft.panel(body, ground, 0.1 * window)
    red = int(rng.choice([0, 0, 1, 2, 3])) if count > 4 else 0
    frames = rng.random() < 0.6
    if one_window:
        _drum(draft, (left, y - window / 2, left + count * pitch, y + window / 2), drum)
    line, number = Line(height), list[int]()
    line.numbers.append(number)
    values, turning = rng.integers(0, 10, count), _turns(rng, count)
    mode = rng.choice(3)  # how the decimals are marked: red drums, a red frame, red digits' drums light
    for i in range(count):
        x0 = left + i * pitch
        box = (x0, y - window / 2, x0 + cell, y + window / 2)
        is_red = i >= count - red
        if not one_window or (is_red and mode == 0):
            _drum(draft, box, _RED * float(rng.uniform(0.6, 1.2)) if is_red and mode == 0 else drum)
        if frames:
            draft.frame(
                box, _plate_colour(draft, not light) if rng.random() < 0.5 else ground * 0.5, max(window * 0.02, 0.7)
            )
        if is_red and mode == 1:
            ring = _inset(box, -0.12 * cell)
            draft.frame(ring, _RED, window * 0.07, float(rng.choice([0.0, 0.5])) * min(cell, window))
        _roll(draft, line, number, int(values[i]), turning[i], box, y)
    if number:
        draft.put_left(line, float(line.box[0]), 0.0, dark=light)
        if rng.random() < 0.4:
            unit = draft.write(str(rng.choice(["kWh", "m", "km", word(rng)])), height * 0.5, draft.width)
            draft.put(unit, float(rng.uniform(-0.3, 0.3)) * draft.width, body[3] + 0.4 * height)


@LAYOUTS.add("display")
def display(draft: PageDraft) -> None:
    """One to three rows of a display in its bezel, with small captions around it."""
    rng = draft.rng
    width, height = draft.width * float(rng.uniform(0.6, 1.05)), draft.height * float(rng.uniform(0.4, 1.0))
    x, y = rng.uniform(-0.5, 0.5, 2) * np.maximum([draft.width - width, draft.height - height], 0)
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    light = draft.light
    if rng.random() < 0.6:
        edge = float(rng.uniform(0.02, 0.12)) * min(width, height)
        draft.panel(_inset(box, -edge), _plate_colour(draft, bool(rng.random() < 0.4)), edge)
        light = bool(rng.random() < 0.6)
        colour = np.array(rng.choice(_SCREENS if light else _PANELS)) * float(rng.uniform(0.85, 1.15))
        draft.panel(box, np.clip(colour, 0, 255), edge * 0.3)
    rows = int(rng.choice([1, 1, 1, 2, 2, 3]))
    share = (box[3] - box[1]) / rows
    for row in range(rows):
        put_single(draft, (box[0], box[1] + row * share, box[2], box[1] + (row + 1) * share), dark=light)
    if rng.random() < 0.4:
        caption = draft.write(word(rng), share * float(rng.uniform(0.08, 0.15)) + 5, width)
        draft.put(caption, x, box[1] - 0.06 * height)


_SCREENS = (
    (150.0, 175.0, 165.0),
    (165.0, 190.0, 175.0),
    (120.0, 190.0, 170.0),
    (200.0, 200.0, 195.0),
    (130.0, 160.0, 190.0),
)
"""Colours BGR of reflective liquid crystal displays: grey-green, grey, yellow-green, white, amber."""

_PANELS = ((20.0, 20.0, 22.0), (60.0, 25.0, 15.0), (15.0, 20.0, 50.0), (35.0, 45.0, 20.0))
"""Colours BGR of displays that shine themselves: black, blue, dark red, dark green."""


def _turns(rng: np.random.Generator, count: int) -> list[float]:
    """How far each drum is turned towards the next digit, 0 to 1: most stand still, the last ones are on their way."""
    turns = np.where(rng.random(count) < 0.12, rng.uniform(-0.3, 0.3, count), rng.normal(0, 0.03, count))
    if rng.random() < 0.5:
        turns[-1] = rng.uniform(-0.45, 0.45)
    return [float(turn) for turn in turns]


def _roll(draft: PageDraft, line: Line, number: list[int], value: int, turn: float, box: Box, middle: float) -> None:
    """A digit on its drum, moved up by `turn` digits' distances, and its neighbours as far as the window shows them."""
    distance = (box[3] - box[1]) * 0.98
    centre = (box[0] + box[2]) / 2
    for step in (0, 1, -1):
        offset = (step - turn) * distance
        if abs(offset) > distance * 0.95:
            continue  # out of the window
        piece = draft.write(str((value + step) % 10), line.height, np.inf)
        if piece.width > 0.96 * (box[2] - box[0]):
            piece = piece.scaled(0.96 * (box[2] - box[0]) / piece.width)
        for i, glyph in enumerate(piece.glyphs):
            shown = glyph.glyph if step == 0 else replace(glyph.glyph, label=NO_DIGIT)
            piece.glyphs[i] = replace(glyph, glyph=shown, clip=box)
        x = centre - float(piece.box[0] + piece.box[2]) / 2
        add_piece(line, piece, x, middle + offset, number if step == 0 else [])


def _drum(draft: PageDraft, box: Box, colour: Array) -> None:
    """A drum or its window: darker towards the top and the bottom, where the drum turns away."""
    depth = float(draft.rng.uniform(0, 0.5))
    bands = 7
    for band in range(bands):
        share = abs((band + 0.5) / bands * 2 - 1) ** 2
        y0 = box[1] + (box[3] - box[1]) * band / bands
        part = (box[0], y0, box[2], y0 + (box[3] - box[1]) / bands + 0.5)
        draft.panel((part[0], part[1], part[2], min(part[3], box[3])), colour * (1 - depth * share))


def _drum_colour(rng: np.random.Generator, light: bool) -> Array:
    return np.asarray(sample_background_colour(rng, light), np.float64)


def _plate_colour(draft: PageDraft, light: bool) -> Array:
    """White, black, blue, green, red and brown enamel are as common as greys."""
    colour = np.asarray(sample_background_colour(draft.rng, light), np.float64)
    if draft.rng.random() < 0.5:
        return colour
    hue = draft.rng.uniform(0, 255, 3)
    return np.asarray(with_level(hue, float(colour.mean())), np.float64)


def _inset(box: Box, by: float) -> Box:
    return box[0] + by, box[1] + by, box[2] - by, box[3] - by
