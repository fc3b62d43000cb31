"""Surfaces of manufactured objects: writing boards, metal, plastic, glass, displays and circuit boards."""

from __future__ import annotations

import cv2
import numpy as np

from digitdet.synth.surfaces.fields import (
    Field,
    FloatImage,
    Layer,
    axes,
    clouds,
    gradient,
    grain,
    light_spot,
    paint,
    plain_field,
    relief,
    rotate,
    sample_colour,
    scratches,
    soft_threshold,
    soften,
    stripes,
)
from digitdet.synth.surfaces.surfaces import SURFACES

# All colours are BGR.
_WHITES = ((245, 245, 242), (235, 238, 240), (228, 225, 220))
_MARKERS = ((90, 50, 30), (50, 50, 50), (60, 60, 190), (80, 130, 50))
_SLATES = ((70, 85, 60), (55, 70, 50), (65, 65, 65), (85, 75, 65), (45, 45, 48))
_METALS = ((175, 175, 172), (185, 182, 178), (150, 150, 152), (120, 150, 165), (120, 170, 200), (90, 88, 86))
_PAINTS = ((200, 200, 200), (60, 60, 60), (150, 90, 40), (50, 50, 170), (60, 120, 50), (60, 180, 220), (170, 165, 150))
_PLASTICS = ((225, 228, 230), (50, 50, 52), (150, 152, 150), (190, 205, 215), (130, 90, 50), (40, 40, 150))
_DISPLAYS = (
    *((120, 150, 135), (135, 165, 160), (150, 160, 150), (190, 110, 40), (40, 140, 225), (110, 175, 120)),
    *((78, 84, 80), (70, 75, 72), (50, 80, 160), (230, 140, 130), (210, 205, 200)),
)
_GLASSES = ((40, 38, 36), (60, 55, 45), (70, 60, 60), (60, 70, 50), (215, 210, 200))
_SOLDER_MASKS = ((50, 95, 20), (60, 110, 30), (40, 75, 25), (110, 60, 20), (40, 40, 40), (40, 35, 120), (235, 238, 238))


def _wiped(rng: np.random.Generator, width: int, height: int) -> Field:
    """Return the streaks, 0 to about 2, that a cloth or a sponge leaves on a board."""
    # Streaks are blurred: they are drawn at half the size and enlarged.
    size = max(width // 2, 1), max(height // 2, 1)
    stroke = rng.uniform(30, 110)
    streaks = grain(rng, *size, (stroke, rng.uniform(1, 3))) + grain(rng, *size, (stroke, 7))
    if rng.random() < 0.4:
        streaks = grain(rng, *size, (rng.uniform(1.5, 4), stroke)) + grain(rng, *size, (10, stroke))
    patch = soft_threshold(clouds(rng, *size), rng.uniform(-0.3, 0.3), rng.uniform(0.2, 0.8))
    wiped = np.maximum(rotate(rng, streaks, 20) + 0.7, 0) * patch
    return np.asarray(cv2.resize(wiped, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


@SURFACES.add("whiteboard")
def _whiteboard(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_colour(rng, _WHITES, light, any_hue=0.05)
    layers: list[Layer] = [
        (gradient(rng, width, height) - 0.5, rng.uniform(0, 30)),
        (light_spot(rng, width, height), rng.uniform(0, 40)),
        (clouds(rng, width, height) + grain(rng, width, height) * 0.15, rng.uniform(1, 6)),
    ]
    for _ in range(int(rng.integers(1, 3))):  # traces of wiped writing
        ink = np.array(_MARKERS[int(rng.integers(len(_MARKERS)))], np.float32)
        layers.append((_wiped(rng, width, height), (ink - colour) * rng.uniform(0.005, 0.04)))
    return paint(colour, *layers)


@SURFACES.add("blackboard")
def _blackboard(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_colour(rng, _SLATES, light, any_hue=0.05)
    dust = np.float32(rng.uniform(3, 16))
    fine = grain(rng, width, height, 1.3)
    haze = (clouds(rng, width, height) + 0.2) * (1 + fine * 0.25)
    smears = _wiped(rng, width, height) * (1 + grain(rng, width, height, 2) * 0.4)
    return paint(colour, (haze, dust), (smears, dust * np.float32(rng.uniform(0.3, 1))), (fine, rng.uniform(1, 5)))


@SURFACES.add("metal")
def _metal(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    painted = rng.random() < 0.35
    colour = sample_colour(rng, _PAINTS if painted else _METALS, light, any_hue=0.2 if painted else 0.03)
    upright = rng.random() < 0.4
    # A cylinder or bent sheet reflects light in bands along the brush marks.
    coarse = grain(rng, width, height, (rng.uniform(40, 160), 1e4) if upright else (1e4, rng.uniform(40, 160)))
    layers: list[Layer] = [(coarse, rng.uniform(2, 16)), (light_spot(rng, width, height), rng.uniform(0, 45))]
    if painted:
        layers.append((relief(grain(rng, width, height, 2.5)), rng.uniform(0, 4)))
        marks = scratches(rng, width, height, int(rng.integers(0, 14)))
        chips = soft_threshold(grain(rng, width, height, rng.uniform(4, 12)) + clouds(rng, width, height), 2.4, 0.2)
        bare = sample_colour(rng, _METALS, light, 0.0)
        layers.append((np.maximum(marks * 0.6, chips), (bare - colour) * 0.6 - 6))
    else:
        length = rng.uniform(60, 320)
        brushed = grain(rng, width, height, (1, length) if upright else (length, 1))
        layers.append((brushed, rng.uniform(1, 9)))
        marks = scratches(rng, width, height, int(rng.integers(0, 10)), 90.0 if upright else 0.0)
        layers.append((marks, rng.uniform(-25, 25)))
        layers.append((clouds(rng, width, height), rng.uniform(2, 14)))
    return paint(colour, *layers)


@SURFACES.add("plastic")
def _plastic(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_colour(rng, _PLASTICS, light, any_hue=0.3)
    layers: list[Layer] = [
        (gradient(rng, width, height) - 0.5, rng.uniform(0, 40)),
        (light_spot(rng, width, height), rng.uniform(0, 60)),
        (clouds(rng, width, height), rng.uniform(0, 6)),
    ]
    if rng.random() < 0.6:  # leather-like texture of the mould
        layers.append((relief(grain(rng, width, height, rng.uniform(1.5, 4))), rng.uniform(1, 7)))
    if rng.random() < 0.3:  # ribs or seams
        _, across = axes(width, height, float(rng.choice([0, 90]) + rng.normal(0, 2)))
        rib = soften(stripes(across, rng.uniform(60, 400), rng.uniform(2, 7)), 1.2)
        layers.append((relief(rib), rng.uniform(-60, 60)))
    if rng.random() < 0.3:
        layers.append((scratches(rng, width, height, int(rng.integers(1, 12))), rng.uniform(-15, 25)))
    return paint(colour, *layers)


@SURFACES.add("lcd")
def _lcd(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_colour(rng, _DISPLAYS, light, any_hue=0.1)
    pitch = rng.uniform(2.2, 6)
    x = stripes(np.arange(width, dtype=np.float32), pitch, 1)
    y = stripes(np.arange(height, dtype=np.float32), pitch, 1)[:, None]
    pixels = np.maximum(x, y) if rng.random() < 0.6 else x + plain_field(width, height)
    right = np.linspace(-1, 1, width, dtype=np.float32)
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    vignette = right * right + down * down
    return paint(
        colour,
        (pixels, -rng.uniform(0, 9)),
        (vignette, -colour * rng.uniform(0, 0.14)),
        (_reflection(rng, width, height), rng.uniform(0, 22)),
        (clouds(rng, width, height) + grain(rng, width, height) * 0.25, rng.uniform(1, 6)),
    )


def _reflection(rng: np.random.Generator, width: int, height: int) -> Field:
    """Return a slanted band of light, 0 to 1, like the reflection of a window or lamp in glass."""
    ramp = gradient(rng, width, height)
    middle, half, soft = rng.uniform(0, 1), rng.uniform(0.05, 0.3), rng.uniform(0.01, 0.25)
    start = soft_threshold(ramp, middle - half, soft)
    end = soft_threshold(ramp, middle + half, soft * rng.uniform(0.5, 3))
    return np.asarray(start * (1 - end), np.float32)


@SURFACES.add("glass")
def _glass(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_colour(rng, _GLASSES, light, any_hue=0.1)
    room = grain(rng, width, height, (rng.uniform(40, 140), rng.uniform(40, 140)))
    specks = soft_threshold(grain(rng, width, height, 1.6), 2.9, 0.5)
    return paint(
        colour,
        (_reflection(rng, width, height), rng.uniform(0, 38)),
        (light_spot(rng, width, height), rng.uniform(0, 30)),
        (room, rng.uniform(0, 8)),
        (specks, rng.uniform(0, 40)),
        (grain(rng, width, height), rng.uniform(0.3, 3)),
    )


@SURFACES.add("pcb")
def _pcb(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_colour(rng, _SOLDER_MASKS, light, any_hue=0.05)
    pitch = int(rng.integers(7, 17))
    copper = _traces(rng, width, height, pitch)
    metal = _pads(rng, width, height, pitch)
    packages, outlines = _packages(rng, width, height, pitch)
    tin = np.array([175, 185, 190] if rng.random() < 0.6 else [110, 175, 205], np.float32)
    # Bare metal has less contrast than printed or lasered digits, which it would hide otherwise.
    tin = np.minimum(tin, colour + (25 if light else 70))
    rough = grain(rng, width, height) * rng.uniform(1, 4)
    rough += clouds(rng, width, height) * rng.uniform(2, 12)
    blur = rng.uniform(0.3, 1.8)
    return paint(
        colour,
        (soften(copper, blur), colour * rng.uniform(-0.25, 0.3) + rng.uniform(-4, 8)),
        (soften(metal, blur), tin - colour),
        (soften(packages, blur), -colour * rng.uniform(0.1, 0.75 if not light else 0.25)),
        (soften(outlines, blur), rng.uniform(15, 50) * (-1 if light else 1)),
        (rough, 1),
        (light_spot(rng, width, height), rng.uniform(0, 30)),
    )


def _traces(rng: np.random.Generator, width: int, height: int, pitch: int) -> Field:
    """Return bundles of parallel traces with a slanted step, 0 to 1."""
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(2, 11))):
        start = rng.uniform(-0.2, 1, 2) * (width, height)
        first, step, last = rng.uniform(0.1, 0.7, 3) * max(width, height) * (1, 0.3, 1)
        side = float(rng.choice([-1, 1]))
        path = np.cumsum([start, (first, 0), (step, side * step), (last, 0)], axis=0)
        lanes = path + np.arange(int(rng.integers(1, 7)))[:, None, None] * np.array([-side * 0.4, 1]) * pitch
        if rng.random() < 0.5:
            lanes = lanes[..., ::-1]
        thickness = int(rng.integers(1, max(pitch // 3, 2) + 1))
        cv2.polylines(mask, list(lanes.astype(np.int32)), False, 255, thickness, cv2.LINE_AA)
    if rng.random() < 0.3:  # a copper area
        corner = (rng.uniform(0, 1, 2) * (width, height)).astype(int)
        cv2.rectangle(mask, corner.tolist(), (corner + int(rng.integers(40, 200))).tolist(), 255, -1)
    return mask * np.float32(1 / 255)


def _pads(rng: np.random.Generator, width: int, height: int, pitch: int) -> Field:
    """Return the bare metal of pads and vias, 0 to 1."""
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(0, 5))):
        corner, count = rng.uniform(0, 1, 2) * (width, height), int(rng.integers(2, 9))
        upright = rng.random() < 0.5
        length = int(rng.integers(pitch // 2, pitch + 2))  # longer ones would look like a row of 1s
        for number in range(count):
            place = corner + np.array([0, number * pitch] if upright else [number * pitch, 0])
            size = (length, pitch // 2) if upright else (pitch // 2, length)
            left, top = place.astype(int).tolist()
            cv2.rectangle(mask, (left, top), (left + size[0], top + size[1]), 255, -1)
    for _ in range(int(rng.integers(0, 16))):
        place = (rng.uniform(0, 1, 2) * (width, height)).astype(int).tolist()
        radius = int(rng.integers(2, 5))
        cv2.circle(mask, place, radius, 200, -1, cv2.LINE_AA)
        cv2.circle(mask, place, radius // 2, 0, -1, cv2.LINE_AA)
    return mask * np.float32(1 / 255)


def _packages(rng: np.random.Generator, width: int, height: int, pitch: int) -> tuple[Field, Field]:
    """Return the bodies of chips and the printed frames around them, 0 to 1 each."""
    bodies, frames = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(0, 4))):
        corner = rng.uniform(-0.2, 1, 2) * (width, height)
        far = corner + rng.uniform(2, 12, 2) * pitch
        first, last = corner.astype(int).tolist(), far.astype(int).tolist()
        if rng.random() < 0.6:
            cv2.rectangle(bodies, first, last, 255, -1)
        margin = int(rng.integers(1, 6))
        if rng.random() < 0.6:
            outer = [[value - margin for value in first], [value + margin for value in last]]
            cv2.rectangle(frames, outer[0], outer[1], 255, int(rng.integers(1, 3)))
    return bodies * np.float32(1 / 255), frames * np.float32(1 / 255)
