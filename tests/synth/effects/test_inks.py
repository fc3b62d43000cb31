"""Inks: what they change where there is ink, and where there is none."""

from itertools import product

import cv2
import numpy as np
import pytest

from digitdet.synth.effects.inks import INKS, PAD

LUMA = np.array([0.114, 0.587, 0.299], np.float32)
RELIEF = {"emboss", "engrave", "hollow"}  # they show edges and little of the colour


def draw_digit(height=40, margin=40):
    """Return the ink of an 8 (h, w) float32 and its height; the margin is wider than an ink may use."""
    side = height + 2 * margin
    alpha = np.zeros((side, side), np.uint8)
    middle = side // 2
    for y in (middle - height // 4, middle + height // 4):
        cv2.ellipse(alpha, (middle, y), (height // 5, height // 5), 0, 0, 360, 255, max(height // 8, 1), cv2.LINE_AA)
    return alpha.astype(np.float32) / 255, float(height)


def draw_background(seed, shape, level):
    rng = np.random.default_rng(seed)
    return np.clip(level + 6 * rng.standard_normal((*shape, 3)), 0, 255).astype(np.float32)


def apply(name, seed, level, colour, height=40):
    alpha, height = draw_digit(height)
    background = draw_background(seed, alpha.shape, level)
    inked = INKS[name](
        np.random.default_rng(seed), background.copy(), alpha.copy(), np.array(colour, np.float32), height
    )
    return background, alpha, inked, height


@pytest.mark.parametrize("name", INKS)
def test_ink_returns_a_float32_picture_of_the_same_size(name):
    for seed, height, level, colour in product(range(2), (8, 60), (40.0, 200.0), ((30, 20, 10), (250, 230, 240))):
        background, _, inked, _ = apply(name, seed, level, colour, height)
        assert inked.shape == background.shape
        assert inked.dtype == np.float32
        assert np.isfinite(inked).all()
        assert -60 <= inked.min() <= inked.max() <= 315  # levels are clipped at 0 and 255 later
        assert np.array_equal(inked, apply(name, seed, level, colour, height)[2])


@pytest.mark.parametrize("name", INKS)
@pytest.mark.parametrize(("level", "colour"), [(200, (20, 20, 20)), (50, (240, 240, 240)), (170, (40, 30, 120))])
def test_ink_is_visible(name, level, colour):
    for seed in range(8):
        background, alpha, inked, _ = apply(name, seed, level, colour)
        change = (np.clip(inked, 0, 255) - background) @ LUMA
        assert np.abs(change)[alpha > 0.5].mean() > 10
        if name not in RELIEF and name != "outline":
            wanted = float(np.array(colour) @ LUMA) - level
            assert np.median(change[alpha > 0.9]) * np.sign(wanted) > 0.3 * abs(wanted)


@pytest.mark.parametrize("name", INKS)
def test_nothing_changes_away_from_the_ink(name):
    """Shadows, halos and side faces end within the border of `PAD`."""
    for seed in range(8):
        background, alpha, inked, height = apply(name, seed, 120, (250, 250, 250))
        reach = round(PAD * height) + 1
        near = cv2.dilate((alpha > 0).astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
        assert np.abs(inked - background)[~near].max(initial=0) < 2  # not visible as an edge


@pytest.mark.parametrize("name", INKS)
def test_no_ink_changes_nothing(name):
    background = draw_background(1, (30, 50), 120)
    inked = INKS[name](
        np.random.default_rng(0), background.copy(), np.zeros((30, 50), np.float32), np.zeros(3, np.float32), 20.0
    )
    assert np.abs(inked - background).max() < 0.01


def test_flat_ink_is_the_colour_itself():
    _, alpha, inked, _ = apply("flat", 0, 200, (10, 60, 110))
    assert np.abs(inked[alpha == 1] - (10, 60, 110)).max() < 1e-3


def test_outline_has_two_colours():
    _, alpha, inked, _ = apply("outline", 3, 200, (10, 10, 10), height=80)
    levels = (inked @ LUMA)[alpha > 0.99]
    assert np.percentile(levels, 95) - np.percentile(levels, 5) > 40


def test_embossed_and_engraved_digits_are_lit_from_opposite_sides():
    _, alpha, raised, _ = apply("emboss", 7, 128, (128, 128, 128))
    background, _, cut, _ = apply("engrave", 7, 128, (128, 128, 128))
    edge = (alpha > 0.05) & (alpha < 0.95)
    products = ((raised - background) @ LUMA)[edge] * ((cut - background) @ LUMA)[edge]
    assert np.mean(products < 0) > 0.7
