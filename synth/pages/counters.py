"""The counters of meters and odometers: drums in windows, from pictures of real drums or drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitdet.common.types import Box, FloatArray
from digitdet.synth.digits.drawing import GlyphStyle
from digitdet.synth.digits.drums import Colours, colours_of, drum_between, recoloured
from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph
from digitdet.synth.pages.devices import body_colour
from digitdet.synth.pages.display_devices import add_reflections
from digitdet.synth.pages.layouts import LAYOUTS
from digitdet.synth.pages.lines import Line, LineGlyph
from digitdet.synth.pages.page_draft import PageDraft, centre_of, centred_box, inset, rounded
from digitdet.synth.pages.texts import word

# From this part of a turn on, a drum shows two digits; less of the next digit is only a sliver at the edge.
_BETWEEN = 0.25
# Distance of two digits on a drum, relative to the height of the window: of most counters, and of those that show the
# edges of the digits above and below. In digit heights it is at least `_MIN_PITCH`.
_PITCH, _LOW_PITCH = 0.98, (0.75, 0.98)
_MIN_PITCH = 1.12
# A drum at the border counts as a digit if this part of its ink is visible: its neighbours tell where it stands.
_MIN_VISIBLE = 0.3
# Share of the counters of which the first or the last drum is hidden in part, and the largest hidden part of its width.
_HIDDEN_SHARE, _MOST_HIDDEN = 0.3, 0.6
# Standard deviations of the angle of a drum in degrees, and of its shift in window heights: few sit quite straight.
_DRUM_ANGLE = 0.8
_DRUM_SHIFT = 0.012
_RED = np.array([45.0, 35.0, 190.0])
_UNITS = ("kWh", "kWh", "m³", "m³", "km", "MWh", "L")


@dataclass(frozen=True)
class _CounterStyle:
    """What the drums of a counter have in common."""

    pictured: bool  # whether the drums are pictures of real ones
    recoloured: bool  # whether pictures are drawn in `colours` instead of their own
    colours: Colours  # (2, 3) BGR of the drums and the digits
    last_colours: Colours  # of the decimals
    decimals: int  # number of drums after the decimal point
    zoom: float  # height of a picture relative to its window
    pitch: float  # distance of two digits on a drawn drum, relative to the height of its window

    def decimal_colours(self, is_decimal: bool) -> Colours | None:
        """Return the colours of a drum if they differ from those of the counter."""
        return self.last_colours if is_decimal and self.last_colours is not self.colours else None


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
    # Pictures that were cropped around a counter cut the first or the last drum.
    share = rng.uniform(1.0, 1.5) if rng.random() < 0.4 else rng.uniform(0.8, 1.1)
    window = min(draft.width * share / (count * aspect * (1 + gap)), draft.height * 0.95)
    cell, pitch = window * aspect, window * aspect * (1 + gap)
    left = rng.uniform(-0.5, 0.5) * abs(draft.width - count * pitch) - count * pitch / 2 + (pitch - cell) / 2
    y = rng.uniform(-0.5, 0.5) * max(draft.height - window * 1.3, 0)
    style = _sample_style(draft, drum, count)
    cells = [(left + i * pitch, y - window / 2, left + i * pitch + cell, y + window / 2) for i in range(count)]
    one_window = gap == 0 or rng.random() < 0.4
    counters = [(cells, style)]
    if rng.random() < 0.12 and (trip := _trip_cells(rng, cells, draft.height)):
        counters.append((trip, replace(style, decimals=min(style.decimals, 1))))
    for row, its_style in sorted(counters, key=lambda counter: counter[0][0][1]):  # from top to bottom
        _add_counter(draft, row, its_style, one_window)


def _add_counter(draft: PageDraft, cells: Sequence[Box], style: _CounterStyle, one_window: bool) -> None:
    """Add drums in `cells` with their case and what surrounds it."""
    rng, look, count = draft.rng, draft.look, len(cells)
    cell, window = cells[0][2] - cells[0][0], cells[0][3] - cells[0][1]
    visible = _sample_visible(rng, cells)
    windows = [_within(box, visible) for box in cells]
    edge = (-0.3 * cell, -0.12 * window, 0.3 * cell, 0.12 * window)
    body = (visible[0] + edge[0], visible[1] + edge[1], visible[2] + edge[2], visible[3] + edge[3])
    _add_body(draft, body, windows, style, one_window)
    line = Line(min(window * rng.uniform(0.5, 0.85), look.digit_height[1]))
    number: list[int] = []
    line.numbers.append(number)
    for i, (digit, turn) in enumerate(_sample_positions(rng, count)):
        colours = style.decimal_colours(is_decimal=i >= count - style.decimals)
        if not (style.pictured and _add_pictured_drum(draft, line, number, digit, turn, cells[i], style, colours)):
            _add_drawn_drum(draft, line, number, digit, turn, cells[i], style.pitch, colours)
    if number:
        line.glyphs = [
            replace(placed, clip=_within(placed.clip or visible, visible), min_visible=_MIN_VISIBLE)
            for placed in line.glyphs
        ]
        draft.put_left(line, float(line.box[0]), 0.0, dark=_is_light(style.colours[0]))
        _add_surroundings(draft, body, line.height)
        _cover(draft, visible, cell)


def _trip_cells(rng: np.random.Generator, cells: Sequence[Box], page_height: float) -> list[Box]:
    """Return the cells of a trip counter of three or four drums above or below; none if they would be off the page."""
    size = rng.uniform(0.6, 1.0)
    count = min(int(rng.integers(3, 5)), len(cells))
    left, top, _, bottom = cells[0]
    y = (top + bottom) / 2 + float(rng.choice([-1, 1])) * (bottom - top) * (0.65 + 0.65 * size + rng.uniform(0, 0.4))
    if abs(y) > page_height / 2:
        return []
    room = cells[-1][2] - left - size * (cells[count - 1][2] - left)
    start, half = left + rng.uniform(0, 1) * room, size * (bottom - top) / 2
    return [
        (start + size * (box[0] - left), y - half, start + size * (box[2] - left), y + half) for box in cells[:count]
    ]


def _sample_visible(rng: np.random.Generator, cells: Sequence[Box]) -> Box:
    """Sample the visible part of a row of drums; the case or a crop may hide part of the first or the last drum."""
    left, top, right, bottom = cells[0][0], cells[0][1], cells[-1][2], cells[0][3]
    if rng.random() < _HIDDEN_SHARE:
        hidden = rng.uniform(0, _MOST_HIDDEN) * (cells[0][2] - cells[0][0])
        if rng.random() < 0.35:
            left += hidden
        else:
            right -= hidden
    return left, top, right, bottom


def _sample_style(draft: PageDraft, drum: Glyph | None, count: int) -> _CounterStyle:
    """Draw the colours of the drums, those of pictures mostly as they are."""
    rng = draft.rng
    light = bool(rng.random() < 0.5)
    decimals = int(rng.choice([0, 0, 1, 2, 3])) if count > 4 else 0
    colours = np.stack([draft.background_colour(light), draft.background_colour(not light)]).astype(np.float32)
    if rng.random() < 0.6:  # most are black with pale digits or pale with black ones, and often badly lit
        levels = np.array([[rng.uniform(110, 245)], [rng.uniform(8, 55)]])
        colours = ((levels if light else levels[::-1]) + rng.normal(0, 5, (2, 3))).clip(0, 255).astype(np.float32)
    recolour = rng.random() < 0.2
    if drum is not None and not recolour:
        colours = colours_of(drum)
    last = colours
    kind = rng.random()
    red = (_RED * rng.uniform(0.6, 1.2)).astype(np.float32)
    if decimals and kind < 0.35:  # red drums
        last = np.stack([red, np.full(3, rng.uniform(190, 250), np.float32)])
    elif decimals and kind < 0.5:  # red digits
        last = np.stack([colours.max(axis=0), red])
    elif kind > 0.68:  # the last drum is white, or black, as on odometers
        decimals, last = 1, colours[::-1]
    pitch = rng.uniform(*_LOW_PITCH) if rng.random() < 0.4 else _PITCH
    return _CounterStyle(drum is not None, recolour, colours, last, decimals, rng.uniform(0.95, 1.12), pitch)


def _sample_positions(rng: np.random.Generator, count: int) -> list[tuple[int, float]]:
    """Draw the digit of which most is visible, and the turn (-0.5 to 0.5) away from it, of each drum.

    Half of the counters begin with zeros. Most drums stand still; the last one turns all the time, but on some counters
    it jumps from digit to digit. While it turns from 9 to 0, its neighbour turns with it.
    """
    digits = rng.integers(0, 10, count)
    if rng.random() < 0.5:
        digits[: int(rng.integers(1, max(count // 2, 1) + 1))] = 0
    turns = np.where(rng.random(count) < 0.05, rng.uniform(-0.5, 0.5, count), rng.normal(0, 0.04, count))
    if rng.random() < 0.7:
        turns[-1] = rng.uniform(-0.5, 0.5)
        if abs(turns[-1]) >= _BETWEEN and (digits[-1], turns[-1] > 0) in ((9, True), (0, False)):
            turns[-2] = turns[-1]
    return list(zip(digits.tolist(), turns.tolist(), strict=True))


def _add_pictured_drum(
    draft: PageDraft,
    line: Line,
    number: list[int],
    digit: int,
    turn: float,
    window: Box,
    style: _CounterStyle,
    colours: Colours | None,
) -> bool:
    """Add the picture of a drum that fills its window; False if no picture is between these digits."""
    rng = draft.rng
    glyph = draft.number_writer.drum(rng, digit, abs(turn) >= _BETWEEN)
    if glyph is None:
        return False
    if colours is not None or style.recoloured:
        glyph = recoloured(glyph, style.colours if colours is None else colours)
    rows, columns = glyph.ink.shape
    width, height = window[2] - window[0], (window[3] - window[1]) * style.zoom
    angle = rng.normal(0, _DRUM_ANGLE)
    shape = GlyphStyle(height, 1.04 * width * rows / (height * columns), 0.0, angle, 0.5)
    x, y = centre_of(window)
    y += rng.normal(0, _DRUM_SHIFT) * height
    line.height = height / (glyph.top - glyph.bottom)
    # A picture that would be enlarged too much is drawn as ink.
    ink = None if colours is None else colours[1].astype(np.float64)
    one = LineGlyph(glyph, shape, x, y, window, str(digit), colour=ink)
    line.append(Line(line.height, [one], box=np.array(window)), 0.0, 0.0, number)
    return True


def _add_drawn_drum(
    draft: PageDraft,
    line: Line,
    number: list[int],
    digit: int,
    turn: float,
    window: Box,
    pitch: float,
    colours: Colours | None,
) -> None:
    """Add what a window shows of a drawn drum: one digit and perhaps a sliver of its neighbours, or parts of two."""
    size = window[3] - window[1]
    distance = max(size * pitch, line.height * _MIN_PITCH)
    max_width = 0.96 * (window[2] - window[0])
    middle = centre_of(window)[1]
    first = len(line.glyphs)
    between = _write_between(draft, line.height, digit, turn, size, distance) if abs(turn) >= _BETWEEN else None
    if between is not None:
        _append_drum(line, between, number, window, max_width, middle)
    for step in (0, 1, -1) if between is None else ():
        offset = (step - turn) * distance
        if abs(offset) > (size + line.height) / 2:
            continue  # not visible
        drum = draft.write(str((digit + step) % 10), line.height, np.inf)
        if step:
            drum.glyphs = [replace(p, glyph=replace(p.glyph, label=NO_DIGIT), character="") for p in drum.glyphs]
        _append_drum(line, drum, [] if step else number, window, max_width, middle + offset)
    if colours is not None:
        ink = colours[1].astype(np.float64)
        line.glyphs[first:] = [replace(placed, colour=ink) for placed in line.glyphs[first:]]


def _write_between(
    draft: PageDraft, height: float, digit: int, turn: float, window: float, pitch: float
) -> Line | None:
    """Write both digits of a drum that stands between them as one glyph, labelled as the one that is nearer."""
    upper, lower = (digit, (digit + 1) % 10) if turn > 0 else ((digit - 1) % 10, digit)
    lines = [draft.write(str(value), height, np.inf) for value in (upper, lower)]
    if not all(line.glyphs for line in lines):
        return None
    first, second = (line.glyphs[0] for line in lines)
    size = max(window / first.style.height, 1.0)
    glyph = drum_between(first.glyph, second.glyph, digit, turn % 1, size, pitch / first.style.height)
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


def _add_body(draft: PageDraft, body: Box, windows: list[Box], style: _CounterStyle, one_window: bool) -> None:
    """Add the face of the counter, its windows with the drums behind them, and the marks of the decimals."""
    rng = draft.rng
    cell, window = windows[0][2] - windows[0][0], windows[0][3] - windows[0][1]
    face = body_colour(draft, bool(rng.random() < 0.5))
    drum, count = style.colours[0].astype(np.float64), len(windows)
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
    last_drum = style.last_colours[0].astype(np.float64)
    red_frame = style.last_colours is style.colours and rng.random() < 0.5
    for i, box in enumerate(windows):
        is_decimal = i >= count - style.decimals
        if is_decimal and red_frame:
            rounding = float(rng.choice([0.0, 0.5])) * min(cell, window)
            draft.panel(inset(box, -0.15 * cell), _RED * rng.uniform(0.7, 1.1), rounding)
        colour = last_drum if is_decimal else drum
        if style.pictured:
            draft.panel(box, colour)
        else:
            _add_drum(draft, box, colour)
        if framed:
            draft.frame(box, edge, max(window * 0.02, 0.7), corner)
    if style.decimals and rng.random() < 0.3:  # the decimal point on the face
        x = windows[count - style.decimals][0] - 0.02 * window
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


def _cover(draft: PageDraft, window: Box, cell: float) -> None:
    """Add what covers a part of the drums: the shadow of a recessed window, the scale of the last drum, reflections."""
    rng = draft.rng
    height = window[3] - window[1]
    if rng.random() < 0.3:  # from above or below, darker towards the edge
        depth, top = rng.uniform(0.08, 0.35) * height, bool(rng.random() < 0.7)
        for part in (1.0, 0.75, 0.5, 0.25):
            edge = (window[1], window[1] + part * depth) if top else (window[3] - part * depth, window[3])
            corners = rounded((window[0], edge[0], window[2], edge[1]), 0.0)
            draft.add_shape(corners, np.zeros(3), alpha=rng.uniform(0.08, 0.22), above=True)
    if rng.random() < 0.2:
        colour = draft.background_colour(bool(rng.random() < 0.6))
        step, length = height / float(rng.choice([4, 5, 8, 10])), rng.uniform(0.08, 0.2) * cell
        for y in np.arange(window[1] + rng.uniform(0, 1) * step, window[3], step).tolist():
            ends = np.array([[window[2] - length, y], [window[2], y]])
            draft.add_shape(ends, colour, max(0.03 * height, 0.7), closed=False, above=True)
    if rng.random() < 0.25:
        add_reflections(draft, window)


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


def _within(box: Box, limits: Box) -> Box:
    """Return the part of a box within another one."""
    return max(box[0], limits[0]), max(box[1], limits[1]), min(box[2], limits[2]), min(box[3], limits[3])


def _is_light(colour: Colours) -> bool:
    return float(colour.mean()) > 127
