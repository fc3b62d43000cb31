"""Tiles: enlarged parts of a picture with digits too small for the passes over the whole picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from digitdet.common.boxes import area, as_boxes, intersection, largest_overlap
from digitdet.common.parallel import MapFunction
from digitdet.common.types import Boxes, FloatArray, Image, Mask
from digitdet.detection.postprocess import Detections

DetectInTile = Callable[[Image, float], Detections]
"""Detects digits in a tile from its pixels and its input pixels per picture pixel; boxes are in pixels of the tile."""

READABLE_HEIGHT = 16.0
"""Height in input pixels from which digits are read reliably."""

# Proposed digits share tiles with those of up to twice their height: enlarged, they are 24 to 48 px high.
_MIN_ENLARGED_HEIGHT = 24.0
_MAX_ENLARGEMENT = 3.0
_PROPOSAL_MARGIN = 2.5  # around proposed digits to the left and right, in heights: their neighbours

# In input pixels. Tiles overlap by more than the height of the largest print, so that one of them shows a digit whole.
_TILE_SIDE = 448
_TILE_OVERLAP = 64
_BORDER = 2.0  # boxes nearer than this to an inner border of their tile are cut-off digits

# Of digits in tiles. Only sure ones end a series of tiles without digits and replace digits of the whole picture.
_MIN_TILED_SCORE, _SURE_TILED_SCORE = 0.15, 0.65
# A digit of the whole picture that is this high in input pixels is legible; with this score, it is not looked at again.
_LEGIBLE_HEIGHT, _SURE_WHOLE_SCORE = 8.0, 0.7

PATIENCE = 20
"""Tiles of one scale without a digit after which the remaining ones of that scale are skipped."""
_REWARD = 8  # tiles without a digit that one with a digit makes up for
_GROUP = 8  # tiles that are started before the patience is checked again


@dataclass(frozen=True)
class Tile:
    """A part `x0`, `y0`, `x1`, `y1` of a picture in pixels; `scale` is input pixels per picture pixel."""

    x0: int
    y0: int
    x1: int
    y1: int
    scale: float


def plan_tiles(size: tuple[int, int], found: Detections, whole_scale: float, proposals: Boxes) -> list[Tile]:
    """Place tiles around digits that are too small for the passes over the whole picture.

    Args:
        size: Height and width of the picture in pixels.
        found: The digits of these passes: what lies in a readable one gets no tile.
        whole_scale: Input pixels per picture pixel of the largest of these passes.
        proposals: Boxes (N, 4) of possible digits.

    Returns:
        The tiles of the largest digits first, then those with most of them.
    """
    height, width = size
    readable = found.boxes[_is_readable(found, whole_scale)]
    boxes = proposals[largest_overlap(proposals, readable) < 0.5].astype(np.float64)
    heights = np.maximum(boxes[:, 3] - boxes[:, 1], _MIN_ENLARGED_HEIGHT / _MAX_ENLARGEMENT)
    is_small = heights * whole_scale < READABLE_HEIGHT
    octaves = np.floor(np.log2(heights / _MIN_ENLARGED_HEIGHT)).astype(np.int64)
    tiles: list[Tile] = []
    for octave in sorted(set(octaves[is_small].tolist()), reverse=True):
        rows = is_small & (octaves == octave)
        margins = heights[rows, None] * [-_PROPOSAL_MARGIN, 0, _PROPOSAL_MARGIN, 0]
        tiles += _tiles_around(boxes[rows] + margins, width, height, min(0.5**octave, _MAX_ENLARGEMENT))
    return tiles


def read_tiles(
    detect: DetectInTile,
    image: Image,
    tiles: Sequence[Tile],
    map_function: MapFunction = map,
) -> Detections:
    """Detect the digits of tiles, in pixels of the picture and without those cut off by the border of a tile.

    Digits in the overlap of two tiles come twice. See `PATIENCE` for tiles that are skipped.
    """
    boxes, scores = [np.zeros((0, 4), np.float32)], [np.zeros((0, 10), np.float32)]
    empty_tiles: dict[float, int] = {}  # by scale

    def is_promising(tile: Tile) -> bool:
        return empty_tiles.get(tile.scale, 0) < PATIENCE

    def read(tile: Tile) -> tuple[Tile, Detections]:
        return tile, detect(image[tile.y0 : tile.y1, tile.x0 : tile.x1], tile.scale)

    for start in range(0, len(tiles), _GROUP):
        group = tiles[start : start + _GROUP]
        for tile, found in map_function(read, (tile for tile in group if is_promising(tile))):
            if not is_promising(tile):  # the patience ended within the group: the result must not depend on threads
                continue
            found = inside_tile(found, tile, image)
            empty = empty_tiles.get(tile.scale, 0)
            is_empty = found.best_scores.max(initial=0) < _SURE_TILED_SCORE
            empty_tiles[tile.scale] = empty + 1 if is_empty else max(empty - _REWARD, 0)
            found = found.take(found.best_scores >= _MIN_TILED_SCORE)
            boxes.append(found.boxes)
            scores.append(found.scores)
    return Detections(np.concatenate(boxes), np.concatenate(scores))


def inside_tile(found: Detections, tile: Tile, image: Image) -> Detections:
    """Return the digits of a tile in pixels of the picture, without those cut off by an inner border of the tile."""
    height, width = image.shape[:2]
    found = found.take(~_touches_inner_border(found.boxes, tile, width, height))
    return Detections(found.boxes + np.array([tile.x0, tile.y0] * 2, np.float32), found.scores)


def merge_tiles(whole: Detections, tiled: Detections, tiles: Iterable[Tile], whole_scale: float) -> Detections:
    """Merge the digits of the whole picture and of its tiles, each size from where it is read better.

    Digits of the whole picture that are readable there, or legible and not seen in a tile, are kept; digits of tiles
    that are large enough for the whole picture, or parts of its readable digits, are dropped.
    """
    readable = _is_readable(whole, whole_scale)
    is_small = _heights(tiled) * whole_scale < READABLE_HEIGHT
    is_part = largest_overlap(tiled.boxes, whole.boxes[readable]) > 0.5
    tiled = tiled.take(is_small & ~is_part)
    sizes = _heights(whole) * whole_scale
    areas = as_boxes([(tile.x0, tile.y0, tile.x1, tile.y1) for tile in tiles])
    sure = tiled.boxes[tiled.best_scores >= _SURE_TILED_SCORE]
    is_seen = largest_overlap(whole.boxes, sure) > 0.5
    is_legible = (sizes >= _LEGIBLE_HEIGHT) & ~is_seen
    kept = whole.take((sizes >= READABLE_HEIGHT) | readable | is_legible | ~_is_inside(whole.boxes, areas))
    return Detections(np.concatenate([kept.boxes, tiled.boxes]), np.concatenate([kept.scores, tiled.scores]))


def _tiles_around(blobs: FloatArray, width: int, height: int, scale: float) -> list[Tile]:
    """Return the grid cells that hold print, each shrunk to its print, those with most print first."""
    step = (_TILE_SIDE - _TILE_OVERLAP) / scale
    columns = np.int64(width // step) + 1
    cell_of = ((blobs[:, :2] + blobs[:, 2:]) / 2 // step).astype(np.int64) @ np.array([1, columns])
    cells, counts = np.unique(cell_of, return_counts=True)
    tiles = []
    for cell in cells[np.argsort(-counts, kind="stable")]:
        inside = blobs[cell_of == cell]
        bounds = (*inside[:, :2].min(axis=0), *inside[:, 2:].max(axis=0))
        tiles.append(_tile(bounds, _TILE_OVERLAP / 2 / scale, width, height, scale))
    return tiles


def _tile(bounds: tuple[float, ...], margin: float, width: int, height: int, scale: float) -> Tile:
    """Return the tile of `bounds` (xyxy) with a margin in pixels, clipped to the picture."""
    x0, y0, x1, y1 = bounds
    return Tile(
        int(max(x0 - margin, 0)),
        int(max(y0 - margin, 0)),
        int(min(np.ceil(x1 + margin), width)),
        int(min(np.ceil(y1 + margin), height)),
        scale,
    )


def _is_readable(whole: Detections, whole_scale: float) -> Mask:
    is_high = _heights(whole) * whole_scale >= _LEGIBLE_HEIGHT
    return np.asarray(is_high & (whole.best_scores >= _SURE_WHOLE_SCORE))


def _heights(found: Detections) -> FloatArray:
    return np.asarray(found.boxes[:, 3] - found.boxes[:, 1])


def _touches_inner_border(boxes: Boxes, tile: Tile, width: int, height: int) -> Mask:
    """Whether boxes in pixels of a tile touch a border of it that is not one of the picture's."""
    x0, y0, x1, y1 = boxes.T
    near = _BORDER / tile.scale
    return np.asarray(
        ((x0 < near) & (tile.x0 > 0))
        | ((y0 < near) & (tile.y0 > 0))
        | ((x1 > tile.x1 - tile.x0 - near) & (tile.x1 < width))
        | ((y1 > tile.y1 - tile.y0 - near) & (tile.y1 < height))
    )


def _is_inside(boxes: Boxes, areas: FloatArray) -> Mask:
    """Whether at least half of each box lies in one of the areas."""
    size = np.maximum(area(boxes), 1e-9)
    return np.asarray(intersection(boxes, areas).max(axis=1, initial=0) >= 0.5 * size)
