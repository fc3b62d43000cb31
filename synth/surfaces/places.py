"""Simple places for scenes without photos: a wall with a ground, a door or a window, and a sky or leaves."""

from __future__ import annotations

import cv2
import numpy as np

from digitdet.synth.surfaces.fields import Field, FloatImage, clouds, soften
from digitdet.synth.surfaces.surfaces import SURFACES, draw_surface

# A place is drawn at most this large, in pixels of its longest side, and enlarged: photos have soft detail too.
_MAX_SIDE = 400
_WALLS = ("brick", "brick", "stucco", "concrete", "concrete", "wood", "tiles", "metal", "plain")
_GROUNDS = ("street", "concrete", "tiles", "wood")
_BESIDE = ("foliage", "clouds", "gradient", "street")
_DOORS = ("wood", "metal", "glass", "plain", "plastic")


@SURFACES.add("place")
def _place(rng: np.random.Generator, width: int, height: int, light: bool) -> FloatImage:
    scale = min(_MAX_SIDE / max(width, height), 1.0)
    columns, rows = max(round(width * scale), 1), max(round(height * scale), 1)
    picture = _surface(rng, _WALLS, columns, rows, light)
    if rng.random() < 0.5:  # the ground, nearly level
        left, right = rows * rng.uniform(0.6, 0.95) + rng.normal(0, 0.03, 2) * rows
        _paint(rng, picture, light, _GROUNDS, [(0, left), (columns, right), (columns, rows), (0, rows)])
    if rng.random() < 0.35:  # what is beside the wall
        top, bottom = columns * rng.uniform(0.6, 0.95) + rng.normal(0, 0.03, 2) * columns
        _paint(rng, picture, light, _BESIDE, [(top, 0), (columns, 0), (columns, rows), (bottom, rows)])
    for _ in range(int(rng.integers(0, 3))):  # doors and windows
        left, top = rng.uniform(-0.1, 0.9) * columns, rng.uniform(-0.1, 0.7) * rows
        right, bottom = left + rng.uniform(0.1, 0.35) * columns, top + rng.uniform(0.2, 0.8) * rows
        _paint(rng, picture, light, _DOORS, [(left, top), (right, top), (right, bottom), (left, bottom)])
    picture *= (1 + clouds(rng, columns, rows) * np.float32(rng.uniform(0.05, 0.25)))[..., None]
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _surface(rng: np.random.Generator, names: tuple[str, ...], width: int, height: int, light: bool) -> FloatImage:
    return draw_surface(rng, names[int(rng.integers(len(names)))], width, height, light)


def _paint(
    rng: np.random.Generator,
    picture: FloatImage,
    light: bool,
    names: tuple[str, ...],
    corners: list[tuple[float, float]],
) -> None:
    """Paint a surface of one of the names inside a polygon of the picture (h, w, 3), in place."""
    points = np.array(corners)
    (left, top), (right, bottom) = np.floor(points.min(axis=0)).astype(int), np.ceil(points.max(axis=0)).astype(int)
    left, top = max(int(left), 0), max(int(top), 0)
    right, bottom = min(int(right), picture.shape[1]), min(int(bottom), picture.shape[0])
    if right - left < 8 or bottom - top < 8:
        return
    mask = np.zeros((bottom - top, right - left), np.float32)
    cv2.fillPoly(mask, [np.round(points - (left, top)).astype(np.int32)], 1.0, cv2.LINE_AA)
    cover: Field = soften(mask, 0.6)
    part = picture[top:bottom, left:right]
    surface = _surface(rng, names, right - left, bottom - top, light)
    part += cover[..., None] * (surface - part)
