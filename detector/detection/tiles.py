"""Small print on large pages: found at full resolution, read enlarged tile by tile, merged with the whole picture.

A picture is read whole first, and what is too small then vanishes. Reading all of a large page enlarged would take many
seconds, so small print is looked for with plain image processing, and only tiles that hold some are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import as_boxes, intersection, overlap
from digitdet.common.types import Image
from digitdet.detection.postprocess import Detections

Boxes = npt.NDArray[np.float64]
Run = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""`map`, or that of an executor: how pieces of work that are independent of each other are done."""

Detect = Callable[[Image, float], Detections]
"""Reads a part of a picture: takes its pixels and how many input pixels of the network one of them becomes; gives boxes
in pixels of the part."""

# Digits of at least this height in the network's input, in pixels, are read reliably: the shipped model reads 87% of
# printed ones at 12 px, 99% at 16 px, all from 20 px on.
READABLE_HEIGHT = 16.0

# In 'auto' a picture is large when the largest pass over the whole shrinks it to less than this: with the shipped
# model from 1500 px on. In smaller photos, what a tile would read is rather the letters around the numbers.
_LARGE_SCALE = 0.3

# Print is looked for at full resolution and in the picture made smaller by 3, 9, ...: at each of these levels from the
# least to the largest height, in pixels of the level. Enlarged, it is 16 to 52 px high in the network's input.
_LEVEL_STEP = 3
_LEAST_PRINT, _LARGEST_PRINT = 6.5, 21.0
_ENLARGEMENT = 2.5

# Input pixels. Neighbours share more than the height of the largest print, so that one of them sees every digit whole.
_TILE_SIDE = 448
_TILE_OVERLAP = 64
# A box that comes this near to an inner border of its tile is that of a digit cut there.
_CUT = 2.0

# A tile is read in one pass, and most of a large photo is texture: a digit there must be this sure, or stand within so
# many of its heights of one that is. Of 12 Mpx of gravel or rock, none to ten specks a picture pass for digits at 0.5.
_SURE_TILED = 0.65
_NEIGHBOUR = 3.0
# A digit of the whole picture must be this sure to keep tiles from its place: a column of small print seen from afar
# passes for a 1 at up to 0.6.
_SURE_WHOLE = 0.7

# Ink differs from the mean grey of the square around it by at least this much.
_LEAST_CONTRAST = 24
_SQUARE = 41  # pixels a side: two heights of the largest print
_BAND = 512  # rows searched at a time, so that the memory it takes does not grow with the page

# After so many tiles of one scale without a digit, most promising first, the rest is taken for texture. A tile with
# digits makes up for some without: texture looks like a digit in one of twenty, print with numbers in most.
PATIENCE = 32
_REWARD = 8
_TOGETHER = 8  # tiles that are begun before it is looked whether the next are worth it


@dataclass(frozen=True)
class Tile:
    """A part of a picture to read: `x0`, `y0`, `x1`, `y1` in its pixels, `scale` input pixels for one of them."""

    x0: int
    y0: int
    x1: int
    y1: int
    scale: float


def plan_tiles(image: Image, found: Detections, whole_scale: float) -> list[Tile]:
    """Tiles around print that is too small for reading the picture whole.

    Args:
        image: (H, W, 3) uint8 BGR.
        found: The digits of the whole picture; where a readable one stands no tile is needed.
        whole_scale: Input pixels for one picture pixel in the largest pass over the whole picture.

    Returns:
        The tiles of the largest print first; within one size, those with most print first. None for a picture that is
        not large.
    """
    if whole_scale > _LARGE_SCALE:
        return []
    height, width = image.shape[:2]
    explained = found.boxes[_is_readable(found, whole_scale)]
    tiles: list[Tile] = []
    for factor in _level_factors(whole_scale):
        size = (max(width // factor, 1), max(height // factor, 1))
        level = image if factor == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        places = find_print(np.asarray(level, np.uint8)) * factor
        if len(explained):
            places = places[overlap(places, explained).max(axis=1, initial=0) < 0.5]
        tiles = _around(places, width, height, _ENLARGEMENT / factor) + tiles
    return tiles


def cover_picture(width: int, height: int, whole_scale: float) -> list[Tile]:
    """Tiles over all of a picture of `width` x `height` pixels, for every size of print that reading it whole misses.

    Nothing is overlooked, and a page of 17 Mpx takes seconds. See `plan_tiles` for `whole_scale` and the order.
    """
    tiles: list[Tile] = []
    for factor in _level_factors(whole_scale):
        scale = _ENLARGEMENT / factor
        step = (_TILE_SIDE - _TILE_OVERLAP) / scale
        cells = [(x, y, x + step, y + step) for y in np.arange(0, height, step) for x in np.arange(0, width, step)]
        tiles = [_tile(cell, _TILE_OVERLAP / 2 / scale, width, height, scale) for cell in cells] + tiles
    return tiles


def read_tiles(
    detect: Detect,
    image: Image,
    tiles: Sequence[Tile],
    patience: int | None = PATIENCE,
    run: Run = map,
) -> Detections:
    """Read tiles one by one.

    Args:
        detect: Reads one tile.
        image: (H, W, 3) uint8 BGR.
        tiles: What `plan_tiles` or `cover_picture` gives.
        patience: After so many tiles of one scale without a digit the others of that scale are left, and a tile with
            digits makes up for eight without; None reads all.
        run: `map`, or that of an executor, which reads some tiles at the same time; the result is the same.

    Returns:
        All digits in pixels of the picture, those cut by the border of a tile left out. What two tiles see comes
        twice: suppress it next.
    """
    height, width = image.shape[:2]
    boxes, scores = [np.zeros((0, 4), np.float32)], [np.zeros((0, 10), np.float32)]
    idle: dict[float, int] = {}

    def is_worth_it(tile: Tile) -> bool:
        return patience is None or idle.get(tile.scale, 0) < patience

    def read(tile: Tile) -> tuple[Tile, Detections]:
        return tile, detect(image[tile.y0 : tile.y1, tile.x0 : tile.x1], tile.scale)

    for start in range(0, len(tiles), _TOGETHER):
        group = tiles[start : start + _TOGETHER]
        for tile, found in run(read, (tile for tile in group if is_worth_it(tile))):
            if not is_worth_it(tile):  # it was, when its group began
                continue
            found = found.take(~_cut(found.boxes, tile, width, height))
            found = found.take(_stands_by_sure(found))
            idle[tile.scale] = max(idle.get(tile.scale, 0) - _REWARD, 0) if len(found) else idle.get(tile.scale, 0) + 1
            boxes.append(found.boxes + np.array([tile.x0, tile.y0] * 2, np.float32))
            scores.append(found.scores)
    return Detections(np.concatenate(boxes), np.concatenate(scores))


def merge_tiles(whole: Detections, tiled: Detections, tiles: Iterable[Tile], whole_scale: float) -> Detections:
    """One set of digits from the whole picture and its tiles, each taken from where its size is seen better.

    Of the whole picture go digits too small to be read there that stand in a tile. Of the tiles go those large enough
    for the whole picture, and pieces of digits that it found: parts of a big digit look like small ones.

    Returns:
        Digits in pixels of the picture, not suppressed yet.
    """
    large = _heights(whole) * whole_scale >= READABLE_HEIGHT
    areas = as_boxes([(tile.x0, tile.y0, tile.x1, tile.y1) for tile in tiles])
    kept = whole.take(large | ~_within(whole.boxes, areas))
    small = _heights(tiled) * whole_scale < READABLE_HEIGHT
    pieces = overlap(tiled.boxes, whole.boxes[_is_readable(whole, whole_scale)]).max(axis=1, initial=0) > 0.5
    tiled = tiled.take(small & ~pieces)
    return Detections(np.concatenate([kept.boxes, tiled.boxes]), np.concatenate([kept.scores, tiled.scores]))


def find_print(image: Image) -> Boxes:
    """Blobs of ink with the size of small digits, dark or light, with free ground above and below as in lines of print.

    Args:
        image: (H, W, 3) uint8 BGR.

    Returns:
        (N, 4) xyxy in its pixels; a blob near the seam of two bands may come twice. Letters and specks are among them.
    """
    margin = 2 * _SQUARE
    places = [np.zeros((0, 4))]
    for top in range(0, image.shape[0], _BAND):
        start = max(top - margin, 0)
        grey = cv2.cvtColor(image[start : top + _BAND + margin], cv2.COLOR_BGR2GRAY)
        mean = cv2.blur(grey, (_SQUARE, _SQUARE))
        for difference in (cv2.subtract(mean, grey), cv2.subtract(grey, mean)):
            boxes = _blobs((difference >= _LEAST_CONTRAST).view(np.uint8))
            middle = (boxes[:, 1] + boxes[:, 3]) / 2 + start
            places.append(boxes[(middle >= top) & (middle < top + _BAND)] + [0, start, 0, start])
    return np.concatenate(places)


def _blobs(ink: npt.NDArray[np.uint8]) -> Boxes:
    """Connected pixels of 1 in (H, W) that are as large as digits, and stand free above and below."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    x, y, width, height, area = np.asarray(stats[1:], np.int64).T
    share = area / (width * height)
    # Small digits may run together: a blob is up to six digits wide. A full one is a spot, an empty one a frame.
    fits = (height >= _LEAST_PRINT) & (height <= _LARGEST_PRINT) & (width <= 4 * height) & (width >= 2)
    fits &= (share > 0.15) & ((share < 0.8) | (width < 0.5 * height))
    x, y, width, height = x[fits], y[fits], width[fits], height[fits]
    ring = np.maximum(np.round(0.25 * height), 2).astype(np.int64)
    total = np.asarray(cv2.integral(ink), np.int64)
    above = _sums(total, x, y - ring, x + width, y)
    below = _sums(total, x, y + height, x + width, y + height + ring)
    free = above + below <= 0.1 * 2 * ring * width
    return np.stack([x, y, x + width, y + height], axis=1)[free].astype(np.float64)


def _sums(total: npt.NDArray[np.int64], *corners: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The sums of rectangles, cut at the borders, from the integral image."""
    x0, x1 = (np.clip(x, 0, total.shape[1] - 1) for x in corners[::2])
    y0, y1 = (np.clip(y, 0, total.shape[0] - 1) for y in corners[1::2])
    return np.asarray(total[y1, x1] - total[y0, x1] - total[y1, x0] + total[y0, x0])


def _around(places: Boxes, width: int, height: int, scale: float) -> list[Tile]:
    """The cells of a grid that hold print, each shrunk to what it holds, those with most print first."""
    step = (_TILE_SIDE - _TILE_OVERLAP) / scale
    columns = np.int64(width // step) + 1
    cells = ((places[:, :2] + places[:, 2:]) / 2 // step).astype(np.int64) @ np.array([1, columns])
    names, counts = np.unique(cells, return_counts=True)
    tiles = []
    for name in names[np.argsort(-counts, kind="stable")]:
        held = places[cells == name]
        bounds = (*held[:, :2].min(axis=0), *held[:, 2:].max(axis=0))
        tiles.append(_tile(bounds, _TILE_OVERLAP / 2 / scale, width, height, scale))
    return tiles


def _tile(bounds: tuple[float, ...], margin: float, width: int, height: int, scale: float) -> Tile:
    """The tile of `bounds` (xyxy) and `margin` pixels around them, inside the picture."""
    x0, y0, x1, y1 = bounds
    return Tile(
        int(max(x0 - margin, 0)),
        int(max(y0 - margin, 0)),
        int(min(np.ceil(x1 + margin), width)),
        int(min(np.ceil(y1 + margin), height)),
        scale,
    )


def _level_factors(whole_scale: float) -> Iterator[int]:
    """By how much the picture is made smaller at each level, until the whole picture shows the rest."""
    factor = 1
    while _LEAST_PRINT * factor * whole_scale < READABLE_HEIGHT:
        yield factor
        factor *= _LEVEL_STEP


def _is_readable(whole: Detections, whole_scale: float) -> npt.NDArray[np.bool_]:
    """Whether digits of the whole picture are large and sure enough to be left as they are."""
    return np.asarray((_heights(whole) * whole_scale >= READABLE_HEIGHT) & (whole.best_scores >= _SURE_WHOLE))


def _stands_by_sure(found: Detections) -> npt.NDArray[np.bool_]:
    """Whether digits of one tile are sure, or near a sure one (itself counts)."""
    centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
    sure = found.best_scores >= _SURE_TILED
    distances = np.linalg.norm(centres[:, None] - centres[None, sure], axis=2)
    return np.asarray(distances.min(axis=1, initial=np.inf) <= _NEIGHBOUR * _heights(found))


def _heights(found: Detections) -> npt.NDArray[np.float32]:
    return np.asarray(found.boxes[:, 3] - found.boxes[:, 1])


def _cut(boxes: npt.NDArray[np.float32], tile: Tile, width: int, height: int) -> npt.NDArray[np.bool_]:
    """Whether boxes in pixels of a tile touch a border of it that is not one of the picture's."""
    x0, y0, x1, y1 = boxes.T
    near = _CUT / tile.scale
    return np.asarray(
        ((x0 < near) & (tile.x0 > 0))
        | ((y0 < near) & (tile.y0 > 0))
        | ((x1 > tile.x1 - tile.x0 - near) & (tile.x1 < width))
        | ((y1 > tile.y1 - tile.y0 - near) & (tile.y1 < height))
    )


def _within(boxes: npt.NDArray[np.float32], areas: Boxes) -> npt.NDArray[np.bool_]:
    """Whether at least half of each box lies in one of the areas."""
    size = np.maximum(intersection(boxes, boxes).diagonal(), 1e-9)
    return np.asarray(intersection(boxes, areas).max(axis=1, initial=0) >= 0.5 * size)
