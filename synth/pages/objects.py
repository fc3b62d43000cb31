"""Objects of a scene: signs, bibs, plates, notes, displays, and numbers that stand directly on a wall.

An object is a function that draws one thing on a page draft: its body, its numbers, and the words around them. It may
use any part of the page around the origin, which becomes the object's place in the picture; numbers come from
`draft.text()` only, which gives words where a picture may hold no digit. To add one, decorate it with
`@OBJECTS.add("name")` and give the name a weight in the `objects` of a look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from digitdet.common.registry import Registry
from digitdet.synth.pages.layouts import LAYOUTS
from digitdet.synth.pages.object_parts import (
    colour_near,
    contrasting,
    cover_edge,
    is_light,
    made_up_words,
    plate_code,
    small_print,
    takes_dark_ink,
    write_inside,
)
from digitdet.synth.pages.page_draft import PageDraft, centre_of, centred_box, inset
from digitdet.synth.pages.pictographs import arrow, person

OBJECTS: Registry[Callable[[PageDraft, float], None]] = Registry()
"""f(draft, height): draw one object whose main digits are `height` pixels high."""

CLOTH = frozenset({"bib", "jersey"})
"""Objects that fold."""

HANDWRITTEN = frozenset({"mnist", "emnist", "qmnist", "usps", "pen", "hands", "strokes", "crops"})
"""Digit sources with handwritten punctuation marks and words; beside the other sources, these are printed."""

OWN_SOURCES: Mapping[str, frozenset[str]] = {
    "screen": frozenset({"segments", "dots"}),
    "meter": frozenset({"fonts", "drums"}),
    "note": HANDWRITTEN,
    "jersey": frozenset({"fonts", "stencils"}),
    "number_plate": frozenset({"fonts", "stencils"}),
}
"""Digit sources of some objects, if the look has one of them; the others, and all other objects, use any but these
displays and handwriting."""

# Colours BGR of bodies: of signs, of their accents, of bibs and of paper.
_SIGN_COLOURS = (
    *((28, 26, 25), (40, 38, 38), (70, 64, 60), (120, 115, 112), (175, 170, 168), (235, 235, 235), (250, 250, 250)),
    *((120, 50, 15), (150, 85, 20), (60, 105, 25), (45, 40, 150), (35, 45, 70), (195, 165, 160)),
)
_ACCENTS = ((30, 165, 205), (20, 140, 180), (45, 190, 235), (60, 60, 190), (160, 90, 30), (80, 130, 40), (90, 85, 80))
_CLOTHS = ((245, 245, 245), (235, 238, 240), (250, 250, 250), (60, 220, 245), (225, 200, 150), (200, 215, 250))
_PAPERS = ((240, 244, 246), (250, 250, 250), (215, 235, 240), (150, 235, 250), (225, 225, 225))
_PLATES = ((245, 245, 245), (250, 250, 250), (40, 200, 245), (60, 215, 240), (120, 50, 15), (30, 30, 30))


@OBJECTS.add("sign")
def sign(draft: PageDraft, height: float) -> None:
    """A sign of a building or a street: panels with a number and names, a column, a list of rooms or one plate."""
    kinds = (_panel_sign, _column_sign, _list_sign, _plate_sign)
    kinds[int(draft.rng.choice(4, p=(0.42, 0.16, 0.14, 0.28)))](draft, height)


@OBJECTS.add("bib")
def bib(draft: PageDraft, height: float) -> None:
    """A runner's bib: a large number on cloth between the words of sponsors, with pins; an arm may cover an edge."""
    rng = draft.rng
    line = draft.write(draft.text(), height, 7 * height)
    width = max(line.width * rng.uniform(1.12, 1.5), 2 * height)
    body = centred_box(0, 0, width, height * rng.uniform(1.6, 2.5))
    colour = colour_near(rng, _CLOTHS)
    draft.panel(body, colour)
    top, bottom = -height * rng.uniform(0.56, 0.7), height * rng.uniform(0.56, 0.7)
    for edge, outer in ((top, body[1]), (bottom, body[3])):
        if rng.random() < 0.75:
            band = (body[0], min(edge, outer), body[2], max(edge, outer))
            accent = colour_near(rng, _ACCENTS) if rng.random() < 0.6 else colour
            draft.panel(band, accent)
            write_inside(draft, made_up_words(rng, 1, 3), band, rng.uniform(0.5, 0.85), is_light(accent))
    pin = max(0.04 * height, 0.8)
    for x in (body[0] + 2 * pin, body[2] - 2 * pin):
        for y in (body[1] + 2 * pin, body[3] - 2 * pin):
            draft.panel(centred_box(x, y, pin, pin), colour * 0.4, pin)
    draft.put(line, 0, 0, is_light(colour))
    if rng.random() < 0.4:  # the runner's name, between the number and the lower band
        name = centred_box(0, bottom - 0.07 * height, width, 0.14 * height)
        write_inside(draft, made_up_words(rng, 1, 1), name, 1.5, is_light(colour))
    if rng.random() < 0.25:
        cover_edge(draft, body, (width - line.width) / 2 + 0.12 * height)


@OBJECTS.add("jersey")
def jersey(draft: PageDraft, height: float) -> None:
    """A number on clothing, perhaps with a name above it."""
    rng = draft.rng
    draft.put(draft.write(draft.text(), height, 6 * height), 0, 0)
    if rng.random() < 0.4:
        draft.put(
            draft.write(made_up_words(rng, 1, 1).upper(), height * rng.uniform(0.25, 0.4), 4 * height),
            0,
            -0.85 * height,
        )


@OBJECTS.add("wall_number")
def wall_number(draft: PageDraft, height: float) -> None:
    """Digits that stand directly on a wall or a door, side by side or one below the other."""
    rng, light = draft.rng, bool(draft.rng.random() < 0.5)
    kind = 1.0 if draft.words_only else rng.random()
    if kind < 0.35:
        draft.width, draft.height = 2 * height, height * rng.uniform(3, 6)
        LAYOUTS["stacked"](draft)
        return
    if kind < 0.5:
        draft.width, draft.height = height * rng.uniform(3, 6), height * rng.uniform(2, 4)
        LAYOUTS["staggered"](draft)
        return
    draft.put(draft.write(draft.text(), height, 7 * height), 0, 0, light)


@OBJECTS.add("house_plate")
def house_plate(draft: PageDraft, height: float) -> None:
    """A number on an enamelled, engraved or printed plate."""
    rng = draft.rng
    draft.width, draft.height = height * rng.uniform(2, 5), height * rng.uniform(1.5, 3)
    LAYOUTS["plate"](draft)


@OBJECTS.add("number_plate")
def number_plate(draft: PageDraft, height: float) -> None:
    """The number plate of a vehicle: letters and digits in a frame, with a coloured end."""
    rng = draft.rng
    line = draft.write(plate_code(draft), height, 9 * height)
    tall, side = height * rng.uniform(1.35, 1.8), height * rng.uniform(0.25, 0.6)
    band = height * rng.uniform(0.4, 0.6) if rng.random() < 0.4 else 0.0
    body = (-side - band, -tall / 2, line.width + side, tall / 2)
    colour, corner = colour_near(rng, _PLATES), height * rng.uniform(0.05, 0.25)
    draft.panel(body, colour, corner)
    if band:
        draft.panel((body[0], body[1], body[0] + band, body[3]), np.array([150.0, 70.0, 20.0]), corner)
    draft.frame(inset(body, 0.05 * tall), contrasting(colour), max(0.05 * tall, 0.8), corner)
    draft.put_left(line, 0, 0, is_light(colour))
    if rng.random() < 0.4:
        below = (body[0], body[3], body[2], body[3] + 0.4 * height)
        draft.panel(below, colour * 0.8)
        write_inside(draft, made_up_words(rng, 1, 2), below, 0.7, is_light(colour))


@OBJECTS.add("note")
def note(draft: PageDraft, height: float) -> None:
    """A sheet of paper with one to four lines of numbers and words, perhaps ruled."""
    rng = draft.rng
    count, pitch = int(rng.choice([1, 1, 2, 2, 3, 4])), height * rng.uniform(1.4, 2)
    lines = [draft.write(draft.text(), height, 9 * height) for _ in range(count)]
    width = max(max(line.width for line in lines) + height * rng.uniform(0.6, 4), 2 * height)
    body = centred_box(0, 0, width, (count + rng.uniform(0.3, 3)) * pitch)
    colour = colour_near(rng, _PAPERS)
    draft.panel(body, colour)
    top = rng.uniform(body[1] + pitch / 2, body[3] - (count - 0.5) * pitch)
    if rng.random() < 0.4:
        tint = colour * np.array([1.0, 0.85, 0.75]) if rng.random() < 0.6 else colour * 0.75
        for y in np.arange(top + 0.6 * height, body[3], pitch):
            draft.rule(body[0], y, body[2], y, tint, max(0.04 * height, 0.7))
    for row, line in enumerate(lines):
        start = rng.uniform(body[0] + 0.3 * height, max(body[2] - 0.3 * height - line.width, body[0] + 0.3 * height))
        draft.put_left(line, start, top + row * pitch, dark=True)
    if rng.random() < 0.4:
        small_print(draft, (body[0] + 0.3 * height, top + count * pitch, body[2], body[3]), 0.35 * height, True)


@OBJECTS.add("tag")
def tag(draft: PageDraft, height: float) -> None:
    """A price tag or label: a large number, the name of a product, small print and perhaps a coloured band."""
    rng = draft.rng
    line = draft.write(draft.text(), height, 7 * height)
    body = centred_box(0, 0, max(line.width * rng.uniform(1.15, 2), 2.2 * height), height * rng.uniform(1.8, 3))
    colour = colour_near(rng, (*_PAPERS, *_CLOTHS, *_ACCENTS[:3]))
    draft.panel(body, colour, height * float(rng.choice([0.0, 0.12])))
    header = (body[0], body[1], body[2], body[1] + 0.22 * (body[3] - body[1]))
    accent = colour_near(rng, _ACCENTS) if rng.random() < 0.4 else colour
    if accent is not colour:
        draft.panel(header, accent)
    write_inside(draft, made_up_words(rng, 1, 3), header, rng.uniform(0.5, 0.8), is_light(accent))
    x = rng.uniform(-0.5, 0.5) * (body[2] - body[0] - line.width - 0.2 * height)
    draft.put(line, x, header[3] + 0.62 * height, is_light(colour))
    below = (body[0] + 0.2 * height, header[3] + 1.3 * height, body[2], body[3])
    small_print(draft, below, height * rng.uniform(0.15, 0.3), is_light(colour))


@OBJECTS.add("screen")
def screen(draft: PageDraft, height: float) -> None:
    """A display in its housing: of a pump, a clock, a scale, a till."""
    rng = draft.rng
    draft.width, draft.height = height * rng.uniform(3, 7), height * rng.uniform(1.5, 3)
    housing = centred_box(0, 0, draft.width * rng.uniform(1.1, 1.4), draft.height * rng.uniform(1.1, 1.5))
    draft.panel(housing, colour_near(rng, _SIGN_COLOURS), height * rng.uniform(0, 0.3))
    LAYOUTS["display"](draft)


@OBJECTS.add("meter")
def meter(draft: PageDraft, height: float) -> None:
    """A meter: drums behind windows in a case with words."""
    rng = draft.rng
    if draft.words_only:
        house_plate(draft, height)
        return
    draft.width, draft.height = height * rng.uniform(4, 7), height * rng.uniform(1.4, 1.8)
    case = centred_box(0, rng.uniform(-0.3, 0.3) * height, draft.width * rng.uniform(1.2, 1.6), 4 * height)
    colour = colour_near(rng, _SIGN_COLOURS)
    draft.panel(case, colour, height * float(rng.choice([0.1, 0.5, 2.0])))
    LAYOUTS["counter"](draft)
    if rng.random() < 0.6:
        below = (case[0] + 0.5 * height, 1.4 * height, case[2] - 0.5 * height, case[3] - 0.1 * height)
        small_print(draft, below, 0.3 * height, is_light(colour))


def _panel_sign(draft: PageDraft, height: float) -> None:
    """Panels of different colours below each other: the number, a name, a list of departments."""
    rng = draft.rng
    line = draft.write(draft.text(), height, 6 * height)
    side = height * rng.uniform(0.2, 0.6)
    left, right = -side, line.width + side
    bottom = height * rng.uniform(0.65, 1.1)
    colour = colour_near(rng, _SIGN_COLOURS)
    draft.panel((left, -bottom, right, bottom), colour)
    draft.put_left(line, 0, 0, takes_dark_ink(rng, colour))
    if rng.random() < 0.7:
        strip = (left, bottom, left + (right - left) * rng.uniform(1.0, 3.2), bottom + height * rng.uniform(0.8, 1.4))
        accent = colour_near(rng, _ACCENTS if rng.random() < 0.7 else _SIGN_COLOURS)
        draft.panel(strip, accent)
        write_inside(draft, made_up_words(rng, 1, 3).upper(), strip, rng.uniform(0.4, 0.6), takes_dark_ink(rng, accent))
        bottom = strip[3]
    if rng.random() < 0.75:
        width = max((right - left) * rng.uniform(0.9, 1.7), 3 * height)
        panel = (left, bottom, left + width, bottom + height * rng.uniform(1, 5))
        colour = colour_near(rng, _SIGN_COLOURS)
        draft.panel(panel, colour)
        small_print(draft, inset(panel, 0.25 * height), height * rng.uniform(0.15, 0.42), takes_dark_ink(rng, colour))
        bottom = panel[3]
    if rng.random() < 0.3:
        size = height * rng.uniform(0.4, 0.9)
        panel = (left, bottom, left + size * rng.uniform(2.5, 6), bottom + 1.8 * size)
        colour = colour_near(rng, _SIGN_COLOURS)
        draft.panel(panel, colour)
        for x in np.arange(panel[0] + 0.8 * size, panel[2] - 0.4 * size, rng.uniform(0.8, 1.3) * size).tolist():
            person(draft, x, centre_of(panel)[1], size, contrasting(colour))


def _column_sign(draft: PageDraft, height: float) -> None:
    """A tall, narrow sign with two to seven numbers one below the other, each with an arrow."""
    rng = draft.rng
    rows, pitch = int(rng.integers(2, 8)), height * rng.uniform(1.5, 2.4)
    lines = [draft.write(draft.text(), height, 5 * height) for _ in range(rows)]
    width, size = max(line.width for line in lines) + height * rng.uniform(1.7, 2.4), height * rng.uniform(0.55, 0.95)
    colour, accent = colour_near(rng, _SIGN_COLOURS), colour_near(rng, _ACCENTS)
    head = -pitch * rng.uniform(0.8, 1.8)
    draft.panel((0, -pitch / 2 - 0.2 * height, width, (rows - 0.5) * pitch + height * rng.uniform(0, 2)), colour)
    draft.panel((0, head - pitch / 2, width, -pitch / 2), accent)
    title = (0.2 * height, head - pitch / 2, width - 0.2 * height, -pitch / 2)
    write_inside(draft, made_up_words(rng, 1, 2), title, 0.4, is_light(accent))
    arrow_first = rng.random() < 0.3
    for row, line in enumerate(lines):
        draft.put_left(line, (1.3 if arrow_first else 0.4) * height, row * pitch, is_light(colour))
        x = 0.65 * height if arrow_first else width - 0.65 * height
        arrow(draft, x, row * pitch, size, contrasting(colour))


def _list_sign(draft: PageDraft, height: float) -> None:
    """A board with rows of a number and a name, below a title."""
    rng = draft.rng
    rows, pitch = int(rng.integers(2, 7)), height * rng.uniform(1.3, 2)
    lines = [draft.write(draft.text(), height, 4 * height) for _ in range(rows)]
    column = max(line.width for line in lines) + 0.6 * height
    width = column + height * rng.uniform(4, 9)
    colour = colour_near(rng, _SIGN_COLOURS)
    dark = is_light(colour)
    body = (-0.4 * height, -1.9 * pitch, width, (rows - 0.3) * pitch)
    draft.panel(body, colour, height * float(rng.choice([0.0, 0.2])))
    write_inside(draft, made_up_words(rng, 1, 2), (0, body[1], width, -0.8 * pitch), 0.6, dark)
    numbers_last = rng.random() < 0.35
    for row, line in enumerate(lines):
        name = draft.write(made_up_words(rng, 1, 2), height * rng.uniform(0.8, 1), width - column - 0.3 * height)
        start = width - 0.3 * height - line.width if numbers_last else 0.0
        draft.put_left(line, start, row * pitch, dark)
        draft.put_left(name, 0.0 if numbers_last else column, row * pitch, dark)
        if rng.random() < 0.2:
            y = (row + 0.5) * pitch
            draft.rule(body[0], y, body[2], y, contrasting(colour), max(0.04 * height, 0.7), alpha=0.5)


def _plate_sign(draft: PageDraft, height: float) -> None:
    """One plate, rectangular or round, with a number and a word beside, above or below it."""
    rng = draft.rng
    line = draft.write(draft.text(), height, 6 * height)
    colour = colour_near(rng, _SIGN_COLOURS)
    dark = takes_dark_ink(rng, colour)
    if rng.random() < 0.2 and line.width < 2.2 * height:  # as of a speed limit
        side = max(line.width, height) * rng.uniform(1.5, 2)
        ring = colour_near(rng, _ACCENTS)
        draft.panel(centred_box(0, 0, 1.25 * side, 1.25 * side), ring, side)
        draft.panel(centred_box(0, 0, side, side), colour, side)
        draft.put(line, 0, 0, dark)
        return
    name = draft.write(made_up_words(rng, 1, 2), height * rng.uniform(0.3, 1), 6 * height)
    beside = rng.random() < 0.4
    gap = height * rng.uniform(0.4, 0.8)
    if beside:
        width, tall = name.width + gap + line.width, max(height, name.height)
        before = rng.random() < 0.6
        draft.put_left(name, -width / 2 if before else -width / 2 + line.width + gap, 0, dark)
        draft.put_left(line, width / 2 - line.width if before else -width / 2, 0, dark)
    else:
        width, tall = max(name.width, line.width), height + gap + name.height
        above = rng.random() < 0.4
        draft.put(line, 0, (tall - height) / 2 * (1 if above else -1), dark)
        draft.put(name, 0, (tall - name.height) / 2 * (-1 if above else 1), dark)
    edge = height * rng.uniform(0.25, 0.9)
    body = centred_box(0, 0, width + 2 * edge, tall + 2 * edge)
    corner = height * float(rng.choice([0.0, 0.0, 0.15, 0.5]))
    draft.panel(body, colour, corner)
    if rng.random() < 0.35:
        border = 0.25 * edge
        draft.frame(inset(body, border), contrasting(colour), max(0.06 * height, 0.8), max(corner - border, 0))
