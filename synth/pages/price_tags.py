"""The layout `price_tag`: a price with small, raised cents on a paper or electronic tag, between product texts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from digitdet.common.types import Box, FloatArray
from digitdet.synth.pages.clutter import draw_bars
from digitdet.synth.pages.layouts import LAYOUTS
from digitdet.synth.pages.lines import Line
from digitdet.synth.pages.page_draft import MARGIN, PageDraft, inset
from digitdet.synth.pages.strikes import strike_out
from digitdet.synth.pages.text_values import CENTS, CODES, GOODS_UNITS, SYMBOLS
from digitdet.synth.pages.texts import pick, random_digits, word
from digitdet.synth.surfaces.fields import LUMA

# Colours BGR: of electronic paper and liquid crystal, of paper, of the frames of tags.
_SCREENS = ((150, 160, 160), (120, 125, 122), (165, 175, 185), (205, 210, 208), (95, 105, 110), (130, 150, 150))
_PAPERS = (
    *((250, 250, 250), (240, 244, 246), (245, 245, 245), (60, 220, 250), (150, 235, 250), (50, 50, 210)),
    *((40, 40, 40), (90, 200, 140)),
)
_FRAMES = ((240, 240, 238), (225, 228, 232), (200, 205, 205), (60, 60, 60))
# Sizes in heights of the price.
_CENTS_SIZE = (0.36, 0.62)
_SMALL_PRINT = (0.14, 0.26)
# Words and numbers lower than this, in pixels, are left out: their letters could not be told apart.
_LEAST_WORDS, _LEAST_NUMBERS = 6.0, 10.0


@LAYOUTS.add("price_tag")
def price_tag(draft: PageDraft) -> None:
    """A price on a tag of which a part or all is visible, with a product name, small print or a bar code."""
    rng = draft.rng
    line = price_line(draft, min(draft.height * rng.uniform(0.3, 0.65), draft.look.digit_height[1]))
    line = line.scaled(min(1.0, 0.85 * draft.width / max(line.width, 1.0)))
    height = line.height
    free = np.maximum([draft.width - line.width, draft.height - height], 0)
    x, y = (rng.uniform(-0.45, 0.45, 2) * free - [line.width / 2, 0]).tolist()
    left, top, right, bottom = (height * rng.uniform((0.15, 0.4, 0.12, 0.15), (4.0, 2.2, 1.2, 1.8))).tolist()
    body = (x - left, y - height / 2 - top, x + line.width + right, y + height / 2 + bottom)
    is_screen = bool(rng.random() < 0.5)
    colour = _near(rng, _SCREENS, 0.6) if is_screen else _near(rng, _PAPERS, 0.9)
    if rng.random() < (0.8 if is_screen else 0.25):
        frame = height * rng.uniform(0.1, 0.5)
        draft.panel(inset(body, -frame), _near(rng, _FRAMES, 0.8), frame * rng.uniform(0, 1.2))
    draft.panel(body, colour)
    is_light = float(colour @ LUMA) > 80
    draft.put_left(line, x, y, is_light)
    _add_name(draft, body, y - height / 2, height, colour)
    _add_below(draft, body, (x, y + height / 2, x + line.width, body[3]), height, is_light)


def price_line(draft: PageDraft, height: float) -> Line:
    """Return a price whose digits are `height` pixels high, with raised cents and perhaps a currency."""
    rng = draft.rng
    whole = random_digits(rng, 1 + int(rng.choice(4, p=(0.3, 0.45, 0.2, 0.05))))
    if len(whole) > 1 and whole[0] == "0":
        whole = str(rng.integers(1, 10)) + whole[1:]
    size, raised = rng.uniform(*_CENTS_SIZE), rng.normal(0, 0.03)
    currency = pick(rng, (*SYMBOLS, *CODES)) if rng.random() < 0.4 else ""
    before = rng.random() < 0.6
    line, number = Line(height), list[int]()
    if currency and before:
        small = size if rng.random() < 0.6 else rng.uniform(0.5, 1)
        _append(line, draft.write(currency, small * height, np.inf), raised, 0.0)
    whole += pick(rng, ("", "", "", ".", ","))
    _append(line, draft.write(whole, height, np.inf), 0.0, rng.uniform(0.05, 0.2), number)
    cents = pick(rng, (*CENTS, random_digits(rng, 2)))
    # The cents may be in another typeface, mostly a thinner one than the large digits.
    write = draft.number_writer if rng.random() < 0.6 else draft.clutter_writer
    small_line = write.write(rng, cents, size * height, np.inf)
    edge = float(line.box[2])
    _append(line, small_line, raised, rng.uniform(0.0, 0.16), number)
    line.numbers.append(number)
    place = rng.random()
    if place < 0.3:  # what is below the cents is not part of the line
        below = pick(rng, ("/kg", "/l", "/pc", "ea", "/St.", "/m", "kg", currency or "kg"))
        unit = draft.write(below, size * height * rng.uniform(0.4, 0.8), np.inf)
        top = raised + size + rng.uniform(0.1, 0.2)
        first = len(line.glyphs)
        if unit.glyphs and edge + unit.width < line.box[2] + 0.5 * height:
            _append(line, unit, top, 0.0, left=edge + 0.1 * height)
            line.glyphs[first:] = [replace(glyph, character="") for glyph in line.glyphs[first:]]
    elif currency and not before:
        small = size if rng.random() < 0.4 else rng.uniform(0.4, 1)
        _append(line, draft.write(currency, small * height, np.inf), raised, rng.uniform(0.05, 0.3))
    return line


def _append(
    line: Line,
    part: Line,
    top: float,
    gap: float,
    number: list[int] | None = None,
    left: float | None = None,
) -> None:
    """Append a part of a price, `gap` behind the line or at `left`.

    Args:
        line: The line.
        part: What to append, perhaps in a smaller size.
        top: How far the top of its digits is below that of the line's, in digit heights.
        gap: Space before it, in digit heights.
        number: The rows of a number that it continues.
        left: Its left end in pixels, instead of behind the line.
    """
    if not part.glyphs:
        return
    start = left if left is not None else float(line.box[2]) + gap * line.height if line.glyphs else 0.0
    y = (top - 0.5) * line.height + part.height / 2
    line.append(part, start - float(part.box[0]), y, [] if number is None else number, spaced=False)


def _add_name(draft: PageDraft, body: Box, top: float, height: float, colour: FloatArray) -> None:
    """Write the name of the product, perhaps in a coloured band, between the top of a tag and that of its price."""
    rng, room = draft.rng, top - body[1]
    size = min(height * rng.uniform(0.18, 0.45), 0.55 * room)
    y = body[1] + room * rng.uniform(0.35, 0.5)
    is_light = float(colour @ LUMA) > 80
    if rng.random() < 0.3:
        band = np.full(3, 25.0) if is_light else np.full(3, 235.0)
        draft.panel((body[0], body[1], body[2], min(y + 0.9 * size, top)), band)
        is_light = not is_light
    elif rng.random() < 0.3:
        draft.rule(body[0], y + 0.9 * size, body[2], y + 0.9 * size, np.full(3, 30.0), max(0.02 * height, 0.7), 0.7)
    if size >= _LEAST_WORDS and rng.random() < 0.85:
        name = draft.write(" ".join(word(rng) for _ in range(int(rng.integers(1, 4)))).upper(), size, np.inf)
        draft.put_left(name, body[0] + size * rng.uniform(0.2, 1), y, is_light)


def _add_below(draft: PageDraft, body: Box, box: Box, height: float, is_light: bool) -> None:
    """Add text below or beside a price: small print, a unit price, a struck-out price, a bar code.

    Args:
        draft: The page.
        body: The tag.
        box: The space below the price.
        height: Height of the price in pixels.
        is_light: Whether the tag takes dark ink.
    """
    rng = draft.rng
    size = height * rng.uniform(*_SMALL_PRINT)
    y = box[1] + size * rng.uniform(1.0, 1.8)
    if y + size / 2 > min(body[3], draft.bottom):
        return
    left = max(body[0] + 0.2 * height, MARGIN - draft.right)
    kind = rng.random()
    if kind < 0.4 and size >= _LEAST_WORDS:
        line = draft.write(f"{word(rng)} {word(rng)}", size, np.inf)
        draft.put_left(line, left if rng.random() < 0.5 else box[2] - line.width, y, is_light)
    elif kind < 0.6 and size >= _LEAST_NUMBERS:
        price = f"{int(rng.integers(1, 200))}{pick(rng, '.,')}{random_digits(rng, 2)}{pick(rng, GOODS_UNITS)}"
        line = draft.write(price, size, draft.right - left)
        if line.numbers and rng.random() < 0.2:
            line = strike_out(rng, line, line.numbers[0])
        draft.put_left(line, left, y, is_light)
    elif kind > 0.85:
        module = max(0.03 * height, 1.0)
        widths = rng.integers(1, 4, int(rng.integers(24, 60))) * module
        colour = np.full(3, 30.0 if is_light else 235.0)
        draw_bars(draft, left, y, y + height * rng.uniform(0.2, 0.5), widths, colour)


def _near(rng: np.random.Generator, colours: tuple[tuple[int, int, int], ...], darkest: float) -> FloatArray:
    """Draw a colour (3,) BGR near one of a palette, down to `darkest` times as bright."""
    colour = np.array(colours[int(rng.integers(len(colours)))]) * rng.uniform(darkest, 1.1) + rng.normal(0, 6, 3)
    return np.asarray(np.clip(colour, 0, 255))
