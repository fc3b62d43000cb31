"""The layout `price_tag`: raised cents are digits of the price, what is below them is not labelled."""

import numpy as np
import pytest

from digitdet.configs.look import LookConfig
from digitdet.synth.digits.fonts import load_fonts
from digitdet.synth.digits.glyphs import NO_DIGIT
from digitdet.synth.pages.lines import LineWriter
from digitdet.synth.pages.page_draft import PageDraft
from digitdet.synth.pages.price_tags import price_line


@pytest.fixture(scope="module")
def make_draft(few_fonts):
    typeface = load_fonts([few_fonts / "cmss10.ttf"])[0][0]
    look = LookConfig(slant=(0, 0))
    writer = LineWriter(look, typeface, typeface)
    return lambda seed: PageDraft(np.random.default_rng(seed), look, writer, writer, writer, 320.0, 240.0, light=True)


def test_prices_end_with_two_small_raised_digits_of_their_number(make_draft):
    below = 0
    for seed in range(200):
        line = price_line(make_draft(seed), 60.0)
        (number,) = line.numbers
        digits = [line.glyphs[row] for row in number if line.glyphs[row].glyph.label != NO_DIGIT]
        whole, cents = digits[:-2], digits[-2:]
        assert whole
        assert [glyph.x for glyph in digits] == sorted(glyph.x for glyph in digits)
        assert not any(line.glyphs[row].after_space for row in number)
        for glyph in cents:
            assert glyph.style.height < 0.7 * whole[0].style.height
            assert glyph.y - glyph.style.height / 2 == pytest.approx(-30, abs=10)  # level with the top
        unlabelled = [glyph for glyph in line.glyphs if not glyph.character]
        assert all(glyph.y > cents[0].y for glyph in unlabelled)
        below += bool(unlabelled)
    assert below
