"""Clutter keeps clear of the digits and has no labels."""

import cv2
import numpy as np
import pytest

from digitdet.common.boxes import intersection
from digitdet.configs.look import LookConfig
from digitdet.synth.digits.fonts import FontGlyphs, load_fonts
from digitdet.synth.digits.glyphs import NO_DIGIT, StyledGlyphs
from digitdet.synth.digits.pen import Hand
from digitdet.synth.pages.clutter import CLUTTER, add_clutter, taken_boxes
from digitdet.synth.pages.lines import LineWriter
from digitdet.synth.pages.page_draft import PageDraft

SIDE = 300
# Kinds that may touch digits: thin lines behind them, and frames around them.
CROSSING = {"rules", "fillers", "frames"}


@pytest.fixture(scope="module")
def make_draft(few_fonts):
    typeface, with_signs = load_fonts([few_fonts / "cmss10.ttf", few_fonts / "DejaVuSans.ttf"])[0]

    def make(seed, clutter=None, written=True):
        look = LookConfig(clutter=clutter or {}, slant=(0, 0))
        numbers = LineWriter(look, typeface, typeface)
        words = LineWriter(look, (typeface, StyledGlyphs(Hand))[seed % 2], StyledGlyphs(Hand))
        signs = LineWriter(look, FontGlyphs([typeface, with_signs]), StyledGlyphs(Hand))
        draft = PageDraft(np.random.default_rng(seed), look, numbers, words, signs, SIDE, SIDE, light=seed % 3 > 0)
        if written:
            draft.put(draft.write("407", 40.0, np.inf), -60.0, -50.0)
            draft.put(draft.write("12", 25.0, np.inf), 70.0, 60.0)
        return draft

    return make


def drawn(shapes):
    """Mask (SIDE, SIDE) of the pixels that shapes cover."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for shape in shapes:
        points = [np.round((shape.points + SIDE / 2) * 16).astype(np.int32)]
        if shape.thickness:
            cv2.polylines(mask, points, shape.closed, 1, max(round(shape.thickness), 1), shift=4)
        else:
            cv2.fillPoly(mask, points, 1, shift=4)
    return mask > 0


@pytest.mark.parametrize("name", CLUTTER)
def test_clutter_keeps_clear_of_digits(name, make_draft):
    added = 0
    for seed in range(30):
        draft = make_draft(seed)
        taken = taken_boxes(draft)
        CLUTTER[name](draft)
        added += len(draft.shapes) + len(draft.lines) - len(taken)
        assert intersection(taken_boxes(draft)[len(taken) :], taken).sum() == 0
        if name not in CROSSING:
            mask = drawn(draft.shapes)
            for x0, y0, x1, y1 in np.round(taken + SIDE / 2).astype(int):
                assert not mask[y0:y1, x0:x1].any()
    assert added > 5


@pytest.mark.parametrize("name", sorted(CROSSING))
def test_shapes_that_cross_digits_are_thin(name, make_draft):
    for seed in range(40):
        draft = make_draft(seed)
        CLUTTER[name](draft)
        assert all(0 < shape.thickness <= 0.1 * 40 for shape in draft.shapes)


@pytest.mark.parametrize("name", CLUTTER)
def test_clutter_has_no_labels(name, make_draft):
    for seed in range(20):
        draft = make_draft(seed, written=False)
        CLUTTER[name](draft)
        assert all(not placed.line.numbers for placed in draft.lines)
        assert all(glyph.glyph.label == NO_DIGIT for placed in draft.lines for glyph in placed.line.glyphs)
        for shape in draft.shapes:
            assert shape.points.ndim == 2
            assert shape.points.shape[1] == 2
            assert np.isfinite(shape.points).all()
            assert 0 < shape.alpha <= 1
            assert shape.thickness >= 0
            assert shape.colour.shape == (3,)


@pytest.mark.parametrize("name", sorted(set(CLUTTER) - {"fillers"}))  # fillers need a number
def test_empty_pages_get_clutter(name, make_draft):
    added = 0
    for seed in range(20):
        draft = make_draft(seed, written=False)
        CLUTTER[name](draft)
        added += len(draft.shapes) + len(draft.lines)
    assert added > 5


@pytest.mark.parametrize("name", sorted(set(CLUTTER) - {"struck_out"}))  # see test_pen_clutter.py
def test_clutter_is_deterministic_and_does_not_change_numbers(name, make_draft):
    first, second = make_draft(8), make_draft(8)
    before = list(first.lines)
    for draft in (first, second):
        CLUTTER[name](draft)
    assert first.lines[: len(before)] == before
    assert all(np.array_equal(a.points, b.points) for a, b in zip(first.shapes, second.shapes, strict=True))
    assert [(w.x, w.y) for w in first.lines] == [(w.x, w.y) for w in second.lines]


def test_kinds_are_added_by_their_share(make_draft):
    bare, full = make_draft(0, {"rules": 0.0, "rings": 0.0}), make_draft(0, {"rules": 1.0})
    for draft in (bare, full):
        add_clutter(draft)
    assert bare.shapes == []
    assert len(full.shapes) > 0
    half = 0
    for seed in range(200):
        draft = make_draft(seed, {"rules": 0.5})
        add_clutter(draft)
        half += bool(draft.shapes)
    assert 70 < half < 130


def test_taken_boxes_of_an_empty_page(make_draft):
    assert taken_boxes(make_draft(0, written=False)).shape == (0, 4)
