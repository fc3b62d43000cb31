import dataclasses

import cv2
import numpy as np
import pytest

from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph, GlyphSource
from digitdet.synth.digits.stencils import BridgeStyle, StencilGlyphs


class Typeface(GlyphSource):
    """Digits with thick strokes and the spacing of type."""

    def sample(self, rng, digit):
        image = np.zeros((100, 90), np.uint8)
        cv2.putText(image, str(digit), (10, 85), cv2.FONT_HERSHEY_SIMPLEX, 2.8, 255, 9, cv2.LINE_AA)
        x, y, width, height = cv2.boundingRect(image)
        return Glyph(image[y : y + height, x : x + width].astype(np.float32) / 255, digit, left=0.05, advance=0.8)

    def mark(self, rng, character):
        return Glyph(np.ones((5, 5), np.float32), NO_DIGIT, top=0.1)


def count_holes(ink):
    background = np.pad((ink < 0.5).astype(np.uint8), 1, constant_values=1)
    return cv2.connectedComponents(background, connectivity=4)[0] - 2


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0])
@pytest.mark.parametrize("digit", range(10))
def test_stencil_opens_every_hole(digit, angle, one_sided):
    rng = np.random.default_rng(0)
    whole = Typeface().sample(rng, digit)
    cut = StencilGlyphs(Typeface(), BridgeStyle(angle, 0.1, one_sided)).sample(rng, digit)
    assert count_holes(cut.ink) == 0
    assert 0.5 * whole.ink.sum() < cut.ink.sum() < 0.99 * whole.ink.sum()
    assert cut.ink.dtype == np.float32
    assert (cut.ink <= whole.ink).all()
    assert dataclasses.replace(cut, ink=whole.ink) == dataclasses.replace(whole, ink=whole.ink)


def test_stencil_keeps_its_style_and_marks():
    rng = np.random.default_rng(0)
    chosen = StencilGlyphs(Typeface()).choose(rng)
    assert np.array_equal(chosen.sample(rng, 8).ink, chosen.sample(rng, 8).ink)
    assert chosen.mark(rng, ".").ink.min() == 1
    assert len({StencilGlyphs(Typeface()).sample(rng, 8).ink.tobytes() for _ in range(5)}) > 1
