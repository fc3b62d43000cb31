import numpy as np
import pytest

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


@pytest.mark.parametrize("height", [20.0, 33.0, 80.0, 150.0])
def test_rendered_ink_has_the_requested_height_and_position(height):
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
def test_extent_predicts_the_rendered_box(digits, style):
    for label in range(10):
        glyph = ImageGlyphs(digits).sample(np.random.default_rng(5), label)
        matrix = style_matrix(glyph, style)
        predicted = extent(ink_points(glyph, style.ink_threshold), matrix) + [200, 150, 200, 150]
        box = render_glyph(glyph.ink, matrix, (200.0, 150.0), style.ink_threshold).visible_box()
        # A source pixel is 60/20 = 3 px here, and the edge of the stroke is somewhere within it.
        assert np.abs(predicted - box).max() <= 4


def test_slant_leans_right_and_angle_turns_clockwise():
    bar = Glyph(np.ones((20, 3), np.float32), 1)
    leaning = render_glyph(bar.ink, style_matrix(bar, upright(80, slant=20)), (100.0, 100.0), 0.5).alpha
    turned = render_glyph(bar.ink, style_matrix(bar, upright(80, angle=20)), (100.0, 100.0), 0.5).alpha
    for alpha in (leaning, turned):  # both move the top to the right
        rows = np.flatnonzero(alpha.max(axis=1) > 0.5)
        upper, lower = alpha[rows[:10]].mean(axis=0), alpha[rows[-10:]].mean(axis=0)
        assert upper.argmax() > lower.argmax() + 10


def test_box_without_visible_ink_is_none():
    assert InkPatch(np.full((5, 5), VISIBLE_INK, np.float32), 0, 0).visible_box() is None


def test_box_includes_the_last_inked_pixel():
    alpha = np.zeros((6, 8), np.float32)
    alpha[1, 2] = alpha[4, 6] = 1
    assert InkPatch(alpha, left=10, top=20).visible_box() == (12, 21, 17, 25)


@pytest.mark.parametrize("scale", [0.1, 0.3, 0.7, 1.0, 2.5])
def test_ink_keeps_its_area_at_any_scale(scale):
    """Ink is averaged when it is reduced, so that thin strokes remain."""
    ring = np.zeros((80, 80), np.float32)
    ring[8:72, 8:72] = 1
    ring[22:58, 22:58] = 0
    patch = render_glyph(ring, np.eye(2) * scale, (60.3, 60.6), 0.5)
    assert patch.alpha.dtype == np.float32
    assert 0 <= patch.alpha.min() <= patch.alpha.max() <= 1
    assert patch.alpha.sum() == pytest.approx(ring.sum() * scale**2, rel=0.12)


def test_rendering_at_whole_and_half_pixels():
    """Coordinates start at pixel corners: a square of 4 px at 10.0 covers 8 to 12, at 10.5 half a pixel more."""
    square = np.ones((4, 4), np.float32)
    assert render_glyph(square, np.eye(2), (10.0, 20.0), 0.5).visible_box() == (8, 18, 12, 22)
    assert render_glyph(square, np.eye(2), (11.0, 19.0), 0.5).visible_box() == (9, 17, 13, 21)
    alpha = render_glyph(square, np.eye(2), (10.5, 20.0), 0.5).alpha
    assert np.isclose(alpha, 0.5, atol=0.1).sum() >= 8  # both upright edges are half covered
