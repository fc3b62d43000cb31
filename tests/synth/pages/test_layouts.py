"""How numbers stand on a page: every layout, and the bodies of plates, counters and displays."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.configs.look import LookConfig
from digitdet.synth.digits.fonts import load_fonts
from digitdet.synth.digits.glyphs import NO_DIGIT, ImageGlyphs
from digitdet.synth.digits.pen import PenGlyphs
from digitdet.synth.pages.devices import LAYOUTS
from digitdet.synth.pages.lines import LineWriter
from digitdet.synth.pages.page_draft import MARGIN, PageDraft

SIZES = st.sampled_from([(320.0, 320.0), (320.0, 96.0), (200.0, 310.0), (60.0, 40.0)])
SEEDS = st.integers(0, 2**32 - 1)
# Which lines a layout puts below one another, from the top; a form's boxes are one line each.
ORDERED = ["page", "single", "list", "table", "form", "grid", "register", "plate", "counter", "display"]


@pytest.fixture(scope="module")
def sources(digits, few_fonts):
    return {"hand": ImageGlyphs(digits), "type": load_fonts([few_fonts / "cmss10.ttf"]).typefaces[0]}


@pytest.fixture(scope="module")
def make_draft(sources):
    def make(seed, source="type", size=(320.0, 320.0), **look):
        settings_ = LookConfig(**{"slant": (0, 0), "digit_height": (10, 150), **look})
        numbers = LineWriter(settings_, sources[source], sources["type"])
        words = LineWriter(settings_, sources["type"], PenGlyphs())
        return PageDraft(np.random.default_rng(seed), settings_, numbers, words, words, *size, light=bool(seed % 2))

    return make


def placed(draft):
    """Everything written: the glyph on its line, and its x, y on the page."""
    return [(g, w.x + g.x, w.y + g.y, w) for w in draft.lines for g in w.line.glyphs]


def test_every_layout_is_known_here():
    assert set(ORDERED) == set(LAYOUTS)


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, source=st.sampled_from(["hand", "type"]), size=SIZES)
def test_layouts_write_numbers_in_reading_order_on_the_sheet(name, make_draft, seed, source, size):
    draft = make_draft(seed, source, size, texts={"digits": 2, "amount": 1, "labelled": 1}, margin=(0.0, 0.3))
    LAYOUTS[name](draft)
    for glyph, x, y, _ in placed(draft):
        if glyph.glyph.label != NO_DIGIT:
            assert abs(x) <= size[0] * 0.6
            assert abs(y) <= size[1] * 0.6
    middles = []
    for writing in draft.lines:
        line = writing.line
        rows = [row for number in line.numbers for row in number]
        assert all(number for number in line.numbers)
        assert sorted(rows) == [row for row, g in enumerate(line.glyphs) if g.glyph.label != NO_DIGIT]
        for number in line.numbers:
            x = np.array([line.glyphs[row].x for row in number])
            y = np.array([line.glyphs[row].y for row in number])
            # Left to right; a form's digits are lines of their own.
            assert (np.diff(x) > 0).all()
            assert name == "counter" or np.ptp(y) < 0.8 * line.height
            middles.append((writing.y + y.mean(), line.height))
    for (above, height), (below, _) in pairwise(middles):
        assert below > above - 0.8 * height


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_write_something(name, make_draft):
    written = 0
    for seed in range(20):
        draft = make_draft(seed)
        LAYOUTS[name](draft)
        written += any(w.line.numbers for w in draft.lines)
    assert written >= 15  # a table may hold words alone


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_are_deterministic(name, make_draft):
    first, second = make_draft(5), make_draft(5)
    for draft in (first, second):
        LAYOUTS[name](draft)
    assert [(x, y) for _, x, y, _ in placed(first)] == [(x, y) for _, x, y, _ in placed(second)]
    assert all(np.array_equal(a.points, b.points) for a, b in zip(first.shapes, second.shapes, strict=True))


@pytest.mark.parametrize("size", [(320.0, 320.0), (320.0, 96.0)])
def test_the_lines_of_a_page_do_not_meet(make_draft, size):
    counts = set()
    for seed in range(30):
        draft = make_draft(seed, "hand", size, lines=(1, 6), numbers_per_line=(1, 3))
        LAYOUTS["page"](draft)
        boxes = np.array([w.line.box + [w.x, w.y, w.x, w.y] for w in draft.lines])
        assert boxes[:, 0].min() >= -size[0] / 2 + MARGIN - 1
        assert boxes[:, 2].max() <= size[0] / 2 - MARGIN + 1
        assert boxes[:, 1].min() >= -size[1] / 2 - 1
        assert boxes[:, 3].max() <= size[1] / 2 + 1
        assert (boxes[1:, 1] > boxes[:-1, 3] - 1).all()
        counts.add(len(boxes))
    assert len(counts) > (2 if size[1] > 100 else 1)


@pytest.mark.parametrize(("margin", "inside"), [((0.1, 0.4), True), ((-0.3, -0.2), False)])
def test_a_single_number_fills_the_sheet_and_negative_margins_cut_it(make_draft, margin, inside):
    for seed in range(20):
        draft = make_draft(seed, margin=margin, digit_height=(10, 4000), texts={"digits": 1}, digits_per_number=(2, 4))
        LAYOUTS["single"](draft)
        writing = draft.lines[0]
        box = writing.line.box + [writing.x, writing.y, writing.x, writing.y]
        is_inside = bool((box[:2] >= (-160, -160)).all() and (box[2:] <= (160, 160)).all())
        assert is_inside == inside
        margins = 2 * margin[1] * writing.line.height
        assert (box[2:] - box[:2] + margins >= 318).any()


def test_grid_cells_are_numbers_of_their_own(make_draft):
    for seed in range(10):
        draft = make_draft(seed)
        LAYOUTS["grid"](draft)
        assert all(list(map(len, w.line.numbers)) == [1] for w in draft.lines)
        assert all(g.glyph.label != 0 for g, *_ in placed(draft))


def test_the_boxes_of_a_form_hold_one_digit_each(make_draft):
    parted = 0
    for seed in range(30):
        draft = make_draft(seed, digits_per_number=(4, 8))
        LAYOUTS["form"](draft)
        for writing in draft.lines:
            x = np.array([glyph.x for glyph in writing.line.glyphs])
            steps = np.diff(x)
            if not len(steps):
                continue
            # An empty box parts a number.
            wide = steps > 1.5 * np.median(steps)
            parted += int(wide.sum())
            assert len(writing.line.numbers) >= 1 + wide.sum()
            assert all((np.diff(x[number]) < 1.5 * np.median(steps)).all() for number in writing.line.numbers)
    assert parted > 3


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, source=st.sampled_from(["hand", "type"]))
def test_drums_show_one_labelled_digit_each(make_draft, seed, source):
    draft = make_draft(seed, source, (320.0, 160.0), digits_per_number=(4, 8))
    LAYOUTS["counter"](draft)
    counter = next(w for w in draft.lines if w.line.numbers)
    (number,) = counter.line.numbers
    drums = defaultdict(list)
    for row, glyph in enumerate(counter.line.glyphs):
        assert glyph.clip is not None
        drums[glyph.clip].append(row)
    assert 4 <= len(drums) <= 8
    assert [clip for row in number for clip in [counter.line.glyphs[row].clip]] == sorted(drums)
    for clip, rows in drums.items():
        middle = (clip[1] + clip[3]) / 2
        labelled = [row for row in rows if row in number]
        assert len(labelled) == 1
        distances = {row: abs(counter.line.glyphs[row].y - middle) for row in rows}
        # Of two digits on their way, the label is that of the one that is seen more of.
        assert min(distances, key=distances.get) == labelled[0]
        x = [counter.line.glyphs[row].x for row in rows]
        assert min(x) > clip[0]
        assert max(x) < clip[2]


def test_drums_stand_between_two_digits_now_and_then(make_draft):
    turned, drums = 0, 0
    for seed in range(40):
        draft = make_draft(seed, size=(320.0, 160.0))
        LAYOUTS["counter"](draft)
        line = next(w.line for w in draft.lines if w.line.numbers)
        for row in line.numbers[0]:
            glyph = line.glyphs[row]
            middle, tall = (glyph.clip[1] + glyph.clip[3]) / 2, glyph.clip[3] - glyph.clip[1]
            turned += abs(glyph.y - middle) > 0.15 * tall
            drums += 1
    assert 0.03 < turned / drums < 0.4


@pytest.mark.parametrize("name", ["plate", "display"])
def test_numbers_stand_on_their_body(make_draft, name):
    """With a margin, a plate's number lies within the plate, and a display's within its bezel."""
    checked = 0
    for seed in range(30):
        draft = make_draft(seed, margin=(0.05, 0.2), texts={"digits": 1}, digits_per_number=(2, 4))
        LAYOUTS[name](draft)
        filled = [shape.points for shape in draft.shapes if shape.thickness == 0 and len(shape.points) > 8]
        if not filled:
            continue
        low, high = min(p.min(axis=0).tolist() for p in filled), max(p.max(axis=0).tolist() for p in filled)
        for writing in draft.lines:
            if writing.line.numbers:
                box = writing.line.box + [writing.x, writing.y, writing.x, writing.y]
                assert (box[:2] >= np.array(low) - 1).all()
                assert (box[2:] <= np.array(high) + 1).all()
                assert writing.dark is not None
                checked += 1
    assert checked > 15
