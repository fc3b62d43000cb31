"""Which digits of a finished picture count as illegible."""

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.configs.synth import LegibilityConfig
from digitdet.synth.digits.drawing import InkPatch
from digitdet.synth.digits.glyphs import NO_DIGIT
from digitdet.synth.legibility import find_illegible
from digitdet.synth.render import DrawnCharacter

LIMITS = LegibilityConfig(min_contrast=12, min_contrast_to_noise=1, min_height=6, max_covered=0.5)


def drawn(patch, label=0, character="0"):
    return DrawnCharacter(patch, patch.visible_box(), label, character, line=0, row=0, number=(0, 0))


def ring(left=40, top=30, height=24):
    """Return a drawn 0."""
    alpha = np.zeros((height + 4, height), np.float32)
    centre, axes = (height // 2, height // 2 + 2), (height // 3, height // 2 - 1)
    cv2.ellipse(alpha, centre, axes, 0, 0, 360, 1.0, max(height // 6, 1))
    patch = InkPatch(alpha, left, top)
    return drawn(patch)


def picture(digits, background=120.0, ink=120.0, noise=0.0, seed=0):
    image = np.full((100, 140), background) + noise * np.random.default_rng(seed).standard_normal((100, 140))
    inked = np.zeros(image.shape, np.uint8)
    for digit in digits:
        patch = digit.patch
        part = np.s_[patch.top : patch.top + len(patch.alpha), patch.left : patch.left + patch.alpha.shape[1]]
        image[part] += patch.alpha * (ink - background)
        inked[part] |= (patch.alpha > 0.3).astype(np.uint8)
    return np.repeat(np.clip(image, 0, 255).astype(np.uint8)[..., None], 3, axis=2), inked


@pytest.mark.parametrize(("ink", "is_bad"), [(120, True), (128, True), (140, False), (100, False), (112, True)])
def test_contrast(ink, is_bad):
    digits = [ring()]
    assert find_illegible(*picture(digits, ink=ink), digits, LIMITS) == [0] * is_bad


@pytest.mark.parametrize(("noise", "is_bad"), [(0, False), (8, False), (45, True)])
def test_noise_reduces_the_contrast(noise, is_bad):
    digits = [ring()]
    assert find_illegible(*picture(digits, ink=155, noise=noise), digits, LIMITS) == [0] * is_bad


@pytest.mark.parametrize(("height", "is_bad"), [(4, True), (12, False)])
def test_height(height, is_bad):
    digits = [ring(height=height)]
    assert find_illegible(*picture(digits, ink=255), digits, LIMITS) == [0] * is_bad


@pytest.mark.parametrize(("shift", "bad"), [(0, [0]), (1, [0]), (12, []), (60, [])])
def test_later_digit_covers_an_earlier_one(shift, bad):
    digits = [ring(), ring(left=40 + shift)]
    assert find_illegible(*picture(digits, ink=255), digits, LIMITS) == bad


def test_covered_parts_add_up():
    """Two strokes that each cover a third are too much together."""
    block = InkPatch(np.ones((24, 24), np.float32), 40, 30)
    strips = [InkPatch(np.ones((24, 8), np.float32), left, 30) for left in (40, 52)]
    digits = [drawn(patch) for patch in (block, *strips)]
    assert 0 not in find_illegible(*picture(digits[:2], ink=255), digits[:2], LIMITS)
    assert 0 in find_illegible(*picture(digits, ink=255), digits, LIMITS)


def test_digit_without_background_around_it_is_illegible():
    digits = [ring()]
    image, inked = picture(digits, ink=255)
    assert find_illegible(image, np.ones_like(inked), digits, LIMITS) == [0]


def test_edge_of_a_plate_beside_a_digit_is_not_noise():
    digits = [ring()]
    image, inked = picture(digits, ink=180)
    image[:, :40] = 0
    assert find_illegible(image, inked, digits, LIMITS) == []


def test_hollow_digits_are_legible_by_their_edge():
    digits = [ring(height=40)]
    image, inked = picture(digits)
    edge = cv2.morphologyEx(inked, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) & inked
    image[edge > 0] = 255
    assert find_illegible(image, inked, digits, LIMITS) == []


def test_marks_need_contrast_but_no_height():
    point = drawn(InkPatch(np.ones((3, 3), np.float32), 40, 30), NO_DIGIT, ".")
    assert find_illegible(*picture([point], ink=255), [point], LIMITS) == []
    assert find_illegible(*picture([point], ink=125), [point], LIMITS) == [0]


def eight(height=40):
    """Return the masks of the segments a to g of a cell, as a function that gives the ink of some of them."""
    width, thick = height // 2, max(height // 10, 1)
    half = height // 2
    parts = {
        "a": np.s_[:thick, :],
        "g": np.s_[half : half + thick, :],
        "d": np.s_[-thick:, :],
        "f": np.s_[:half, :thick],
        "b": np.s_[:half, -thick:],
        "e": np.s_[half:, :thick],
        "c": np.s_[half:, -thick:],
    }

    def ink(names):
        alpha = np.zeros((height, width), np.float32)
        for name in names:
            alpha[parts[name]] = 1
        return InkPatch(alpha, 30, 20)

    return ink


@pytest.mark.parametrize(
    ("lit", "unlit", "is_bad"),
    [
        (60, 150, False),  # unlit segments are hardly visible
        (60, 110, False),
        (60, 66, True),  # every digit is an 8
        (60, 60, True),
        (110, 60, True),  # the unlit segments are the darker ones
        (250, 170, False),  # a display that shines
        (250, 243, True),
    ],
)
def test_unlit_segments_are_background(lit, unlit, is_bad):
    ink = eight()
    shown, dark = ink("bc"), ink("adefg")
    dark.alpha[shown.alpha > 0] = 0
    digit = dataclasses.replace(drawn(shown), unlit=dark)
    image, inked = picture([digit], background=160, ink=lit)
    image[20:60, 30:50][dark.alpha > 0] = unlit
    assert find_illegible(image, inked, [digit], LIMITS) == [0] * is_bad
    assert find_illegible(image, inked, [dataclasses.replace(digit, unlit=None)], LIMITS) == []


def test_eight_has_no_unlit_segments():
    ink = eight()
    digit = dataclasses.replace(drawn(ink("abcdefg")), unlit=ink(""))
    assert find_illegible(*picture([digit], ink=200), [digit], LIMITS) == []


def test_no_digits():
    assert find_illegible(*picture([]), [], LIMITS) == []


def test_digits_are_independent_and_the_picture_is_not_changed():
    digits = [ring(left=10), ring(left=50), ring(left=90)]
    image, inked = picture(digits, ink=255)
    image[:, 45:80] = 120
    before = image.copy(), inked.copy()
    assert find_illegible(image, inked, digits, LIMITS) == [1]
    assert np.array_equal(image, before[0])
    assert np.array_equal(inked, before[1])


@settings(max_examples=40, deadline=None)
@given(ink=st.integers(0, 255), noise=st.floats(0, 40), seed=st.integers(0, 1000))
def test_lower_limits_never_hide_more(ink, noise, seed):
    digits = [ring()]
    image, inked = picture(digits, ink=ink, noise=noise, seed=seed)
    none = LegibilityConfig(min_contrast=0, min_contrast_to_noise=0, min_height=1, max_covered=1)
    hidden = [
        set(find_illegible(image, inked, digits, LegibilityConfig(min_contrast=limit, min_contrast_to_noise=ratio)))
        for limit, ratio in ((5, 0.5), (12, 1), (40, 3))
    ]
    assert hidden[0] <= hidden[1] <= hidden[2]
    if noise == 0:
        assert find_illegible(image, inked, digits, none) == []
