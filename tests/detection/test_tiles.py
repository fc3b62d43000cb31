"""Tiles on large pages: where they are placed, what is detected in them, how it is merged."""

import cv2
import numpy as np
import pytest

from digitdet.detection.detector import OnnxDetector
from digitdet.detection.letterbox import letterbox
from digitdet.detection.postprocess import Detections, decode, non_max_suppression
from digitdet.detection.small_print import find_small_print
from digitdet.detection.tiles import (
    PATIENCE,
    READABLE_HEIGHT,
    Proposals,
    Tile,
    merge_tiles,
    plan_tiles,
    read_tiles,
)

WHOLE_SCALE = 448 / 3000
NOTHING = Proposals(np.zeros((0, 4), np.float32), 0.1)  # from a pass that is too coarse for print below 40 px


def found(*rows):
    """Detections from (x0, y0, x1, y1, confidence); all are 7."""
    scores = np.zeros((len(rows), 10), np.float32)
    scores[:, 7] = [row[4] for row in rows]
    return Detections(np.float32([row[:4] for row in rows]).reshape(-1, 4), scores)


def page(width=3000, height=2000, background=230):
    return np.full((height, width, 3), background, np.uint8)


def write(image, text, x, y, height, grey=30):
    """A number with its left bottom at (x, y)."""
    large = np.zeros((200, 120 * len(text) + 40), np.uint8)
    cv2.putText(large, text, (20, 150), cv2.FONT_HERSHEY_SIMPLEX, 5, 255, 14, cv2.LINE_AA)  # 110 px high
    factor = height / 110
    ink = cv2.resize(large, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)[:, :, None] / 255
    top, left = y - round(150 * factor), x - round(20 * factor)
    part = image[top : top + ink.shape[0], left : left + ink.shape[1]]
    part[:] = part * (1 - ink) + grey * ink


def covers(tile, x, y):
    return tile.x0 <= x < tile.x1 and tile.y0 <= y < tile.y1


@pytest.mark.parametrize(("background", "grey"), [(230, 30), (30, 220)], ids=["dark", "light"])
@pytest.mark.parametrize("height", [8, 12, 20, 40])
def test_print_of_every_size_gets_a_tile_that_enlarges_it(height, background, grey):
    image = page(background=background)
    write(image, "3729", 1700, 900, height, grey)
    tiles = plan_tiles(image, found(), WHOLE_SCALE, NOTHING)
    hits = [tile for tile in tiles if covers(tile, 1700, 895) and covers(tile, 1700 + height, 895)]
    assert any(READABLE_HEIGHT <= height * tile.scale <= 60 for tile in hits)
    assert sum((tile.x1 - tile.x0) * (tile.y1 - tile.y0) * tile.scale**2 for tile in tiles) < 4 * 448**2


@pytest.mark.parametrize("band_seam", [505, 512, 516, 1024, 1030])
def test_print_at_the_seam_of_two_bands_is_found(band_seam):
    image = page(400, 1500)
    write(image, "58", 200, band_seam, 16)
    places = find_small_print(image)
    assert len(places)
    assert (np.abs(places[:, 3] - band_seam) <= 3).all()


def test_a_blank_page_needs_no_tile():
    assert plan_tiles(page(), found(), WHOLE_SCALE, NOTHING) == []
    assert find_small_print(page()).shape == (0, 4)


@pytest.mark.parametrize("height", [5, 8, 12, 20, 40, 80])
def test_proposals_get_tiles_that_enlarge_them_and_show_their_neighbours(height):
    boxes = np.float32([(500, 300, 500 + height / 2, 300 + height), (1500, 900, 1500 + height / 2, 900 + height)])
    tiles = plan_tiles(page(), found(), WHOLE_SCALE, Proposals(boxes, 1.0))
    assert len(tiles) == 2
    for tile, (x, y) in zip(tiles, ((500, 300), (1500, 900)), strict=True):
        assert covers(tile, x - 2 * height, y)
        assert covers(tile, x + 2 * height, y + height)
        assert 24 <= height * tile.scale <= 48 or (tile.scale == 3 and height < 8)


def test_what_is_readable_already_needs_no_tile():
    large = np.float32([(500, 300, 570, 420)])
    small = np.float32([(500, 300, 506, 312)])
    assert plan_tiles(page(), found(), WHOLE_SCALE, Proposals(large, 1.0)) == []
    sure = found((480, 260, 580, 460, 0.9))
    assert plan_tiles(page(), sure, WHOLE_SCALE, Proposals(small, 1.0)) == []


def test_large_shapes_and_specks_are_not_print():
    image = page()
    cv2.rectangle(image, (100, 100), (2900, 1900), (30, 30, 30), 5)
    cv2.circle(image, (1500, 1000), 400, (60, 60, 60), -1)
    image[::50, ::50] = 0
    assert plan_tiles(image, found(), WHOLE_SCALE, NOTHING) == []


def test_print_inside_a_sure_digit_needs_no_tile():
    image = page()
    write(image, "3729", 1700, 900, 12)
    assert plan_tiles(image, found((1500, 500, 2000, 1200, 0.9)), WHOLE_SCALE, NOTHING) == []
    assert plan_tiles(image, found((1500, 500, 2000, 1200, 0.5)), WHOLE_SCALE, NOTHING)


def test_dense_print_comes_first():
    image = page()
    write(image, "3", 300, 300, 12)
    for row in range(4):
        write(image, "37294", 2500, 1500 + 25 * row, 12)
    tiles = [tile for tile in plan_tiles(image, found(), WHOLE_SCALE, NOTHING) if tile.scale == 2.5]
    assert covers(tiles[0], 2510, 1495)
    assert covers(tiles[-1], 303, 297)


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


def test_digits_of_8_px_on_a_page_of_5000_are_read():
    image = page(5000, 3500)
    write(image, "3729", 4100, 2900, 8)
    write(image, "58", 700, 300, 12)
    scale = 448 / 5000
    detector = OnnxDetector()

    def detect(crop, scale):
        tensor, box = letterbox(crop, round(max(crop.shape[:2]) * scale))
        digits = non_max_suppression(decode(detector.detect(tensor)[0], 0.2), 0.6)
        return Detections(box.to_picture(digits.boxes), digits.scores)

    tiles = plan_tiles(image, found(), scale, Proposals(NOTHING.boxes, 1280 / 5000))
    digits = non_max_suppression(merge_tiles(found(), read_tiles(detect, image, tiles), tiles, scale), 0.6)
    below = digits.boxes[:, 1] > 1000
    for rows, text in ((below, "3729"), (~below, "58")):
        part = digits.take(rows)
        assert "".join(str(label) for label in part.labels[np.argsort(part.boxes[:, 0])]) == text
