"""What paper, copiers and scanners do to a page, and how much of it the digits in the picture can bear.

An effect takes a picture (H, W, 3) uint8 BGR, the `rng` that all its randomness comes from, and the digits' boxes
(N, 4) xyxy in pixels; it gives back a new picture of the same shape and moves no pixel.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.types import Boxes, Image

Mask = npt.NDArray[np.floating]

TYPICAL_DIGIT = 24.0
"""Digit height in pixels that strengths are chosen for where a picture has no digits."""

_MIN_DIGIT = 6.0
_FLAT = 36  # grey levels between the darkest and lightest of a place that holds no ink
SUBPIXEL_BITS = 4  # OpenCV draws at sixteenths of a pixel


def smallest_digit(boxes: Boxes) -> float:
    """Height in pixels of the smallest digit: its box's longer side, so that a turned page is measured right too."""
    if not len(boxes):
        return TYPICAL_DIGIT
    return max(float((boxes[:, 2:] - boxes[:, :2]).max(axis=1).min()), _MIN_DIGIT)


def digit_crops(image: npt.NDArray[np.generic], boxes: Boxes) -> list[npt.NDArray[np.generic]]:
    """A view of every digit's pixels, at least one pixel each, also where a box reaches out of the picture."""
    height, width = image.shape[:2]
    low = np.clip(np.floor(boxes[:, :2]), 0, (width - 1, height - 1)).astype(int)
    high = np.clip(np.ceil(boxes[:, 2:]), low + 1, (width, height)).astype(int)
    return [image[y0:y1, x0:x1] for (x0, y0), (x1, y1) in zip(low.tolist(), high.tolist(), strict=True)]


def digit_contrast(image: Image, boxes: Boxes) -> npt.NDArray[np.float64]:
    """How far each digit stands out, (N,): the standard deviation of its box in the channel that has the most."""
    stds = [cv2.meanStdDev(np.asarray(crop, np.uint8))[1].max() for crop in digit_crops(image, boxes)]
    return np.array(stds, np.float64)


def mostly_mild(rng: np.random.Generator, mild: float, strong: float) -> float:
    """A strength between the two, usually near `mild`: half of them lie in the first quarter of the way."""
    return mild + (strong - mild) * float(rng.random()) ** 2


def multiply(image: Image, gain: Mask) -> Image:
    """The picture times a gain (H, W) or (H, W, 3) float32 of 0 or more, cut off at white."""
    gains = cv2.merge([gain, gain, gain]) if gain.ndim == 2 else gain
    return np.asarray(cv2.multiply(image, gains, dtype=cv2.CV_8U), np.uint8)


def lighten(image: Image, share: Mask) -> Image:
    """The picture with a share (H, W) float32, 0 to 1, of the way to white gone."""
    return np.asarray(255 - multiply(255 - image, 1 - share), np.uint8)


# --- paper ---


def bleed_through(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Faint writing on the back of the page: lines of cursive loops.

    They are no mirrored copies of digits: a mirrored 0, 1 or 8 is still one and would have to be labelled.
    """
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
    share = cv2.GaussianBlur(mask, (0, 0), 0.4 + 0.04 * size) * np.float32(mostly_mild(rng, 0.08, 0.35) / 255)
    return multiply(image, 1 - share)


def photocopy(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """A copy of the page in black toner: grey, steep, with specks and the drum's faint streaks along the sheet."""
    grey = _soft_grey(image, 0.3 + 0.015 * smallest_digit(boxes))
    middle = _ink_level(grey, boxes) + rng.uniform(-8, 8)
    spread = rng.uniform(8, 28)
    levels = np.arange(256, dtype=np.float32)
    black, white = rng.uniform(0, 50), rng.uniform(215, 255)
    table = black + (white - black) / (1 + np.exp((middle - levels) / spread))
    copy = _speckle(np.asarray(cv2.LUT(grey, table.astype(np.uint8)), np.uint8), rng, mostly_mild(rng, 0.0003, 0.006))
    streaks = rng.normal(0, mostly_mild(rng, 0.5, 6), (1, image.shape[1])).astype(np.float32)
    streaks = np.repeat(cv2.GaussianBlur(streaks, (0, 0), 1), image.shape[0], axis=0)
    return _three_channels(cv2.add(copy, streaks, dtype=cv2.CV_8U))


def dust(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """Specks, hairs and scratches, dark or light, thin and small against the digits."""
    height, width = image.shape[:2]
    size = smallest_digit(boxes)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(mostly_mild(rng, 4, 70))):
        centre = fixed_point(rng.uniform(0, (width, height)))
        radius = round(mostly_mild(rng, 0.4, 0.4 + 0.05 * size) * 2**SUBPIXEL_BITS)
        cv2.circle(mask, centre.tolist(), radius, rng.uniform(90, 255), -1, cv2.LINE_AA, SUBPIXEL_BITS)
    for curl in [1.0] * int(rng.integers(3)) + [0.02] * int(rng.integers(3)):  # hairs are bent, scratches straight
        start = rng.uniform(0, (width, height))
        reach = rng.normal(0, size * rng.uniform(0.5, 2), 2)
        bend = rng.normal(0, size * curl * 0.5, 2)
        t = np.linspace(0, 1, 12)[:, None]
        line = fixed_point(start + t * reach + 4 * t * (1 - t) * bend)
        cv2.polylines(mask, [line], False, rng.uniform(60, 220), 1, cv2.LINE_AA, SUBPIXEL_BITS)
    share = mask * np.float32(rng.uniform(0.35, 0.9) / 255)
    return multiply(image, 1 - share) if rng.random() < 0.6 else lighten(image, share)


# --- scanner ---


def grey(image: Image, _rng: np.random.Generator, _boxes: Boxes) -> Image:
    """The picture without colour."""
    return _three_channels(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))


def binarise(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """A scan in black and white, or nearly so: one threshold for the page or one that follows the light, and specks."""
    size = smallest_digit(boxes)
    page = _soft_grey(image, 0.3 + 0.02 * size)
    level = _ink_level(page, boxes) + rng.uniform(-8, 8)
    steepness = rng.uniform(2.5, 14)
    if rng.random() < 0.4:
        levels = np.arange(256, dtype=np.float32)
        scan = cv2.LUT(page, np.clip((levels - level) * steepness + 128, 0, 255).astype(np.uint8))
    else:
        scan = np.clip((page - _local_level(page, level, size)) * steepness + 128, 0, 255).astype(np.uint8)
    scan = _speckle(np.asarray(scan, np.uint8), rng, mostly_mild(rng, 0.0002, 0.004))
    black, white = rng.uniform(0, 50), rng.uniform(225, 255)
    scan = cv2.convertScaleAbs(scan, alpha=(white - black) / 255, beta=black)
    return _three_channels(cv2.GaussianBlur(scan, (0, 0), rng.uniform(0.3, 0.7)))


def scan_border(image: Image, rng: np.random.Generator, boxes: Boxes) -> Image:
    """The scanner's bed beside the page: a black or white band on one side or more, and lines along the page's edge.

    Only the room between the digits and the border is used; without room the picture stays as it is.
    """
    height, width = image.shape[:2]
    left, top = boxes[:, :2].min(axis=0, initial=max(height, width))
    right, bottom = (width, height) - boxes[:, 2:].max(axis=0, initial=0)
    gap = 1 + 0.15 * smallest_digit(boxes)  # a line that touched a digit would become part of it
    image = image.copy()
    level = rng.uniform(0, 25) if rng.random() < 0.8 else rng.uniform(230, 245)
    main = rng.choice(4, p=(0.6, 0.1, 0.2, 0.1))
    for turns, free in enumerate((left, top, right, bottom)):
        side = np.rot90(image, turns)  # a view in which the side is the left one
        room = int(min(free - gap, 0.4 * side.shape[1]))
        banded, lined = turns == main or rng.random() < 0.15, rng.random() < 0.4
        if room < 4 or not (banded or lined):
            continue
        strip = np.ascontiguousarray(side[:, :room])
        depth = rng.uniform(0.15, 1) * (room - 3) if banded else 0  # the blurred edge takes 3 px
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


def _band(rng: np.random.Generator, strip: Image, start: float, stop: float) -> Mask:
    """Mask (H, W) of an upright band of the strip from `start` to `stop` px, a little askew, but for the last 3 px."""
    height, width = strip.shape[:2]
    tilt = rng.uniform(-0.01, 0.01) * height
    ends = np.minimum([start, stop, stop + tilt, start + tilt], width - 3)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [fixed_point(np.column_stack([ends, (0, 0, height, height)]))], 255, cv2.LINE_AA, SUBPIXEL_BITS)
    return np.asarray(cv2.GaussianBlur(mask, (5, 5), 0.7) * np.float32(1 / 255), np.float32)


def _paint(strip: Image, mask: Mask, level: float, rng: np.random.Generator) -> Image:
    """Lay a grainy grey `level` over a picture, as far as the mask (H, W) says."""
    grain = rng.integers(0, 10, mask.shape, np.uint8) + np.float32(level)
    return np.asarray(cv2.add(multiply(strip, 1 - mask), _three_channels(mask * grain), dtype=cv2.CV_8U), np.uint8)


def _soft_grey(image: Image, sigma: float) -> Image:
    """The brightness (H, W) of a picture, blurred by `sigma` px."""
    return np.asarray(cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (0, 0), sigma), np.uint8)


def _ink_level(page: Image, boxes: Boxes) -> float:
    """The grey level that parts ink from ground (Otsu) in the boxes, or in the whole (H, W) page without boxes."""
    pixels = np.concatenate([crop.ravel() for crop in digit_crops(page, boxes)]) if len(boxes) else page
    return float(cv2.threshold(np.asarray(pixels, np.uint8), 0, 255, cv2.THRESH_OTSU)[0])


def _local_level(page: Image, level: float, size: float) -> Mask:
    """Threshold (H, W) halfway between darkest and lightest nearby (Bernsen), which serves dark and light ink alike.

    Where nothing stands out within about half a digit's height all is ground, white on a page that is mostly light:
    halfway would lie in the noise.
    """
    window = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * round(size / 2) + 1,) * 2)
    low, high = cv2.erode(page, window), cv2.dilate(page, window)
    ground = 0 if np.count_nonzero(page > level) > page.size / 2 else 255
    middle = np.where(high - low < _FLAT, np.uint8(ground), cv2.addWeighted(low, 0.5, high, 0.5, 0))
    return np.asarray(cv2.blur(middle, (2 * round(size / 8) + 1,) * 2), np.float32)


def _speckle(page: Image, rng: np.random.Generator, share: float) -> Image:
    """A copy of a (H, W) page with about this share of its pixels turned to the opposite."""
    page = page.copy()
    count = round(page.size * share)
    ys, xs = rng.integers(0, page.shape[0], count), rng.integers(0, page.shape[1], count)
    page[ys, xs] = 255 - page[ys, xs]
    return page


def fixed_point(points: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Pixel coordinates as OpenCV's drawing functions take them for parts of a pixel."""
    return np.asarray(np.round(points * 2**SUBPIXEL_BITS), np.int32)


def _three_channels(page: npt.ArrayLike) -> Image:
    """A picture (H, W) of 0 to 255 as (H, W, 3)."""
    channel = np.asarray(page, np.uint8)
    return np.asarray(cv2.merge([channel, channel, channel]), np.uint8)
