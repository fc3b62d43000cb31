"""Training strips: drawn from line crops as reading would cut them, with errors such as the detector makes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import albumentations as A
import cv2
import numpy as np

from digitdet.common.characters import BLANK, OTHER, SPACE
from digitdet.common.types import Boxes, FloatArray, Image, Indices, Mask
from digitdet.reading.line_reader import MAX_WIDTH
from digitdet.reading.strips import COLUMN_WIDTH, END_MARGIN, STRIP_HEIGHT, Strip, cut_strip, line_strip
from digitdet.training.line_crops import Characters, LineCrop

_MISSED_END, _MISSED_MANY, _FALSE_END = 0.12, 0.04, 0.06  # probabilities of errors in a true line
_CUT_BY_BORDER = 0.12  # probability that a border of the picture cuts a line
_LEAST_AT_BORDER = 0.35  # of the width of a digit that is read at a border of the picture
_CENTRAL = 0.3  # a line belongs to a strip if a character's middle is this near to the strip's, in strip heights
_MIN_VISIBLE = 0.5  # of the width and the height of a character that is read
_MAX_SHARED = 8.0  # pixels by which two lines in one strip may overlap, side by side
_CUT_OFF = 2.0  # pixels
# Sizes of the digits relative to those of a usual strip, and their shares: digits are small where a whole picture is
# the strip, or where the detector took a plate for one digit.
_SIZES, _SIZE_SHARES = ((0.45, 0.65), (0.65, 0.95), (0.92, 1.04)), (0.1, 0.15, 0.75)


@dataclass(frozen=True)
class StripSample:
    """A strip and what is in it.

    Attributes:
        image: (STRIP_HEIGHT, W, 3) uint8 BGR; W is a multiple of `COLUMN_WIDTH`.
        text: (L,) int64, the classes of its characters, with spaces; a run of other characters is one.
        columns: (T,) int64, the class of the character in every column of the network's output, else the blank.
        edges: (T, 4) float32, distances from the middle of the column to the left, top, right and bottom edge of its
            character, in strip heights; 0 where there is none.
    """

    image: Image
    text: Indices
    columns: Indices
    edges: FloatArray


def draw_sample(crop: LineCrop, rng: np.random.Generator) -> StripSample | None:
    """Draw a varied strip of a line crop; None if it is not clear what it should be read as."""
    if rng.random() < _CUT_BY_BORDER:
        crop = _cut_by_border(crop, rng)
    digits = _jittered(crop.digits, rng)
    if not crop.is_found and len(digits) > 1:
        digits = _with_errors(digits, rng)
    sample = _sample(crop, _drawn_strip(digits, crop, rng))
    return None if sample is None else replace(sample, image=augment(sample.image))


def plain_sample(crop: LineCrop) -> StripSample | None:
    """Cut out the strip of a line as reading does; None if it is not clear what it should be read as."""
    strip = line_strip(crop.digits, crop.angle)
    return _sample(crop, replace(strip, width=-(-strip.width // COLUMN_WIDTH) * COLUMN_WIDTH))


def _sample(crop: LineCrop, strip: Strip) -> StripSample | None:
    found = visible_characters(crop.characters, strip)
    if found is None:
        return None
    classes, spaces, boxes = found
    text = np.insert(classes, np.flatnonzero(spaces), SPACE)
    columns, edges = _column_targets(classes, boxes, strip.width // COLUMN_WIDTH)
    return StripSample(cut_strip(crop.image, strip), text.astype(np.int64), columns, edges)


def _cut_by_border(crop: LineCrop, rng: np.random.Generator) -> LineCrop:
    """Cut a line crop through its first or last digit, as the border of a picture may do."""
    is_left = rng.random() < 0.5
    edge = crop.digits[crop.digits[:, 0].argmin() if is_left else crop.digits[:, 2].argmax()]
    visible = rng.uniform(_LEAST_AT_BORDER, 1) * (edge[2] - edge[0])
    width = crop.image.shape[1]
    start, stop = (int(edge[2] - visible), width) if is_left else (0, int(edge[0] + visible) + 1)
    start, stop = max(start, 0), min(stop, width)
    limits = np.array([start, -np.inf, stop, np.inf])
    clipped = crop.characters.boxes.clip(limits[[0, 1, 0, 1]], limits[[2, 3, 2, 3]])
    widths = crop.characters.boxes[:, 2] - crop.characters.boxes[:, 0]
    is_kept = clipped[:, 2] - clipped[:, 0] >= _LEAST_AT_BORDER * widths
    shift = np.array([start, 0, start, 0], np.float32)
    characters = replace(crop.characters, boxes=clipped.astype(np.float32) - shift).take(is_kept)
    digits = crop.digits.clip(limits[[0, 1, 0, 1]], limits[[2, 3, 2, 3]]) - shift
    digits = digits[digits[:, 2] - digits[:, 0] > 1]
    if stop - start < 4 or not len(digits):
        return crop
    return replace(crop, image=crop.image[:, start:stop], digits=digits, characters=characters)


def _jittered(digits: Boxes, rng: np.random.Generator) -> Boxes:
    """Move and scale boxes (N, 4) a little, each on its own."""
    sizes = digits[:, 2:] - digits[:, :2]
    middles = (digits[:, :2] + digits[:, 2:]) / 2 + rng.normal(0, 0.03, sizes.shape) * sizes[:, 1:]
    sizes = sizes * np.exp(rng.normal(0, 0.05, sizes.shape))
    return np.concatenate([middles - sizes / 2, middles + sizes / 2], axis=1)


def _with_errors(digits: Boxes, rng: np.random.Generator) -> Boxes:
    """Leave out digits at the ends of a line (N, 4), or add a false one."""
    first, last = rng.random(2) < _MISSED_END
    count = len(digits)
    if rng.random() < _MISSED_MANY:
        start = int(rng.integers(count))
        return digits[start : start + int(rng.integers(1, count - start + 1))]
    kept = digits[int(first) : max(count - int(last), int(first) + 1)]
    if rng.random() < _FALSE_END:
        height = float(np.median(kept[:, 3] - kept[:, 1]))
        distance = height * rng.uniform(0.5, 1.5)
        at, sign = (-1, 1) if rng.random() < 0.5 else (0, -1)
        kept = np.concatenate([kept, kept[at : at + 1 or None] + sign * np.array([distance, 0, distance, 0])])
    return kept


def _drawn_strip(digits: Boxes, crop: LineCrop, rng: np.random.Generator) -> Strip:
    """Return the strip of digits, turned, sheared, stretched and moved at random."""
    angle = crop.angle + rng.normal(0, 1.2 if len(digits) > 1 else 2.5)
    slant = rng.uniform(-0.4, 0.4) if rng.random() < 0.1 else rng.normal(0, 0.1)
    kind = int(rng.choice(len(_SIZES), p=_SIZE_SHARES))
    size = rng.uniform(*_SIZES[kind])
    shift, longest = (0.1, 1.5) if kind else (0.25, 3.0)
    strip = line_strip(digits, angle, slant, END_MARGIN * rng.uniform(0.6, longest))
    stretch = np.exp(rng.normal(0.05, 0.15))
    matrix = strip.to_strip * np.array([[size * stretch], [size]])
    matrix[:, 2] += [0, (1 - size) * STRIP_HEIGHT * rng.uniform(0.5 - shift, 0.5 + shift)]
    start, stop = 0.0, strip.width * size * stretch
    # Beyond the crop nothing is known, except at the border of the picture, where the pixels repeat anyway.
    height, width = crop.image.shape[:2]
    corners = Strip(matrix, 1).points_to_strip(np.array([[0, 0], [0, height], [width, 0], [width, height]], float))
    start, stop = max(start, corners[:2, 0].min() - _CUT_OFF), min(stop, corners[2:, 0].max() + _CUT_OFF)
    if stop - start > MAX_WIDTH:
        start = float(rng.uniform(start, stop - MAX_WIDTH))
        stop = start + MAX_WIDTH
    matrix[0, 2] -= start
    return Strip(matrix, max(round((stop - start) / COLUMN_WIDTH), 4) * COLUMN_WIDTH)


def visible_characters(characters: Characters, strip: Strip) -> tuple[Indices, Mask, Boxes] | None:
    """Return the classes (L,) of the characters in a strip, which follow a space, and their boxes (L, 4) in the strip.

    None if lines overlap.
    """
    boxes = strip.boxes_to_strip(characters.boxes)
    off = np.abs((boxes[:, 1] + boxes[:, 3]) / 2 / STRIP_HEIGHT - 0.5)
    visible = np.minimum(boxes[:, 2:], [strip.width, STRIP_HEIGHT]) - np.maximum(boxes[:, :2], 0)
    is_inside = (visible >= _MIN_VISIBLE * (boxes[:, 2:] - boxes[:, :2])).all(axis=1)
    lines = np.unique(characters.lines[is_inside & (off < _CENTRAL)])
    groups = [np.flatnonzero(is_inside & (characters.lines == line)) for line in lines]
    groups.sort(key=lambda rows: float(boxes[rows, 0].min()))
    for left, right in pairwise(groups):
        if boxes[left, 2].max() - boxes[right, 0].min() > _MAX_SHARED:
            return None
    rows = np.concatenate([np.zeros(0, np.intp), *groups])
    spaces = characters.after_space[rows]
    spaces[np.cumsum([0, *map(len, groups)])[:-1] if groups else []] = True
    spaces[:1] = False
    return _joined(characters.classes[rows].astype(np.int64), spaces, boxes[rows])


def _joined(classes: Indices, spaces: Mask, boxes: Boxes) -> tuple[Indices, Mask, Boxes]:
    """Join runs of other characters without spaces to one character each."""
    is_more = np.zeros(len(classes), bool)
    is_more[1:] = (classes[1:] == OTHER) & (classes[:-1] == OTHER) & ~spaces[1:]
    starts = np.flatnonzero(~is_more)
    if len(starts) == len(classes):
        return classes, spaces, boxes
    low = np.minimum.reduceat(boxes[:, :2], starts)
    high = np.maximum.reduceat(boxes[:, 2:], starts)
    return classes[starts], spaces[starts], np.concatenate([low, high], axis=1)


def _column_targets(classes: Indices, boxes: Boxes, count: int) -> tuple[Indices, FloatArray]:
    columns, edges = np.full(count, BLANK, np.int64), np.zeros((count, 4), np.float32)
    middles = (np.arange(count) + 0.5) * COLUMN_WIDTH
    for label, (left, top, right, bottom) in zip(classes.tolist(), boxes.tolist(), strict=True):
        inside = np.flatnonzero((middles >= left) & (middles < right))
        if not len(inside):
            inside = np.array([min(int((left + right) / 2 // COLUMN_WIDTH), count - 1)]).clip(0)
        columns[inside] = label
        x = middles[inside]
        low, high = np.full(len(x), STRIP_HEIGHT / 2 - top), np.full(len(x), bottom - STRIP_HEIGHT / 2)
        edges[inside] = np.stack([x - left, low, right - x, high], axis=1) / STRIP_HEIGHT
    return columns, edges


_AUGMENTATION = A.Compose(
    [
        A.InvertImg(p=0.25),
        A.ToGray(p=0.2),
        A.OneOf(
            [
                A.RandomBrightnessContrast(0.3, (-0.6, 0.2)),
                A.RandomGamma((50, 180)),
                A.HueSaturationValue(20, 40, 20),
                A.PlanckianJitter(),
            ],
            p=0.5,
        ),
        A.OneOf(
            [
                A.GaussianBlur(blur_limit=0, sigma_limit=(0.3, 1.5)),
                A.MotionBlur(blur_limit=(3, 7)),
                A.Downscale(
                    scale_range=(0.35, 0.8),
                    interpolation_pair={"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR},
                ),
            ],
            p=0.35,
        ),
        A.OneOf([A.GaussNoise(std_range=(0.01, 0.08)), A.ImageCompression(quality_range=(25, 80))], p=0.3),
    ]
)


def augment(image: Image) -> Image:
    """Vary polarity, colour, contrast, sharpness and noise of a strip (H, W, 3)."""
    return np.asarray(_AUGMENTATION(image=image)["image"], np.uint8)


def seed_augmentation(seed: int) -> None:
    """Seed `augment`; this takes longer than to vary a strip."""
    _AUGMENTATION.set_random_seed(seed)
