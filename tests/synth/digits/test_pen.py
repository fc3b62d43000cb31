import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.synth.digits.glyphs import NO_DIGIT, VISIBLE_INK, StyledGlyphs
from digitdet.synth.digits.pen import Hand, PenTip, ligature
from digitdet.synth.digits.pen_shapes import DIGITS, MARKS, MAX_POINTS, MAX_STROKES, compile_template, smooth_shape

SOURCE = StyledGlyphs(Hand)
TEMPLATES = [*MARKS.values(), *(template for forms in DIGITS.values() for _, template in forms)]


def rng_of(seed):
    return np.random.default_rng(seed)


def assert_well_formed(glyph):
    visible = glyph.ink > VISIBLE_INK
    assert glyph.ink.dtype == np.float32
    assert glyph.ink.flags["C_CONTIGUOUS"]
    assert glyph.ink.min() >= 0 and glyph.ink.max() <= 1
    assert visible[0].any() and visible[-1].any() and visible[:, 0].any() and visible[:, -1].any()
    assert glyph.top - glyph.bottom == pytest.approx(glyph.ink.shape[0] / 64)
    assert glyph.advance is None


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), digit=st.integers(0, 9))
def test_digits_are_tightly_cropped_and_on_the_baseline(seed, digit):
    glyph = SOURCE.sample(rng_of(seed), digit)
    assert_well_formed(glyph)
    assert glyph.label == digit
    assert 0.4 < glyph.top < 1.6
    # Some strokes end slightly above the baseline, and small zeros of amounts are raised.
    assert -0.6 < glyph.bottom < (0.45 if digit == 0 else 0.15)
    assert 0.02 < (glyph.ink > VISIBLE_INK).mean() <= 1


@pytest.mark.parametrize("draw", ["sample", "mark", "scribble"])
def test_same_rng_gives_the_same_bytes(draw):
    arguments = {"sample": (5,), "mark": ("k",), "scribble": ()}[draw]
    rngs = [rng_of(seed) for seed in (3, 3, 4)]
    first, again, other = (getattr(SOURCE.choose(rng), draw)(rng, *arguments).ink for rng in rngs)
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def shape_distance(one, other):
    """Share of the ink that two glyphs, aligned at their top left corners, do not have in common."""
    size = np.maximum(one.ink.shape, other.ink.shape)
    a, b = (np.pad(g.ink, [(0, size[i] - g.ink.shape[i]) for i in (0, 1)]) for g in (one, other))
    return np.abs(a - b).sum() / np.maximum(a, b).sum()


def test_digits_of_one_hand_are_more_similar_than_those_of_different_hands():
    within, between = [], []
    for seed in range(40):
        rng = rng_of(seed)
        hand = SOURCE.choose(rng)
        first, second = hand.sample(rng, 5), hand.sample(rng, 5)
        assert first.ink.tobytes() != second.ink.tobytes()
        within.append(shape_distance(first, second))
        between.append(shape_distance(first, SOURCE.sample(rng, 5)))
    assert np.mean(within) < 0.75 * np.mean(between)


def test_marks_are_letters_and_symbols_only():
    rng = rng_of(0)
    hand = SOURCE.choose(rng)
    for character in string.ascii_letters + ".,-\u2013/:;=#+*()'\"%$\u20ac\u00a3\u00a5\u00d7\u00f7&@<>[]":
        glyph = hand.mark(rng, character)
        assert glyph is not None, character
        assert_well_formed(glyph)
        assert glyph.label == NO_DIGIT
    assert all(hand.mark(rng, character) is None for character in "0123456789\u00e9^ ")


@pytest.mark.parametrize(
    ("character", "top", "bottom"),
    [
        (".", (-0.05, 0.3), (-0.25, 0.12)),
        (",", (-0.05, 0.32), (-0.42, 0.0)),
        ("-", (0.1, 1.1), (0.0, 0.9)),
        ("x", (0.3, 0.8), (-0.3, 0.1)),
        ("p", (0.35, 0.8), (-0.65, -0.25)),
        ("H", (0.8, 1.3), (-0.3, 0.1)),
        ("'", (0.8, 1.3), (0.5, 1.0)),
    ],
)
def test_vertical_position_of_marks(character, top, bottom):
    glyphs = [SOURCE.mark(rng_of(seed), character) for seed in range(30)]
    assert all(top[0] <= glyph.top <= top[1] for glyph in glyphs)
    assert all(bottom[0] <= glyph.bottom <= bottom[1] for glyph in glyphs)


def test_dot_is_visible_with_every_pen():
    assert all(min(SOURCE.mark(rng_of(seed), ".").ink.shape) >= 2 for seed in range(100))


def test_scribbles_are_long():
    for seed in range(60):
        rng = rng_of(seed)
        glyph = SOURCE.choose(rng).scribble(rng)
        assert_well_formed(glyph)
        assert glyph.label == NO_DIGIT
        assert glyph.ink.shape[1] > 44  # wider than most digits, 64 being their height


def test_templates_are_within_the_limits():
    for template in TEMPLATES:
        shape = compile_template(template)
        assert len(shape.points) <= MAX_POINTS
        assert shape.stroke_of.max() < MAX_STROKES
        assert shape.starts.sum() == shape.stroke_of.max() + 1


def test_curves_pass_through_their_points_and_corners_are_sharp():
    shape = compile_template("0,0 50,100! 100,0 ; 0,50! 100,50!")
    curve = shape.curve(shape.points, 1.0)
    for point in shape.points:
        assert np.abs(curve - point).sum(axis=1).min() < 1e-6
    straight = curve[np.flatnonzero(shape.starts)[1] :]
    assert straight[:, 1] == pytest.approx(0.5)
    smooth = smooth_shape(3).curve(np.array([[0, 0], [0.5, 1], [1, 0]], np.float32), 1.0)
    assert smooth[:, 1].max() == pytest.approx(1)


@pytest.mark.parametrize(
    ("tip", "down", "up", "level"),
    [
        (PenTip(0.1), 0.1, 0.1, 0.1),
        (PenTip(0.1, contrast=0.5), 0.1, 0.05, 0.05),  # pointed: thick in downstrokes
        (PenTip(0.1, contrast=1.0, nib_angle=0.0), 0.1, 0.1, 0.0),  # broad and held horizontally
    ],
)
def test_width_depends_on_the_nib(tip, down, up, level):
    steps = np.array([[0, -1], [0, 1], [1, 0]], np.float32)
    assert tip.widths(steps, np.full(3, 99, np.float32)) == pytest.approx([down, up, level], abs=1e-5)


def block(x, y=0, height=40):
    """Ink points of a box 20 wide."""
    return np.stack(np.meshgrid(np.arange(x, x + 20.0), np.arange(y, y + height)), axis=-1).reshape(-1, 2)


def test_ligature_joins_neighbours_and_sags():
    lines = [ligature(rng_of(seed), block(0), block(28)) for seed in range(50)]
    drawn = [line for line in lines if line is not None]
    assert len(drawn) > 25
    for line in drawn:
        assert line.dtype == np.float32 and line.shape[1] == 2
        assert line[0, 0] == 19 and line[-1, 0] == 28
        assert (np.diff(line[:, 0]) > 0).all()
        assert (line[1:-1, 1] > np.linspace(line[0, 1], line[-1, 1], len(line))[1:-1]).all()  # y points down


@pytest.mark.parametrize(
    "right", [block(60), block(10), block(28, y=200), np.zeros((0, 2))], ids=["far", "overlapping", "below", "empty"]
)
def test_no_ligature_between_distant_or_overlapping_digits(right):
    assert all(ligature(rng_of(seed), block(0), right) is None for seed in range(30))
