"""Surfaces of walls, wood, fabric, foliage and streets."""

from __future__ import annotations

import cv2
import numpy as np

from digitdet.synth.surfaces.fields import (
    LUMA,
    Field,
    FloatImage,
    Layer,
    axes,
    clouds,
    gradient,
    grain,
    light_spot,
    log_uniform,
    paint,
    relief,
    rotate,
    sample_colour,
    sample_level,
    scratches,
    soft_threshold,
    soften,
    stripes,
    with_level,
)
from digitdet.synth.surfaces.surfaces import SURFACES

# All colours are BGR.
_BRICKS = ((70, 85, 155), (60, 75, 130), (80, 110, 170), (110, 140, 185), (120, 125, 130), (90, 95, 115))
_PLASTERS = ((215, 220, 225), (190, 210, 225), (160, 195, 220), (180, 180, 180), (150, 175, 205), (205, 200, 190))
_CONCRETES = ((165, 170, 172), (150, 155, 160), (175, 175, 170), (140, 150, 155))
_TILES = ((235, 238, 240), (200, 205, 205), (170, 140, 100), (120, 150, 180), (110, 120, 90), (90, 90, 95))
_WOODS = ((70, 110, 160), (90, 140, 190), (50, 75, 115), (120, 165, 205), (110, 125, 140), (45, 60, 95))
_DYES = ((235, 235, 235), (40, 40, 45), (120, 60, 30), (40, 40, 180), (60, 130, 50), (40, 190, 220), (150, 90, 60))
_LEAVES = ((60, 110, 70), (50, 90, 90), (70, 140, 110), (45, 80, 50))
_STREETS = (*_BRICKS, *_PLASTERS, *_WOODS, (60, 60, 60), (120, 90, 70), (60, 90, 60), (200, 190, 180), (90, 60, 40))


def _masonry(
    rng: np.random.Generator, width: int, height: int, size: tuple[float, float], joint: float, offset: float
) -> tuple[Field, Field]:
    """Return a random tone for each brick or tile, about -1 to 1, and the joints between them, 0 to 1.

    A brick measures `size` (across, down) pixels; every second row is shifted by `offset` bricks.
    """
    across, down = size
    rows, columns = int(height / down) + 2, int(width / across) + 2
    # Each tone is repeated four times, so that rows can be shifted by quarters of a brick.
    tones = np.repeat(np.clip(rng.standard_normal((rows, columns), np.float32), -2, 2) * 0.5, 4, axis=1)
    shift = round(4 * offset)
    tones[1::2] = np.roll(tones[1::2], shift, axis=1)
    start_x, start_y = rng.uniform(0, across), rng.uniform(0, down)
    matrix = np.array([[4 / across, 0, start_x * 4 / across - 0.5], [0, 1 / down, start_y / down - 0.5]])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    tone = cv2.warpAffine(tones, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    x = np.arange(width, dtype=np.float32) + np.float32(start_x)
    y = np.arange(height, dtype=np.float32) + np.float32(start_y)
    row = np.floor(y * (1 / down)).astype(int) % 2
    ends = np.stack([stripes(x, across, joint), stripes(x - np.float32(shift * across / 4), across, joint)])
    joints = np.maximum(ends[row], stripes(y, down, joint)[:, None])
    return np.asarray(tone, np.float32), np.asarray(joints, np.float32)


@SURFACES.add("brick")
def _brick(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_colour(rng, _BRICKS, light, any_hue=0.05)
    down = log_uniform(rng, 9, 80)
    offset = float(rng.choice([0.5, 0.25]))
    joint = float(np.clip(down * rng.uniform(0.08, 0.22), 1, 9))
    tone, joints = _masonry(rng, width, height, (down * rng.uniform(2, 3.4), down), joint, offset)
    level = float(colour @ LUMA)
    mortar = with_level(rng.uniform(150, 200) + rng.normal(0, 8, 3), np.clip(level + rng.uniform(-30, 40), 12, 235))
    rough = grain(rng, width, height, rng.uniform(1, 3)) * rng.uniform(1, 6)
    rough += clouds(rng, width, height) * rng.uniform(3, 12)
    # The joint lies deeper; its upper edge is in the shade of the brick.
    rough += relief(joints) * -rng.uniform(0, 18)
    background = paint(
        colour,
        (tone * (1 - joints), colour * rng.uniform(0.05, 0.22) + 2),
        (joints, mortar - colour),
        (rough, 1),
    )
    return soften(rotate(rng, background), rng.uniform(0, 2) if rng.random() < 0.4 else 0)


@SURFACES.add("tiles")
def _tiles(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_colour(rng, _TILES, light, any_hue=0.2)
    down = log_uniform(rng, 10, 120)
    across = down * float(rng.choice([1, 1, 1.5, 2]))
    offset = float(rng.choice([0, 0, 0.5]))
    joint = rng.uniform(1, min(5, 0.15 * down + 1))
    tone, joints = _masonry(rng, width, height, (across, down), joint, offset)
    grout = with_level(colour * 0.3 + 120, np.clip(float(colour @ LUMA) + rng.normal(0, 28), 10, 245))
    background = paint(
        colour,
        (tone, rng.uniform(1, 11)),
        (joints, grout - colour),
        (light_spot(rng, width, height), rng.uniform(0, 35)),
        (clouds(rng, width, height) + grain(rng, width, height) * 0.15, rng.uniform(2, 10)),
    )
    return rotate(rng, background)


@SURFACES.add("stucco")
def _stucco(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_colour(rng, _PLASTERS, light, any_hue=0.12)
    cell = rng.uniform(1.5, 7)
    rough = grain(rng, width, height, cell) + grain(rng, width, height, cell / 2.5) * 0.6
    if rng.random() < 0.5:  # roughcast: peaks stand out from a flat surface
        rough = soft_threshold(rough, 0.6, 1.5) * 2
    shade = relief(rough) * (cell**0.5 * rng.uniform(3, 13))
    return paint(
        colour,
        (shade, 1),
        (clouds(rng, width, height), colour * rng.uniform(0.03, 0.12)),
        (gradient(rng, width, height) - 0.5, rng.uniform(0, 25)),
    )


@SURFACES.add("concrete")
def _concrete(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_colour(rng, _CONCRETES, light, any_hue=0.03)
    pores = soft_threshold(grain(rng, width, height, rng.uniform(1.5, 4)), 2.3, 0.6)
    stain = soft_threshold(clouds(rng, width, height), rng.uniform(0, 0.5), rng.uniform(0.1, 0.8))
    runs = grain(rng, width, height, (rng.uniform(6, 25), 200)) * rng.uniform(0, 4)
    rough = grain(rng, width, height, 1.4) * rng.uniform(1, 6) + runs
    rough += clouds(rng, width, height) * rng.uniform(4, 16)
    if rng.random() < 0.3:  # the joints of the formwork boards
        _, across = axes(width, height, float(rng.choice([0, 90]) + rng.normal(0, 2)))
        rough -= stripes(across - rng.uniform(0, 80), rng.uniform(50, 200), 2) * 16
    return paint(colour, (rough, 1), (pores, -rng.uniform(8, 40)), (stain, -colour * rng.uniform(0, 0.15)))


@SURFACES.add("wood")
def _wood(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    painted = rng.random() < 0.25
    colour = sample_colour(rng, _DYES if painted else _WOODS, light, any_hue=0.1 if painted else 0.0)
    upright = rng.random() < 0.35
    long, wide = (height, width) if upright else (width, height)
    # Drawn with horizontal grain: growth rings are a ramp across the board, slowly distorted along it.
    ring = rng.uniform(5, 26)
    position = np.arange(wide, dtype=np.float32)[:, None] + grain(rng, long, wide, (160, 45)) * ring
    position += grain(rng, long, wide, (50, 12)) * (ring * 0.12)
    phase = position * (1 / ring)
    rings = phase - np.floor(phase)  # the dark late wood of a ring ends sharply
    pores = grain(rng, long, wide, (rng.uniform(14, 50), 1.2))
    figure = rings * -rng.uniform(0.04, 0.16 if light else 0.25) + pores * rng.uniform(0.015, 0.05)
    figure += grain(rng, long, wide, (120, 6)) * rng.uniform(0.02, 0.08)
    if painted:
        figure *= np.float32(0.35)
    if rng.random() < 0.45:  # boards with different tones and dark gaps
        board = rng.uniform(35, 140)
        across = np.arange(wide, dtype=np.float32)[:, None] + rng.uniform(0, board)
        tones = rng.normal(0, 0.08, int(wide / board) + 3).astype(np.float32)
        figure += tones[np.rint(across / board).astype(int)]
        gap = stripes(across - board / 2, board, rng.uniform(1, 3))
        figure -= gap * rng.uniform(0.1, 0.35)
    if upright:
        figure = np.ascontiguousarray(figure.T)
    shade = clouds(rng, width, height) * rng.uniform(0.02, 0.08)
    return paint(colour, (figure + shade + 0.05, colour * 0.9 + 8))


@SURFACES.add("fabric")
def _fabric(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_colour(rng, _DYES, light, any_hue=0.4)
    along, across = axes(width, height, rng.uniform(-25, 25))
    period = rng.uniform(2.2, 6)
    turn = np.float32(2 * np.pi / period)
    weave = np.sin(along * turn) * np.sin(across * turn)
    kind = rng.random()
    if kind < 0.3:  # the mesh of a sports jersey
        weave = -2 * soft_threshold(weave, 0.55, 0.5)
    elif kind < 0.5:  # twill
        weave = np.sin((along + across) * turn)
    threads = grain(rng, width, height, (4, 1)) + grain(rng, width, height, (1, 4))
    # Wrinkles are ridges mostly in one direction, on top of broad folds.
    size = rng.uniform(22, 90)
    ridges = 0.8 - np.abs(grain(rng, width, height, (size * rng.uniform(3, 7), size)))
    wrinkle = rotate(rng, np.asarray(ridges, np.float32), 40) + clouds(rng, width, height) * 0.8
    layers: list[Layer] = [
        (np.asarray(weave, np.float32), rng.uniform(1, 9)),
        (threads, rng.uniform(0.5, 4)),
        (wrinkle, colour * rng.uniform(0.02, 0.1 if light else 0.2) + 2),
    ]
    if rng.random() < 0.2:  # broad stripes, as on sports shirts
        bands = soften(stripes(across, rng.uniform(90, 260), rng.uniform(20, 80)), 1)
        other = with_level(sample_colour(rng, _DYES, light, 0.4), float(colour @ LUMA) + rng.uniform(-25, 25))
        layers.append((bands, other - colour))
    return paint(colour, *layers)


@SURFACES.add("foliage")
def _foliage(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    colour = sample_colour(rng, _LEAVES, light, any_hue=0.05)
    total = clouds(rng, width, height)
    leaf = rng.uniform(6, 22)
    for share in (1.0, 0.6, 0.35):
        layer = grain(rng, width, height, (leaf * share * rng.uniform(0.7, 1.8), leaf * share))
        total += soft_threshold(layer, 0.2, rng.uniform(0.4, 1.5)) - 0.45
    total = soften(total, rng.uniform(0, 3))
    warmth = soft_threshold(grain(rng, width, height, leaf * 1.5), 0.5, 1)
    tint = np.array([-4, 8, 12], np.float32) * rng.uniform(-0.5, 2)
    # On a light background the shadows are pale, or they would be as dark as ink.
    depth = colour * (rng.uniform(0.12, 0.3) * (0.5 if light else 1))
    return paint(colour, (total, depth), (warmth, tint))


@SURFACES.add("street")
def _street(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    """Draw door frames, walls, windows and shadows out of focus, as around a house number."""
    small_width, small_height = max(width // 4, 8), max(height // 4, 8)
    middle_level, spread = sample_level(rng, light), rng.uniform(12, 40)
    colour = with_level(sample_colour(rng, _STREETS, light, any_hue=0.05), middle_level)
    scene = np.full((small_height, small_width, 3), colour, np.float32)
    for _ in range(int(rng.integers(2, 9))):
        level = np.clip(middle_level + rng.normal(0, spread), 5, 250)
        patch = with_level(_STREETS[int(rng.integers(len(_STREETS)))] + rng.normal(0, 12, 3), level)
        place = rng.uniform(-0.1, 1.1, 2) * (small_width, small_height)
        size = rng.uniform(0.05, 0.9, 2) * (small_width, small_height)
        if rng.random() < 0.6:  # posts and sills cross the whole picture
            size[int(rng.integers(2))] = 2.5 * max(small_width, small_height)
        corners = cv2.boxPoints((place.tolist(), size.tolist(), rng.normal(0, 4)))
        cv2.fillConvexPoly(scene, (corners * 16).astype(np.int32), patch.tolist(), cv2.LINE_8, 4)
    scene = soften(scene, rng.uniform(0.4, 3))
    scene += np.float32(0.8 * (middle_level - float(scene.mean(axis=(0, 1)) @ LUMA)))  # a large patch may shift it
    background = cv2.resize(scene, (width, height), interpolation=cv2.INTER_LINEAR)
    rough = clouds(rng, width, height) * rng.uniform(2, 16)
    rough += grain(rng, width, height, rng.uniform(1, 2)) * rng.uniform(0.3, 3)
    if rng.random() < 0.4:  # one sharp edge, like that of a sign or a post
        edge = scratches(rng, width, height, 1, float(rng.choice([0, 90])))
        rough += soften(edge, 1) * rng.uniform(-40, 40)
    return np.asarray(background + rough[..., None], np.float32)
