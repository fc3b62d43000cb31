"""Where the digits stand: lines of numbers on a page, the page turned by a small angle."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from digitdet.configs.synth import SynthConfig
from digitdet.datasets.boxes import overlap
from digitdet.synth.glyphs import Glyph, GlyphSource
from digitdet.synth.handwriting import DigitStyle, extent, ink_points, rotation, style_matrix

# Free border of the canvas in pixels, so that a digit's edge and its blur stay visible.
_MARGIN = 3.0
# A digit that overlaps its neighbour too much is moved right this many times by a tenth of its height at most.
_MAX_MOVES = 6
# Digit heights from one digit's left edge to the next one's: the mean of handwritten digits with their gap.
_TYPICAL_ADVANCE = 0.85


@dataclass(frozen=True)
class PlacedDigit:
    """A glyph with its final map to the page: `matrix` (2, 2) and the `centre` (x, y) in canvas pixels."""

    glyph: Glyph
    matrix: npt.NDArray[np.float64]
    centre: tuple[float, float]
    threshold: float


@dataclass(frozen=True)
class PlacedNumber:
    """Digits of one number in reading order."""

    digits: tuple[PlacedDigit, ...]


@dataclass
class _Line:
    """A line in the making: numbers as (glyph, style, x of centre, y of centre), from the line's left and middle."""

    height: float
    """Digit height in pixels, before jitter."""
    slot: float
    """Pixels from the highest to the lowest that a digit of this line can reach."""
    gap: float = 0.0
    """Free pixels below it."""
    numbers: list[list[tuple[Glyph, DigitStyle, float, float]]] = field(default_factory=list)
    width: float = 0.0


def sample_layout(
    rng: np.random.Generator, config: SynthConfig, source: GlyphSource, width: int, height: int
) -> list[PlacedNumber]:
    """Draw the numbers of a canvas of `width` x `height` pixels, in reading order.

    Every digit is wholly on the canvas, smaller than `digit_height` says if it must. None is placed where even
    one would be wider than the page.
    """
    page_angle = float(rng.uniform(*config.page_angle))
    turn = rotation(page_angle)
    # What a turned page may cover so that its corners stay on the canvas.
    canvas = np.array([width, height])
    shrink = min(1.0, *((canvas - 2 * _MARGIN) / (np.abs(turn) @ canvas)))
    room_x, room_y = width * shrink, height * shrink
    sample = _sample_single if rng.random() < config.single_share else _sample_lines
    lines = sample(rng, config, source, room_x, room_y)

    total = sum(line.slot for line in lines) + sum(line.gap for line in lines[:-1])
    top = -room_y / 2 + float(rng.uniform(0, max(room_y - total, 0)))
    numbers = []
    for line in lines:
        left = -room_x / 2 + float(rng.uniform(0, max(room_x - line.width, 0)))
        middle = top + line.slot / 2
        for number in line.numbers:
            digits = []
            for glyph, style, x, y in number:
                centre = turn @ np.array([left + x, middle + y]) + canvas / 2
                matrix = turn @ style_matrix(glyph, style)
                digits.append(PlacedDigit(glyph, matrix, (float(centre[0]), float(centre[1])), style.ink_threshold))
            numbers.append(PlacedNumber(tuple(digits)))
        top += line.slot + line.gap
    return numbers


def _slot_factor(config: SynthConfig) -> float:
    """Room that a line needs above and below, in digit heights: digits vary in height and dance on the line."""
    return 1 + config.height_jitter + 2 * config.baseline_jitter


def _sample_single(
    rng: np.random.Generator, config: SynthConfig, source: GlyphSource, room_x: float, room_y: float
) -> list[_Line]:
    """One number on one line, with digits from six tenths to all of the height that fits."""
    length = int(rng.integers(config.digits_per_number[0], config.digits_per_number[1] + 1))
    fitting = min(room_y / _slot_factor(config), room_x / (_TYPICAL_ADVANCE * length))
    high = min(fitting, config.digit_height[1])
    height = max(high * float(rng.uniform(0.6, 1)), min(config.digit_height[0], room_y / _slot_factor(config)))
    line = _Line(height, height * _slot_factor(config))
    number, line.width = _sample_number(rng, config, source, height, 0.0, room_x, length)
    line.numbers = [number] if number else []
    return [line]


def _sample_lines(
    rng: np.random.Generator, config: SynthConfig, source: GlyphSource, room_x: float, room_y: float
) -> list[_Line]:
    """Lines from the top, as many of the drawn number as fit."""
    lines: list[_Line] = []
    used = 0.0
    wanted = int(rng.integers(config.lines[0], config.lines[1] + 1))
    one_size = rng.random() < config.same_size_share
    # Several lines share the height, so that "five lines" does not end as one line of big digits.
    share = room_y / (wanted * _slot_factor(config) + (wanted - 1) * config.line_gap[0])
    tallest = room_y / _slot_factor(config)
    page_height = _sample_digit_height(rng, config, share, tallest)
    for _ in range(wanted):
        height = page_height if one_size else _sample_digit_height(rng, config, page_height * 1.5, tallest)
        line = _sample_line(rng, config, source, height, room_x)
        if lines:  # the gap between two lines is that of the taller one
            lines[-1].gap = float(rng.uniform(*config.line_gap)) * max(height, lines[-1].height)
            used += lines[-1].gap
        used += line.slot
        if used > room_y and lines:
            break
        if line.numbers:
            lines.append(line)
    return lines


def _sample_digit_height(rng: np.random.Generator, config: SynthConfig, share: float, tallest: float) -> float:
    """A digit height, log-uniform within the settings, at most `share` pixels as far as the settings allow that, and
    never more than the `tallest` that the page takes.
    """
    low = min(config.digit_height[0], tallest)
    high = max(min(config.digit_height[1], share, tallest), low)
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _sample_line(
    rng: np.random.Generator, config: SynthConfig, source: GlyphSource, height: float, room: float
) -> _Line:
    """Numbers side by side on one line, no wider than `room` pixels."""
    line = _Line(height, height * _slot_factor(config))
    for _ in range(int(rng.integers(config.numbers_per_line[0], config.numbers_per_line[1] + 1))):
        start = line.width + (float(rng.uniform(*config.number_gap)) * height if line.numbers else 0.0)
        length = int(rng.integers(config.digits_per_number[0], config.digits_per_number[1] + 1))
        number, end = _sample_number(rng, config, source, height, start, room, length)
        if not number:
            break
        line.numbers.append(number)
        line.width = end
    return line


def _sample_number(
    rng: np.random.Generator,
    config: SynthConfig,
    source: GlyphSource,
    height: float,
    start: float,
    room: float,
    length: int,
) -> tuple[list[tuple[Glyph, DigitStyle, float, float]], float]:
    """One number of `length` digits from x = `start`, and the x where it ends; it stops where the line is full."""
    stretch = float(rng.uniform(*config.stretch))
    slant = float(rng.uniform(*config.slant))
    threshold = float(rng.uniform(*config.ink_threshold))
    gap = float(rng.uniform(*config.digit_gap))
    number: list[tuple[Glyph, DigitStyle, float, float]] = []
    end, previous = start, None
    for _ in range(length):
        glyph = source.sample(rng, int(rng.integers(10)))
        style = DigitStyle(
            height=height * float(rng.uniform(1 - config.height_jitter, 1 + config.height_jitter)),
            stretch=stretch,
            slant=slant,
            angle=float(rng.uniform(*config.digit_angle)),
            ink_threshold=threshold,
        )
        reach = extent(ink_points(glyph, threshold), style_matrix(glyph, style))
        y = float(rng.uniform(-1, 1)) * config.baseline_jitter * height
        space = 0.0 if previous is None else (gap + float(rng.normal(0, 0.03))) * height
        space = min(space, config.digit_gap[1] * height)
        x = end + space - reach[0]
        if previous is not None:
            x += _move_away(reach, x, y, previous, config.max_box_overlap, 0.1 * height)
        if x + reach[2] > room:
            break
        number.append((glyph, style, x, y))
        end, previous = x + reach[2], (x + reach[0], y + reach[1], x + reach[2], y + reach[3])
    return number, end


def _move_away(
    reach: npt.NDArray[np.float64],
    x: float,
    y: float,
    previous: tuple[float, float, float, float],
    limit: float,
    step: float,
) -> float:
    """How far right a digit must go so that its box shares at most `limit` of the smaller one with the previous."""
    for move in range(_MAX_MOVES):
        box = reach + [x + move * step, y, x + move * step, y]
        if overlap([box], [previous])[0, 0] <= limit:
            return move * step
    return _MAX_MOVES * step
