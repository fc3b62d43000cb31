"""Digits drawn from recorded pen strokes."""

import numpy as np
import pytest

from digitdet.common.errors import DataError
from digitdet.datasets.strokes import PenDigit
from digitdet.synth.digits import strokes
from digitdet.synth.digits.glyphs import NO_DIGIT, VISIBLE_INK
from digitdet.synth.digits.strokes import StrokeGlyphs, Writer, WriterHand

ANGLES = np.linspace(0, 2 * np.pi, 24)


@pytest.fixture
def recorded_only(monkeypatch):
    monkeypatch.setattr(strokes, "_DRAWN_SHARE", 0)


def rng_of(seed):
    return np.random.default_rng(seed)


def recording(digit, writer, height=100.0, bottom=0.0, slope=0.0, turns=1.0):
    """An arc with as many turns as the digit asks for, and a bar; y points down."""
    angles = ANGLES * turns * (digit + 3) / 10
    arc = np.stack([np.sin(angles) * 0.3, -0.5 - np.cos(angles) * 0.5], axis=1)
    arc[:, 1] -= arc[:, 1].max()
    arc[:, 1] *= -height / np.ptp(arc[:, 1]) * -1
    arc[:, 0] *= height
    arc[:, 0] -= arc[:, 1] * slope
    bar = np.array([[0, -0.5], [0.4, -0.5]]) * height
    return PenDigit(digit, writer, tuple((part + (0, bottom)).astype(np.float32) for part in (arc, bar)))


def writers_of(*names, digits=range(10), **values):
    return [recording(digit, name, **values) for name in names for digit in digits]


SOURCE = StrokeGlyphs(writers_of("ann", "bob", "cem"))


@pytest.mark.usefixtures("recorded_only")
@pytest.mark.parametrize("seed", range(12))
def test_digits_are_tightly_cropped_and_on_the_baseline(seed):
    rng = rng_of(seed)
    hand = SOURCE.choose(rng)
    for digit in range(10):
        glyph = hand.sample(rng, digit)
        visible = glyph.ink > VISIBLE_INK
        assert glyph.ink.dtype == np.float32
        assert glyph.ink.flags["C_CONTIGUOUS"]
        assert glyph.ink.min() >= 0 and glyph.ink.max() <= 1
        assert visible[0].any() and visible[-1].any() and visible[:, 0].any() and visible[:, -1].any()
        assert (glyph.label, glyph.advance) == (digit, None)
        assert glyph.top - glyph.bottom == pytest.approx(glyph.ink.shape[0] / 64)
        assert 0.8 < glyph.top < 1.3
        assert -0.25 < glyph.bottom < 0.15


def test_same_rng_gives_the_same_bytes_whatever_was_drawn_before():
    fresh = StrokeGlyphs(writers_of("ann", "bob", "cem"))
    rngs = [rng_of(seed) for seed in (3, 3, 4)]
    first, again, other = (
        [glyphs.sample(rng, digit).ink.tobytes() for digit in range(10)]
        for glyphs, rng in zip((SOURCE, fresh, SOURCE), rngs, strict=True)
    )
    assert first == again
    assert all(one != two for one, two in zip(first, other, strict=True))


def test_a_style_is_one_writer():
    source = StrokeGlyphs(writers_of("tall", height=100.0) + writers_of("small", "tiny", height=7.0, bottom=40.0))
    for seed in range(10):
        rng = rng_of(seed)
        hand = source.choose(rng)
        assert isinstance(hand, WriterHand)
        assert len({id(writer) for writer in hand._writers}) == 1


def test_some_digits_of_a_writer_have_forms_of_the_drawn_pen():
    shares = []
    for seed in range(40):
        rng = rng_of(seed)
        hand = SOURCE.choose(rng)
        shares.append(hand._drawn.mean())
        for digit in np.flatnonzero(hand._drawn)[:2].tolist():
            pen = super(WriterHand, hand).sample(rng_of(9), digit)
            assert hand.sample(rng_of(9), digit).ink.tobytes() == pen.ink.tobytes()
    assert 0.1 < np.mean(shares) < 0.3


def test_repeated_digits_differ_slightly():
    rng = rng_of(0)
    hand = SOURCE.choose(rng)
    first, second = hand.sample(rng, 3), hand.sample(rng, 3)
    assert first.ink.tobytes() != second.ink.tobytes()
    assert np.abs(np.subtract(first.ink.shape, second.ink.shape)).max() < 16


@pytest.mark.usefixtures("recorded_only")
def test_relative_sizes_and_places_of_the_digits_are_kept():
    low = [recording(4, "ann", bottom=20.0), recording(0, "ann", height=60.0, bottom=-30.0)]
    source = StrokeGlyphs([*writers_of("ann", digits=(1, 2, 3, 5, 6, 7, 8, 9)), *low])
    glyphs = {digit: [] for digit in (0, 1, 4)}
    for seed in range(20):
        rng = rng_of(seed)
        hand = source.choose(rng)
        for digit, drawn in glyphs.items():
            drawn.append(hand.sample(rng, digit))
    tops = {digit: np.mean([glyph.top for glyph in drawn]) for digit, drawn in glyphs.items()}
    bottoms = {digit: np.mean([glyph.bottom for glyph in drawn]) for digit, drawn in glyphs.items()}
    assert tops[1] - bottoms[1] == pytest.approx(1.07, abs=0.08)  # with the width of the stroke
    assert tops[0] - bottoms[0] == pytest.approx(0.67, abs=0.08)
    assert bottoms[0] - bottoms[1] == pytest.approx(0.3, abs=0.08)
    assert bottoms[4] - bottoms[1] == pytest.approx(-0.2, abs=0.08)


@pytest.mark.usefixtures("recorded_only")
def test_digits_that_share_no_baseline_stand_on_one():
    source = StrokeGlyphs([recording(digit, "ann", bottom=digit * 300.0) for digit in range(10)])
    rng = rng_of(1)
    assert all(abs(source.sample(rng, digit).bottom) < 0.25 for digit in range(10))


def test_slant_is_measured_and_passed_on_to_the_marks():
    upright, slanted = (
        Writer([PenDigit(1, "ann", (np.array([[0, 0], [-100 * slope, 100]], np.float32),))]) for slope in (0.0, 0.4)
    )
    assert upright.slope == pytest.approx(0, abs=1e-6)
    assert slanted.slope == pytest.approx(0.4, abs=1e-6)
    lean = []
    for writer in (upright, slanted):
        inks = [WriterHand(rng_of(seed), writer, [[writer]] * 10).mark(rng_of(seed), "/") for seed in range(9)]
        lean.append(np.mean([glyph.ink.shape[1] for glyph in inks]))
    assert lean[1] - lean[0] == pytest.approx(0.4 * 1.16 * 64, rel=0.4)


def test_marks_have_no_label_and_unknown_ones_are_missing():
    rng = rng_of(0)
    hand = SOURCE.choose(rng)
    assert all(hand.mark(rng, character).label == NO_DIGIT for character in ".,-/:$%")
    assert SOURCE.mark(rng, "\u00e9") is None


def test_a_missing_digit_is_borrowed_from_one_other_writer():
    source = StrokeGlyphs(writers_of("whole") + writers_of(*(f"part {n}" for n in range(9)), digits=(1, 2)))
    borrowed = 0
    for seed in range(10):
        rng = rng_of(seed)
        hand = source.choose(rng)
        assert [hand.sample(rng, digit).label for digit in range(10)] == list(range(10))
        borrowed += hand._writers[7] is not hand._writers[1]
    assert borrowed > 0


def test_a_digit_without_writers_is_an_error():
    with pytest.raises(DataError, match="no usable 7"):
        StrokeGlyphs(writers_of("ann", digits=(0, 1, 2, 3, 4, 5, 6, 8, 9)))
    dot = PenDigit(7, "ann", (np.zeros((1, 2), np.float32),))
    with pytest.raises(DataError, match="no usable 7"):
        StrokeGlyphs([*writers_of("ann", digits=(0, 1, 2, 3, 4, 5, 6, 8, 9)), dot])


def test_writers_without_any_usable_digit_are_left_out():
    dots = [PenDigit(digit, "dots", (np.zeros((3, 2), np.float32),)) for digit in range(10)]
    source = StrokeGlyphs([*writers_of("ann"), *dots])
    assert all(source.sample(rng_of(seed), seed % 10).ink.shape[0] > 40 for seed in range(20))


def test_touches_of_the_pen_and_slips_are_not_drawn():
    touch = np.array([[900, -50], [901, -50]], np.float32)
    ones = [PenDigit(digit.label, "ann", (*digit.strokes, touch)) for digit in writers_of("ann")]
    slip = recording(5, "ann", height=20.0)
    source = StrokeGlyphs([*ones, slip])
    for seed in range(20):
        glyph = source.sample(rng_of(seed), 5)
        assert glyph.ink.shape[0] > 50
        assert glyph.ink.shape[1] < 150


def test_smooth_paths_pass_near_their_points_without_corners():
    circle = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)[::2] * 50
    writer = Writer([PenDigit(0, "ann", (circle.astype(np.float32),))])
    path = writer.trajectory(0)
    radii = np.hypot(*(path.curve - (0.5, 0.5)).T)
    assert radii == pytest.approx(0.5, abs=0.012)
    steps = np.diff(path.curve, axis=0)
    turns = np.abs(np.diff(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))))
    assert turns[1:-1].max() < 0.2  # radians; 0.57 between the chords of the twelve points
