import dataclasses
from itertools import combinations

import numpy as np
import pytest

from digitdet.synth.digits.displays import SegmentDisplay, sample_segment_display, sample_segment_style
from digitdet.synth.digits.dot_matrix import DotDisplay, sample_dot_display, sample_dot_style
from digitdet.synth.digits.drawing import render_glyph
from digitdet.synth.digits.glyphs import NO_DIGIT, StyledGlyphs

SOURCES = [StyledGlyphs(sample_segment_display), StyledGlyphs(sample_dot_display)]
# Whether each of the segments a to g is lit, from 0 to 9.
LIT = ["1111110", "0110000", "1101101", "1111001", "0110011", "1011011", "1011111", "1110000", "1111111", "1111011"]


def plain_style(shape="mitre", **changes):
    style = sample_segment_style(np.random.default_rng(0), printed=False)
    plain = {"width": 0.55, "thickness": 0.1, "gap": 0.02, "roundness": 0.0, "outline": 0.0, "bend": 0.05}
    plain |= {"slant": 0.0, "spacing": 0.2, "proportional": False, "printed": False, "uneven": 0.0}
    digits = tuple("".join(name for name, on in zip("abcdefg", lit, strict=True) if on == "1") for lit in LIT)
    return dataclasses.replace(style, shape=shape, digits=digits, **(plain | changes))


@pytest.mark.parametrize("source", SOURCES)
def test_glyphs_are_well_formed(source):
    rng = np.random.default_rng(1)
    for _ in range(40):
        display = source.choose(rng)
        for digit in range(10):
            glyph = display.sample(rng, digit)
            assert glyph.label == digit
            assert (glyph.top, glyph.bottom) == (1.0, 0.0)
            assert glyph.ink.dtype == np.float32
            assert glyph.ink.min() >= 0
            assert 0.55 < glyph.ink.max() <= 1  # a faint segment is legible
            assert 55 <= glyph.ink.shape[0] <= 70
            assert glyph.advance > 0.1
            if glyph.faint is not None:
                assert glyph.faint.shape == glyph.ink.shape
                assert glyph.faint.dtype == np.float32


@pytest.mark.parametrize("source", SOURCES)
def test_same_seed_same_glyphs(source):
    first, second = (np.random.default_rng(5) for _ in range(2))
    a, b = source.choose(first), source.choose(second)
    for digit in range(10):
        assert np.array_equal(a.sample(first, digit).ink, b.sample(second, digit).ink)
    assert source.sample(first, 3).ink.tobytes() == source.sample(second, 3).ink.tobytes()


@pytest.mark.parametrize("shape", ["mitre", "hexagon", "bar", "bent", "lens"])
@pytest.mark.parametrize("digit", range(10))
def test_the_right_segments_are_lit(shape, digit):
    glyph = SegmentDisplay(plain_style(shape)).sample(np.random.default_rng(0), digit)
    rows, columns = glyph.ink.shape
    # The middle of each segment, relative to the cell.
    centres = [(0.5, 0.05), (0.9, 0.29), (0.9, 0.71), (0.5, 0.95), (0.1, 0.71), (0.1, 0.29), (0.5, 0.5)]
    places = [(int(y * rows), int(x * columns)) for x, y in centres]
    assert "".join("1" if glyph.ink[place] > 0.5 else "0" for place in places) == LIT[digit]
    assert "".join("0" if glyph.faint[place] > 0.5 else "1" for place in places) == LIT[digit]


def test_one_is_as_wide_as_other_digits():
    display, rng = SegmentDisplay(plain_style()), np.random.default_rng(0)
    one, eight = display.sample(rng, 1), display.sample(rng, 8)
    assert one.advance == eight.advance == pytest.approx(0.75)
    assert one.ink.shape == eight.ink.shape
    assert not one.ink[:, : one.ink.shape[1] // 2].any()


def test_proportional_one_is_narrow():
    display, rng = SegmentDisplay(plain_style(proportional=True, printed=True)), np.random.default_rng(0)
    one, eight = display.sample(rng, 1), display.sample(rng, 8)
    assert one.advance < 0.5 * eight.advance
    assert one.ink[:, 0].max() > 0.05


def test_uneven_display_stays_legible():
    display = SegmentDisplay(plain_style(uneven=0.4))
    ink = display.sample(np.random.default_rng(3), 8).ink
    assert len(np.unique(ink[ink > 0.5].round(3))) > 3
    assert ink[32, ink.shape[1] // 2] >= 0.6


def test_printed_displays_have_no_unlit_segments():
    rng = np.random.default_rng(2)
    for display, sample_style in ((SegmentDisplay, sample_segment_style), (DotDisplay, sample_dot_style)):
        assert display(sample_style(rng, printed=True)).sample(rng, 1).faint is None
        assert display(sample_style(rng, printed=False)).sample(rng, 1).faint.max() == pytest.approx(1)


@pytest.mark.parametrize("slant", [0.0, 10.0])
def test_segment_marks(slant):
    rng = np.random.default_rng(0)
    for _ in range(20):
        display = SegmentDisplay(dataclasses.replace(sample_segment_style(rng, False), slant=slant))
        marks = {character: display.mark(rng, character) for character in ".,:-"}
        assert all(mark.label == NO_DIGIT and mark.ink.max() > 0.5 and mark.advance >= 0 for mark in marks.values())
        height = display.style.point_height
        assert marks["."].bottom == height and marks["."].top < height + 0.3
        assert marks[","].bottom < -0.05 and marks[","].top < 0.3
        assert 0.6 < marks[":"].top < 0.9
        assert marks["-"].advance == pytest.approx(display.sample(rng, 8).advance)
        assert display.mark(rng, "A") is None


@pytest.mark.parametrize("slant", [0.0, 12.0])
@pytest.mark.parametrize("spacing", [0.12, 0.3])
def test_points_stand_between_two_cells(slant, spacing):
    rng = np.random.default_rng(0)
    display = SegmentDisplay(plain_style(slant=slant, spacing=spacing, point_height=0.0))
    digit, point = display.sample(rng, 8), display.mark(rng, ".")
    height = len(digit.ink)
    bottom = digit.ink[-height // 20 :]
    end = digit.left + np.flatnonzero(bottom.max(axis=0) > 0.5)[-1] / height  # of the bottom segment
    start = digit.advance + point.left
    width = point.ink.shape[1] / len(point.ink) * (point.top - point.bottom)
    next_cell = digit.advance + point.advance + digit.left
    assert end < start
    assert start + width < next_cell + 0.01
    assert point.advance == pytest.approx(0 if spacing > 0.2 else 0.05, abs=0.05)


@pytest.mark.parametrize("shape", ["mitre", "hexagon", "bar", "bent"])
@pytest.mark.parametrize("slant", [0.0, 12.0])
def test_thinnest_digits_are_distinct(shape, slant):
    """Even where one is drawn half as high as its glyph."""
    rng = np.random.default_rng(0)
    display = SegmentDisplay(plain_style(shape, thickness=0.03, gap=0.02, slant=slant))
    for scale in (1.0, 0.5):
        drawn = []
        for digit in range(10):
            glyph = display.sample(rng, digit)
            height, width = glyph.ink.shape
            patch = render_glyph(glyph.ink, np.eye(2) * scale, (width * scale / 2, height * scale / 2), 0.45)
            drawn.append(patch.alpha > 0.3)
        for first, second in combinations(drawn, 2):
            assert (first ^ second).sum() >= 0.08 * max(first.sum(), second.sum())


def test_thin_and_thick_displays_are_drawn():
    rng = np.random.default_rng(0)
    thickness = np.array([sample_segment_style(rng, printed=False).thickness for _ in range(400)])
    assert 0.03 <= thickness.min() < 0.035
    assert 0.15 < thickness.max() < 0.19
    assert 0.2 < (thickness < 0.06).mean() < 0.5
    assert min(sample_segment_style(rng, printed=True).thickness for _ in range(200)) > 0.055


def test_dot_matrix_marks():
    rng = np.random.default_rng(0)
    display = DotDisplay(sample_dot_style(rng, printed=False))
    inks = [display.mark(rng, character).ink for character in "ABCDEFGHIJKLMNOPQRSTUVWXYZ.,:-%/"]
    assert all(ink.max() > 0.5 for ink in inks)
    assert len({(ink.shape, (ink > 0.3).tobytes()) for ink in inks}) == len(inks)
    assert display.mark(rng, "a") is None
    assert display.mark(rng, "5") is None


def test_dots_follow_the_pattern():
    style = dataclasses.replace(
        sample_dot_style(np.random.default_rng(0), printed=False),
        column_pitch=9,
        dot=6.0,
        bold=False,
        uneven=0.0,
        alternatives=frozenset(),
    )
    glyph = DotDisplay(style).sample(np.random.default_rng(0), 7)
    assert (glyph.ink[3::9, 3::9] > 0.5).astype(int).tolist() == [
        [1, 1, 1, 1, 1],
        [0, 0, 0, 0, 1],
        [0, 0, 0, 1, 0],
        [0, 0, 1, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 1, 0, 0, 0],
    ]
    assert np.array_equal(glyph.faint[3::9, 3::9] > 0.5, glyph.ink[3::9, 3::9] <= 0.5)
    assert not glyph.ink[:, 7:9].any()  # empty between two columns of dots
