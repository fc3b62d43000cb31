"""Tiles on large pages: where they are placed, what is detected in them, how it is merged."""

import cv2
import numpy as np
import pytest

from digitdet.detection.postprocess import Detections
from digitdet.detection.tiles import (
    PATIENCE,
    Tile,
    merge_tiles,
    plan_tiles,
    read_tiles,
)

WHOLE_SCALE = 448 / 3000
SIZE = (2000, 3000)


def found(*rows):
    """Detections from (x0, y0, x1, y1, confidence); all are 7."""
    scores = np.zeros((len(rows), 10), np.float32)
    scores[:, 7] = [row[4] for row in rows]
    return Detections(np.float32([row[:4] for row in rows]).reshape(-1, 4), scores)


def page(width=3000, height=2000, background=230):
    return np.full((height, width, 3), background, np.uint8)


def covers(tile, x, y):
    return tile.x0 <= x < tile.x1 and tile.y0 <= y < tile.y1


@pytest.mark.parametrize("height", [5, 8, 12, 20, 40, 80])
def test_proposals_get_tiles_that_enlarge_them_and_show_their_neighbours(height):
    boxes = np.float32([(500, 300, 500 + height / 2, 300 + height), (1500, 900, 1500 + height / 2, 900 + height)])
    tiles = plan_tiles(SIZE, found(), WHOLE_SCALE, boxes)
    assert len(tiles) == 2
    for tile, (x, y) in zip(tiles, ((500, 300), (1500, 900)), strict=True):
        assert covers(tile, x - 2 * height, y)
        assert covers(tile, x + 2 * height, y + height)
        assert 24 <= height * tile.scale <= 48 or (tile.scale == 3 and height < 8)


def test_what_is_readable_already_needs_no_tile():
    large = np.float32([(500, 300, 570, 420)])
    small = np.float32([(500, 300, 506, 312)])
    assert plan_tiles(SIZE, found(), WHOLE_SCALE, large) == []
    sure = found((480, 260, 580, 460, 0.9))
    assert plan_tiles(SIZE, sure, WHOLE_SCALE, small) == []


def test_nothing_proposed_needs_no_tile():
    assert plan_tiles(SIZE, found(), WHOLE_SCALE, np.zeros((0, 4), np.float32)) == []


def test_the_largest_digits_come_first_then_the_most():
    one, many, large = (
        [(300, 300, 308, 312)],
        [(2500 + 10 * n, 1500, 2508 + 10 * n, 1512) for n in range(4)],
        [(900, 900, 920, 930)],
    )
    tiles = plan_tiles(SIZE, found(), WHOLE_SCALE, np.float32(one + many + large))
    assert [covers(tile, x, y) for tile, (x, y) in zip(tiles, ((905, 905), (2505, 1505), (305, 305)), strict=True)] == [
        True
    ] * 3


def detect_marks(crop, scale):
    """A stand-in for the network: every white block is a sure digit."""
    stats = cv2.connectedComponentsWithStats((crop[:, :, 0] > 128).astype(np.uint8))[2][1:]
    return found(*[(x, y, x + w, y + h, 0.95) for x, y, w, h, _ in stats])


def test_digits_are_mapped_to_the_picture_and_cut_off_ones_dropped():
    """Two tiles share a strip: the block on its border is cut in the first and whole in the second."""
    image = page(300, 100, 0)
    image[40:60, 20:30] = image[40:60, 145:155] = image[40:60, 290:300] = 255
    tiles = [Tile(0, 0, 150, 100, 1.0), Tile(120, 0, 300, 100, 1.0)]
    boxes = read_tiles(detect_marks, image, tiles).boxes.tolist()
    # The last one touches the border of the picture, which cuts nothing.
    assert sorted(boxes) == [[20, 40, 30, 60], [145, 40, 155, 60], [290, 40, 300, 60]]


def test_weak_digits_of_a_tile_are_left_to_the_line_reader():
    rows = found((20, 20, 30, 40, 0.3), (20, 95, 30, 115, 0.1))
    kept = read_tiles(lambda _crop, _scale: rows, page(200, 200), [Tile(0, 0, 200, 200, 1.0)])
    assert kept.boxes[:, :2].tolist() == [[20, 20]]


def test_patience_ends_with_each_scale():
    calls = []
    tiles = [Tile(0, 0, 9, 9, scale) for scale in (0.5, 2.5) for _ in range(PATIENCE + 10)]
    read_tiles(lambda crop, scale: calls.append(scale) or found(), page(20, 20), tiles)
    assert len(calls) == 2 * PATIENCE


def test_digits_restore_the_patience():
    calls = []

    def every_fourth(crop, scale):
        calls.append(scale)
        return found((2, 2, 5, 8, 0.95)) if len(calls) % 4 == 0 else found()

    read_tiles(every_fourth, page(20, 20), [Tile(0, 0, 20, 20, 1.0)] * 5 * PATIENCE)
    assert len(calls) == 5 * PATIENCE


def test_no_tiles_no_digits():
    nothing = read_tiles(detect_marks, page(20, 20), [])
    assert nothing.boxes.shape == (0, 4)
    assert nothing.scores.shape == (0, 10)


@pytest.mark.parametrize(
    ("whole", "tiled", "kept"),
    [
        # At 0.1 input pixels for one of the picture, digits are readable from 160 px on.
        ([(0, 0, 200, 300, 0.9)], [(500, 50, 510, 62, 0.8)], [(0, 0), (500, 50)]),
        ([(480, 40, 530, 90, 0.5)], [(500, 50, 510, 62, 0.8)], [(500, 50)]),  # too small, in a tile
        ([(480, 40, 530, 130, 0.5)], [(560, 50, 570, 62, 0.8)], [(480, 40), (560, 50)]),  # legible, not in the tile
        ([(480, 40, 530, 130, 0.5)], [(480, 40, 530, 130, 0.4)], [(480, 40), (480, 40)]),  # no surer in the tile
        ([(900, 900, 950, 960, 0.5)], [], [(900, 900)]),  # too small, but no tile saw it
        ([], [(420, 20, 580, 190, 0.9)], []),  # large: read better in the whole picture
        ([(450, 0, 600, 300, 0.9)], [(500, 50, 510, 62, 0.8)], [(450, 0)]),  # a piece of a sure digit
        (
            [(450, 0, 600, 300, 0.5)],
            [(500, 50, 510, 62, 0.8)],
            [(450, 0), (500, 50)],
        ),  # left to non-maximum suppression
        ([], [], []),
    ],
)
def test_merging(whole, tiled, kept):
    merged = merge_tiles(found(*whole), found(*tiled), [Tile(400, 0, 600, 200, 2.5)], whole_scale=0.1)
    assert [tuple(box[:2]) for box in merged.boxes.tolist()] == kept
    assert merged.scores.shape == (len(kept), 10)
