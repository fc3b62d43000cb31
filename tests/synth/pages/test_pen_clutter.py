"""Struck-out numbers and pen marks are other characters, clear of the valid numbers, by the pen of the numbers."""

import numpy as np
import pytest

from digitdet.common.boxes import intersection
from digitdet.common.characters import OTHER, OTHER_SIGN, class_of
from digitdet.common.types import CLASS_NAMES
from digitdet.configs.look import LookConfig
from digitdet.synth.digits.drawing import GlyphStyle
from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph, StyledGlyphs
from digitdet.synth.digits.pen import Hand
from digitdet.synth.pages.clutter import CLUTTER, taken_boxes
from digitdet.synth.pages.lines import Line, LineGlyph, LineWriter
from digitdet.synth.pages.page_draft import PageDraft
from digitdet.synth.pages.pen_clutter import mistaken
from digitdet.synth.pages.strikes import KINDS, number_box, pen_width, sample_kind, strike_out

HANDWRITTEN = {"sources": {"pen": 1.0}, "canvas_sizes": ((320, 320),), "digit_height": (14, 60)}


def write(draft, *texts):
    """Write texts one below the other."""
    for row, text in enumerate(texts):
        draft.put_left(draft.write(text, 24.0, np.inf), -100.0, 70.0 * row - 90.0)
    return draft


def make_draft(seed, size=(320.0, 320.0), words_only=False):
    rng, look = np.random.default_rng(seed), LookConfig(digit_height=(10, 200))
    pens = StyledGlyphs(Hand)
    writers = [LineWriter(look, pens.choose(rng), pens) for _ in range(3)]
    return PageDraft(rng, look, *writers, *size, light=True, words_only=words_only)


def text_of(placed):
    return "".join(glyph.character for glyph in placed.line.glyphs)


def numbers_of(draft):
    return [[p.line.glyphs[row].character for row in rows] for p in draft.lines for rows in p.line.numbers]


@pytest.mark.parametrize("text", ["7", "11", "4096", "12.50", "3 81 6"])
def test_struck_digits_are_other_characters_crossed_from_end_to_end(text):
    for seed in range(25):
        rng = np.random.default_rng(seed)
        line = make_draft(seed).write(text, 40.0, np.inf)
        rows = line.numbers[-1]
        struck = strike_out(rng, line, rows)
        assert [struck.glyphs[row].character for row in rows] == [OTHER_SIGN] * len(rows)
        assert all(struck.glyphs[row].glyph.label == NO_DIGIT for row in rows)
        assert struck.numbers == line.numbers[:-1]
        assert struck.glyphs[: rows[0]] == line.glyphs[: rows[0]]
        strokes = range(len(line.glyphs), len(struck.glyphs))
        assert all(struck.glyphs[row].character == "" for row in strokes)
        x0, y0, x1, y1 = number_box(line, rows)
        left, top, right, bottom = number_box(struck, strokes)
        assert min(right, x1) - max(left, x0) > 0.75 * (x1 - x0)
        assert top < y1 - 0.25 * (y1 - y0)
        assert bottom > y0 + 0.25 * (y1 - y0)
        assert left > x0 - 0.6 * 40
        assert right < x1 + 0.6 * 40


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        ("7", {"one line", "diagonal", "slashes"}),
        ("7.", {"one line", "diagonal", "slashes"}),
        ("1-", {"one line", "diagonal", "slashes"}),
        ("12.", {"slashes"}),
        ("4096", set()),
    ],
)
def test_a_strike_is_no_bar_of_a_digit(text, excluded):
    seen = set()
    for seed in range(100):
        line = make_draft(seed).write(text, 40.0, np.inf)
        boxes = np.array([number_box(line, [row]) for row in range(len(text))]) / 40
        seen.add(sample_kind(np.random.default_rng(seed), boxes))
    assert not seen & excluded
    assert {"two lines", "cross", "zigzag", "loops"} <= seen
    assert excluded or seen == set(KINDS)


def test_the_strike_is_as_wide_as_the_strokes_of_the_number():
    widths = []
    for factor in (1.0, 2.0):
        bar = np.zeros((100, 30), np.float32)
        bar[:, 12 : 12 + int(6 * factor)] = 1
        line = Line(50.0, [LineGlyph(Glyph(bar, label=1), GlyphStyle(50.0, 1.0, 0.0, 0.0, 0.5), 0.0, 0.0)], [[0]])
        widths.append(pen_width(line, [0]))
    np.testing.assert_allclose(widths, [0.06, 0.12], rtol=0.2)


def test_a_line_without_a_number_is_not_struck():
    line = make_draft(0).write("", 40.0, np.inf)
    assert strike_out(np.random.default_rng(0), line, []) is line


def test_struck_numbers_leave_a_valid_one_and_corrections_are_clear_of_them():
    struck = corrected = beside = 0
    for seed in range(60):
        draft = write(make_draft(seed), "31.", "407 12", "5")
        CLUTTER["struck_out"](draft)
        texts = [text_of(placed) for placed in draft.lines]
        assert any(OTHER_SIGN in text for text in texts)
        assert numbers_of(draft)
        assert all(placed.same_pen for placed in draft.lines[3:])
        assert intersection(taken_boxes(draft)[3:], taken_boxes(draft)[:3]).sum() == 0
        struck += any(OTHER_SIGN in text for text in texts[:3])
        corrected += len(texts) > 3 and any(character in CLASS_NAMES for character in texts[3])
        beside += len(texts) > 3 and OTHER_SIGN in texts[3]
    assert min(struck, corrected, beside) > 5


def test_a_number_that_fills_the_page_gets_a_smaller_one_beside_it():
    added = 0
    for seed in range(20):
        draft = make_draft(seed, (300.0, 110.0))
        draft.put(draft.write("4711", 90.0, np.inf), 0.0, 0.0)
        CLUTTER["struck_out"](draft)
        assert len(numbers_of(draft)) == 1
        if len(draft.lines) == 2:
            added += 1
            (x0, y0, x1, y1), reach = draft.extent(), 0.3 * draft.lines[0].line.height  # of a strike
            assert max(-x0, x1) <= 150 + reach
            assert max(-y0, y1) <= 55 + reach
    assert added > 10


@pytest.mark.parametrize("text", ["7", "12.50", "4711"])
def test_another_number_was_written(text):
    others = [mistaken(make_draft(seed), text) for seed in range(150)]
    assert text not in others
    same_length = [other for other in others if len(other) == len(text)]
    alike = [sum(a != b for a, b in zip(other, text, strict=True)) == 1 for other in same_length]
    assert sum(alike) > 60


def test_corrections_are_not_smaller_than_the_smallest_digits():
    look = LookConfig(digit_height=(40, 90))
    added = 0
    for seed in range(60):
        draft = make_draft(seed, (320.0, 120.0))
        draft.look = look
        draft.put(draft.write("4711", 45.0, np.inf), 0.0, 0.0)
        CLUTTER["struck_out"](draft)
        added += len(draft.lines) == 2
        assert min(placed.line.height for placed in draft.lines) >= 40
    assert added > 10


def test_a_correction_is_as_dark_as_the_number():
    for seed in range(20):
        draft = make_draft(seed)
        draft.put(draft.write("4711", 30.0, np.inf), 0.0, 0.0, dark=True)
        CLUTTER["struck_out"](draft)
        assert all(placed.dark for placed in draft.lines)


@pytest.mark.parametrize("texts", [("31.",), ("31.", "407 12", "5")])
def test_marks_stand_near_a_number(texts):
    counts = set()
    for seed in range(60):
        draft = write(make_draft(seed), *texts)
        before = list(draft.lines)
        CLUTTER["pen_marks"](draft)
        assert draft.lines[: len(before)] == before
        boxes = taken_boxes(draft)[: len(before)]
        for placed in draft.lines[len(before) :]:
            (mark,) = placed.line.glyphs
            assert placed.same_pen
            assert class_of(mark.character) == OTHER
            assert 0.45 * 24 <= placed.line.size.max() <= 1.05 * 24
            x0, y0, x1, y1 = placed.box
            apart = np.maximum(np.maximum(boxes[:, 0] - x1, x0 - boxes[:, 2]), 0)
            down = np.maximum(np.maximum(boxes[:, 1] - y1, y0 - boxes[:, 3]), 0)
            assert 0.1 * 24 < np.hypot(apart, down).min() < 2 * 24
        counts.add(len(draft.lines) - len(before))
    assert 1 in counts
    assert len(texts) == 1 or max(counts) > 1


def test_pages_of_words_get_no_number():
    for seed in range(30):
        draft = write(make_draft(seed, words_only=True), "oil", "tea")
        CLUTTER["struck_out"](draft)
        CLUTTER["pen_marks"](draft)
        assert numbers_of(draft) == []
        assert all(glyph.glyph.label == NO_DIGIT for placed in draft.lines for glyph in placed.line.glyphs)


@pytest.mark.parametrize("name", ["struck_out", "pen_marks"])
def test_the_same_seed_adds_the_same(name):
    first, second = (write(make_draft(3), "31", "407") for _ in range(2))
    for draft in (first, second):
        CLUTTER[name](draft)
    for a, b in zip(first.lines, second.lines, strict=True):
        assert (a.x, a.y, text_of(a)) == (b.x, b.y, text_of(b))
        assert all(np.array_equal(g.glyph.ink, h.glyph.ink) for g, h in zip(a.line.glyphs, b.line.glyphs, strict=True))


@pytest.mark.parametrize("layout", ["register", "list", "table", "form", "page", "single"])
def test_truth_of_struck_numbers(make_composer, layout):
    composer = make_composer(**HANDWRITTEN, layouts={layout: 1.0}, clutter={"struck_out": 1.0})
    found = 0
    for seed in range(12):
        scene = composer.compose(np.random.default_rng(seed))
        boxes = [box for line in scene.lines for box in line.boxes]
        characters = "".join(line.text for line in scene.lines).replace(" ", "")
        struck = {box for box, character in zip(boxes, characters, strict=True) if character == OTHER_SIGN}
        assert not struck & {tuple(box) for box in scene.boxes.tolist()}
        for line in scene.lines:
            assert all(OTHER_SIGN not in line.text[start:stop] for start, stop in line.numbers)
        # Digits that belong to a number are those with a box; so no struck digit is among them.
        inside = sum(sum(c in CLASS_NAMES for c in line.text[a:b]) for line in scene.lines for a, b in line.numbers)
        assert inside == len(scene.boxes)
        found += bool(struck)
    assert found >= 6


def test_truth_of_marks(make_composer):
    composer = make_composer(**HANDWRITTEN, layouts={"register": 1.0}, clutter={"pen_marks": 1.0})
    found = 0
    for seed in range(12):
        scene = composer.compose(np.random.default_rng(seed))
        marks = [line for line in scene.lines if len(line.text) == 1 and class_of(line.text) == OTHER]
        assert all(line.numbers == () for line in marks)
        found += bool(marks)
    assert found >= 6
