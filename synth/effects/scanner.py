"""Effects of paper, photocopiers and scanners; see `effects.Effect` for the arguments of an effect."""

from __future__ import annotations

import cv2
import numpy as np

from digitdet.common.types import Boxes, Image
from digitdet.synth.effects.limits import digit_crops, sample_strength, smallest_digit
from digitdet.synth.effects.pixels import SUBPIXEL_BITS, fixed_point, lighten, multiply, three_channels
from digitdet.synth.surfaces.fields import Field

# Difference in grey levels between the darkest and lightest pixel of a neighbourhood without ink.
_FLAT = 36


def bleed_through(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Draw faint writing that shows through from the back of the page: lines of cursive loops."""
    # They are not mirrored digits: a mirrored 0, 1 or 8 is still a digit and would need a label.
    height, width = image.shape[:2]
    size = smallest_digit(boxes) * rng.uniform(0.5, 1.3)
    pitch = size * rng.uniform(1.8, 3.0)
    slope = rng.uniform(-0.06, 0.06)
    strokes = []
    for baseline in np.arange(rng.uniform(-1, 0) * pitch, height + pitch, pitch):
        x = np.arange(0, width + size, size / 7)
        phase = np.cumsum(rng.uniform(0.3, 1.4, len(x)))
        reach = np.interp(x, x[::7], rng.choice([0.05, 0.15, 0.2, 0.5], len(x[::7])))  # letters of several heights
        y = baseline + slope * x - size * reach * (1 + np.sin(phase))
        line = np.column_stack([x + 0.25 * size * np.cos(phase), y])
        words = np.split(line, np.sort(rng.integers(0, len(x), max(len(x) // 30, 1))))
        strokes += [fixed_point(word[4:]) for word in words if len(word) > 8]
    mask = np.zeros((height, width), np.uint8)
    thickness = max(round(size * rng.uniform(0.04, 0.09)), 1)
    cv2.polylines(mask, strokes, False, 255, thickness, cv2.LINE_AA, SUBPIXEL_BITS)
    share = cv2.GaussianBlur(mask, (0, 0), 0.4 + 0.04 * size) * np.float32(sample_strength(rng, 0.08, 0.35) / 255)
    return multiply(image, 1 - share)


def photocopy(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Photocopy the page: grey, with high contrast, specks and faint streaks along the page."""
    grey = _soft_grey(image, 0.3 + 0.015 * smallest_digit(boxes))
    middle = _ink_level(grey, boxes) + rng.uniform(-8, 8)
    spread = rng.uniform(8, 28)
    levels = np.arange(256, dtype=np.float32)
    black, white = rng.uniform(0, 50), rng.uniform(215, 255)
    table = black + (white - black) / (1 + np.exp((middle - levels) / spread))
    copy = np.asarray(cv2.LUT(grey, table.astype(np.uint8)), np.uint8)
    copy = _speckle(copy, rng, sample_strength(rng, 0.0003, 0.006))
    streaks = rng.normal(0, sample_strength(rng, 0.5, 6), (1, image.shape[1])).astype(np.float32)
    streaks = np.repeat(cv2.GaussianBlur(streaks, (0, 0), 1), image.shape[0], axis=0)
    return three_channels(cv2.add(copy, streaks, dtype=cv2.CV_8U))


def dust(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Draw specks, hairs and scratches, dark or light, thin and small compared to the digits."""
    height, width = image.shape[:2]
    size = smallest_digit(boxes)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(sample_strength(rng, 4, 70))):
        centre = fixed_point(rng.uniform(0, (width, height)))
        radius = round(sample_strength(rng, 0.4, 0.4 + 0.05 * size) * 2**SUBPIXEL_BITS)
        cv2.circle(mask, centre.tolist(), radius, rng.uniform(90, 255), -1, cv2.LINE_AA, SUBPIXEL_BITS)
    for curl in [1.0] * int(rng.integers(3)) + [0.02] * int(rng.integers(3)):  # hairs are bent, scratches are straight
        start = rng.uniform(0, (width, height))
        reach = rng.normal(0, size * rng.uniform(0.5, 2), 2)
        bend = rng.normal(0, size * curl * 0.5, 2)
        t = np.linspace(0, 1, 12)[:, None]
        line = fixed_point(start + t * reach + 4 * t * (1 - t) * bend)
        cv2.polylines(mask, [line], False, rng.uniform(60, 220), 1, cv2.LINE_AA, SUBPIXEL_BITS)
    share = mask * np.float32(rng.uniform(0.35, 0.9) / 255)
    return multiply(image, 1 - share) if rng.random() < 0.6 else lighten(image, share)


def grey(image: Image, _rng: np.random.Generator, _boxes: Boxes) -> Image:
    """Remove the colour."""
    return three_channels(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))


def binarise(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Scan in (almost) black and white, with a global or a local threshold, and specks."""
    size = smallest_digit(boxes)
    page = _soft_grey(image, 0.3 + 0.02 * size)
    level = _ink_level(page, boxes) + rng.uniform(-8, 8)
    steepness = rng.uniform(2.5, 14)
    if rng.random() < 0.4:
        levels = np.arange(256, dtype=np.float32)
        scan = cv2.LUT(page, np.clip((levels - level) * steepness + 128, 0, 255).astype(np.uint8))
    else:
        scan = np.clip((page - _local_level(page, level, size)) * steepness + 128, 0, 255).astype(np.uint8)
    scan = _speckle(np.asarray(scan, np.uint8), rng, sample_strength(rng, 0.0002, 0.004))
    black, white = rng.uniform(0, 50), rng.uniform(225, 255)
    scan = cv2.convertScaleAbs(scan, alpha=(white - black) / 255, beta=black)
    return three_channels(cv2.GaussianBlur(scan, (0, 0), rng.uniform(0.3, 0.7)))


def scan_border(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Draw the scanner bed beside the page: black or white bands on one or more sides, and lines along the page's edge.

    Only the space between the digits and the border is used; without space, the picture is not changed.
    """
    height, width = image.shape[:2]
    left, top = boxes[:, :2].min(axis=0, initial=max(height, width))
    right, bottom = (width, height) - boxes[:, 2:].max(axis=0, initial=0)
    gap = 1 + 0.15 * smallest_digit(boxes)  # a line that touches a digit would look like part of it
    image = image.copy()
    level = rng.uniform(0, 25) if rng.random() < 0.8 else rng.uniform(230, 245)
    main = rng.choice(4, p=(0.6, 0.1, 0.2, 0.1))
    for turns, free in enumerate((left, top, right, bottom)):
        side = np.rot90(image, turns)  # a view with this side on the left
        room = int(min(free - gap, 0.4 * side.shape[1]))
        banded, lined = turns == main or rng.random() < 0.15, rng.random() < 0.4
        if room < 4 or not (banded or lined):
            continue
        strip = np.ascontiguousarray(side[:, :room])
        depth = rng.uniform(0.15, 1) * (room - 3) if banded else 0  # the blurred edge needs 3 px
        if banded:
            strip = _paint(strip, _band(rng, strip, -3, depth), level, rng)
        if lined:
            start = rng.uniform(depth, room - 3)
            share = np.float32(rng.uniform(0.3, 0.9))
            strip = _paint(
                strip, share * _band(rng, strip, start, start + rng.uniform(0.6, 2)), rng.uniform(0, 60), rng
            )
        side[:, :room] = strip
    return image


def _band(rng: np.random.Generator, strip: Image, start: float, stop: float) -> Field:
    """Return the mask (H, W) of a slightly slanted vertical band from `start` to `stop` px, without the last 3 px."""
    height, width = strip.shape[:2]
    slant = rng.uniform(-0.01, 0.01) * height
    ends = np.minimum([start, stop, stop + slant, start + slant], width - 3)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [fixed_point(np.column_stack([ends, (0, 0, height, height)]))], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    return np.asarray(cv2.GaussianBlur(mask, (5, 5), 0.7) * np.float32(1 / 255), np.float32)


def _paint(strip: Image, mask: Field, level: float, rng: np.random.Generator) -> Image:
    """Blend a picture with a grainy grey level; `mask` (H, W) is the part of the grey, 0 to 1."""
    grain = rng.integers(0, 10, mask.shape, np.uint8) + np.float32(level)
    return np.asarray(cv2.add(multiply(strip, 1 - mask), three_channels(mask * grain), dtype=cv2.CV_8U), np.uint8)


def _soft_grey(image: Image, sigma: float) -> Image:
    """Return a picture in grey (H, W), blurred by `sigma` px."""
    return np.asarray(cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (0, 0), sigma), np.uint8)


def _ink_level(page: Image, boxes: Boxes) -> float:
    """Return the threshold between ink and background (Otsu), measured in the boxes or, without any, on the page."""
    pixels = np.concatenate([crop.ravel() for crop in digit_crops(page, boxes)]) if len(boxes) else page
    return float(cv2.threshold(np.asarray(pixels, np.uint8), 0, 255, cv2.THRESH_OTSU)[0])


def _local_level(page: Image, level: float, size: float) -> Field:
    """Return the local threshold (H, W) halfway between the darkest and the lightest pixel nearby (Bernsen).

    A neighbourhood of about half a digit's height without contrast is background as a whole: white on a mostly light
    page, otherwise black.
    """
    window = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * round(size / 2) + 1,) * 2)
    low, high = cv2.erode(page, window), cv2.dilate(page, window)
    flat = 0 if np.count_nonzero(page > level) > page.size / 2 else 255
    middle = np.where(high - low < _FLAT, np.uint8(flat), cv2.addWeighted(low, 0.5, high, 0.5, 0))
    return np.asarray(cv2.blur(middle, (2 * round(size / 8) + 1,) * 2), np.float32)


def _speckle(page: Image, rng: np.random.Generator, share: float) -> Image:
    """Return a copy of a page (H, W) with about this share of its pixels inverted."""
    page = page.copy()
    count = round(page.size * share)
    ys, xs = rng.integers(0, page.shape[0], count), rng.integers(0, page.shape[1], count)
    page[ys, xs] = 255 - page[ys, xs]
    return page
