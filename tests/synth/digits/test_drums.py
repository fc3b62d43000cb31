"""Glyphs from pictures of drums, and drums between two digits that are made from two glyphs."""

import numpy as np
import pytest

from digitdet.datasets.drums import load_drums, split_drums
from digitdet.synth.digits.drums import DrumGlyphs, colours_of, drum_between, recoloured
from digitdet.synth.digits.glyphs import VISIBLE_INK, Glyph, visible_rectangle


@pytest.fixture(scope="module")
def source(drum_folder):
    return DrumGlyphs(split_drums(load_drums(drum_folder))["train"])


def test_a_drum_that_stands_still_is_a_glyph_with_its_picture(source):
    for digit in range(10):
        rng = np.random.default_rng(digit)
        glyph = source.choose(rng).sample(rng, digit)
        assert glyph.label == digit
        assert glyph.ink.shape == (32, 20)
        assert glyph.picture.shape == (32, 20, 3)
        assert glyph.picture.dtype == np.uint8
        # The digit is 15 to 18 pixels high; the sliver of its neighbour in the window does not count.
        assert 14 <= visible_rectangle(glyph.ink)[3] <= 20
        # The picture is one cell of a counter: cells side by side touch.
        assert glyph.advance == pytest.approx((glyph.top - glyph.bottom) * 20 / 32)
        assert source.mark(rng, ".") is None


def test_a_drum_between_two_digits_is_one_glyph_with_the_ink_of_both(source):
    both = 0
    for digit in range(10):
        rng = np.random.default_rng(digit)
        glyph = source.choose(rng).sample_between(rng, digit)
        assert glyph.label == digit
        inked = np.flatnonzero((glyph.ink > VISIBLE_INK).any(axis=1))
        # The lower digit is cut by the window, and there is free space above it.
        both += inked[-1] == 31 and np.diff(inked).max() > 2
    assert both >= 7  # a tiny tip of the lower digit may be missing


def test_drums_of_one_counter_have_the_same_colours(source):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        counter = source.choose(rng)
        colours = np.array([colours_of(counter.sample(rng, digit)) for digit in (0, 3, 5, 7, 8)])
        assert np.ptp(colours, axis=0).max() < 25
    others = np.array([colours_of(source.choose(np.random.default_rng(seed)).sample(rng, 3)) for seed in range(9)])
    assert np.ptp(others, axis=0).max() > 60


def test_drums_are_deterministic(source):
    first, second = (source.choose(np.random.default_rng(5)).sample(np.random.default_rng(6), 4) for _ in range(2))
    assert np.array_equal(first.ink, second.ink)
    assert np.array_equal(first.picture, second.picture)


def test_recoloured_drums_have_the_new_colours(source):
    rng = np.random.default_rng(0)
    glyph = source.sample(rng, 5)
    colours = np.array([[40, 30, 190], [240, 240, 240]], np.float32)
    assert np.abs(colours_of(recoloured(glyph, colours)) - colours).max() < 20
    assert np.array_equal(recoloured(glyph, colours).ink, glyph.ink)
    plain = Glyph(glyph.ink, 5)
    assert recoloured(plain, colours) is plain


@pytest.mark.parametrize("turn", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("size", [1.0, 1.5])
def test_drum_between_shows_parts_of_both_digits(turn, size):
    upper, lower = Glyph(np.full((40, 20), 0.5, np.float32), 3), Glyph(np.ones((20, 12), np.float32), 4)
    glyph = drum_between(upper, lower, 3, turn, size, pitch=size)
    rows = round(40 * size)
    assert glyph.ink.shape == (rows, 24)
    assert glyph.top - glyph.bottom == pytest.approx(size)
    levels = glyph.ink[:, 12]
    free = (rows - 40) // 2
    shift = round(turn * rows)
    assert (levels == 0.5).sum() == 40 - max(shift - free, 0)
    assert (levels == 1.0).sum() == max(shift - free, 0)
    first = np.flatnonzero(levels == 0.5)
    assert first[0] == max(free - shift, 0)
    if (levels == 1.0).any():
        assert np.flatnonzero(levels == 1.0)[0] - first[-1] == rows - 40 + 1
