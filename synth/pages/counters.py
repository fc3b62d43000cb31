"""The counters of meters and odometers: drums in windows, from pictures of real drums or drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from digitdet.common.types import Box, FloatArray
from digitdet.synth.digits.drawing import GlyphStyle
from digitdet.synth.digits.drums import Colours, colours_of, drum_between, recoloured
from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph
from digitdet.synth.pages.devices import body_colour
from digitdet.synth.pages.layouts import LAYOUTS
from digitdet.synth.pages.lines import Line, LineGlyph
from digitdet.synth.pages.page_draft import PageDraft, centre_of, centred_box, inset
from digitdet.synth.pages.texts import word

# From this part of a turn on, a drum shows two digits; less of the next digit is only a sliver at the edge.
_BETWEEN = 0.25
# Distance of two digits on a drum, relative to the height of the window.
_PITCH = 0.98
# Standard deviations of the angle of a drum in degrees, and of its shift in window heights: few sit quite straight.
_DRUM_ANGLE = 0.8
_DRUM_SHIFT = 0.012
# Pictures of drums that are enlarged more than this may be drawn as ink.
_MAX_SCALE = 2.4
_RED = np.array([45.0, 35.0, 190.0])
_UNITS = ("kWh", "kWh", "m³", "m³", "km", "MWh", "L")


@dataclass(frozen=True)
class _Look:
    """What the drums of a counter have in common."""

    pictured: bool  # whether the drums are pictures of real ones
    recoloured: bool  # whether pictures are drawn in `colours` instead of their own
    colours: Colours  # (2, 3) BGR of the drums and the digits
    last_colours: Colours  # of the decimals
    decimals: int  # number of drums after the decimal point
    zoom: float  # height of a picture relative to its window

    def picture_colours(self, is_decimal: bool) -> Colours | None:
        """Return the colours of the picture of a drum; None for its own."""
        if is_decimal and self.last_colours is not self.colours:
            return self.last_colours
        return self.colours if self.recoloured else None


@LAYOUTS.add("counter")
def counter(draft: PageDraft) -> None:
    """The drums of a meter or an odometer in one window or in several; decimals may be red, the last drum may be white.

    A drum that stands between two digits is one digit: the one of which more is visible. Its box contains the ink of
    both, so that the drums of a counter have boxes in one row; up to a quarter of a turn it contains one digit.
    """
    look, rng = draft.look, draft.rng
    count = int(rng.integers(max(look.digits_per_number[0], 3), max(look.digits_per_number[1], 4) + 1))
    drum = draft.number_writer.drum(rng, 0, between=False)
    aspect = rng.uniform(0.5, 0.95) if drum is None else rng.uniform(0.85, 1.25) * drum.ink.shape[1] / len(drum.ink)
    gap = float(rng.choice([0.0, rng.uniform(0.02, 0.12), rng.uniform(0.1, 0.6)]))
    window = min(draft.width * rng.uniform(0.8, 1.15) / (count * aspect * (1 + gap)), draft.height * 0.95)
    cell, pitch = window * aspect, window * aspect * (1 + gap)
    left = -count * pitch / 2 + (pitch - cell) / 2
    y = rng.uniform(-0.5, 0.5) * max(draft.height - window * 1.3, 0)
    style = _sample_look(draft, drum, count, window)
    windows = [(left + i * pitch, y - window / 2, left + i * pitch + cell, y + window / 2) for i in range(count)]
    body = (left - 0.3 * cell, y - 0.62 * window, left + count * pitch + 0.3 * cell, y + 0.62 * window)
    _add_body(draft, body, windows, style, one_window=gap == 0 or rng.random() < 0.4)
    line = Line(min(window * rng.uniform(0.5, 0.85), look.digit_height[1]))
    number: list[int] = []
    line.numbers.append(number)
    for i, (digit, turn) in enumerate(_sample_positions(rng, count)):
        if style.pictured:
            colours = style.picture_colours(is_decimal=i >= count - style.decimals)
            _add_pictured_drum(draft, line, number, digit, turn, windows[i], colours, style.zoom)
        else:
            _add_drawn_drum(draft, line, number, digit, turn, windows[i])
    if number:
        draft.put_left(line, float(line.box[0]), 0.0, dark=_is_light(style.colours[0]))
        _add_surroundings(draft, body, line.height)


def _sample_look(draft: PageDraft, drum: Glyph | None, count: int, window: float) -> _Look:
    """Draw the colours of the drums, those of pictures mostly as they are. `window` is their height in pixels."""
    rng = draft.rng
    light = bool(rng.random() < 0.5)
    decimals = int(rng.choice([0, 0, 1, 2, 3])) if count > 4 else 0
    colours = np.stack([draft.background_colour(light), draft.background_colour(not light)]).astype(np.float32)
    recolour = rng.random() < 0.2
    if drum is not None and not recolour:
        colours = colours_of(drum)
    last = colours
    kind = rng.random()
    # Much enlarged, a drum is drawn as ink instead, in one colour for the whole line.
    two_inks = drum is not None and window < _MAX_SCALE * len(drum.ink)
    red = (_RED * rng.uniform(0.6, 1.2)).astype(np.float32)
    if decimals and kind < 0.35:  # red drums
        last = np.stack([red, np.full(3, rng.uniform(190, 250), np.float32)])
    elif decimals and kind < 0.5 and two_inks:  # red digits
        last = np.stack([colours.max(axis=0), red])
    elif kind > 0.8 and two_inks:  # the last drum is white, or black, as on odometers
        decimals, last = 1, colours[::-1]
    return _Look(drum is not None, recolour, colours, last, decimals, rng.uniform(0.95, 1.12))


def _sample_positions(rng: np.random.Generator, count: int) -> list[tuple[int, float]]:
    """Draw the digit of which most is visible, and the turn (-0.5 to 0.5) away from it, of each drum.

    Most drums stand still. In a quarter of the counters the last one is between two digits. While it turns from 9 to 0,
    its neighbour turns with it.
    """
    digits = rng.integers(0, 10, count)
    turns = np.where(rng.random(count) < 0.05, rng.uniform(-0.5, 0.5, count), rng.normal(0, 0.03, count))
    if rng.random() < 0.25:
        turns[-1] = rng.uniform(_BETWEEN, 1 - _BETWEEN)
        if turns[-1] > 0.5:
            turns[-1] -= 1
        if (digits[-1], turns[-1] > 0) in ((9, True), (0, False)):
            turns[-2] = turns[-1]
    return list(zip(digits.tolist(), turns.tolist(), strict=True))


def _add_pictured_drum(
    draft: PageDraft,
    line: Line,
    number: list[int],
    digit: int,
    turn: float,
    window: Box,
    colours: Colours | None,
    zoom: float,
) -> None:
    """Add the picture of a drum that fills its window."""
    rng = draft.rng
    glyph = draft.number_writer.drum(rng, digit, abs(turn) >= _BETWEEN)
    if glyph is None:  # no picture is between these digits
        _add_drawn_drum(draft, line, number, digit, turn, window)
        return
    if colours is not None:
        glyph = recoloured(glyph, colours)
    rows, columns = glyph.ink.shape
    width, height = window[2] - window[0], (window[3] - window[1]) * zoom
    angle = rng.normal(0, _DRUM_ANGLE)
    style = GlyphStyle(height, 1.04 * width * rows / (height * columns), 0.0, angle, 0.5)
    x, y = centre_of(window)
    y += rng.normal(0, _DRUM_SHIFT) * height
    line.height = height / (glyph.top - glyph.bottom)
    placed = Line(line.height, [LineGlyph(glyph, style, x, y, window, str(digit))], box=np.array(window))
    line.append(placed, 0.0, 0.0, number)


def _add_drawn_drum(draft: PageDraft, line: Line, number: list[int], digit: int, turn: float, window: Box) -> None:
    """Add what a window shows of a drawn drum: one digit and perhaps a sliver of its neighbours, or parts of two."""
    distance = (window[3] - window[1]) * _PITCH
    max_width = 0.96 * (window[2] - window[0])
    middle = centre_of(window)[1]
    if abs(turn) >= _BETWEEN:
        placed = _write_between(draft, line.height, digit, turn, distance)
        if placed is not None:
            _append_drum(line, placed, number, window, max_width, middle)
            return
    for step in (0, 1, -1):
        offset = (step - turn) * distance
        if abs(offset) > distance * 0.95:
            continue  # not visible
        drum = draft.write(str((digit + step) % 10), line.height, np.inf)
        if step:
            drum.glyphs = [replace(p, glyph=replace(p.glyph, label=NO_DIGIT), character="") for p in drum.glyphs]
        _append_drum(line, drum, [] if step else number, window, max_width, middle + offset)


def _write_between(draft: PageDraft, height: float, digit: int, turn: float, distance: float) -> Line | None:
    """Write both digits of a drum that stands between them as one glyph, labelled as the one that is nearer."""
    upper, lower = (digit, (digit + 1) % 10) if turn > 0 else ((digit - 1) % 10, digit)
    lines = [draft.write(str(value), height, np.inf) for value in (upper, lower)]
    if not all(line.glyphs for line in lines):
        return None
    first, second = (line.glyphs[0] for line in lines)
    size = max(distance / first.style.height, 1.0)
    glyph = drum_between(first.glyph, second.glyph, digit, turn % 1, size)
    style = replace(first.style, height=first.style.height * size)
    width = style.height * glyph.ink.shape[1] / len(glyph.ink) * style.stretch
    return Line(
        height,
        [LineGlyph(glyph, style, 0.0, 0.0, character=str(digit))],
        box=np.array(centred_box(0, 0, width, style.height)),
    )


def _append_drum(line: Line, drum: Line, number: list[int], window: Box, max_width: float, y: float) -> None:
    """Append the glyph of a drum, visible in its window, with its middle at `y`, no wider than `max_width`."""
    drum = drum.scaled(min(max_width / max(drum.width, 1e-6), 1.0))
    drum.glyphs = [replace(placed, clip=window) for placed in drum.glyphs]
    line.append(drum, centre_of(window)[0] - centre_of(drum.box.tolist())[0], y, number)


def _add_body(draft: PageDraft, body: Box, windows: list[Box], look: _Look, one_window: bool) -> None:
    """Add the face of the counter, its windows with the drums behind them, and the marks of the decimals."""
    rng = draft.rng
    cell, window = windows[0][2] - windows[0][0], windows[0][3] - windows[0][1]
    face = body_colour(draft, bool(rng.random() < 0.5))
    drum, count = look.colours[0].astype(np.float64), len(windows)
    whole = (windows[0][0], windows[0][1], windows[-1][2], windows[0][3])
    if rng.random() < 0.7:
        draft.panel(body, face, 0.1 * window)
        if rng.random() < 0.3:
            draft.frame(inset(body, 0.03 * window), face * 0.7, max(0.03 * window, 0.7), 0.08 * window)
    edge = face * 0.4 if rng.random() < 0.6 else body_colour(draft, not draft.light)
    corner = float(rng.choice([0.0, 0.0, rng.uniform(0.05, 0.25)])) * cell
    framed = rng.random() < 0.6
    if one_window:
        draft.panel(inset(whole, -0.04 * window), edge)
        draft.panel(whole, drum * rng.uniform(0.3, 1))
    last_drum = look.last_colours[0].astype(np.float64)
    red_frame = look.last_colours is look.colours and rng.random() < 0.5
    for i, box in enumerate(windows):
        is_decimal = i >= count - look.decimals
        if is_decimal and red_frame:
            rounding = float(rng.choice([0.0, 0.5])) * min(cell, window)
            draft.panel(inset(box, -0.15 * cell), _RED * rng.uniform(0.7, 1.1), rounding)
        colour = last_drum if is_decimal else drum
        if look.pictured:
            draft.panel(box, colour)
        else:
            _add_drum(draft, box, colour)
        if framed:
            draft.frame(box, edge, max(window * 0.02, 0.7), corner)
    if look.decimals and rng.random() < 0.3:  # the decimal point on the face
        x = windows[count - look.decimals][0] - 0.02 * window
        draft.panel(centred_box(x, body[3] - 0.17 * window, 0.07 * window, 0.1 * window), edge, 0.03 * window)


def _add_surroundings(draft: PageDraft, body: Box, height: float) -> None:
    """Add what is beside the drums on the face of a meter: a unit, screws, and a small dial."""
    rng = draft.rng
    if rng.random() < 0.4:
        text = str(rng.choice([*_UNITS, word(rng)]))
        unit = draft.write(text, height * rng.uniform(0.35, 0.6), draft.width)
        if rng.random() < 0.5:
            draft.put(unit, rng.uniform(-0.3, 0.3) * draft.width, body[3] + 0.4 * height)
        else:
            draft.put_left(unit, body[2] + 0.2 * height, centre_of(body)[1] + rng.uniform(-0.2, 0.3) * height)
    if rng.random() < 0.15:
        radius, colour = 0.12 * height, draft.background_colour(not draft.light)
        for x in (body[0] - 2 * radius, body[2] + 2 * radius):
            draft.panel(centred_box(x, centre_of(body)[1], 2 * radius, 2 * radius), colour, radius)
    if rng.random() < 0.15:
        _add_dial(draft, rng.uniform(-0.4, 0.4) * draft.width, body[3] + 1.3 * height, 0.7 * height)


def _add_dial(draft: PageDraft, x: float, y: float, radius: float) -> None:
    """Add a small dial with ten ticks and a red pointer."""
    rng = draft.rng
    colour = draft.background_colour(not draft.light)
    draft.frame(centred_box(x, y, 2 * radius, 2 * radius), colour, max(0.05 * radius, 0.7), radius)
    for tick in range(10):
        across, down = math.cos(tick * math.tau / 10), math.sin(tick * math.tau / 10)
        ends = np.array([[x + across * r * radius, y + down * r * radius] for r in (0.8, 1)])
        draft.add_shape(ends, colour, max(0.06 * radius, 0.7), closed=False)
    angle = rng.uniform(0, math.tau)
    towards = np.array([math.cos(angle), math.sin(angle)]) * radius
    aside = np.array([-towards[1], towards[0]]) * 0.12
    draft.add_shape(np.array([x, y]) + np.stack([towards * 0.85, aside, -towards * 0.3, -aside]), _RED)


def _add_drum(draft: PageDraft, box: Box, colour: FloatArray) -> None:
    """Add a drum or its window, darker towards the top and the bottom, where the drum curves away."""
    depth = draft.rng.uniform(0, 0.5)
    bands = 7
    height = box[3] - box[1]
    for band in range(bands):
        share = abs((band + 0.5) / bands * 2 - 1) ** 2
        top = box[1] + height * band / bands
        draft.panel((box[0], top, box[2], min(top + height / bands + 0.5, box[3])), colour * (1 - depth * share))


def _is_light(colour: Colours) -> bool:
    return float(colour.mean()) > 127
