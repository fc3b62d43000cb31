"""Layouts: positions and order of the numbers, and the bodies of plates, counters and displays."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.configs.look import LookConfig
from digitdet.synth.digits.fonts import load_fonts
from digitdet.synth.digits.glyphs import NO_DIGIT, ImageGlyphs, StyledGlyphs
from digitdet.synth.digits.pen import Hand
from digitdet.synth.pages import counters, devices, displays, price_tags  # noqa: F401  (they add their layouts to the table)
from digitdet.synth.pages.layouts import LAYOUTS
from digitdet.synth.pages.lines import LineWriter
from digitdet.synth.pages.page_draft import MARGIN, PageDraft

SIZES = st.sampled_from([(320.0, 320.0), (320.0, 96.0), (200.0, 310.0), (60.0, 40.0)])
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def sources(digits, few_fonts):
    return {"hand": ImageGlyphs(digits), "type": load_fonts([few_fonts / "cmss10.ttf"])[0][0]}


@pytest.fixture(scope="module")
def make_draft(sources):
    def make(seed, source="type", size=(320.0, 320.0), **look):
        settings_ = LookConfig(**{"slant": (0, 0), "digit_height": (10, 150), **look})
        numbers = LineWriter(settings_, sources[source], sources["type"])
        words = LineWriter(settings_, sources["type"], StyledGlyphs(Hand))
        return PageDraft(np.random.default_rng(seed), settings_, numbers, words, words, *size, light=bool(seed % 2))

    return make


def placed_glyphs(draft):
    """Each glyph with its x, y on the page and its line."""
    return [(g, placed.x + g.x, placed.y + g.y, placed) for placed in draft.lines for g in placed.line.glyphs]


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=12, deadline=None)
@given(seed=SEEDS, source=st.sampled_from(["hand", "type"]), size=SIZES)
def test_layouts_write_numbers_in_reading_order_on_the_page(name, make_draft, seed, source, size):
    draft = make_draft(seed, source, size, texts={"digits": 2, "amount": 1, "labelled": 1}, margin=(0.0, 0.3))
    LAYOUTS[name](draft)
    for glyph, x, y, _ in placed_glyphs(draft):
        if glyph.glyph.label != NO_DIGIT:
            assert abs(x) <= size[0] * (1.2 if name == "counter" else 0.6)  # the border cuts drums
            assert abs(y) <= size[1] * 0.6
    middles = []
    for placed in draft.lines:
        line = placed.line
        rows = [row for number in line.numbers for row in number if line.glyphs[row].glyph.label != NO_DIGIT]
        assert all(number for number in line.numbers)
        assert sorted(rows) == [row for row, g in enumerate(line.glyphs) if g.glyph.label != NO_DIGIT]
        for number in line.numbers:
            x = np.array([line.glyphs[row].x for row in number])
            y = np.array([line.glyphs[row].y for row in number])
            if name == "stacked":  # top to bottom
                assert (np.diff(y) > 0.9 * line.height).all()
                assert np.ptp(x) < 1
                continue
            if name == "staggered":  # left to right, each step up or each down
                assert (np.diff(x) > 0.6 * line.height).all()
                assert (np.diff(y) > 0).all() or (np.diff(y) < 0).all()
                continue
            # Left to right.
            assert (np.diff(x) > 0).all()
            assert name in ("counter", "price_tag") or np.ptp(y) < 0.8 * line.height
            middles.append((placed.y + y.mean(), line.height))
    for (above, height), (below, other) in pairwise(middles):
        assert below > above - 0.8 * max(height, other)  # small digits may stand at the foot of large ones


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_write_something(name, make_draft):
    written = 0
    for seed in range(20):
        draft = make_draft(seed)
        LAYOUTS[name](draft)
        written += any(placed.line.numbers for placed in draft.lines)
    assert written >= 15  # a table may contain only words


@pytest.mark.parametrize("size", [(320.0, 320.0), (320.0, 96.0)])
def test_lines_of_a_page_do_not_touch(make_draft, size):
    counts = set()
    for seed in range(30):
        draft = make_draft(seed, "hand", size, lines=(1, 6), numbers_per_line=(1, 3))
        LAYOUTS["page"](draft)
        boxes = np.array([placed.box for placed in draft.lines])
        assert boxes[:, 0].min() >= -size[0] / 2 + MARGIN - 1
        assert boxes[:, 2].max() <= size[0] / 2 - MARGIN + 1
        assert boxes[:, 1].min() >= -size[1] / 2 - 1
        assert boxes[:, 3].max() <= size[1] / 2 + 1
        assert (boxes[1:, 1] > boxes[:-1, 3] - 1).all()
        counts.add(len(boxes))
    assert len(counts) > (2 if size[1] > 100 else 1)


@pytest.mark.parametrize(("margin", "inside"), [((0.1, 0.4), True), ((-0.3, -0.2), False)])
def test_single_number_fills_the_page_and_negative_margins_cut_it(make_draft, margin, inside):
    for seed in range(20):
        draft = make_draft(seed, margin=margin, digit_height=(10, 4000), texts={"digits": 1}, digits_per_number=(2, 4))
        LAYOUTS["single"](draft)
        placed = draft.lines[0]
        box = placed.box
        is_inside = bool((box[:2] >= (-160, -160)).all() and (box[2:] <= (160, 160)).all())
        assert is_inside == inside
        margins = 2 * margin[1] * placed.line.height
        assert (box[2:] - box[:2] + margins >= 318).any()


def test_grid_cells_are_separate_numbers(make_draft):
    for seed in range(10):
        draft = make_draft(seed)
        LAYOUTS["grid"](draft)
        assert all(list(map(len, placed.line.numbers)) == [1] for placed in draft.lines)
        assert all(g.glyph.label != 0 for g, *_ in placed_glyphs(draft))


def test_boxes_of_a_form_contain_one_digit_each(make_draft):
    separated = 0
    for seed in range(30):
        draft = make_draft(seed, digits_per_number=(4, 8))
        LAYOUTS["form"](draft)
        for placed in draft.lines:
            x = np.array([glyph.x for glyph in placed.line.glyphs])
            steps = np.diff(x)
            if not len(steps):
                continue
            # An empty box separates numbers.
            wide = steps > 1.5 * np.median(steps)
            separated += int(wide.sum())
            assert len(placed.line.numbers) >= 1 + wide.sum()
            assert all((np.diff(x[number]) < 1.5 * np.median(steps)).all() for number in placed.line.numbers)
    assert separated > 3


def test_boxes_of_a_form_can_be_apart_and_filled(make_draft):
    gaps, filled, rows = set(), 0, set()
    for seed in range(60):
        draft = make_draft(seed, digits_per_number=(4, 6))
        LAYOUTS["form"](draft)
        boxes = np.array(
            [np.concatenate([s.points.min(0), s.points.max(0)]) for s in draft.shapes if len(s.points) > 9]
        )
        if len(boxes) < 4:
            continue  # a comb
        boxes = np.unique(boxes.round(3), axis=0)
        first_row = boxes[boxes[:, 1] == boxes[0, 1]]
        gap = (first_row[1, 0] - first_row[0, 2]) / (first_row[0, 2] - first_row[0, 0])
        gaps.add(round(gap, 1))
        filled += any(shape.thickness == 0 for shape in draft.shapes)
        rows.add(len(draft.lines))
    assert {0.0} < gaps
    assert 0.4 < max(gaps) <= 0.9
    assert 5 < filled < 40
    assert rows == {1, 2, 3}


@pytest.mark.parametrize("name", ["stacked", "staggered"])
def test_digits_in_steps_are_one_number_on_the_page(make_draft, name):
    for seed in range(40):
        draft = make_draft(seed, size=(200.0, 310.0), digits_per_number=(1, 8), digit_height=(12, 150))
        LAYOUTS[name](draft)
        (placed,) = draft.lines
        (number,) = placed.line.numbers
        assert number == list(range(len(placed.line.glyphs)))
        assert len(number) >= 2
        assert not any(glyph.after_space for glyph in placed.line.glyphs)
        assert (placed.box[:2] >= (-101, -156)).all()
        assert (placed.box[2:] <= (101, 156)).all()
        if name == "stacked":
            boxes = [(placed.y + g.y - g.size[1] / 2, placed.y + g.y + g.size[1] / 2) for g in placed.line.glyphs]
            assert all(below[0] > above[1] for above, below in pairwise(boxes))


@pytest.mark.parametrize("name", ["plate", "display"])
def test_numbers_are_within_their_body(make_draft, name):
    """With a margin, the number of a plate is within the plate, and that of a display within its bezel."""
    checked = 0
    for seed in range(30):
        draft = make_draft(seed, margin=(0.05, 0.2), texts={"digits": 1}, digits_per_number=(2, 4))
        LAYOUTS[name](draft)
        filled = [shape.points for shape in draft.shapes if shape.thickness == 0 and len(shape.points) > 8]
        if not filled:
            continue
        low, high = min(p.min(axis=0).tolist() for p in filled), max(p.max(axis=0).tolist() for p in filled)
        for placed in draft.lines:
            if placed.line.numbers:
                box = placed.box
                assert (box[:2] >= np.array(low) - 1).all()
                assert (box[2:] <= np.array(high) + 1).all()
                assert placed.dark is not None
                checked += 1
    assert checked > 15
