"""How numbers stand on a page: free lines, one number filling the picture, lists, tables, forms, grids.

Plates, counters and displays are in `devices.py`. A layout is a function that adds lines and shapes to a draft; to add
one, write it with `@LAYOUTS.add("name")` and give the name a weight in a look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from digitdet.common.registry import Registry
from digitdet.configs.look import LookConfig
from digitdet.synth.pages.lines import Line
from digitdet.synth.pages.page_draft import MARGIN, PageDraft
from digitdet.synth.pages.texts import digits, word
from digitdet.synth.surfaces.fields import sample_background_colour

Array = npt.NDArray[np.float64]
LayoutFunction = Callable[[PageDraft], None]
LAYOUTS: Registry[LayoutFunction] = Registry()


@LAYOUTS.add("page")
def page(draft: PageDraft) -> None:
    """Lines from the top, of one size or of several, as many of the drawn number as fit."""
    look, rng = draft.look, draft.rng
    room_x, room_y = draft.width - 2 * MARGIN, draft.height - 2 * MARGIN
    wanted = int(rng.integers(look.lines[0], look.lines[1] + 1))
    one_size = rng.random() < look.same_size_share
    # Several lines share the height, so that "five lines" does not end as one line of big digits.
    share = room_y / (wanted * slot(look) + (wanted - 1) * look.line_gap[0])
    tallest = room_y / slot(look)
    page_height = digit_height(rng, look, share, tallest)
    lines: list[tuple[Line, float]] = []
    used = 0.0
    for _ in range(wanted):
        height = page_height if one_size else digit_height(rng, look, page_height * 1.5, tallest)
        count = int(rng.integers(look.numbers_per_line[0], look.numbers_per_line[1] + 1))
        line = draft.write(" ".join(draft.text() for _ in range(count)), height, room_x)
        if not line.glyphs:
            continue
        gap = float(rng.uniform(*look.line_gap)) * max(height, lines[-1][0].height) if lines else 0.0
        if used + gap + height * slot(look) > room_y:
            break
        lines.append((line, used + gap + height * slot(look) / 2))
        used += gap + height * slot(look)
    top = -room_y / 2 + float(rng.uniform(0, max(room_y - used, 0)))
    for line, middle in lines:
        left = -room_x / 2 + float(rng.uniform(0, max(room_x - line.width, 0)))
        draft.put_left(line, left, top + middle)


@LAYOUTS.add("single")
def single(draft: PageDraft) -> None:
    """One number about as big as the picture allows, as in a crop; a negative margin lets the border cut it."""
    put_single(draft, (draft.left, draft.top, -draft.left, -draft.top))


@LAYOUTS.add("list")
def number_list(draft: PageDraft) -> None:
    """A column of lines with one number each, perhaps with words behind or before, as in registers and bills."""
    look, rng = draft.look, draft.rng
    height = digit_height(rng, look, draft.height / 4, draft.height / 3)
    pitch = height * (slot(look) + float(rng.uniform(*look.line_gap)))
    column = draft.left + float(rng.uniform(0.02, 0.5)) * draft.width
    words_before, words_after = rng.random() < 0.3, rng.random() < 0.4
    ruled, colour = rng.random() < 0.5, rule_colour(draft)
    y = draft.top + pitch * float(rng.uniform(0.5, 1))
    while y + pitch / 2 < -draft.top:
        if rng.random() < 0.9:
            line = draft.write(draft.text(), height, -draft.left - MARGIN - column)
            draft.put_left(line, column, y)
            if words_after:
                start = column + line.width + 0.6 * height
                draft.put_left(draft.write(word(rng), height, max(-draft.left - start, 0)), start, y)
            if words_before:
                before = draft.write(word(rng), height, max(column - draft.left - 0.5 * height, 0))
                draft.put_left(before, column - 0.5 * height - before.width, y)
        if ruled:
            below = y + height * 0.68
            draft.rule(draft.left, below, -draft.left, below, colour, max(height * 0.04, 0.8), 0.7)
        y += pitch


@LAYOUTS.add("table")
def table(draft: PageDraft) -> None:
    """Ruled cells with numbers and words, aligned by column."""
    rng = draft.rng
    columns, rows = int(rng.integers(1, 6)), int(rng.integers(2, 9))
    rows = min(rows, max(int(draft.height / (1.7 * draft.look.digit_height[0])), 1))  # what keeps digits legible
    edges = np.sort(np.cumsum(rng.uniform(0.5, 1.5, columns + 1)))
    edges = draft.left + (edges - edges[0]) / max(edges[-1] - edges[0], 1e-6) * draft.width * float(
        rng.uniform(0.8, 1.1)
    )
    pitch = draft.height / rows * float(rng.uniform(0.7, 1.1))
    top = draft.top + float(rng.uniform(0, 0.1)) * draft.height
    height = float(
        np.clip(
            pitch * rng.uniform(0.4, 0.62), draft.look.digit_height[0], max(pitch * 0.66, draft.look.digit_height[0])
        )
    )
    colour, thickness = rule_colour(draft), float(rng.uniform(0.6, 2.2))
    if rng.random() < 0.85:
        for row in range(rows + 1):
            draft.rule(edges[0], top + row * pitch, edges[-1], top + row * pitch, colour, thickness)
    if rng.random() < 0.8:
        for edge in edges:
            draft.rule(edge, top, edge, top + rows * pitch, colour, thickness)
    kinds = rng.random(columns)
    for row in range(rows):
        y = top + (row + 0.5) * pitch
        for column in range(columns):
            left, right = float(edges[column]), float(edges[column + 1])
            is_word = (row == 0 and rng.random() < 0.5) or kinds[column] < 0.2
            room = right - left - 0.5 * height
            if rng.random() < 0.15 or room < height:
                continue
            line = draft.write(word(rng) if is_word else draft.text(), height, room)
            start = left + 0.25 * height if kinds[column] < 0.5 else right - 0.25 * height - line.width
            draft.put_left(line, start, y + float(rng.uniform(-0.05, 0.05)) * height)


@LAYOUTS.add("form")
def form(draft: PageDraft) -> None:
    """A row of boxes, one digit in each, as on forms; some stay empty."""
    look, rng = draft.look, draft.rng
    count = int(rng.integers(look.digits_per_number[0], look.digits_per_number[1] + 1))
    rows = int(rng.integers(1, 4))
    side = min((draft.width - 4 * MARGIN) / (count + 0.5), draft.height / (rows * 1.4 + 0.5)) * float(
        rng.uniform(0.75, 1)
    )
    aspect, gap = float(rng.uniform(0.75, 1.0)), float(rng.choice([0.0, rng.uniform(0.05, 0.4)]))
    colour, thickness = rule_colour(draft), float(rng.uniform(0.8, 2.5))
    is_comb = rng.random() < 0.25  # a base line with ticks in the place of boxes
    left = -count * side * aspect * (1 + gap) / 2
    for row in range(rows):
        y = (row - (rows - 1) / 2) * side * 1.4
        line = Line(side * float(rng.uniform(0.5, 0.75)))
        number: list[int] = []
        for column in range(count):
            x0 = left + column * side * aspect * (1 + gap)
            box = (x0, y - side / 2, x0 + side * aspect, y + side / 2)
            if is_comb:
                draft.rule(box[0], box[3], box[2], box[3], colour, thickness)
                draft.rule(box[0], box[3] - side * 0.3, box[0], box[3], colour, thickness)
            else:
                draft.frame(box, colour, thickness)
            if rng.random() < 0.06:
                number = []  # an empty box parts what is beside it
                continue
            piece = draft.write(str(rng.integers(10)), line.height, np.inf)
            x = (box[0] + box[2]) / 2 - float(piece.box[0] + piece.box[2]) / 2
            x, dy = x + float(rng.normal(0, 0.04)) * side, float(rng.normal(0, 0.05)) * side
            if not number:
                line.numbers.append(number)
            add_piece(line, piece, x, y + dy, number)
        draft.put_left(line, float(line.box[0]), 0.0)


@LAYOUTS.add("grid")
def grid(draft: PageDraft) -> None:
    """Square cells with one digit or none, as sudokus and score sheets have; every cell is a number of its own."""
    rng = draft.rng
    size = min(draft.width, draft.height) * float(rng.uniform(0.7, 1.05))
    fitting = [n for n in (9, 9, 9, 6, 4, 5, 8, 10, 3) if size / n > 1.4 * draft.look.digit_height[0]]
    cells = int(rng.choice(fitting or [2]))
    pitch = size / cells
    x0, y0 = -size / 2 + float(rng.normal(0, 0.03)) * size, -size / 2 + float(rng.normal(0, 0.03)) * size
    colour, thin = rule_colour(draft), float(rng.uniform(0.5, 1.2))
    block = 3 if cells in (3, 6, 9) else 2 if cells in (4, 8, 10) else cells
    for i in range(cells + 1):
        thickness = thin * (float(rng.uniform(1.8, 2.5)) if i % block == 0 else 1.0)
        draft.rule(x0, y0 + i * pitch, x0 + size, y0 + i * pitch, colour, thickness)
        draft.rule(x0 + i * pitch, y0, x0 + i * pitch, y0 + size, colour, thickness)
    filled, height = float(rng.uniform(0.25, 0.75)), pitch * float(rng.uniform(0.45, 0.75))
    for row in range(cells):
        for column in range(cells):
            if rng.random() < filled:
                line = draft.write(str(rng.integers(1, 10)), height, np.inf)
                jitter = rng.normal(0, 0.03, 2) * pitch
                draft.put(line, x0 + (column + 0.5) * pitch + jitter[0], y0 + (row + 0.5) * pitch + jitter[1])


@LAYOUTS.add("register")
def register(draft: PageDraft) -> None:
    """One small number in a large cell of an old register: underlined perhaps, with print and rules around it."""
    look, rng = draft.look, draft.rng
    height = digit_height(rng, look, draft.height * 0.25, draft.height * 0.4)
    line = draft.write(digits(rng, look) + str(rng.choice(["", ".", ".", ",", "-", ")"])), height, draft.width * 0.8)
    if not line.glyphs:
        return
    x = float(rng.uniform(-0.5, 0.5)) * max(draft.width * 0.9 - line.width, 0)
    y = float(rng.uniform(-0.4, 0.3)) * draft.height
    draft.put(line, x, y)
    colour = rule_colour(draft)
    if rng.random() < 0.5:  # the writer's own underline, not quite level
        slope = float(rng.normal(0, 0.06)) * line.width
        below = y + height * float(rng.uniform(0.65, 0.9))
        half = line.width * float(rng.uniform(0.4, 0.8))
        for k in range(int(rng.integers(1, 3))):
            draft.rule(
                x - half,
                below - slope + 0.2 * k * height,
                x + half,
                below + slope + 0.2 * k * height,
                colour,
                height * 0.06,
            )
    for edge in rng.uniform(-0.5, 0.5, int(rng.integers(0, 4))):
        draft.rule(edge * draft.width, draft.top, edge * draft.width, -draft.top, colour, float(rng.uniform(0.5, 2)))
    for edge in rng.uniform(-0.5, 0.5, int(rng.integers(0, 3))):
        draft.rule(
            draft.left, edge * draft.height, -draft.left, edge * draft.height, colour, float(rng.uniform(0.5, 2))
        )


def put_single(
    draft: PageDraft,
    box: tuple[float, float, float, float],
    dark: bool | None = None,
    margin: tuple[float, float] | None = None,
) -> None:
    """Write one text into a box x0, y0, x1, y1 with a margin (the look's) around it, if anything fits."""
    look, rng = draft.look, draft.rng
    text = draft.text()
    low, high = margin or look.margin
    free = low + (high - low) * rng.random(2) ** 1.5  # tight crops are the most common ones
    sample = draft.write(text, 100.0, np.inf)
    extent = (sample.box[2:] - sample.box[:2]) / 100.0 + 2 * free
    if not sample.glyphs or extent.min() <= 0.1:
        return
    height = min(float((box[2] - box[0]) / extent[0]), float((box[3] - box[1]) / extent[1]), look.digit_height[1])
    line = sample.scaled(height / 100.0)
    slack = np.maximum(np.array([box[2] - box[0], box[3] - box[1]]) - extent * height, 0) / 2
    x, y = rng.uniform(-1, 1, 2) * slack
    draft.put(line, (box[0] + box[2]) / 2 + x, (box[1] + box[3]) / 2 + y, dark)


def slot(look: LookConfig) -> float:
    """Room that a line needs above and below, in digit heights: handwritten digits vary in height and dance."""
    return 1 + look.height_jitter + 2 * look.baseline_jitter


def digit_height(rng: np.random.Generator, look: LookConfig, share: float, tallest: float) -> float:
    """A digit height, log-uniform within the settings, at most `share` pixels as far as the settings allow that, and
    never more than the `tallest` that the page takes.
    """
    low = min(look.digit_height[0], tallest)
    high = max(min(look.digit_height[1], share, tallest), low)
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def add_piece(line: Line, piece: Line, x: float, y: float, number: list[int]) -> None:
    """Append the glyphs of a piece, moved by x, y, to a line, and their rows to one of its numbers."""
    for glyph in piece.glyphs:
        number.append(len(line.glyphs))
        line.glyphs.append(replace(glyph, x=glyph.x + x, y=glyph.y + y))
    box = piece.box + [x, y, x, y]
    is_first = len(line.glyphs) == len(piece.glyphs)
    line.box = (
        box if is_first else np.concatenate([np.minimum(line.box[:2], box[:2]), np.maximum(line.box[2:], box[2:])])
    )


def rule_colour(draft: PageDraft) -> Array:
    """A colour (3,) BGR for rules and frames that is seen on the ground: mostly grey, now and then coloured."""
    return np.asarray(sample_background_colour(draft.rng, not draft.light), np.float64)
