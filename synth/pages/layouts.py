"""Layouts: how numbers are arranged on a page.

A layout is a function that adds lines and shapes to a page draft. To add one, decorate it with `@LAYOUTS.add("name")`
and give the name a weight in a look. Plates are in `devices.py`, counters in `counters.py`, displays in `displays.py`,
and price tags in `price_tags.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from digitdet.common.registry import Registry
from digitdet.common.types import Box
from digitdet.configs.look import LookConfig
from digitdet.synth.pages.lines import Line
from digitdet.synth.pages.page_draft import MARGIN, PageDraft, centre_of, centred_box
from digitdet.synth.pages.texts import digits, pick, random_digits, word
from digitdet.synth.surfaces.fields import log_uniform

LAYOUTS: Registry[Callable[[PageDraft], None]] = Registry()

# With which entries of registers are ticked off: mostly a small plus or cross.
_TICKS = "+++xx\u00d7\uff0b\u2020\u2713\u2717"


@LAYOUTS.add("page")
def page(draft: PageDraft) -> None:
    """Lines from the top, of one size or several, as many of the drawn number as fit."""
    look, rng = draft.look, draft.rng
    room_x, room_y = draft.width - 2 * MARGIN, draft.height - 2 * MARGIN
    wanted = int(rng.integers(look.lines[0], look.lines[1] + 1))
    one_size = rng.random() < look.same_size_share
    # The lines share the height; otherwise "five lines" could become one line of large digits.
    share = room_y / (wanted * line_room(look) + (wanted - 1) * look.line_gap[0])
    tallest = room_y / line_room(look)
    page_height = sample_digit_height(rng, look, share, tallest)
    lines: list[tuple[Line, float]] = []
    used = 0.0
    for _ in range(wanted):
        height = page_height if one_size else sample_digit_height(rng, look, page_height * 1.5, tallest)
        count = int(rng.integers(look.numbers_per_line[0], look.numbers_per_line[1] + 1))
        line = draft.write(" ".join(draft.text() for _ in range(count)), height, room_x)
        if not line.glyphs:
            continue
        gap = rng.uniform(*look.line_gap) * max(height, lines[-1][0].height) if lines else 0.0
        if used + gap + height * line_room(look) > room_y:
            break
        lines.append((line, used + gap + height * line_room(look) / 2))
        used += gap + height * line_room(look)
    top = -room_y / 2 + rng.uniform(0, max(room_y - used, 0))
    for line, middle in lines:
        left = -room_x / 2 + rng.uniform(0, max(room_x - line.width, 0))
        draft.put_left(line, left, top + middle)


@LAYOUTS.add("single")
def single(draft: PageDraft) -> None:
    """One number as large as the picture allows, as in a crop; a negative margin lets the border cut it."""
    fill_box(draft, centred_box(0.0, 0.0, draft.width, draft.height))


@LAYOUTS.add("list")
def number_list(draft: PageDraft) -> None:
    """A column of lines with one number each, perhaps with words before or after, as in registers and bills."""
    look, rng = draft.look, draft.rng
    height = sample_digit_height(rng, look, draft.height / 4, draft.height / 3)
    pitch = height * (line_room(look) + rng.uniform(*look.line_gap))
    column = -draft.right + rng.uniform(0.02, 0.5) * draft.width
    words_before, words_after = rng.random() < 0.3, rng.random() < 0.4
    ruled, colour = rng.random() < 0.5, draft.rule_colour()
    y = -draft.bottom + pitch * rng.uniform(0.5, 1)
    while y + pitch / 2 < draft.bottom:
        if rng.random() < 0.9:
            line = draft.write(draft.text(), height, draft.right - MARGIN - column)
            draft.put_left(line, column, y)
            if words_after:
                start = column + line.width + 0.6 * height
                draft.put_left(draft.write(word(rng), height, max(draft.right - start, 0)), start, y)
            if words_before:
                before = draft.write(word(rng), height, max(column + draft.right - 0.5 * height, 0))
                draft.put_left(before, column - 0.5 * height - before.width, y)
        if ruled:
            below = y + height * 0.68
            draft.rule(-draft.right, below, draft.right, below, colour, max(height * 0.04, 0.8), 0.7)
        y += pitch


@LAYOUTS.add("table")
def table(draft: PageDraft) -> None:
    """Ruled cells with numbers and words, aligned by column."""
    rng, min_height = draft.rng, draft.look.digit_height[0]
    columns, rows = int(rng.integers(1, 6)), int(rng.integers(2, 9))
    rows = min(rows, max(int(draft.height / (1.7 * min_height)), 1))  # so that digits stay legible
    edges = np.sort(np.cumsum(rng.uniform(0.5, 1.5, columns + 1)))
    relative = (edges - edges[0]) / max(edges[-1] - edges[0], 1e-6)
    edges = -draft.right + relative * draft.width * rng.uniform(0.8, 1.1)
    pitch = draft.height / rows * rng.uniform(0.7, 1.1)
    top = -draft.bottom + rng.uniform(0, 0.1) * draft.height
    height = float(np.clip(pitch * rng.uniform(0.4, 0.62), min_height, max(pitch * 0.66, min_height)))
    colour, thickness = draft.rule_colour(), rng.uniform(0.6, 2.2)
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
            draft.put_left(line, start, y + rng.uniform(-0.05, 0.05) * height)


@LAYOUTS.add("form")
def form(draft: PageDraft) -> None:
    """Rows of boxes with one digit each, as on forms, apart or side by side; some stay empty."""
    look, rng = draft.look, draft.rng
    count = int(rng.integers(look.digits_per_number[0], look.digits_per_number[1] + 1))
    rows = int(rng.choice([1, 1, 1, 2, 3]))
    aspect, gap = rng.uniform(0.65, 1.05), float(rng.choice([0.0, rng.uniform(0.03, 0.4), rng.uniform(0.3, 0.9)]))
    pitch = aspect * (1 + gap)  # in box heights
    side = min(
        (draft.width - 4 * MARGIN) / (count * pitch), draft.height / (rows * 1.4 + 0.5), look.digit_height[1] * 1.4
    )
    side *= rng.uniform(0.7, 1)
    filled, light = rng.random() < 0.35, bool(rng.random() < 0.5)
    fill, colour, thickness = draft.background_colour(light), draft.rule_colour(), rng.uniform(0.8, 2.5)
    corner = side * float(rng.choice([0.0, 0.0, rng.uniform(0.05, 0.5)]))
    is_comb = not filled and rng.random() < 0.25  # a base line with ticks instead of boxes
    columns = (np.arange(count) - (count - 1) / 2) * side * pitch
    for row in range(rows):
        y = (row - (rows - 1) / 2) * side * 1.4
        for x in columns:
            box = centred_box(x, y, side * aspect, side)
            if is_comb:
                draft.rule(box[0], box[3], box[2], box[3], colour, thickness)
                draft.rule(box[0], box[3] - side * 0.3, box[0], box[3], colour, thickness)
                continue
            if filled:
                draft.panel(box, fill, corner)
            if not filled or rng.random() < 0.3:
                draft.frame(box, colour, thickness, corner)
        jitter = rng.normal(0, 0.04, (count, 2)) * side
        used = np.flatnonzero(rng.random(count) >= 0.06)
        line = draft.write(random_digits(rng, len(used)), side * rng.uniform(0.42, 0.75), np.inf)
        places = np.column_stack([columns, np.full(count, y)]) + jitter
        line = line.rearranged(places[used], np.diff(used, prepend=used[:1]) > 1)  # an empty box separates numbers
        draft.put_left(line, float(line.box[0]), 0.0, dark=light if filled else None)


@LAYOUTS.add("stacked")
def stacked(draft: PageDraft) -> None:
    """A number with its digits one below the other, as on containers and door posts, perhaps on a plate."""
    _put_in_steps(draft, 0.0, draft.rng.uniform(1.08, 1.7))


@LAYOUTS.add("staggered")
def staggered(draft: PageDraft) -> None:
    """A number with upright digits, each higher or lower than the one before, as on house walls beside stairs."""
    rng = draft.rng
    across = rng.uniform(0.65, 1.2)
    _put_in_steps(draft, across, float(rng.choice([-1, -1, 1])) * across * rng.uniform(0.1, 0.6))


def _put_in_steps(draft: PageDraft, across: float, down: float) -> None:
    """Write a number of at least two digits, each a step from the one before, in digit heights; perhaps on a plate."""
    look, rng = draft.look, draft.rng
    text = digits(rng, look)
    if len(text) == 1:
        text += random_digits(rng, 1 + int(rng.random() * 3))
    steps = len(text) - 1
    room_x, room_y = draft.width - 2 * MARGIN, draft.height - 2 * MARGIN
    tallest = min(room_y / (abs(down) * steps + max(abs(down), 1.08)), room_x / (across * steps + 1.25))
    height = sample_digit_height(rng, look, tallest, tallest)
    places = (np.arange(len(text)) - steps / 2)[:, None] * np.array([across, down]) * height
    line = draft.write(text, height, np.inf).rearranged(places)
    free_x, free_y = draft.width - line.width, draft.height - line.size[1] - 2 * MARGIN
    x0, y0 = rng.uniform(-0.5, 0.5) * max(free_x, 0), rng.uniform(-0.5, 0.5) * max(free_y, 0)
    light = None
    if rng.random() < (0.15 if across else 0.4):
        light = bool(rng.random() < 0.5)
        pad = height * rng.uniform(0.15, 0.5)
        body = centred_box(x0, y0, line.width + 2 * pad, line.size[1] + 2 * pad)
        draft.panel(body, draft.background_colour(light), pad * float(rng.choice([0.0, 0.5, 1.0])))
    draft.put(line, x0, y0, dark=light)


@LAYOUTS.add("grid")
def grid(draft: PageDraft) -> None:
    """Square cells with one digit or none, as in sudokus and score sheets; every cell is a separate number."""
    rng = draft.rng
    size = min(draft.width, draft.height) * rng.uniform(0.7, 1.05)
    fitting = [n for n in (9, 9, 9, 6, 4, 5, 8, 10, 3) if size / n > 1.4 * draft.look.digit_height[0]]
    cells = int(rng.choice(fitting or [2]))
    pitch = size / cells
    x0, y0 = -size / 2 + rng.normal(0, 0.03) * size, -size / 2 + rng.normal(0, 0.03) * size
    colour, thin = draft.rule_colour(), rng.uniform(0.5, 1.2)
    block = 3 if cells in (3, 6, 9) else 2 if cells in (4, 8, 10) else cells
    for i in range(cells + 1):
        thickness = thin * (rng.uniform(1.8, 2.5) if i % block == 0 else 1.0)
        draft.rule(x0, y0 + i * pitch, x0 + size, y0 + i * pitch, colour, thickness)
        draft.rule(x0 + i * pitch, y0, x0 + i * pitch, y0 + size, colour, thickness)
    filled, height = rng.uniform(0.25, 0.75), pitch * rng.uniform(0.45, 0.75)
    for row in range(cells):
        for column in range(cells):
            if rng.random() < filled:
                line = draft.write(str(rng.integers(1, 10)), height, np.inf)
                jitter = rng.normal(0, 0.03, 2) * pitch
                draft.put(line, x0 + (column + 0.5) * pitch + jitter[0], y0 + (row + 0.5) * pitch + jitter[1])


@LAYOUTS.add("register")
def register(draft: PageDraft) -> None:
    """One small running number in a cell of an old register, perhaps underlined, ticked off and with other entries."""
    look, rng = draft.look, draft.rng
    height = sample_digit_height(rng, look, draft.height * 0.25, draft.height * 0.4)
    text = str(int(log_uniform(rng, 1, 1000))) if rng.random() < 0.75 else digits(rng, look)
    text += pick(rng, ("", "", "", ".", ".", ".", ",", "-"))
    ticked = rng.random() < 0.25
    beside = ticked and rng.random() < 0.5
    line = draft.write(text + (" " + pick(rng, _TICKS) if beside else ""), height, draft.width * 0.8)
    if not line.glyphs:
        return
    x = rng.uniform(-0.5, 0.5) * max(draft.width * 0.9 - line.width, 0)
    y = rng.uniform(-0.4, 0.3) * draft.height
    draft.put(line, x, y)
    if rng.random() < 0.5:
        _underline(draft, x, y + height * rng.uniform(0.62, 1.0), line.width, height)
    if ticked and not beside:
        start, below = height * rng.normal(-0.2, 0.4), height * rng.uniform(1.3, 2.2)
        _add_entry(draft, pick(rng, _TICKS), height, x + start, y + below)
    _cell_rules(draft, x, line.width / 2, height)
    if rng.random() < 0.4:
        away = float(rng.choice([-1, 1, 1])) * height * rng.uniform(1.7, 5)
        _add_entry(draft, pick(rng, (draft.text(), word(rng))), height, x + rng.uniform(-1.5, 1.5) * height, y + away)
    draft.lines.sort(key=lambda placed: placed.y)  # reading order


def _add_entry(draft: PageDraft, text: str, height: float, x: float, y: float) -> None:
    """Write something beside a number of this height, from x; the border may cut its end. Nothing outside the page."""
    if abs(x) < draft.right and abs(y) < draft.bottom:
        line = draft.write(text, height * draft.rng.uniform(0.5, 1), 1.1 * draft.right - x)
        draft.put_left(line, x, y)


def _underline(draft: PageDraft, x: float, y: float, width: float, height: float) -> None:
    """Underline something `width` wide around x by hand, once or twice, bent and not quite horizontal."""
    rng, colour = draft.rng, draft.rule_colour()
    half, slope, bow = width * rng.uniform(0.3, 0.8), rng.normal(0, 0.04) * width, rng.normal(0, 0.1) * height
    t = np.linspace(-1, 1, 12)
    for k in range(int(rng.choice([1, 1, 1, 2]))):
        points = np.column_stack([x + half * t, y + slope * t + bow * t * t + 0.2 * k * height])
        draft.add_shape(points, colour, height * rng.uniform(0.03, 0.08), closed=False)


def _cell_rules(draft: PageDraft, x: float, half_width: float, height: float) -> None:
    """Draw single or double rules beside a number around x, mostly clear of it, and a few across the page."""
    rng, colour = draft.rng, draft.rule_colour()
    for side in (-1, 1):
        near = side * x + half_width + 0.3 * height
        if rng.random() < 0.6 and near < draft.right:
            at, apart = side * rng.uniform(near, draft.right), height * rng.uniform(0.1, 0.4)
            for k in range(int(rng.choice([1, 1, 2]))):
                place = at + side * k * apart
                draft.rule(place, -draft.bottom, place, draft.bottom, colour, rng.uniform(0.5, 2))
    for at in rng.uniform(-0.5, 0.5, int(rng.choice([0, 0, 1, 2]))) * draft.height:
        draft.rule(-draft.right, at, draft.right, at, colour, rng.uniform(0.5, 2))


def fill_box(draft: PageDraft, box: Box, dark: bool | None = None, margin: tuple[float, float] | None = None) -> None:
    """Write one text as large as fits into a box, with a free space in the range `margin`, by default the look's.

    `dark` says whether the ink is darker than the background of the box; None is the default of the page.
    """
    look, rng = draft.look, draft.rng
    text = draft.text()
    low, high = margin or look.margin
    free = low + (high - low) * rng.random(2) ** 1.5  # tight crops are the most common ones
    line = draft.write(text, 100.0, np.inf)
    extent = line.size / 100.0 + 2 * free
    if not line.glyphs or extent.min() <= 0.1:
        return
    width, height = box[2] - box[0], box[3] - box[1]
    digit_height = min(float(width / extent[0]), float(height / extent[1]), look.digit_height[1])
    slack = np.maximum(np.array([width, height]) - extent * digit_height, 0) / 2
    dx, dy = rng.uniform(-1, 1, 2) * slack
    x, y = centre_of(box)
    draft.put(line.scaled(digit_height / 100.0), x + dx, y + dy, dark)


def line_room(look: LookConfig) -> float:
    """Return the height that a line needs in digit heights, because handwritten digits vary in size and position."""
    return 1 + look.height_jitter + 2 * look.baseline_jitter


def sample_digit_height(rng: np.random.Generator, look: LookConfig, share: float, tallest: float) -> float:
    """Draw a log-uniform digit height: at most `share` where the look's range allows it, always at most `tallest`."""
    low = min(look.digit_height[0], tallest)
    high = max(min(look.digit_height[1], share, tallest), low)
    return log_uniform(rng, low, high)
