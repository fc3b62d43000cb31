"""The layout `display`: the readings of instruments, pumps, clocks and scales behind glass, in their case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from digitdet.common.types import Box, FloatArray, Points
from digitdet.synth.digits.glyphs import NO_DIGIT, VISIBLE_INK, Glyph
from digitdet.synth.pages.layouts import LAYOUTS
from digitdet.synth.pages.lines import Line
from digitdet.synth.pages.page_draft import Ink, PageDraft, centre_of, centred_box, inset
from digitdet.synth.pages.texts import digits, word
from digitdet.synth.surfaces.fields import LUMA, with_level

# All colours are BGR. Glass with dark segments: grey-green, dark grey, yellow-green, amber, brown, blue, violet, white.
_BRIGHT_GLASS = (
    *((150.0, 175.0, 165.0), (140.0, 160.0, 150.0), (78.0, 84.0, 80.0), (95.0, 97.0, 95.0), (60.0, 190.0, 150.0)),
    *((20.0, 130.0, 240.0), (35.0, 70.0, 150.0), (200.0, 120.0, 40.0), (250.0, 150.0, 140.0), (222.0, 226.0, 225.0)),
    *((105.0, 135.0, 90.0), (165.0, 190.0, 175.0)),
)
# Glass with lit segments (black, blue, dark red, dark green), and the segments of liquid crystal displays behind it.
_DARK_GLASS = ((25.0, 22.0, 20.0), (110.0, 40.0, 15.0), (30.0, 25.0, 90.0), (40.0, 55.0, 30.0), (60.0, 55.0, 52.0))
_PALE_LIGHTS = ((235.0, 235.0, 230.0), (255.0, 220.0, 150.0), (60.0, 170.0, 255.0), (120.0, 255.0, 150.0))
# Light-emitting segments: red, orange, amber, green, cyan, blue, white.
_LIGHTS = (
    *((45.0, 40.0, 255.0), (30.0, 90.0, 255.0), (40.0, 180.0, 255.0), (80.0, 255.0, 100.0)),
    *((250.0, 235.0, 90.0), (230.0, 220.0, 120.0), (255.0, 130.0, 60.0), (245.0, 240.0, 235.0)),
)
_CASES = (
    *((35.0, 34.0, 33.0), (60.0, 58.0, 56.0), (150.0, 150.0, 148.0), (215.0, 218.0, 220.0), (190.0, 205.0, 212.0)),
    *((30.0, 150.0, 230.0), (110.0, 60.0, 30.0), (45.0, 40.0, 150.0)),
)
# What is printed on cases and shown beside a reading.
_CAPTIONS = (
    *("SALE $", "GALLONS", "LITRES", "TOTAL", "AMOUNT", "km/h", "POWER", "VOLT", "TEMP"),
    *("SYS", "DIA", "PULSE", "Energy", "Weight", "NET kg", "Euro", "Liter"),
)
_SIGNS = ("AUTO", "kWh", "°C", "°F", "MAX", "HOLD", "DC", "AC", "mV", "V", "km", "M+", "kg", "g", "PM", "AM", "%", "kW")

# Least difference in grey levels between the lit segments of a display and its glass.
_LEAST_CONTRAST = 34.0
_MAX_EMPTY_CELLS = 5


@dataclass(frozen=True)
class _Screen:
    """What all rows of a display have in common."""

    glass: FloatArray  # colour (3,) BGR
    opacity: float  # of the glass over the surface of the look, 0 to 1
    ink: Ink
    dark: bool  # whether lit segments are darker than the glass
    align: float  # place of the numbers in the free space: 0 left, 1 right


@dataclass(frozen=True)
class _Row:
    """One reading of a display."""

    text: str
    share: float = 1.0  # of the height of the display, relative to the other rows
    decimals: float = 1.0  # size of the digits after the decimal point, relative to the others


@LAYOUTS.add("display")
def display(draft: PageDraft) -> None:
    """One to three readings behind glass: a part of a display, a display, or a device with its captions and keys."""
    rng = draft.rng
    rows = _sample_rows(draft)
    close_up = bool(rng.random() < 0.5)
    width = draft.width * (rng.uniform(0.92, 1.12) if close_up else rng.uniform(0.5, 0.92))
    # A display is made for its readings: about as wide as the longest one, and little higher than all of them.
    longest = max(len(row.text) * row.share for row in rows)
    natural = width * sum(row.share for row in rows) / (max(longest, 2) * rng.uniform(0.5, 1.1))
    height = min(natural, draft.height * (rng.uniform(0.75, 1.1) if close_up else rng.uniform(0.4, 0.75)))
    x, y = rng.uniform(-0.5, 0.5, 2) * np.maximum([draft.width - width, draft.height - height], 0)
    box = centred_box(x, y, width, height)
    screen = _sample_screen(rng)
    apart = len(rows) > 1 and rng.random() < 0.3  # every reading has a window of its own
    if not close_up or apart or rng.random() < 0.5:
        _add_case(draft, box)
    total, top = sum(row.share for row in rows), box[1]
    gap = rng.uniform(0.08, 0.25) * height / len(rows) if apart else 0.0
    if not apart:
        _add_glass(draft, box, screen)
    for row in rows:
        bottom = top + row.share / total * height
        window = (box[0], top, box[2], bottom - gap)
        if apart:
            _add_glass(draft, window, screen)
        _add_reading(draft, window, row, screen)
        if apart and rng.random() < 0.7:
            size = min(gap * 0.7, 0.06 * width)
            _add_caption(draft, x, bottom - gap / 2, size, window)
        top = bottom
    if rng.random() < 0.5:
        add_reflections(draft, box)


def _sample_rows(draft: PageDraft) -> list[_Row]:
    """Draw the readings of a value, two values, a fuel pump, a clock, a thermometer or a blood-pressure monitor."""
    rng, look = draft.rng, draft.look
    if draft.words_only:
        return [_Row(draft.text())]
    kind = rng.random()
    if kind < 0.5:
        text = draft.text()
        return [_Row("-" + text if text[:1].isdigit() and rng.random() < 0.05 else text)]
    if kind < 0.68:
        rows = [_Row(draft.text(), rng.uniform(0.3, 1)) for _ in range(int(rng.integers(1, 3)))]
        return [_Row(draft.text()), *rows] if rng.random() < 0.7 else [*rows, _Row(draft.text())]
    if kind < 0.78:
        values = rng.integers((100, 100, 900), (20000, 9999, 2600))
        places = (2, int(rng.integers(2, 4)), 3)
        texts = [f"{value / 10**place:.{place}f}" for value, place in zip(values, places, strict=True)]
        return [_Row(text) for text in texts[: int(rng.integers(2, 4))]]
    if kind < 0.87:
        clock = f"{int(rng.integers(24)):{str(rng.choice(['02', '']))}}:{int(rng.integers(60)):02}"
        return [_Row(clock)] if rng.random() < 0.6 else [_Row(clock), _Row(digits(rng, look), rng.uniform(0.3, 0.6))]
    if kind < 0.94:
        whole, tenth = int(rng.integers(-9, 43)), int(rng.integers(10))
        return [_Row(f"{whole}.{tenth}", decimals=rng.uniform(0.55, 1))]
    return [_Row(str(value)) for value in rng.integers((90, 50, 45), (190, 110, 130)).tolist()]


def _sample_screen(rng: np.random.Generator) -> _Screen:
    """Draw a liquid crystal display with dark segments or with light ones, or a light-emitting display."""
    kind = rng.random()
    ghost = float(rng.choice([0.0, rng.uniform(0.02, 0.2), rng.uniform(0.2, 0.7)], p=[0.45, 0.35, 0.2]))
    align = float(rng.choice([1.0, rng.random(), 0.5]))
    if kind < 0.6:
        glass = _pick(rng, _BRIGHT_GLASS) * rng.uniform(0.75, 1.15)
        level = float(glass @ LUMA)
        factor = min(rng.uniform(0.1, 0.7), max(1 - _LEAST_CONTRAST / level, 0.05))
        ink = Ink("lcd", np.zeros(3), ghost, glass * factor * rng.uniform(0.85, 1.15, 3))
        return _Screen(glass, rng.uniform(0.6, 0.95), ink, True, align)
    glass = _pick(rng, _DARK_GLASS) * rng.uniform(0.6, 1.3)
    if kind < 0.75:
        light = with_level(_pick(rng, _PALE_LIGHTS), float(glass @ LUMA) + rng.uniform(_LEAST_CONTRAST + 15, 190))
        return _Screen(glass, rng.uniform(0.75, 0.97), Ink("lcd", np.zeros(3), ghost, light), False, align)
    light = np.clip(_pick(rng, _LIGHTS) * rng.uniform(0.7, 1.1), 0, 255)
    ghost = ghost / 4 if rng.random() < 0.4 else 0.0
    return _Screen(glass * 0.6, rng.uniform(0.85, 1), Ink("led", np.zeros(3), ghost, light), False, align)


def _pick(rng: np.random.Generator, colours: Sequence[tuple[float, float, float]]) -> FloatArray:
    """Draw a colour (3,) near one of a palette."""
    return np.clip(np.array(colours[int(rng.integers(len(colours)))]) + rng.normal(0, 7, 3), 0, 255)


def _add_case(draft: PageDraft, box: Box) -> None:
    """Add the case around a display: its face, the edge of the window, a caption and keys."""
    rng = draft.rng
    width, height = box[2] - box[0], box[3] - box[1]
    edge = rng.uniform(0.05, 0.3) * height
    body = (box[0] - edge * rng.uniform(0.4, 2), box[1] - edge, box[2] + edge, box[3] + edge * rng.uniform(1, 4))
    colour = np.clip(_pick(rng, _CASES) * rng.uniform(0.7, 1.15), 0, 255)
    if rng.random() < 0.8:
        draft.panel(body, colour, edge * rng.uniform(0, 1))
    rim = rng.uniform(0.02, 0.08) * height
    if rng.random() < 0.7:
        draft.panel(inset(box, -rim), colour * rng.uniform(0.3, 0.8), rim)
        if rng.random() < 0.5:
            draft.frame(inset(box, -rim), np.minimum(colour + 60, 255), 1.0, rim, alpha=0.6)
    below = body[3] - box[3]
    if rng.random() < 0.4:
        at = box[3] + 0.5 * below if rng.random() < 0.6 else box[1] - 0.5 * edge
        _add_caption(draft, (box[0] + box[2]) / 2 + rng.uniform(-0.2, 0.2) * width, at, 0.35 * edge + 4, body)
    elif below > 0.3 * height and rng.random() < 0.6:
        count, size = int(rng.integers(2, 6)), 0.35 * below
        key = np.clip(colour + rng.choice([-50, 50]), 0, 255)
        for place in (np.arange(count) + 0.5) / count:
            centre = box[0] + float(place) * width
            draft.panel(centred_box(centre, box[3] + 0.55 * below, size * 1.5, size), key, size * rng.uniform(0.1, 0.5))


def _add_glass(draft: PageDraft, box: Box, screen: _Screen) -> None:
    """Add the glass, perhaps with the shadow that its frame casts on it."""
    rng = draft.rng
    corner = 0.06 * (box[3] - box[1]) * rng.random()
    draft.panel(box, screen.glass, corner, alpha=screen.opacity)
    if rng.random() < 0.4:  # a backlight at one side, or a pale edge
        brighter = np.minimum(screen.glass * rng.uniform(0.5, 1.7) + 10, 255)
        for reach in np.linspace(0.15, rng.uniform(0.5, 1), 7):
            far = box[0] + reach * (box[2] - box[0]), box[2] - reach * (box[2] - box[0])
            lit = (box[0], box[1], far[0], box[3]) if screen.align > 0.5 else (far[1], box[1], box[2], box[3])
            draft.panel(lit, brighter, alpha=0.11)
    if screen.dark and rng.random() < 0.4:
        depth = rng.uniform(0.03, 0.1) * (box[3] - box[1])
        draft.panel((box[0], box[1], box[2], box[1] + depth), np.zeros(3), alpha=rng.uniform(0.15, 0.5))
    if rng.random() < 0.25:
        draft.frame(box, screen.glass * 0.4, 1.0, corner)


def _add_caption(draft: PageDraft, x: float, y: float, size: float, inside: Box) -> None:
    """Print a caption on the case, as large as `size` and the width of the case allow."""
    text = str(draft.rng.choice(_CAPTIONS)) if draft.rng.random() < 0.75 else word(draft.rng)
    line = draft.clutter_writer.write(draft.rng, text, 100.0, np.inf)
    if line.glyphs and size > 4:
        draft.put(line.scaled(min(size, 80 * (inside[2] - inside[0]) / line.width) / 100), x, y)


def _add_reading(draft: PageDraft, window: Box, row: _Row, screen: _Screen) -> None:
    """Write a reading into its window, perhaps with unlit cells before it and a sign or a bar beside it."""
    rng = draft.rng
    line = draft.write(row.text, 100.0, np.inf)
    if not line.glyphs:
        return
    if row.decimals < 1:
        line = _with_small_decimals(line, row)
    if rng.random() < 0.3:
        line = _with_half_digit(line)
    width, height = window[2] - window[0], window[3] - window[1]
    margin = rng.uniform(0.03, 0.12) * height
    room = (width - 2 * margin) * (rng.uniform(0.6, 1) if rng.random() < 0.6 else 1.0)
    tall = height * rng.uniform(0.6, 0.92)
    size = min(100 * room / line.width, 100 * tall / float(line.size[1]), draft.look.digit_height[1])
    line = line.scaled(size / 100)
    free_x, free_y = width - 2 * margin - line.width, height - float(line.size[1])
    x = window[0] + margin + screen.align * free_x + line.width / 2
    y = centre_of(window)[1] + rng.uniform(-0.5, 0.5) * max(free_y - margin, 0)
    if screen.ink.ghost and rng.random() < 0.6:
        _add_empty_cells(line, screen.align * free_x)
    draft.put(line, x, y, screen.dark, screen.ink)
    beside = x - line.width / 2 - window[0], window[2] - x - line.width / 2
    if max(beside) > 0.5 * size and rng.random() < 0.5:
        middle = window[0] + beside[0] / 2 if beside[0] > beside[1] else window[2] - beside[1] / 2
        _add_sign(draft, middle, window, 0.8 * max(beside), screen)


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


def _add_sign(draft: PageDraft, x: float, window: Box, room: float, screen: _Screen) -> None:
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


def add_reflections(draft: PageDraft, glass: Box) -> None:
    """Reflect windows, lamps, a bright room or somebody with a phone in the glass, on top of the digits."""
    rng = draft.rng
    width, height = glass[2] - glass[0], glass[3] - glass[1]
    tint = np.array([255.0, 248.0, 240.0]) * rng.uniform(0.75, 1)
    place = np.array([glass[0], glass[1]]) + rng.uniform(0, 1, 2) * (width, height)
    kind = int(rng.integers(5))
    strength = 0.08 + 0.4 * rng.random() ** 2
    lean = rng.uniform(-0.6, 0.6)
    if kind == 0:  # a window with its bars
        size, bar = rng.uniform(0.3, 1.0) * height, rng.uniform(0.04, 0.12)
        for i, j in np.ndindex(int(rng.integers(1, 4)), int(rng.integers(1, 3))):
            pane = size * (np.array([[0, 0], [1 - bar, 0], [1 - bar, 1 - bar], [0, 1 - bar]]) + (i, j))
            _reflect(draft, place + pane @ np.array([[1, 0], [lean, 1]]), glass, tint, strength)
    elif kind == 1:  # a lamp: a soft spot
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        spot = np.column_stack([np.cos(angles) * rng.uniform(0.6, 3), np.sin(angles)]) * rng.uniform(0.1, 0.5) * height
        for scale in np.linspace(1, 0.3, 8):
            _reflect(draft, place + spot * scale, glass, tint, strength / 4)
    elif kind == 2:  # a band across, with soft edges
        half = rng.uniform(0.05, 0.3) * width
        for scale in np.linspace(1, 0.7, 6):
            offsets = np.array([-half, half, half + lean * height, -half + lean * height])
            band = np.column_stack([place[0] + offsets * scale, np.array([glass[1], glass[1], glass[3], glass[3]])])
            _reflect(draft, band, glass, tint, strength / 5)
    elif kind == 3:  # bright and dark parts of a room
        for _ in range(int(rng.integers(3, 7))):
            corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) + rng.uniform(-0.2, 0.2, (4, 2))
            at = np.array([glass[0], glass[1]]) + rng.uniform(-0.3, 1, 2) * (width, height)
            part = at + corners * rng.uniform(0.15, 0.8, 2) * (width, height)
            _reflect(draft, part, glass, tint * rng.uniform(0, 1) ** 2, strength * rng.uniform(0.2, 0.9))
    else:  # a bright room, and the dark shape of a phone and the hand that holds it
        corners = np.array([[glass[0], glass[1]], [glass[2], glass[1]], [glass[2], glass[3]], [glass[0], glass[3]]])
        _reflect(draft, corners, glass, tint, strength * 0.7)
        phone = np.array([[-0.35, -0.6], [0.35, -0.6], [0.35, 0.7], [-0.35, 0.7]]) * rng.uniform(0.4, 1) * height
        hand = np.array([[-0.25, 0.2], [0.25, 0.1], [0.6, 1.5], [-0.1, 1.6]]) * height
        for dark in (phone, hand):
            _reflect(draft, place + dark, glass, tint * 0.1, 0.1 + strength * 0.6)


def _reflect(draft: PageDraft, outline: Points, glass: Box, colour: FloatArray, alpha: float) -> None:
    """Add the part of a convex outline (N, 2) that lies in the glass, on top of the ink."""
    corners = np.array([[glass[0], glass[1]], [glass[2], glass[1]], [glass[2], glass[3]], [glass[0], glass[3]]])
    area, inside = cv2.intersectConvexConvex(outline.astype(np.float32), corners.astype(np.float32))
    if area > 1:
        draft.add_shape(inside.reshape(-1, 2).astype(np.float64), colour, alpha=alpha, above=True)
