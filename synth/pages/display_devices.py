"""The device around a display's readings: its case and face with their print, the glass, and reflections in it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from digitdet.common.types import Box, FloatArray, Points
from digitdet.synth.pages.page_draft import Ink, PageDraft, centred_box, inset
from digitdet.synth.pages.texts import word
from digitdet.synth.surfaces.fields import LUMA, pick_colour

SPREAD = 7.0
"""Standard deviation of the colours of displays and devices from those of their palette, in levels."""

# Colours are BGR.
_CASES = (
    *((35.0, 34.0, 33.0), (60.0, 58.0, 56.0), (150.0, 150.0, 148.0), (215.0, 218.0, 220.0), (190.0, 205.0, 212.0)),
    *((30.0, 150.0, 230.0), (110.0, 60.0, 30.0), (45.0, 40.0, 150.0)),
)
_FACES = (
    (225.0, 228.0, 228.0),
    (200.0, 205.0, 205.0),
    (150.0, 150.0, 145.0),
    (170.0, 140.0, 100.0),
    (50.0, 48.0, 46.0),
)
# What is printed on cases and faces.
_CAPTIONS = (
    *("SALE $", "GALLONS", "LITRES", "TOTAL", "AMOUNT", "km/h", "POWER", "VOLT", "TEMP"),
    *("SYS", "DIA", "PULSE", "Energy", "Weight", "NET kg", "Euro", "Liter"),
)
_LAMPS = ((40.0, 40.0, 220.0), (30.0, 20.0, 90.0), (90.0, 200.0, 60.0))
_PRINT = ("imp/kWh", "kWh", "Type", "No.", "Made in", "CE", "IEC", "LED", "Hz", "Cl. A", "Menu", "m\u00b3/h", "V A")


@dataclass(frozen=True)
class Screen:
    """What all rows of a display have in common."""

    glass: FloatArray  # colour (3,) BGR
    opacity: float  # of the glass over the surface of the look, 0 to 1
    ink: Ink
    dark: bool  # whether lit segments are darker than the glass
    align: float  # place of the numbers in the free space: 0 left, 1 right


def add_case(draft: PageDraft, box: Box) -> None:
    """Add the case around a display: its face, the edge of the window, a caption and keys."""
    rng = draft.rng
    width, height = box[2] - box[0], box[3] - box[1]
    edge = rng.uniform(0.05, 0.3) * height
    body = (box[0] - edge * rng.uniform(0.4, 2), box[1] - edge, box[2] + edge, box[3] + edge * rng.uniform(1, 4))
    colour = np.clip(pick_colour(rng, _CASES, SPREAD) * rng.uniform(0.7, 1.15), 0, 255)
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
        add_caption(draft, (box[0] + box[2]) / 2 + rng.uniform(-0.2, 0.2) * width, at, 0.35 * edge + 4, body)
    elif below > 0.3 * height and rng.random() < 0.6:
        count, size = int(rng.integers(2, 6)), 0.35 * below
        key = np.clip(colour + rng.choice([-50, 50]), 0, 255)
        for place in (np.arange(count) + 0.5) / count:
            centre = box[0] + float(place) * width
            draft.panel(centred_box(centre, box[3] + 0.55 * below, size * 1.5, size), key, size * rng.uniform(0.1, 0.5))


def add_face(draft: PageDraft, box: Box) -> None:
    """Add the face of a meter around a display: print above and below the window, a lamp and screws."""
    rng = draft.rng
    colour = np.clip(pick_colour(rng, _FACES, SPREAD) * rng.uniform(0.7, 1.1), 0, 255)
    light = float(colour @ LUMA) > 110
    draft.panel((-1.3 * draft.right, -1.3 * draft.bottom, 1.3 * draft.right, 1.3 * draft.bottom), colour)
    size = max(draft.height * rng.uniform(0.035, 0.08), 6.0)
    for top, bottom in ((-draft.bottom, box[1]), (box[3], draft.bottom)):
        y = top + size * rng.uniform(0.8, 2)
        for _ in range(int(rng.integers(3))):
            if y > bottom - size:
                break
            text = str(rng.choice(_PRINT)) if rng.random() < 0.6 else word(rng) + " " + word(rng)
            line = draft.write_clutter(text, size * rng.uniform(0.7, 1))
            if line.glyphs and line.width < draft.width:
                free = (draft.width - line.width) / 2
                draft.put(line, float(rng.uniform(-free, free)), y, dark=light)
            y += size * rng.uniform(1.4, 3)
    radius = size * rng.uniform(0.3, 0.8)
    x, y = float(rng.uniform(-1, 1)) * draft.right, (box[3] + draft.bottom) / 2
    if rng.random() < 0.3:  # a lamp that blinks
        draft.panel(centred_box(x, y, 2 * radius, 2 * radius), pick_colour(rng, _LAMPS, SPREAD), radius)
    elif rng.random() < 0.3:
        for side in (-0.9, 0.9):
            at = side * draft.right
            draft.panel(centred_box(at, y, 3 * radius, 3 * radius), colour * 0.6, 1.5 * radius)
            draft.rule(at - radius, y - radius, at + radius, y + radius, colour * 0.3, max(0.4 * radius, 1))


def add_glass(draft: PageDraft, box: Box, screen: Screen) -> None:
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


def add_caption(draft: PageDraft, x: float, y: float, size: float, inside: Box) -> None:
    """Print a caption on the case, as large as `size` and the width of the case allow."""
    text = str(draft.rng.choice(_CAPTIONS)) if draft.rng.random() < 0.75 else word(draft.rng)
    line = draft.clutter_writer.write(draft.rng, text, 100.0, np.inf)
    if line.glyphs and size > 4:
        draft.put(line.scaled(min(size, 80 * (inside[2] - inside[0]) / line.width) / 100), x, y)


@dataclass(frozen=True)
class _Reflection:
    """Where and how strongly something is reflected in a glass, on top of the digits."""

    draft: PageDraft
    glass: Box
    place: FloatArray  # (2,) a point in the glass
    tint: FloatArray  # colour (3,) BGR of bright parts
    strength: float  # opacity, 0 to 1
    lean: float  # slant: shift to the right per pixel downwards

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the glass in pixels."""
        return self.glass[2] - self.glass[0], self.glass[3] - self.glass[1]

    def add(self, outline: Points, colour: FloatArray, alpha: float) -> None:
        """Add the part of a convex outline (N, 2) that lies in the glass."""
        corners = _corners(self.glass).astype(np.float32)
        area, inside = cv2.intersectConvexConvex(outline.astype(np.float32), corners)
        if area > 1:
            self.draft.add_shape(inside.reshape(-1, 2).astype(np.float64), colour, alpha=alpha, above=True)


def add_reflections(draft: PageDraft, glass: Box) -> None:
    """Reflect a window, a lamp, a room or somebody with a phone in the glass, or scratch it, on top of the digits."""
    rng = draft.rng
    tint = np.array([255.0, 248.0, 240.0]) * rng.uniform(0.75, 1)
    place = np.array([glass[0], glass[1]]) + rng.uniform(0, 1, 2) * (glass[2] - glass[0], glass[3] - glass[1])
    reflect = _REFLECTIONS[int(rng.integers(len(_REFLECTIONS)))]
    strength = 0.08 + 0.4 * rng.random() ** 2
    reflect(_Reflection(draft, glass, place, tint, strength, lean=rng.uniform(-0.6, 0.6)), rng)


def _reflect_window(seen: _Reflection, rng: np.random.Generator) -> None:
    """A window with its bars."""
    size, bar = rng.uniform(0.3, 1.0) * seen.size[1], rng.uniform(0.04, 0.12)
    for column, row in np.ndindex(int(rng.integers(1, 4)), int(rng.integers(1, 3))):
        pane = size * (np.array([[0, 0], [1 - bar, 0], [1 - bar, 1 - bar], [0, 1 - bar]]) + (column, row))
        seen.add(seen.place + pane @ np.array([[1, 0], [seen.lean, 1]]), seen.tint, seen.strength)


def _reflect_lamp(seen: _Reflection, rng: np.random.Generator) -> None:
    """A soft spot."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    unit = np.column_stack([np.cos(angles) * rng.uniform(0.6, 3), np.sin(angles)])
    spot = unit * rng.uniform(0.1, 0.5) * seen.size[1]
    for scale in np.linspace(1, 0.3, 8):
        seen.add(seen.place + spot * scale, seen.tint, seen.strength / 4)


def _reflect_band(seen: _Reflection, rng: np.random.Generator) -> None:
    """A band across the glass, with soft edges."""
    width, height = seen.size
    half, shift = rng.uniform(0.05, 0.3) * width, seen.lean * height
    y = np.array([seen.glass[1], seen.glass[1], seen.glass[3], seen.glass[3]])
    for scale in np.linspace(1, 0.7, 6):
        x = seen.place[0] + np.array([-half, half, half + shift, -half + shift]) * scale
        seen.add(np.column_stack([x, y]), seen.tint, seen.strength / 5)


def _reflect_room(seen: _Reflection, rng: np.random.Generator) -> None:
    """Bright and dark parts of a room."""
    for _ in range(int(rng.integers(3, 7))):
        corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) + rng.uniform(-0.2, 0.2, (4, 2))
        at = np.array([seen.glass[0], seen.glass[1]]) + rng.uniform(-0.3, 1, 2) * seen.size
        part = at + corners * rng.uniform(0.15, 0.8, 2) * seen.size
        seen.add(part, seen.tint * rng.uniform(0, 1) ** 2, seen.strength * rng.uniform(0.2, 0.9))


def _scratch(seen: _Reflection, rng: np.random.Generator) -> None:
    """Scratches, bright or dark."""
    height = seen.size[1]
    for _ in range(int(rng.integers(1, 5))):
        steps = np.cumsum(rng.normal(0, 0.12, (12, 2)) + rng.normal(0, 0.06, 2), axis=0) * height
        line = np.clip(seen.place + steps, seen.glass[:2], seen.glass[2:])
        shade = seen.tint if rng.random() < 0.5 else seen.tint * 0.2
        thickness = max(0.015 * height, 1.0)
        seen.draft.add_shape(line, shade, thickness, closed=False, alpha=seen.strength, above=True)


def _reflect_phone(seen: _Reflection, rng: np.random.Generator) -> None:
    """A bright room, and the dark shape of a phone and the hand that holds it."""
    height = seen.size[1]
    seen.add(_corners(seen.glass), seen.tint, seen.strength * 0.7)
    phone = np.array([[-0.35, -0.6], [0.35, -0.6], [0.35, 0.7], [-0.35, 0.7]]) * rng.uniform(0.4, 1) * height
    hand = np.array([[-0.25, 0.2], [0.25, 0.1], [0.6, 1.5], [-0.1, 1.6]]) * height
    for dark in (phone, hand):
        seen.add(seen.place + dark, seen.tint * 0.1, 0.1 + seen.strength * 0.6)


_REFLECTIONS = (_reflect_window, _reflect_lamp, _reflect_band, _reflect_room, _scratch, _reflect_phone)


def _corners(box: Box) -> Points:
    """Return the corners (4, 2) of a box, clockwise from the left top."""
    return np.array([[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]])
