"""Surfaces of paper: blank, aged, ruled, squared, ledger, guilloche (security pattern), newsprint, halftone."""

from __future__ import annotations

import cv2
import numpy as np

from digitdet.synth.surfaces.fields import (
    LUMA,
    Colour,
    Field,
    FloatImage,
    Layer,
    axes,
    clouds,
    gradient,
    grain,
    log_uniform,
    paint,
    plain_field,
    rotate,
    sample_colour,
    sample_level,
    soft_threshold,
    soften,
    stripes,
    with_level,
)
from digitdet.synth.surfaces.surfaces import SURFACES

# Whites, creams, greys and the pastels of forms and carbon copies. All colours are BGR.
_PAPERS = (
    *((250, 250, 250), (235, 243, 247), (215, 232, 242), (240, 238, 235), (225, 225, 225)),
    *((190, 235, 250), (215, 205, 250), (250, 235, 205), (215, 245, 215), (150, 185, 205)),
)
_AGED = ((165, 215, 235), (140, 195, 220), (120, 175, 205), (175, 205, 215), (100, 150, 180))
# Inks of printed lines.
_LINE_INKS = ((200, 120, 60), (130, 130, 130), (80, 80, 215), (110, 160, 70), (170, 80, 120), (60, 90, 140))


def _paper_colour(rng: np.random.Generator, light: bool) -> Colour:
    colour = sample_colour(rng, _PAPERS, light, any_hue=0.06 if light else 0.25)
    # Most paper is nearly white in a photo, or light grey in dim light.
    return with_level(colour, rng.uniform(205, 252)) if light and rng.random() < 0.6 else colour


def _unevenness(rng: np.random.Generator, width: int, height: int) -> Field:
    """Return the grain, mottling and uneven light of paper, in grey levels."""
    uneven = grain(rng, width, height) * rng.uniform(0.5, 3.5)
    uneven += grain(rng, width, height, rng.uniform(2, 7)) * rng.uniform(0.3, 2.5)
    uneven += clouds(rng, width, height) * rng.uniform(1, 9)
    return uneven


def _print_step(rng: np.random.Generator, colour: Colour, low: float, high: float) -> Colour:
    """Return the BGR difference of printed lines from the paper, with a contrast of `low` to `high` grey levels."""
    ink = np.array(_LINE_INKS[int(rng.integers(len(_LINE_INKS)))], np.float32)
    level = float(colour @ LUMA)
    # Lines are darker than light paper and lighter than dark paper.
    ink = with_level(ink, min(level - 60, 110) if level > 120 else max(level + 60, 130))
    return (ink - colour) * np.float32(rng.uniform(low, high) / abs(float(ink @ LUMA) - level))


def _worn(rng: np.random.Generator, lines: Field) -> Field:
    """Return printed lines with uneven ink, sometimes slightly blurred."""
    height, width = lines.shape
    worn = lines * (1 + grain(rng, width, height, 3) * rng.uniform(0, 0.25))
    return soften(worn, rng.uniform(0, 0.9))


def _fibres(rng: np.random.Generator, width: int, height: int, count: int) -> Field:
    """Return short curled fibres, 0 to 1, as in recycled and security paper."""
    mask = np.zeros((height, width), np.uint8)
    starts = rng.uniform(0, 1, (count, 1, 2)) * (width, height)
    turns = rng.uniform(0, 2 * np.pi, (count, 1)) + np.cumsum(rng.normal(0, 0.5, (count, 5)), axis=1)
    steps = np.stack([np.cos(turns), np.sin(turns)], axis=2) * rng.uniform(1, 3, (count, 1, 1))
    paths = (starts + np.cumsum(steps, axis=1)).astype(np.int32)
    cv2.polylines(mask, list(paths), False, 255, 1, cv2.LINE_AA)
    return mask * np.float32(1 / 255)


def _folds(rng: np.random.Generator, width: int, height: int, count: int) -> Field:
    """Return the shading of `count` creases and of the flat areas between them, each about -1 to 1."""
    shade = plain_field(width, height)
    for _ in range(count):
        across = rng.choice([0.0, 90.0]) if rng.random() < 0.6 else rng.uniform(0, 180)
        _, distance = axes(width, height, float(across + rng.normal(0, 2)))
        middle = distance - np.float32(rng.uniform(distance.min(), distance.max()))
        area, ridge = rng.normal(0, 0.5), rng.uniform(-1, 1)
        shade += np.clip(middle * 0.25, -1, 1) * area
        shade += np.clip(1 - np.abs(middle) * np.float32(1 / rng.uniform(1.2, 4)), 0, 1) * ridge
    return shade


@SURFACES.add("paper")
def _paper(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = _paper_colour(rng, light)
    layers: list[Layer] = [(_unevenness(rng, width, height), 1)]
    if rng.random() < 0.5:
        fibres = _fibres(rng, width, height, int(rng.integers(10, 120)))
        layers.append((fibres, np.float32(rng.uniform(-22, 10))))
    if rng.random() < 0.25:  # crumpled paper: many folds
        layers.append((_folds(rng, width, height, int(rng.integers(4, 9))), rng.uniform(4, 12)))
    return paint(colour, *layers)


@SURFACES.add("aged")
def _aged(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_colour(rng, _AGED, light, any_hue=0.03)
    strength = np.float32(1.0 if light else 0.5)
    browning = -colour * np.array([0.3, 0.17, 0.1], np.float32)
    stain = clouds(rng, width, height)
    level = rng.uniform(-0.1, 0.5)
    rim = np.clip(1 - np.abs(stain - level) * rng.uniform(12, 40), 0, 1)
    spots = soft_threshold(grain(rng, width, height, rng.uniform(3, 8)), rng.uniform(2, 2.8), 0.8)
    browned = clouds(rng, width, height) + 0.4
    browned += soft_threshold(stain, level, 0.08) * rng.uniform(0.1, 0.7)
    browned += rim * rng.uniform(0, 0.5) + spots * rng.uniform(0, 1)
    folds = _folds(rng, width, height, int(rng.integers(0, 5)))
    return paint(
        colour,
        (browned, browning * rng.uniform(0.4, 1.1)),
        (_unevenness(rng, width, height), 1.5),
        (folds, strength * np.float32(rng.uniform(6, 22))),
    )


@SURFACES.add("ruled")
def _ruled(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = _paper_colour(rng, light)
    along, across = axes(width, height, rng.normal(0, 2))
    period = log_uniform(rng, 14, 70)
    rules = stripes(across - rng.uniform(0, period), period, rng.uniform(0.7, 2.2))
    layers: list[Layer] = [(_unevenness(rng, width, height), 1), (_worn(rng, rules), _print_step(rng, colour, 15, 60))]
    if rng.random() < 0.35:
        margin = stripes(along - rng.uniform(0, width), 4.0 * width, rng.uniform(0.8, 2.2))
        layers.append((margin, _print_step(rng, colour, 20, 55)))
    return paint(colour, *layers)


@SURFACES.add("squared")
def _squared(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = _paper_colour(rng, light)
    along, across = axes(width, height, rng.normal(0, 2.5))
    period = log_uniform(rng, 7, 45)
    along, across = along - rng.uniform(0, period), across - rng.uniform(0, period)
    thickness = rng.uniform(0.6, min(2.0, period / 5))
    squares = np.maximum(stripes(along, period, thickness), stripes(across, period, thickness))
    if rng.random() < 0.3:  # graph paper has a heavier line every five squares
        squares *= np.float32(0.55)
        heavy = np.maximum(stripes(along, 5 * period, thickness * 1.3), stripes(across, 5 * period, thickness * 1.3))
        squares = np.maximum(squares, heavy)
    return paint(colour, (_unevenness(rng, width, height), 1), (_worn(rng, squares), _print_step(rng, colour, 12, 48)))


@SURFACES.add("ledger")
def _ledger(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = _paper_colour(rng, light)
    row = rng.uniform(14, 52)
    down = np.arange(height, dtype=np.float32)[:, None] - rng.uniform(0, row)
    right = np.arange(width, dtype=np.float32)[None, :]
    rows = stripes(down, row, rng.uniform(0.7, 1.6))
    columns = np.zeros((1, width), np.float32)
    place = rng.uniform(5, 60)
    while place < width:  # wide columns, some of which end with a double rule
        columns = np.maximum(columns, stripes(right - place, 4.0 * width, 1.3))
        if rng.random() < 0.4:
            columns = np.maximum(columns, stripes(right - (place + 4), 4.0 * width, 1.0))
        place += rng.uniform(22, 130)
    bands = stripes(down, 2 * row, row) if rng.random() < 0.4 else np.zeros((height, 1), np.float32)
    full = plain_field(width, height)
    background = paint(
        colour,
        (_unevenness(rng, width, height), 1),
        (_worn(rng, full + rows), _print_step(rng, colour, 12, 50)),
        (_worn(rng, full + columns), _print_step(rng, colour, 18, 55)),
        (full + bands, _print_step(rng, colour, 4, 16)),
    )
    return rotate(rng, background, 3)


@SURFACES.add("guilloche")
def _guilloche(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = _paper_colour(rng, light)
    if light and rng.random() < 0.5:  # most scanned cheques are grey
        colour = with_level((255, 255, 255), rng.uniform(150, 245))
    grey = rng.random() < 0.5
    away = 1.0 if float(colour @ LUMA) > 120 else -0.6
    layers: list[Layer] = [(_unevenness(rng, width, height), 1)]
    region = None
    if rng.random() < 0.4:  # two patterns side by side with a straight or curved boundary
        middle = gradient(rng, width, height) + clouds(rng, width, height) * np.float32(rng.choice([0, 0.1]))
        region = soft_threshold(middle, rng.uniform(0.3, 0.7), 0.01)
    for number in range(2 if region is not None else int(rng.integers(1, 3))):
        pattern = _PATTERNS[int(rng.integers(len(_PATTERNS)))](rng, width, height)
        if region is not None:
            pattern *= region if number else 1 - region
        step = -np.float32(away * rng.uniform(10, 55)) if grey else _print_step(rng, colour, 8, 45) * abs(away)
        layers.append((pattern, step))
    if region is not None and rng.random() < 0.5:
        layers.append((region, np.float32(-away * rng.uniform(4, 22))))
    return paint(colour, *layers)


def _fine_lines(rng: np.random.Generator, position: Field, period: float) -> Field:
    """Return thin lines, 0 to 1, where a (distorted) coordinate is a multiple of `period`."""
    phase = position * (1 / period)
    distance = np.abs(phase - np.rint(phase)) * period
    reach = min(rng.uniform(0.7, 1.6), 0.4 * period)  # pixels from the centre of a line to its edge
    sharpness = rng.uniform(0.5, 1)  # lines are pale from a worn plate or in a coarse scan
    return np.asarray(np.clip((np.float32(reach) - distance) * np.float32(sharpness), 0, 1), np.float32)


def _displacement(rng: np.random.Generator, width: int, height: int, size: float) -> Field:
    """Return a smooth displacement of about `size` px: sine waves in both directions plus noise."""
    x = np.arange(width, dtype=np.float32)
    y = np.arange(height, dtype=np.float32)[:, None]
    turns = rng.uniform(0, 2 * np.pi, 2)
    wave = np.sin(x * np.float32(2 * np.pi / rng.uniform(20, 200)) + np.float32(turns[0]))
    slow = np.sin(y * np.float32(2 * np.pi / rng.uniform(60, 300)) + np.float32(turns[1]))
    irregular = grain(rng, width, height, rng.uniform(60, 160)) * rng.uniform(0, 0.8)
    return np.asarray((wave * (slow * 0.5 + 0.6) + irregular) * size, np.float32)


def _period(rng: np.random.Generator) -> float:
    return log_uniform(rng, 3.2, 14)


def _waves(rng: np.random.Generator, width: int, height: int) -> Field:
    """Return dense wavy lines, mostly horizontal."""
    period = _period(rng)
    angle = rng.normal(0, 6) if rng.random() < 0.7 else rng.uniform(0, 180)
    _, across = axes(width, height, float(angle))
    return _fine_lines(rng, across + _displacement(rng, width, height, min(period * rng.uniform(0.1, 1.2), 6)), period)


def _hatching(rng: np.random.Generator, width: int, height: int) -> Field:
    """Return two families of slightly bent lines that cross each other."""
    angle, gap, period = rng.uniform(0, 180), rng.uniform(15, 90), _period(rng)
    total = plain_field(width, height)
    for turn in (angle, angle + gap):
        _, across = axes(width, height, float(turn))
        bend = grain(rng, width, height, 150) * (period * rng.uniform(0.5, 3))
        total = np.maximum(total, _fine_lines(rng, across + bend, period))
    return total


def _rosette(rng: np.random.Generator, width: int, height: int) -> Field:
    """Return wavy rings around a point in or near the picture."""
    x = np.arange(width, dtype=np.float32) - np.float32(rng.uniform(-0.4, 1.4) * width)
    y = np.arange(height, dtype=np.float32)[:, None] - np.float32(rng.uniform(-0.4, 1.4) * height)
    radius, angle = cv2.cartToPolar(x + 0 * y, y + 0 * x)
    period, petals = _period(rng) * 1.3, int(rng.integers(5, 40))
    # The waves flatten towards the centre, where steep lines would break into dots.
    reach = np.minimum(radius * np.float32(1 / petals), np.float32(period * 0.8))
    total = plain_field(width, height)
    for turn in (0.0, np.pi):  # the same curve twice, half a wave apart: they cross in a net
        bend = np.sin(angle * np.float32(petals) + np.float32(turn)) * reach
        total = np.maximum(total, _fine_lines(rng, radius + bend, period * 1.6))
    return total


def _arcs(rng: np.random.Generator, width: int, height: int) -> Field:
    """Return arcs around two distant points, which make a moire pattern."""
    total, period = plain_field(width, height), _period(rng)
    for _ in range(2):
        turn, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.7, 2) * max(width, height)
        x = np.arange(width, dtype=np.float32) - np.float32(width / 2 + far * np.cos(turn))
        y = np.arange(height, dtype=np.float32)[:, None] - np.float32(height / 2 + far * np.sin(turn))
        total = np.maximum(total, _fine_lines(rng, np.sqrt(x * x + y * y), period))
    return total


_PATTERNS = (_waves, _waves, _hatching, _rosette, _arcs)


@SURFACES.add("newsprint")
def _newsprint(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    grey = with_level((190, 205, 210), sample_level(rng, light))
    row = rng.uniform(9, 22)
    down = np.arange(height, dtype=np.float32)[:, None]
    rows = stripes(down, row, row * 0.55)
    # The print on the back shows through as rows of soft blots.
    blots = soft_threshold(grain(rng, width, height, (row * 0.35, row * 0.3)), 0.3, 1.5) * rows
    blots *= soft_threshold(clouds(rng, width, height), rng.uniform(-0.4, 0.3), 0.2)
    return paint(
        grey,
        (_unevenness(rng, width, height), 1.6),
        (grain(rng, width, height, (2.5, 1.2)), rng.uniform(0.5, 3)),
        (soften(blots, row * 0.1), -rng.uniform(4, 22)),
    )


@SURFACES.add("halftone")
def _halftone(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = _paper_colour(rng, light)
    period = rng.uniform(3, 8)
    along, across = axes(width, height, float(rng.choice([0, 15, 45, 75]) + rng.normal(0, 3)))
    turn = np.float32(2 * np.pi / period)
    screen = (np.cos(along * turn) + np.cos(across * turn)) * 0.5
    tone = clouds(rng, width, height) * rng.uniform(0.2, 0.9) + rng.uniform(-0.5, 0.4)
    dots = np.clip((screen + tone) * np.float32(period / 3), 0, 1)
    return paint(
        colour,
        (_unevenness(rng, width, height), 1),
        (soften(np.asarray(dots, np.float32), rng.uniform(0, 0.8)), _print_step(rng, colour, 10, 45)),
    )
