"""Glyphs cut from pictures, and how they are drawn on the canvas."""

import numpy as np
import pytest

from digitdet.common.errors import DataError
from digitdet.datasets.mnist import Digits
from digitdet.synth.digits.drawing import (
    GlyphStyle,
    InkPatch,
    extent,
    ink_points,
    render_glyph,
    style_matrix,
)
from digitdet.synth.digits.glyphs import VISIBLE_INK, Glyph, ImageGlyphs


def upright(height, stretch=1.0, slant=0.0, angle=0.0):
    return GlyphStyle(height, stretch, slant, angle, ink_threshold=0.5)


def test_glyph_is_cropped_to_its_ink(digits):
    source = ImageGlyphs(digits)
    for label in range(10):
        glyph = source.sample(np.random.default_rng(label), label)
        assert glyph.label == label
        assert glyph.ink.dtype == np.float32
        assert 0 <= glyph.ink.min() <= glyph.ink.max() == 1
        for edge in (glyph.ink[0], glyph.ink[-1], glyph.ink[:, 0], glyph.ink[:, -1]):
            assert edge.max() > 0.3


def test_source_without_a_digit_is_refused(digits):
    without_seven = digits.labels != 7
    with pytest.raises(DataError, match="no picture of a 7"):
        ImageGlyphs(Digits(digits.images[without_seven], digits.labels[without_seven]))


def test_blank_pictures_of_a_source_are_left_out(digits):
    images = digits.images.copy()
    images[np.flatnonzero(digits.labels == 3)[0]] = 0
    source = ImageGlyphs(Digits(images, digits.labels))
    assert all(source.sample(np.random.default_rng(seed), 3).ink.max() > 0 for seed in range(30))


@pytest.mark.parametrize("height", [20.0, 33.0, 80.0, 150.0])
def test_rendered_ink_has_the_wanted_height_and_place(height):
    block = Glyph(np.ones((20, 12), np.float32), 1)
    style = upright(height)
    patch = render_glyph(block.ink, style_matrix(block, style), (100.0, 90.0), style.ink_threshold)
    left, top, right, bottom = patch.visible_box()
    assert bottom - top == pytest.approx(height, abs=1.5)
    assert right - left == pytest.approx(height * 12 / 20, abs=1.5)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((100, 90), abs=1)


@pytest.mark.parametrize(
    "style", [upright(60, slant=20), upright(60, angle=-8), upright(60, stretch=1.3, slant=-15, angle=4)]
)
def test_extent_foretells_the_rendered_box(digits, style):
    for label in range(10):
        glyph = ImageGlyphs(digits).sample(np.random.default_rng(5), label)
        matrix = style_matrix(glyph, style)
        foretold = extent(ink_points(glyph, style.ink_threshold), matrix) + [200, 150, 200, 150]
        box = render_glyph(glyph.ink, matrix, (200.0, 150.0), style.ink_threshold).visible_box()
        # A source pixel is 60/20 = 3 px here, and the pen's edge lies somewhere inside it.
        assert np.abs(foretold - box).max() <= 4


def test_slant_leans_right_and_angle_turns_clockwise():
    bar = Glyph(np.ones((20, 3), np.float32), 1)
    leaning = render_glyph(bar.ink, style_matrix(bar, upright(80, slant=20)), (100.0, 100.0), 0.5).alpha
    turned = render_glyph(bar.ink, style_matrix(bar, upright(80, angle=20)), (100.0, 100.0), 0.5).alpha
    for alpha in (leaning, turned):  # clockwise on the screen moves the top to the right, as a lean does
        rows = np.flatnonzero(alpha.max(axis=1) > 0.5)
        upper, lower = alpha[rows[:10]].mean(axis=0), alpha[rows[-10:]].mean(axis=0)
        assert upper.argmax() > lower.argmax() + 10


def test_box_of_nothing_is_none():
    assert InkPatch(np.full((5, 5), VISIBLE_INK, np.float32), 0, 0).visible_box() is None


def test_box_includes_the_last_inked_pixel():
    alpha = np.zeros((6, 8), np.float32)
    alpha[1, 2] = alpha[4, 6] = 1
    assert InkPatch(alpha, left=10, top=20).visible_box() == (12, 21, 17, 25)


@pytest.mark.parametrize("scale", [0.1, 0.3, 0.7, 1.0, 2.5])
def test_ink_keeps_its_area_at_any_scale(scale):
    """Ink that is made smaller is averaged, not skipped: thin strokes stay."""
    ring = np.zeros((80, 80), np.float32)
    ring[8:72, 8:72] = 1
    ring[22:58, 22:58] = 0
    patch = render_glyph(ring, np.eye(2) * scale, (60.3, 60.6), 0.5)
    assert patch.alpha.dtype == np.float32
    assert 0 <= patch.alpha.min() <= patch.alpha.max() <= 1
    assert patch.alpha.sum() == pytest.approx(ring.sum() * scale**2, rel=0.12)


def test_matrix_may_mirror_nothing_but_moves_by_whole_and_part_pixels():
    """The centre counts from pixel corners: a square of 4 px at 10.0 covers 8 to 12, at 10.5 half a pixel more."""
    square = np.ones((4, 4), np.float32)
    assert render_glyph(square, np.eye(2), (10.0, 20.0), 0.5).visible_box() == (8, 18, 12, 22)
    assert render_glyph(square, np.eye(2), (11.0, 19.0), 0.5).visible_box() == (9, 17, 13, 21)
    alpha = render_glyph(square, np.eye(2), (10.5, 20.0), 0.5).alpha
    assert np.isclose(alpha, 0.5, atol=0.1).sum() >= 8  # both upright edges are half covered
