"""Clutter by the pen that wrote the numbers: struck-out numbers, and crosses, ticks and daggers beside numbers.

Writers strike out a wrong number and write the right one near it; in registers and lists they mark numbers. Without
such pictures in training, struck-out numbers are read, and crosses are read as 4, 7 or 9. In the lines of text, both
are other characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from digitdet.common.types import CLASS_NAMES, Box, FloatArray
from digitdet.synth.pages.clutter import CLUTTER, is_free, put_free, sample_line_height
from digitdet.synth.pages.lines import Line, LineGlyph
from digitdet.synth.pages.page_draft import PageDraft, centred_box
from digitdet.synth.pages.strikes import number_box, strike_out
from digitdet.synth.pages.texts import digits, pick

# Sides of a number on which a correction or a mark may be; repeated ones are more probable.
_CORRECTION_SIDES = ("above", "above", "below", "right", "right", "left")
_MARK_SIDES = ("right",) * 5 + ("below right",) * 2 + ("below",) * 3 + ("above right", "above", "left")
# Gaps in digit heights, beside and above or below.
_CORRECTION_GAPS = ((0.45, 1.3), (0.2, 0.7))
_MARK_GAPS = ((0.3, 1.2), (0.3, 1.2))
# Signs beside numbers, of which repeated ones are more probable, and their size in digit heights.
_PEN_MARKS = "xX\u03c7\u00d7+\uff0b\uff0b\u2020\u2020\u2021\u2713\u2713\u2717\u2717*"
_MARK_SIZE = (0.5, 1.0)
# Marks behind a number that are struck out with it, as in "12." of a register.
_END_MARKS = tuple(".,-:")
# A number that is higher has its digits one below the other.
_MAX_LINE_HEIGHT = 1.9
# On pages with several numbers: the share of struck-out numbers without a correction.
_UNCORRECTED_SHARE = 0.3
# The share of pages with marks on which several numbers may be marked.
_MANY_MARKS_SHARE = 0.4
# The share of corrections where the layout placed the wrong number and the right one is added; otherwise the reverse.
_IN_PLACE_SHARE = 0.6
# Part of the page's width and height that a number and what is beside it may fill.
_FILL = 0.97

Place = tuple[int, list[int]]
"""A number of a draft: the index of its line, and its rows in the glyphs of the line."""


@CLUTTER.add("struck_out")
def struck_out(draft: PageDraft) -> None:
    """Wrong numbers that the writer struck out, most of them with the right number above, below or beside them."""
    rng = draft.rng
    found = _whole_numbers(draft)
    if not found:
        line = draft.write(digits(rng, draft.look), sample_line_height(draft), np.inf)
        put_free(draft, strike_out(rng, line, list(range(len(line.glyphs)))))
        return
    for _ in range(int(rng.choice([1, 1, 1, 2])) if len(found) > 3 else 1):
        place = found.pop(int(rng.integers(len(found))))
        is_corrected = not (found and rng.random() < _UNCORRECTED_SHARE) and _correct(draft, place)
        if not is_corrected and found:  # one number stays valid
            _strike(draft, place)


@CLUTTER.add("pen_marks")
def pen_marks(draft: PageDraft) -> None:
    """Crosses, daggers and ticks beside a number or several, by the same hand."""
    rng = draft.rng
    found = _whole_numbers(draft)
    character = pick(rng, _PEN_MARKS)
    if not found:
        put_free(draft, _write_mark(draft, character, sample_line_height(draft)))
        return
    count = 1 + int(rng.integers(len(found))) if rng.random() < _MANY_MARKS_SHARE else 1
    sides = [pick(rng, _MARK_SIDES)] if count > 1 else list(rng.permutation(_MARK_SIDES))
    for row in rng.permutation(len(found))[:count].tolist():
        index, rows = found[row]
        mark = _write_mark(draft, character, draft.lines[index].line.height)
        _put_beside(draft, mark, (index, rows), sides, _MARK_GAPS, draft.lines[index].line.height)


def _whole_numbers(draft: PageDraft) -> list[Place]:
    """Return the numbers so far that stand between spaces, each with its digits side by side and marks behind them."""
    found = []
    for index, placed in enumerate(draft.lines):
        glyphs = placed.line.glyphs
        for number in placed.line.numbers:
            rows = list(number)
            while rows[-1] + 1 < len(glyphs) and _is_end_mark(glyphs[rows[-1] + 1]):
                rows.append(rows[-1] + 1)
            behind = glyphs[rows[-1] + 1 :][:1]  # a strike has no character
            starts = rows[0] == 0 or glyphs[rows[0]].after_space
            if starts and all(glyph.after_space or not glyph.character for glyph in behind):
                box = number_box(placed.line, rows)
                if box[3] - box[1] < _MAX_LINE_HEIGHT * placed.line.height:
                    found.append((index, rows))
    return found


def _is_end_mark(glyph: LineGlyph) -> bool:
    return glyph.character in _END_MARKS and not glyph.after_space


def _strike(draft: PageDraft, place: Place) -> None:
    index, rows = place
    draft.lines[index] = replace(draft.lines[index], line=strike_out(draft.rng, draft.lines[index].line, rows))


def _correct(draft: PageDraft, place: Place) -> bool:
    """Write another number beside a number and strike out one of the two; return whether there was room."""
    rng, line = draft.rng, draft.lines[place[0]].line
    text = "".join(line.glyphs[row].character for row in place[1])
    height = max(line.height * rng.uniform(0.75, 1.05), draft.look.digit_height[0])
    other = draft.write(mistaken(draft, text), height, np.inf)
    is_right = rng.random() < _IN_PLACE_SHARE
    if not is_right:
        other = strike_out(rng, other, list(range(len(other.glyphs))))
    lowest = min(line.height, height)
    if not _put_beside(draft, other, place, list(rng.permutation(_CORRECTION_SIDES)), _CORRECTION_GAPS, lowest):
        return False
    if is_right:
        _strike(draft, place)
    return True


def mistaken(draft: PageDraft, text: str) -> str:
    """Return another number for which this one was written: mostly the same but for one digit."""
    rng = draft.rng
    kind = rng.random()
    if kind < 0.2 and (other := digits(rng, draft.look)) != text:
        return other
    places = [place for place, character in enumerate(text) if character in CLASS_NAMES]
    changed = places if kind < 0.45 else [places[int(rng.integers(len(places)))]]
    characters = list(text)
    for place in changed:
        characters[place] = CLASS_NAMES[(int(text[place]) + int(rng.integers(1, 10))) % 10]
    return "".join(characters)


def _write_mark(draft: PageDraft, character: str, height: float) -> Line:
    """Write a mark beside numbers of this height, `_MARK_SIZE` of it high or wide."""
    line = draft.write(character, height, np.inf)
    if not line.glyphs:  # a typeface may lack the others
        line = draft.write("x", height, np.inf)
    size = float(line.size.max())
    return line.scaled(height * draft.rng.uniform(*_MARK_SIZE) / size) if size else line


def _put_beside(
    draft: PageDraft,
    line: Line,
    place: Place,
    sides: Sequence[str],
    gaps: Sequence[tuple[float, float]],
    digit_height: float,
) -> bool:
    """Place a line on the first of some sides of a number that is free; return whether one is.

    A number that fills the page, as in a crop, is made smaller to make room, if digits of this height stay large
    enough.
    """
    if not line.glyphs:
        return False
    rng, anchor = draft.rng, draft.lines[place[0]]
    box = number_box(anchor.line, place[1]) + [anchor.x, anchor.y] * 2
    gap_x, gap_y = (rng.uniform(*span) * anchor.line.height for span in gaps)
    shift = rng.uniform(-0.4, 0.4) * anchor.line.height
    centres = [_centre_beside(side, box, line.size, gap_x, gap_y, shift) for side in sides]
    free = [centre for centre in centres if is_free(draft, centred_box(*centre, *line.size))]
    for x, y in free:
        if _is_inside(draft, centred_box(x, y, *line.size)):
            draft.put(line, x, y, anchor.dark, anchor.ink, same_pen=True)
            return True
    if not free or len(draft.lines) > 1 or draft.shapes:
        return False
    draft.put(line, *free[0], anchor.dark, anchor.ink, same_pen=True)
    if _factor_to_fit(draft) * digit_height < draft.look.digit_height[0]:
        draft.lines.pop()
        return False
    _fit(draft)
    return True


def _centre_beside(
    side: str, box: FloatArray, size: FloatArray, gap_x: float, gap_y: float, shift: float
) -> tuple[float, float]:
    """Return the centre of something on a side of a box, moved by `shift` along that side."""
    (x0, y0, x1, y1), (half_x, half_y) = box.tolist(), (size / 2).tolist()
    x = x1 + half_x + gap_x if "right" in side else x0 - half_x - gap_x if "left" in side else (x0 + x1) / 2 + shift
    y = y1 + half_y + gap_y if "below" in side else y0 - half_y - gap_y if "above" in side else (y0 + y1) / 2 + shift
    if " " in side:  # at a corner, near the end of the number
        x = x1 + shift
    return x, y


def _is_inside(draft: PageDraft, box: Box) -> bool:
    return max(abs(box[0]), abs(box[2])) < draft.right and max(abs(box[1]), abs(box[3])) < draft.bottom


def _factor_to_fit(draft: PageDraft) -> float:
    """Return the factor that makes the lines small enough for the page, at most 1."""
    x0, y0, x1, y1 = draft.extent()
    return float(min(1.0, _FILL * draft.width / (x1 - x0), _FILL * draft.height / (y1 - y0)))


def _fit(draft: PageDraft) -> None:
    """Make the lines small enough for the page, at a random place."""
    (x0, y0, x1, y1), factor = draft.extent(), _factor_to_fit(draft)
    slack = np.array([draft.width - factor * (x1 - x0), draft.height - factor * (y1 - y0)]) / 2
    left, top = draft.rng.uniform(-0.8, 0.8, 2) * slack
    for row, placed in enumerate(draft.lines):
        x, y = (placed.x - (x0 + x1) / 2) * factor + left, (placed.y - (y0 + y1) / 2) * factor + top
        draft.lines[row] = replace(placed, line=placed.line.scaled(factor), x=float(x), y=float(y))
