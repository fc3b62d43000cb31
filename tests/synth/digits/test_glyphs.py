import numpy as np
import pytest

from digitdet.common.errors import DataError
from digitdet.datasets.mnist import Digits
from digitdet.synth.digits.glyphs import ImageGlyphs


def test_glyph_is_cropped_to_its_ink(digits):
    source = ImageGlyphs(digits)
    for label in range(10):
        glyph = source.sample(np.random.default_rng(label), label)
        assert glyph.label == label
        assert glyph.ink.dtype == np.float32
        assert 0 <= glyph.ink.min() <= glyph.ink.max() == 1
        for edge in (glyph.ink[0], glyph.ink[-1], glyph.ink[:, 0], glyph.ink[:, -1]):
            assert edge.max() > 0.3


def test_source_without_a_digit_is_an_error(digits):
    without_seven = digits.labels != 7
    with pytest.raises(DataError, match="no picture of a 7"):
        ImageGlyphs(Digits(digits.images[without_seven], digits.labels[without_seven]))


def test_blank_images_are_skipped(digits):
    images = digits.images.copy()
    images[np.flatnonzero(digits.labels == 3)[0]] = 0
    source = ImageGlyphs(Digits(images, digits.labels))
    assert all(source.sample(np.random.default_rng(seed), 3).ink.max() > 0 for seed in range(30))
