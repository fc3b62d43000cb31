"""Lines of glyphs: order, spacing, room, and which digits form one number."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.common.boxes import overlap
from digitdet.common.characters import number_spans
from digitdet.common.types import CLASS_NAMES
from digitdet.configs.look import LookConfig
from digitdet.synth.digits.drawing import extent, ink_points, style_matrix
from digitdet.synth.digits.fonts import load_fonts
from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph, GlyphSource, ImageGlyphs, StyledGlyphs
from digitdet.synth.digits.pen import Hand
from digitdet.synth.pages import text_labels, text_values  # noqa: F401  (add to the table)
from digitdet.synth.pages.lines import LineWriter
from digitdet.synth.pages.texts import TEXTS

SEEDS = st.integers(0, 2**32 - 1)
STEADY = {"stretch": (1, 1), "slant": (0, 0), "digit_angle": (0, 0), "height_jitter": 0, "baseline_jitter": 0}


@pytest.fixture(scope="module")
def typeface(few_fonts):
    return load_fonts([few_fonts / "cmss10.ttf"])[0][0]


@pytest.fixture(scope="module")
def hand(digits):
    return ImageGlyphs(digits)


def write(source, text, seed=0, height=40.0, room=np.inf, **look):
    return LineWriter(LookConfig(**look), source, StyledGlyphs(Hand)).write(
        np.random.default_rng(seed), text, height, room
    )


def ink_box(placed):
    """The extent of a glyph's ink on the line, xyxy."""
    points = ink_points(placed.glyph, placed.style.ink_threshold)
    return extent(points, style_matrix(placed.glyph, placed.style)) + [placed.x, placed.y, placed.x, placed.y]


def digits_of(line):
    return [re.sub(r"\D", "", number) for number in numbers_of(line)]


def numbers_of(line):
    """The numbers as written, with their marks."""
    return ["".join(line.glyphs[row].character for row in rows) for rows in line.numbers]


@pytest.mark.parametrize("handwritten", [True, False])
@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("407", ["407"]),
        ("12 34", ["12", "34"]),
        ("12  34", ["12", "34"]),
        ("1.234,50", ["123450"]),
        ("12-34/56", ["123456"]),
        ("12:30", ["1230"]),
        ("A12", ["12"]),
        ("1A2B34", ["1", "2", "34"]),
        ("$5.90", ["590"]),
        ("12%", ["12"]),
        ("No. 7 b 8", ["7", "8"]),
        ("(020) 555", ["020", "555"]),
        ("-,.", []),
        ("word", []),
        ("", []),
    ],
)
def test_digits_are_grouped_to_numbers(typeface, hand, text, numbers, handwritten):
    line = write(hand if handwritten else typeface, text)
    assert digits_of(line) == numbers


@settings(max_examples=80, deadline=None)
@given(
    text=st.text("0123456789 .,-A%", max_size=14),
    seed=SEEDS,
    room=st.floats(10, 400) | st.just(np.inf),
    handwritten=st.booleans(),
)
def test_line_is_a_prefix_of_its_text_from_left_to_right(typeface, hand, text, seed, room, handwritten):
    line = write(hand if handwritten else typeface, text, seed, room=room)
    written = "".join(digits_of(line))
    wanted = re.sub(r"\D", "", text)
    assert wanted.startswith(written)
    if room == np.inf:
        assert written == wanted
        assert numbers_of(line) == [text[start:stop] for start, stop in number_spans(text)]
    for glyph in line.glyphs:
        assert glyph.glyph.label == (int(glyph.character) if glyph.character.isdigit() else NO_DIGIT)
    rows = [row for number in line.numbers for row in number if line.glyphs[row].glyph.label != NO_DIGIT]
    assert rows == [row for row, glyph in enumerate(line.glyphs) if glyph.glyph.label != NO_DIGIT]
    if line.glyphs:
        boxes = np.array([ink_box(glyph) for glyph in line.glyphs])
        assert line.box[2] <= room
        assert (boxes[:, [0, 2]].mean(axis=1)[1:] > boxes[:, [0, 2]].mean(axis=1)[:-1]).all()
        # The line's box is approximate: for type it does not include the slant.
        slack = 0.35 * line.height if not handwritten else 0.5
        assert (boxes[:, :2].min(axis=0) >= line.box[:2] - slack).all()
        assert (boxes[:, 2:].max(axis=0) <= line.box[2:] + slack).all()


@pytest.mark.parametrize("tracking", [0.0, 0.25])
@pytest.mark.parametrize("stretch", [1.0, 0.7])
def test_type_keeps_its_own_spacing(typeface, tracking, stretch):
    look = {**STEADY, "tracking": (tracking, tracking), "stretch": (stretch, stretch), "number_gap": (1.5, 1.5)}
    line = write(typeface, "A1,0", height=50.0, **look)
    starts = []
    for placed in line.glyphs:
        box = ink_box(placed)
        starts.append(box[0] - placed.glyph.left * 50 * stretch)
        assert box[3] - box[1] == pytest.approx((placed.glyph.top - placed.glyph.bottom) * 50, abs=1.5)
        # The baseline is half a digit height below the middle of the line.
        assert box[3] == pytest.approx(25 - placed.glyph.bottom * 50, abs=1.5)
    advances = [(placed.glyph.advance * stretch + tracking) * 50 for placed in line.glyphs]
    assert np.diff(starts) == pytest.approx(advances[:-1], abs=1.5)


def test_numbers_of_a_line_are_separated(hand):
    for seed in range(20):
        line = write(hand, "12 34", seed, **STEADY, number_gap=(1.2, 1.2), digit_gap=(0.1, 0.1))
        boxes = [ink_box(glyph) for glyph in line.glyphs]
        assert boxes[2][0] - boxes[1][2] == pytest.approx(1.2 * 40, abs=1)
        assert boxes[1][0] - boxes[0][2] < 0.3 * 40


@pytest.mark.parametrize("limit", [0.0, 0.2, 0.5])
def test_handwritten_digits_overlap_no_more_than_allowed(hand, limit):
    for seed in range(30):
        line = write(hand, "0123456789", seed, digit_gap=(-0.4, -0.2), max_box_overlap=limit, number_gap=(1, 1))
        boxes = np.array([ink_box(glyph) for glyph in line.glyphs])
        shared = np.diagonal(overlap(boxes[:-1], boxes[1:]))
        # Six moves by a tenth of the height suffice for every gap that a look can set.
        assert shared.max() <= limit + 1e-9


def test_handwritten_digits_touch_with_negative_gaps(hand):
    shared = []
    for seed in range(20):
        line = write(hand, "04689", seed, digit_gap=(-0.12, -0.05), number_gap=(1, 1))
        boxes = np.array([ink_box(glyph) for glyph in line.glyphs])
        shared.extend(np.diagonal(overlap(boxes[:-1], boxes[1:])))
    assert np.mean(np.array(shared) > 0) > 0.5


def test_jitter_applies_to_handwriting_only(hand, typeface):
    look = {"height_jitter": 0.2, "baseline_jitter": 0.1, "slant": (0, 0)}
    for source, jitters in ((hand, True), (typeface, False)):
        line = write(source, "77777777", **look)
        heights = {round(glyph.style.height, 3) for glyph in line.glyphs}
        places = {round(glyph.y, 3) for glyph in line.glyphs}
        assert (len(heights) > 1) == (len(places) > 1) == jitters
        assert all(0.8 * 40 <= glyph.style.height <= 1.2 * 40 for glyph in line.glyphs)


def test_digits_of_a_line_share_slant_and_stretch(hand):
    for seed in range(5):
        styles = {(g.style.slant, g.style.stretch, g.style.ink_threshold) for g in write(hand, "2345678", seed).glyphs}
        assert len(styles) == 1


def test_ones_that_open_a_handwritten_number_may_be_taller(hand, typeface):
    look = {"height_jitter": 0.0, "baseline_jitter": 0.0}
    for source, may_be_tall in ((hand, True), (typeface, False)):
        tall = 0
        for seed in range(60):
            first, second, third, *others = write(source, "11415", seed, **look).glyphs
            assert {glyph.style.slant for glyph in others} == {third.style.slant}
            assert (first.style.height, first.style.slant) == (second.style.height, second.style.slant)
            assert others[0].style.height == pytest.approx(40, abs=4)  # a 1 within the number
            tall += first.style.height > 43
            assert first.style.slant >= third.style.slant
        assert (tall > 5) == may_be_tall


def test_missing_marks_come_from_the_fallback_source(hand):
    line = write(hand, "1,5A")
    assert [glyph.glyph.label for glyph in line.glyphs] == [1, NO_DIGIT, 5, NO_DIGIT]
    comma, five = ink_box(line.glyphs[1]), ink_box(line.glyphs[2])
    assert comma[1] > (five[1] + five[3]) / 2  # a comma is low


def test_strokes_connect_neighbouring_handwritten_digits(hand, typeface):
    found = 0
    for seed in range(20):
        line = write(hand, "5204", seed, ligature_share=1, digit_gap=(0.05, 0.2), number_gap=(1, 1))
        boxes = np.array([ink_box(glyph) for glyph in line.glyphs])
        found += len(line.strokes)
        assert len(line.strokes) <= 3
        for points, width in line.strokes:
            assert 0.02 * 40 < width < 0.08 * 40
            reaches = [(points[0] >= box[:2] - 1).all() and (points[0] <= box[2:] + 1).all() for box in boxes]
            arrives = [(points[-1] >= box[:2] - 1).all() and (points[-1] <= box[2:] + 1).all() for box in boxes]
            assert any(a and b for a, b in zip(reaches[:-1], arrives[1:], strict=True))
        assert not write(hand, "5 2A0", seed, ligature_share=1).strokes
        assert not write(typeface, "5204", seed, ligature_share=1).strokes
    assert found > 20


def test_scaled_line(hand):
    line = write(hand, "35 71", 3, ligature_share=1)
    large = line.scaled(2.5)
    assert large.height == pytest.approx(100)
    assert large.box == pytest.approx(line.box * 2.5)
    assert large.numbers == line.numbers
    for before, after in zip(line.glyphs, large.glyphs, strict=True):
        assert ink_box(after) == pytest.approx(ink_box(before) * 2.5)
    for (points, width), (wide, thick) in zip(line.strokes, large.strokes, strict=True):
        assert wide == pytest.approx(points * 2.5)
        assert thick == pytest.approx(width * 2.5)


def test_variation_changes_handwriting_only(hand, typeface):
    plain, varied = (write(hand, "8", 4, variation=strength).glyphs[0].glyph.ink for strength in (0, 1))
    assert plain.shape != varied.shape
    assert np.array_equal(write(typeface, "8", 4, variation=1).glyphs[0].glyph.ink, typeface.sample(None, 8).ink)


def test_raised_and_lowered_digits_are_small_and_belong_to_no_number(typeface, hand):
    for source in (typeface, hand):
        for seed in range(10):
            line = write(source, "80\u00b2 x\u2084", seed, **STEADY)
            raised, lowered = line.glyphs[2], line.glyphs[4]
            assert [glyph.character for glyph in line.glyphs] == ["8", "0", "\u00b2", "x", "\u2084"]
            assert line.numbers == [[0, 1]]
            assert raised.glyph.label == lowered.glyph.label == NO_DIGIT
            digit, above, below = (ink_box(glyph) for glyph in (line.glyphs[0], raised, lowered))
            for box in (above, below):
                assert 0.3 < (box[3] - box[1]) / (digit[3] - digit[1]) < 0.75
            assert above[1] < digit[1] + 5
            assert above[3] < digit[3] - 10
            assert below[3] > digit[3] - 1
            assert below[1] > digit[1] + 10


def test_raised_cents_are_digits_of_the_number(typeface, hand):
    for source in (typeface, hand):
        for seed in range(10):
            line = write(source, "$32^90 7", seed, **STEADY)
            assert digits_of(line) == ["3290", "7"]
            assert [glyph.character for glyph in line.glyphs] == [*"$32907"]
            boxes = np.array([ink_box(glyph) for glyph in line.glyphs[1:]])
            heights = boxes[:, 3] - boxes[:, 1]
            assert (heights[2:4] < 0.75 * heights[:2].min()).all()
            assert heights[4] == pytest.approx(heights[0], rel=0.15)  # the next number is written as usual
            assert np.ptp(boxes[[0, 2, 3], 1]) < 8  # the tops are level


def test_thin_spaces_are_narrow_gaps_within_a_number(typeface, hand):
    for source in (typeface, hand):
        look = {**STEADY, "digit_gap": (0.0, 0.0)}
        plain, spaced = (write(source, text, 3, **look) for text in ("11111", "11\u2009111"))
        assert digits_of(plain) == digits_of(spaced) == ["11111"]
        assert not any(glyph.after_space for glyph in spaced.glyphs)
        steps = [np.diff([glyph.x for glyph in line.glyphs]) for line in (plain, spaced)]
        assert 0.05 * 40 < steps[1][1] - steps[0][1] < 0.45 * 40


def test_letter_spaced_numbers_are_one_number_each(typeface, hand):
    for source in (typeface, hand):
        for seed in range(20):
            line = write(source, "482 13", seed, spaced_share=1, slant=(0, 0), digit_angle=(0, 0))
            assert digits_of(line) == ["482", "13"]
            boxes = np.array([ink_box(glyph) for glyph in line.glyphs])
            gaps = boxes[1:, 0] - boxes[:-1, 2]
            within = np.delete(gaps, 2)
            assert within.min() > 0.1 * 40
            assert gaps[2] > within.max() + 0.5 * 40


@pytest.mark.parametrize(("text", "least"), [("5 - 7", 1.2), ("5 -7", 1.2), ("5 kg", 0.3)])
def test_a_space_that_could_join_numbers_is_wide(typeface, text, least):
    for seed in range(10):
        line = write(typeface, text, seed, **STEADY, number_gap=(1.2, 2.0))
        first, second = (ink_box(glyph) for glyph in line.glyphs[:2])
        assert second[0] - first[2] >= least * 40
        assert least > 1 or second[0] - first[2] < 1.0 * 40


@pytest.mark.parametrize("kind", sorted(TEXTS))
@settings(max_examples=6, deadline=None)
@given(seed=SEEDS, room=st.floats(60, 400) | st.just(np.inf))
def test_numbers_of_a_line_are_those_of_the_text_it_shows(typeface, hand, kind, seed, room):
    """Characters that no source has are left out of the text."""
    for source in (typeface, hand):
        look = LookConfig(digits_per_number=(1, 6))
        text = TEXTS[kind](np.random.default_rng(seed), look)
        line = write(source, text, seed, room=room)
        written = "".join(" " * glyph.after_space + glyph.character for glyph in line.glyphs)
        assert digits_of(line) == [re.sub(r"\D", "", written[start:stop]) for start, stop in number_spans(written)]
        drawable = iter(text)
        assert all(character in drawable for character in written)  # in the same order
        if room == np.inf:
            assert re.sub(r"[^0-9]", "", written) == re.sub(r"[^0-9]", "", text)
        for glyph in line.glyphs:
            x0, y0, x1, y1 = ink_box(glyph)
            assert x1 > x0
            assert y1 > y0
            assert (glyph.glyph.label == NO_DIGIT) == (glyph.character not in CLASS_NAMES)


class Hairline(GlyphSource):
    """A pen so fine that no pixel is fully covered."""

    def sample(self, rng, digit):
        ink = np.zeros((20, 9), np.float32)
        ink[:, 4] = 0.35
        return Glyph(ink, digit)


@pytest.mark.parametrize("variation", [0.0, 0.6])
def test_hairlines_are_visible_at_any_ink_threshold(variation):
    line = write(Hairline(), "1111", ink_threshold=(0.55, 0.55), variation=variation)
    assert digits_of(line) == ["1111"]
    assert all(ink_box(placed)[3] - ink_box(placed)[1] > 20 for placed in line.glyphs)
