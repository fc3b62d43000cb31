"""The layout `display`: the readings of instruments, pumps, clocks and scales behind glass, in their case."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from digitdet.common.types import Box
from digitdet.synth.digits.glyphs import NO_DIGIT, VISIBLE_INK, Glyph
from digitdet.synth.pages.display_devices import (
    SPREAD,
    Screen,
    add_caption,
    add_case,
    add_face,
    add_glass,
    add_reflections,
)
from digitdet.synth.pages.layouts import LAYOUTS
from digitdet.synth.pages.lines import Line
from digitdet.synth.pages.page_draft import Ink, PageDraft, centre_of, centred_box
from digitdet.synth.pages.texts import digits, pick, random_digits
from digitdet.synth.surfaces.fields import LUMA, pick_colour, with_level

# All colours are BGR. Glass with dark segments: grey-green, grey-blue, grey, yellow-green, amber, brown, blue, white.
_BRIGHT_GLASS = (
    *((150.0, 175.0, 165.0), (140.0, 160.0, 150.0), (78.0, 84.0, 80.0), (95.0, 97.0, 95.0), (60.0, 190.0, 150.0)),
    *((20.0, 130.0, 240.0), (35.0, 70.0, 150.0), (200.0, 120.0, 40.0), (250.0, 150.0, 140.0), (222.0, 226.0, 225.0)),
    *((105.0, 135.0, 90.0), (165.0, 190.0, 175.0), (165.0, 150.0, 132.0), (110.0, 112.0, 98.0), (135.0, 150.0, 140.0)),
)
# Glass with lit segments (black, blue, dark red, dark green), and the segments of liquid crystal displays behind it.
_DARK_GLASS = ((25.0, 22.0, 20.0), (110.0, 40.0, 15.0), (30.0, 25.0, 90.0), (40.0, 55.0, 30.0), (60.0, 55.0, 52.0))
_PALE_LIGHTS = ((235.0, 235.0, 230.0), (255.0, 220.0, 150.0), (60.0, 170.0, 255.0), (120.0, 255.0, 150.0))
# Light-emitting segments: red, orange, amber, green, cyan, blue, white.
_LIGHTS = (
    *((45.0, 40.0, 255.0), (30.0, 90.0, 255.0), (40.0, 180.0, 255.0), (80.0, 255.0, 100.0)),
    *((250.0, 235.0, 90.0), (230.0, 220.0, 120.0), (255.0, 130.0, 60.0), (245.0, 240.0, 235.0)),
)
_SIGNS = (
    *("AUTO", "kWh", "kWh", "°C", "°F", "MAX", "HOLD", "DC", "AC", "mV", "V", "km", "M+", "kg", "g", "PM", "AM", "%"),
    *("kW", "m³", "m³", "A", "km/h", "kVA", "kvarh", "MWh", "GJ", "€", "EUR", "L", "ltr", "bar", "rpm", "mph", "W"),
    *("TOTAL", "ODO", "TRIP", "Σ", "↑", "→"),
)
# Registers of electricity meters, shown beside their reading.
_REGISTERS = ("1.8.0", "1.8.0", "1.8.1", "1.8.2", "2.8.0", "15.8.0", "16.7", "0.9.1", "180", "01", "03", "1", "2", "T")

# Least difference in grey levels between the lit segments of a display and its glass.
_LEAST_CONTRAST = 28.0
_MAX_EMPTY_CELLS = 5
_LEAST_HEIGHT_WITH_SIGNS = 40.0  # of a window, in pixels


@dataclass(frozen=True)
class _Row:
    """One reading of a display."""

    text: str
    share: float = 1.0  # of the height of the display, relative to the other rows
    decimals: float = 1.0  # size of the digits after the decimal point, relative to the others
    register: str = ""  # small digits before the reading


@LAYOUTS.add("display")
def display(draft: PageDraft) -> None:
    """One to three readings behind glass: a part of a display, a display, or a device with its captions and keys."""
    rng = draft.rng
    rows = _sample_rows(draft)
    close_up = bool(rng.random() < 0.5)
    width = draft.width * (rng.uniform(0.92, 1.12) if close_up else rng.uniform(0.4, 0.92))
    # A display is made for its readings: about as wide as the longest one, and little higher than all of them.
    longest = max(len(row.text) * row.share for row in rows)
    natural = width * sum(row.share for row in rows) / (max(longest, 2) * rng.uniform(0.5, 1.1))
    height = min(natural, draft.height * (rng.uniform(0.75, 1.1) if close_up else rng.uniform(0.4, 0.75)))
    x, y = rng.uniform(-0.5, 0.5, 2) * np.maximum([draft.width - width, draft.height - height], 0)
    box = centred_box(x, y, width, height)
    screen = _sample_screen(rng)
    apart = len(rows) > 1 and rng.random() < 0.3  # every reading has a window of its own
    if not close_up and rng.random() < 0.25:
        add_face(draft, box)
    if not close_up or apart or rng.random() < 0.5:
        add_case(draft, box)
    total, top = sum(row.share for row in rows), box[1]
    gap = rng.uniform(0.08, 0.25) * height / len(rows) if apart else 0.0
    if not apart:
        add_glass(draft, box, screen)
    for row in rows:
        bottom = top + row.share / total * height
        window = (box[0], top, box[2], bottom - gap)
        if apart:
            add_glass(draft, window, screen)
        _add_reading(draft, window, row, screen)
        if apart and rng.random() < 0.7:
            size = min(gap * 0.7, 0.06 * width)
            add_caption(draft, x, bottom - gap / 2, size, window)
        top = bottom
    if rng.random() < 0.5:
        add_reflections(draft, box)


def _sample_rows(draft: PageDraft) -> list[_Row]:
    """Draw the readings of a value, two values, a meter, a pump, a clock, a thermometer or a blood-pressure monitor."""
    rng, look = draft.rng, draft.look
    if draft.words_only:
        return [_Row(draft.text())]
    kind = rng.random()
    if kind < 0.35:
        text = draft.text()
        return [_Row("-" + text if text[:1].isdigit() and rng.random() < 0.05 else text)]
    if kind < 0.5:
        rows = [_Row(draft.text(), rng.uniform(0.3, 1)) for _ in range(int(rng.integers(1, 3)))]
        return [_Row(draft.text()), *rows] if rng.random() < 0.7 else [*rows, _Row(draft.text())]
    if kind < 0.69:
        return _sample_meter(rng)
    if kind < 0.81:
        values = rng.integers((100, 100, 900), (20000, 9999, 2600))
        places = (2, int(rng.integers(2, 4)), 3)
        texts = [f"{value / 10**place:.{place}f}" for value, place in zip(values, places, strict=True)]
        return [_Row(text) for text in texts[: int(rng.integers(2, 4))]]
    if kind < 0.88:
        clock = f"{int(rng.integers(24)):{str(rng.choice(['02', '']))}}:{int(rng.integers(60)):02}"
        return [_Row(clock)] if rng.random() < 0.6 else [_Row(clock), _Row(digits(rng, look), rng.uniform(0.3, 0.6))]
    if kind < 0.94:
        whole, tenth = int(rng.integers(-9, 43)), int(rng.integers(10))
        return [_Row(f"{whole}.{tenth}", decimals=rng.uniform(0.55, 1))]
    return [_Row(str(value)) for value in rng.integers((90, 50, 45), (190, 110, 130)).tolist()]


def _sample_meter(rng: np.random.Generator) -> list[_Row]:
    """Draw a meter's reading: long, often with leading zeros and the number of its register."""
    count = int(rng.integers(4, 9))
    zeros = int(rng.integers(0, count - 1)) if rng.random() < 0.6 else 0
    text = "0" * zeros + random_digits(rng, count - zeros)
    places = int(rng.choice([0, 0, 0, 1, 2, 3]))
    text = f"{text[:-places]}.{text[-places:]}" if places else text
    row = _Row(text, register=pick(rng, _REGISTERS) if rng.random() < 0.35 else "")
    if rng.random() < 0.75:
        return [row]
    other = _Row(random_digits(rng, int(rng.integers(2, 7))), rng.uniform(0.3, 0.6))
    return [row, other] if rng.random() < 0.5 else [other, row]


def _sample_screen(rng: np.random.Generator) -> Screen:
    """Draw a liquid crystal display with dark segments or with light ones, or a light-emitting display."""
    kind = rng.random()
    ghost = float(rng.choice([0.0, rng.uniform(0.02, 0.2), rng.uniform(0.2, 0.38)], p=[0.4, 0.4, 0.2]))
    align = float(rng.choice([1.0, rng.random(), 0.5]))
    if kind < 0.6:
        glass = pick_colour(rng, _BRIGHT_GLASS, SPREAD) * rng.uniform(0.75, 1.15)
        level = float(glass @ LUMA)
        dark = max(min(level * rng.uniform(0.1, 0.8), level - _LEAST_CONTRAST), 5.0)
        ink = Ink("lcd", np.zeros(3), ghost, with_level(glass * rng.uniform(0.85, 1.15, 3), dark))
        return Screen(glass, rng.uniform(0.6, 0.95), ink, True, align)
    glass = pick_colour(rng, _DARK_GLASS, SPREAD) * rng.uniform(0.6, 1.3)
    if kind < 0.75:
        pale = pick_colour(rng, _PALE_LIGHTS, SPREAD)
        light = with_level(pale, float(glass @ LUMA) + rng.uniform(_LEAST_CONTRAST + 15, 190))
        return Screen(glass, rng.uniform(0.75, 0.97), Ink("lcd", np.zeros(3), ghost, light), False, align)
    light = np.clip(pick_colour(rng, _LIGHTS, SPREAD) * rng.uniform(0.7, 1.1), 0, 255)
    ghost = ghost / 4 if rng.random() < 0.4 else 0.0
    return Screen(glass * 0.6, rng.uniform(0.85, 1), Ink("led", np.zeros(3), ghost, light), False, align)


def _add_reading(draft: PageDraft, window: Box, row: _Row, screen: Screen) -> None:
    """Write a reading into its window, perhaps with unlit cells or a register before it and signs around it."""
    rng = draft.rng
    line = draft.write(row.text, 100.0, np.inf)
    if not line.glyphs:
        return
    if row.decimals < 1:
        line = _with_small_decimals(line, row)
    if rng.random() < 0.3:
        line = _with_half_digit(line)
    if window[3] - window[1] > _LEAST_HEIGHT_WITH_SIGNS and rng.random() < 0.3:
        window = _add_annunciators(draft, window, screen)
    width, height = window[2] - window[0], window[3] - window[1]
    margin = rng.uniform(0.03, 0.12) * height
    room = (0.75 if row.register else 1.0) * (width - 2 * margin) * (rng.uniform(0.6, 1) if rng.random() < 0.6 else 1.0)
    tall = height * rng.uniform(0.6, 0.92)
    size = min(100 * room / line.width, 100 * tall / float(line.size[1]), draft.look.digit_height[1])
    line = line.scaled(size / 100)
    free_x, free_y = width - 2 * margin - line.width, height - float(line.size[1])
    x = window[0] + margin + screen.align * free_x + line.width / 2
    y = centre_of(window)[1] + rng.uniform(-0.5, 0.5) * max(free_y - margin, 0)
    if row.register:
        x = _add_register(draft, row, window, (x, y), line, screen)
    elif screen.ink.ghost and rng.random() < 0.6:
        _add_empty_cells(line, screen.align * free_x)
    draft.put(line, x, y, screen.dark, screen.ink)
    before = 0.0 if row.register else x - line.width / 2 - window[0]
    beside = before, window[2] - x - line.width / 2
    if max(beside) > 0.5 * size and rng.random() < 0.5:
        middle = window[0] + beside[0] / 2 if beside[0] > beside[1] else window[2] - beside[1] / 2
        _add_sign(draft, middle, window, 0.8 * max(beside), screen)


def _add_register(
    draft: PageDraft, row: _Row, window: Box, at: tuple[float, float], line: Line, screen: Screen
) -> float:
    """Write the register of a reading at the left of its window, and return x of the reading, moved off it."""
    rng = draft.rng
    code = draft.write(row.register, 100.0, np.inf)
    if not code.glyphs:
        return at[0]
    code = code.scaled(line.height * rng.uniform(0.3, 0.6) / 100)
    left = window[0] + rng.uniform(0.1, 0.3) * line.height
    least = left + code.width + rng.uniform(0.4, 0.8) * line.height + line.width / 2
    if least + line.width / 2 > window[2]:
        return at[0]
    y = at[1] + float(rng.choice([-0.5, 0.0, 0.5])) * (line.height - code.height)
    draft.put(code, left + code.width / 2, y, screen.dark, screen.ink)
    return max(at[0], least)


def _add_annunciators(draft: PageDraft, window: Box, screen: Screen) -> Box:
    """Add a row of words, arrows and bars along the upper or lower edge of a window, and return the rest of it."""
    rng = draft.rng
    size = (window[3] - window[1]) * rng.uniform(0.1, 0.2)
    at_top = bool(rng.random() < 0.5)
    y = window[1] + 0.7 * size if at_top else window[3] - 0.7 * size
    x = window[0] + size * rng.uniform(0.5, 4)
    colour = screen.glass if screen.ink.colour is None else screen.ink.colour
    while x < window[2] - 2 * size:
        kind, width = rng.random(), size * rng.uniform(0.6, 1.2)
        if kind < 0.4:
            line = draft.write_clutter(pick(rng, _SIGNS), size * rng.uniform(0.6, 0.9))
            width = line.width
            if line.glyphs and x + width < window[2]:
                draft.put(line, x + width / 2, y, screen.dark, screen.ink)
        elif kind < 0.75:  # an arrow to a word printed on the case
            side = -1 if at_top else 1
            tip = np.array([[x, y - 0.3 * side * size], [x + width, y - 0.3 * side * size]])
            arrow = np.vstack([tip, [[x + width / 2, y + 0.4 * side * size]]])
            draft.add_shape(arrow, colour, alpha=rng.uniform(0.4, 1))
        else:
            draft.panel((x, y - 0.3 * size, x + width, y + 0.3 * size), colour, alpha=rng.uniform(0.2, 1))
        x += width + size * rng.uniform(0.5, 8)
    rest = 1.4 * size
    return window[0], window[1] + rest * at_top, window[2], window[3] - rest * (not at_top)


def _with_small_decimals(line: Line, row: _Row) -> Line:
    """Return a line with a smaller size of the digits after the decimal point, on the same base line."""
    point = row.text.find(".")
    if not 0 <= point < len(line.glyphs) - 1 or len(line.glyphs) != len(row.text):
        return line
    start, factor = line.glyphs[point].x, row.decimals
    glyphs = list(line.glyphs)
    for place in range(point + 1, len(glyphs)):
        glyph = glyphs[place]
        tall = glyph.style.height
        style = replace(glyph.style, height=tall * factor)
        y = glyph.y + tall * (1 - factor) / 2
        glyphs[place] = replace(glyph, style=style, x=start + (glyph.x - start) * factor, y=y)
    box = line.box.copy()
    box[2] = start + (box[2] - start) * factor
    return replace(line, glyphs=glyphs, box=box)


def _with_half_digit(line: Line) -> Line:
    """Return a line whose first cell has only the segments of a 1, as in multimeters; a line without such a 1 stays."""
    first = line.glyphs[0]
    glyph = first.glyph
    if glyph.label != 1 or glyph.faint is None:
        return line
    left = int((glyph.ink > VISIBLE_INK).any(axis=0).argmax())
    cut = left * first.style.stretch * first.style.height / len(glyph.ink)
    one = replace(glyph, ink=np.ascontiguousarray(glyph.ink[:, left:]), faint=None)
    box = line.box + [cut, 0, 0, 0]
    return replace(line, glyphs=[replace(first, glyph=one, x=first.x + cut / 2), *line.glyphs[1:]], box=box)


def _add_empty_cells(line: Line, room: float) -> None:
    """Add unlit cells before the first digit, as many as fit `room` pixels; a line without unlit segments stays."""
    first = min(line.glyphs, key=lambda glyph: glyph.x)
    glyph = first.glyph
    if glyph.label == NO_DIGIT or glyph.faint is None or glyph.advance is None:
        return
    pitch = glyph.advance * first.style.stretch * line.height
    unlit = Glyph(np.zeros_like(glyph.ink), NO_DIGIT, faint=np.maximum(glyph.ink, glyph.faint))
    for place in range(1, min(int(room / pitch), _MAX_EMPTY_CELLS) + 1):
        line.glyphs.append(replace(first, glyph=unlit, x=first.x - place * pitch, character=""))


def _add_sign(draft: PageDraft, x: float, window: Box, room: float, screen: Screen) -> None:
    """Add a unit, a word, a battery or a bar graph in the ink of the display."""
    rng = draft.rng
    height = window[3] - window[1]
    size = height * rng.uniform(0.1, 0.28)
    y = window[1] + height * float(rng.choice([0.2, 0.5, 0.8]))
    colour = screen.glass if screen.ink.colour is None else screen.ink.colour
    if rng.random() < 0.75:
        text = str(rng.choice(_SIGNS))
        line = draft.clutter_writer.write(rng, text, 100.0, np.inf)
        if line.glyphs:
            draft.put(line.scaled(min(size, 100 * room / line.width) / 100), x, y, screen.dark, screen.ink)
    elif rng.random() < 0.5:
        battery = centred_box(x, y, min(1.6 * size, room), 0.7 * size)
        draft.frame(battery, colour, max(0.08 * size, 1.0))
        draft.panel(
            (battery[0], battery[1], battery[0] + rng.uniform(0.2, 0.9) * (battery[2] - battery[0]), battery[3]), colour
        )
    else:
        count, wide = int(rng.integers(4, 12)), 0.9 * room
        for place in range(count):
            draft.panel(centred_box(x + (place / count - 0.5) * wide, y, 0.5 * wide / count, 0.25 * size), colour)
