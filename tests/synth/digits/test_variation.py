import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.synth.digits.glyphs import VISIBLE_INK, Glyph, ImageGlyphs
from digitdet.synth.digits.variation import vary


def rng_of(seed):
    return np.random.default_rng(seed)


def loops(ink):
    ground = np.pad(ink <= VISIBLE_INK, 1, constant_values=True).astype(np.uint8)
    return cv2.connectedComponents(ground, connectivity=4)[0] - 2


@pytest.fixture(scope="module")
def source(digits):
    return ImageGlyphs(digits)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), digit=st.integers(0, 9), strength=st.floats(0.01, 1))
def test_varied_glyphs_are_tightly_cropped(source, seed, digit, strength):
    rng = rng_of(seed)
    varied = vary(rng, source.sample(rng, digit), strength)
    visible = varied.ink > VISIBLE_INK
    assert varied.label == digit
    assert varied.ink.dtype == np.float32
    assert varied.ink.min() >= 0 and varied.ink.max() <= 1
    assert visible[0].any() and visible[-1].any() and visible[:, 0].any() and visible[:, -1].any()


@pytest.mark.parametrize("rings", [1, 2])
def test_loops_stay_open(rings):
    ink = np.zeros((10 * rings + 2, 12), np.uint8)
    for ring in range(rings):
        cv2.circle(ink, (6, 6 + 9 * ring), 4, 255, 2)
    glyph = Glyph(ink.astype(np.float32) / 255, 0)
    assert loops(glyph.ink) == rings
    assert all(loops(vary(rng_of(seed), glyph, 1.0).ink) == rings for seed in range(60))


def test_strength_0_returns_the_glyph(source):
    glyph = source.sample(rng_of(0), 3)
    assert vary(rng_of(1), glyph, 0.0) is glyph


def test_glyphs_of_displays_do_not_change():
    glyph = Glyph(np.ones((8, 6), np.float32), 1, faint=np.ones((8, 6), np.float32))
    assert vary(rng_of(0), glyph, 1.0) is glyph


def test_other_fields_and_the_source_do_not_change(source):
    ink = source.sample(rng_of(0), 7).ink
    before = ink.copy()
    varied = vary(rng_of(1), Glyph(ink, 7, top=0.9, bottom=-0.2, left=0.1, advance=0.6), 1.0)
    assert (varied.label, varied.top, varied.bottom, varied.left, varied.advance) == (7, 0.9, -0.2, 0.1, 0.6)
    assert (ink == before).all()


def test_same_rng_gives_the_same_bytes(source):
    glyph = source.sample(rng_of(0), 5)
    first, again, other = (vary(rng_of(seed), glyph, 0.8).ink for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_more_strength_changes_more(source):
    def spread(strength):
        glyph = source.sample(rng_of(0), 8)
        inks = [vary(rng_of(seed), glyph, strength).ink for seed in range(40)]
        return np.std([ink.mean() for ink in inks]) + np.std([ink.shape[1] / ink.shape[0] for ink in inks])

    assert spread(0.2) < spread(0.6) < spread(1.0)


@pytest.mark.parametrize("ink", [np.ones((1, 1)), np.full((5, 5), 0.1), np.zeros((3, 3))], ids=["dot", "faint", "none"])
def test_glyphs_with_almost_no_ink(ink):
    varied = vary(rng_of(0), Glyph(ink.astype(np.float32), 1), 1.0)
    assert varied.ink.size and np.isfinite(varied.ink).all()


def test_long_strokes_bend_and_do_not_tremble():
    bar = np.zeros((70, 30), np.float32)
    bar[3:-3, 11:19] = 1
    for seed in range(30):
        varied = vary(rng_of(seed), Glyph(bar, 1), 1.0).ink > VISIBLE_INK
        rows = np.arange(len(varied))[8:-8]
        centres = [np.flatnonzero(varied[row]).mean() for row in rows]
        smooth = np.polynomial.Polynomial.fit(rows, centres, 5)(rows)
        assert np.abs(smooth - centres).max() < 2.5  # of about 140 pixels
