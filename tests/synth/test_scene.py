"""Composed pictures: tight and complete labels, for every preset and any seed."""

from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.common.characters import OTHER, class_of
from digitdet.common.errors import ConfigError
from digitdet.common.types import CLASS_NAMES
from digitdet.configs import SynthConfig, load_preset
from digitdet.configs import replace as replace_setting
from digitdet.configs.base import preset_names
from digitdet.configs.look import LookConfig
from digitdet.synth.digits.glyphs import NO_DIGIT, VISIBLE_INK
from digitdet.synth.effects.inks import INKS
from digitdet.synth.pages.texts import TEXTS
from digitdet.synth.plan import Layer
from digitdet.synth.scene import SceneComposer

PRESETS = preset_names("synth")
MIXED = load_preset(SynthConfig, "synth", "mixed")
SEEDS = st.integers(0, 2**32 - 1)
LOOKS = st.sampled_from(PRESETS)
FINE = 4  # samples per pixel side for the independent drawing of ink


def draw_plan(composer, seed):
    return composer.sample_plan(np.random.default_rng(seed))


def characters_of(plan):
    """Return the characters of all numbers of a plan in reading order: the ID of the number and the placed glyph."""
    return [
        ((index, place), line.glyphs[row])
        for index, line in enumerate(plan.lines)
        for place, rows in enumerate(line.numbers)
        for row in rows
    ]


def digits_of(plan):
    return [(number, placed) for number, placed in characters_of(plan) if placed.glyph.label != NO_DIGIT]


def marks_of(plan):
    return [(number, placed) for number, placed in characters_of(plan) if placed.glyph.label == NO_DIGIT]


def with_lines(plan, lines):
    """The plan of a flat page with these lines only."""
    return replace(plan, layers=(Layer((), tuple(lines)),))


def sampled_extents(placed, width, height):
    """Return the smallest and the largest xyxy box that may be tight around a digit, and the visible part of its ink.

    The ink is sampled at FINE x FINE points of every pixel, independently of the generator's drawing. The boxes differ
    where it is undefined whether ink is visible: at the edge of a window, where a stroke is less than half a pixel
    wide, and where an enlarged stroke fades out over several pixels.
    """
    rows, columns = placed.glyph.ink.shape
    centre, matrix = np.array(placed.centre), np.asarray(placed.matrix)
    reach = np.abs(matrix) @ (columns, rows) / 2 + 2
    low = np.maximum(np.floor(centre - reach), 0).astype(int)
    high = np.minimum(np.ceil(centre + reach), (width, height)).astype(int)
    if (high <= low).any():
        return None, None, 0.0
    x = low[0] + (np.arange((high[0] - low[0]) * FINE) + 0.5) / FINE - centre[0]
    y = low[1] + (np.arange((high[1] - low[1]) * FINE) + 0.5)[:, None] / FINE - centre[1]
    inverse = np.linalg.inv(matrix)
    at_x = (inverse[0, 0] * x + inverse[0, 1] * y + columns / 2 - 0.5).astype(np.float32)
    at_y = (inverse[1, 0] * x + inverse[1, 1] * y + rows / 2 - 0.5).astype(np.float32)
    values = cv2.remap(placed.glyph.ink, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    scale = np.sqrt(np.linalg.det(matrix))
    inked = (values > placed.threshold).astype(np.uint8)
    faded = (values > placed.threshold - 0.25 / max(scale, 1)).astype(np.uint8)
    shown, larger, smaller = inked, faded, inked
    if placed.window is not None:
        window = np.zeros_like(inked)
        cv2.fillPoly(window, [np.round((placed.window - low) * FINE - 0.5).astype(np.int32)], 1)
        step = np.ones((4 * FINE + 1, 4 * FINE + 1), np.uint8)  # two pixels on each side
        shown, larger, smaller = inked & window, faded & cv2.dilate(window, step), inked & cv2.erode(window, step)
    full = (placed.glyph.ink > placed.threshold).sum() * scale**2
    small_box = _tight(smaller, low, VISIBLE_INK if scale >= 1 else 0.5)
    return small_box, _tight(larger, low, VISIBLE_INK), shown.sum() / FINE**2 / full


def _tight(inked, low, share):
    """Return the box of the pixels that ink covers by more than a share; None if there are none."""
    rows, columns = inked.shape
    covered = inked.reshape(rows // FINE, FINE, columns // FINE, FINE).mean(axis=(1, 3)) > share
    if not covered.any():
        return None
    ys, xs = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    return np.array([xs[0], ys[0], xs[-1] + 1, ys[-1] + 1]) + (*low, *low)


def same(first, second):
    return (
        np.array_equal(first.image, second.image)
        and np.array_equal(first.boxes, second.boxes)
        and np.array_equal(first.labels, second.labels)
        and first.numbers == second.numbers
        and first.lines == second.lines
    )


# --- labels ---


@settings(max_examples=50, deadline=None)
@given(name=LOOKS, seed=SEEDS)
def test_labels_are_valid(composers, name, seed):
    scene = composers[name].compose(np.random.default_rng(seed))
    height, width = scene.image.shape[:2]
    assert scene.image.dtype == np.uint8
    assert scene.image.shape[2] == 3
    assert scene.boxes.shape == (len(scene.labels), 4)
    assert scene.boxes.dtype == np.float64
    assert scene.labels.dtype == np.int64
    assert (scene.boxes[:, :2] >= 0).all()
    assert (scene.boxes[:, 2:] <= (width, height)).all()
    assert (scene.boxes[:, 2:] - scene.boxes[:, :2] >= 1).all()
    assert ((scene.labels >= 0) & (scene.labels <= 9)).all()
    # Every label is in one number, and numbers are in order.
    assert [row for rows in scene.numbers for row in rows] == list(range(len(scene.labels)))
    assert all(scene.numbers)
    _check_lines(scene)


def _check_lines(scene):
    """The digits of the numbers in the lines have the boxes and labels of the scene; other characters have a box."""
    height, width = scene.image.shape[:2]
    numbers = []
    for line in scene.lines:
        assert line.text == " ".join(line.text.split())
        boxes = iter(line.boxes)
        characters = [(character, None if character == " " else next(boxes)) for character in line.text]
        assert next(boxes, None) is None
        inside = set()
        for start, stop in line.numbers:
            inside.update(range(start, stop))
            numbers.append([pair for pair in characters[start:stop] if pair[0] in CLASS_NAMES])
        assert inside >= {place for place, (character, _) in enumerate(characters) if character in CLASS_NAMES}
        for x0, y0, x1, y1 in line.boxes:
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
    expected = [[(str(scene.labels[row]), tuple(scene.boxes[row])) for row in rows] for rows in scene.numbers]
    assert numbers == expected


@settings(max_examples=40, deadline=None)
@given(name=LOOKS, seed=SEEDS)
def test_every_visible_character_of_a_number_has_a_tight_box(composers, name, seed):
    plan = draw_plan(composers[name], seed)
    _, hidden = composers[name].render_plan(plan)
    scene, _ = composers[name].render_plan(plan, hidden)
    _check_digits(plan, hidden, scene)
    _check_marks(plan, hidden, scene)


def _check_digits(plan, hidden, scene):
    """Every visible digit and nothing else has a label with a tight box."""
    row = 0
    for number, placed in digits_of(plan):
        smaller, larger, shown = sampled_extents(placed, plan.width, plan.height)
        if number in hidden or shown < placed.min_visible - 0.1 or larger is None:
            continue  # hidden, or cut off by the border or a window and not labelled
        fits = row < len(scene.labels) and scene.labels[row] == placed.glyph.label
        fits = fits and _is_around(scene.boxes[row], smaller, larger)
        # Digits of which about the least part is visible, and tiny ones, may be labelled or not.
        assert fits or shown < placed.min_visible + 0.1 or smaller is None, (
            row,
            placed.glyph.label,
            smaller,
            larger,
            scene.boxes[row : row + 1],
        )
        row += fits
    assert row == len(scene.labels)


def _check_marks(plan, hidden, scene):
    """Every visible mark of a number has a tight box."""
    found = []
    for line in scene.lines:
        boxes = iter(line.boxes)
        placed = [(one, one != " " and next(boxes)) for one in line.text]
        found.extend((one, np.array(box)) for start, stop in line.numbers for one, box in placed[start:stop])
    for number, mark in marks_of(plan):
        smaller, larger, shown = sampled_extents(mark, plan.width, plan.height)
        if number not in hidden and smaller is not None and larger is not None and shown > 0.6:
            others = [rest for rest in digits_of(plan) if rest[0] == number]
            assert any(one == mark.character and _is_around(box, smaller, larger) for one, box in found) or not any(
                sampled_extents(digit, plan.width, plan.height)[2] > 0.4 for _, digit in others
            )


def _is_around(box, smaller, larger):
    """Whether a box is between the smaller and the larger one, with a tolerance of one pixel."""
    outer = (box[:2] >= larger[:2] - 1).all() and (box[2:] <= larger[2:] + 1).all()
    return outer and (smaller is None or ((box[:2] <= smaller[:2] + 1).all() and (box[2:] >= smaller[2:] - 1).all()))


@settings(max_examples=40, deadline=None)
@given(name=LOOKS, seed=SEEDS)
def test_boxes_match_the_ink_in_the_picture(composers, name, seed):
    """With an ink that paints its own mask, the extent of each single digit is exactly its box."""
    composer = composers[name]
    plan = replace(draw_plan(composer, seed), effects=(), transforms=())
    boxes = composer.render_plan(plan)[0].boxes.tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(INKS, "mask", _paint_mask)
        for line in plan.lines:
            alone = replace(line, numbers=((0,),), strokes=(), ink=replace(line.ink, name="mask", ghost=0.0))
            for row in [row for rows in line.numbers for row in rows][:4]:
                one, _ = composer.render_plan(with_lines(plan, [replace(alone, glyphs=(line.glyphs[row],))]))
                if not len(one.labels):
                    continue  # cut off by the border
                box = one.boxes[0].astype(int)
                assert box.tolist() in boxes
                # The mask also covers two pixels around the box.
                left, top = np.maximum(box[:2] - 2, 0)
                inked = one.image[top : box[3] + 2, left : box[2] + 2, 0] == 255
                ys, xs = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
                assert [left + xs[0], top + ys[0], left + xs[-1] + 1, top + ys[-1] + 1] == box.tolist()


def _paint_mask(rng, background, alpha, colour, height):
    return np.repeat((alpha > VISIBLE_INK)[..., None] * np.float32(255), 3, axis=2)


def test_blank_pictures_have_no_labels(materials):
    looks = {name: replace_setting(look, blank_share=1.0) for name, look in MIXED.looks.items()}
    composer = SceneComposer(SynthConfig(looks=looks), materials)
    for seed in range(8):
        scene, hidden = composer.render_plan(draw_plan(composer, seed))
        assert (len(scene.labels), scene.numbers, hidden) == (0, (), frozenset())
        assert scene.boxes.shape == (0, 4)


@settings(max_examples=40, deadline=None)
@given(name=LOOKS, seed=SEEDS)
def test_every_digit_is_in_one_number(composers, name, seed):
    for line in draw_plan(composers[name], seed).lines:
        rows = [row for number in line.numbers for row in number]
        assert len(set(rows)) == len(rows)
        assert {row for row, glyph in enumerate(line.glyphs) if glyph.glyph.label != NO_DIGIT} <= set(rows)
        written = {line.glyphs[row].character for row in rows}
        assert all(character == "'" or class_of(character) != OTHER for character in written)


def test_labels_match_the_text(make_composer, monkeypatch):
    monkeypatch.setitem(TEXTS, "fixed", lambda rng, look: "407 A12,5")
    composer = make_composer(
        texts={"fixed": 1.0}, layouts={"single": 1.0}, margin=(0.1, 0.3), canvas_sizes=((320, 96),), page_angle=(-3, 3)
    )
    for seed in range(15):
        scene = composer.compose(np.random.default_rng(seed))
        assert ["".join(str(scene.labels[row]) for row in rows) for rows in scene.numbers] == ["407", "125"]
        (line,) = scene.lines
        assert [line.text[start:stop] for start, stop in line.numbers] == ["407", "12,5"]
        x = scene.boxes[:, 0]
        assert (np.diff(x) > 0).all()


def test_numbers_cut_by_a_border_keep_their_visible_digits(make_composer):
    """A digit that is more than half outside is drawn without a label; its neighbours keep theirs."""
    composer = make_composer(
        layouts={"single": 1.0},
        margin=(-0.4, -0.35),
        digits_per_number=(3, 5),
        texts={"digits": 1.0},
        page_angle=(0, 0),
    )
    cut = 0
    for seed in range(30):
        plan = draw_plan(composer, seed)
        scene, _ = composer.render_plan(plan)
        at_border = (scene.boxes[:, :2] == 0).any() or (scene.boxes[:, 2:] == (plan.width, plan.height)).any()
        cut += bool(at_border)
        assert len(scene.labels) <= len(digits_of(plan))
    assert cut > 10


# --- reproducibility ---


@settings(max_examples=25, deadline=None)
@given(name=LOOKS, seed=SEEDS)
def test_plans_and_pictures_are_deterministic_and_plans_are_not_changed(composers, name, seed):
    plan = draw_plan(composers[name], seed)
    before = _fingerprint(plan)
    assert _fingerprint(draw_plan(composers[name], seed)) == before
    first, hidden = composers[name].render_plan(plan)
    second, hidden_again = composers[name].render_plan(plan)
    assert same(first, second)
    assert hidden == hidden_again
    assert _fingerprint(plan) == before


def _fingerprint(plan):
    arrays = [shape.points for layer in plan.layers for shape in layer.shapes]
    for line in plan.lines:
        arrays.extend([line.ink.tint, *(points for points, _ in line.strokes)])
        for placed in line.glyphs:
            arrays.extend([placed.glyph.ink, placed.matrix, np.array(placed.centre)])
            arrays.extend(part for part in (placed.glyph.faint, placed.window) if part is not None)
    return [array.tobytes() for array in arrays]


def test_order_of_composing_does_not_matter(composers):
    """A composer keeps no state between scenes: each worker composes other ones in between."""
    alone = composers["mixed"].compose(np.random.default_rng(4))
    for seed in range(5):
        composers["mixed"].compose(np.random.default_rng(100 + seed))
    assert same(composers["mixed"].compose(np.random.default_rng(4)), alone)


def test_looks_are_drawn_by_weight(materials):
    looks = {"often": LookConfig(weight=3.0), "rare": LookConfig(weight=1.0), "never": LookConfig(weight=0.0)}
    composer = SceneComposer(SynthConfig(looks=looks), materials)
    counts = Counter(draw_plan(composer, seed).look for seed in range(200))
    assert set(counts) == {"often", "rare"}
    assert 110 < counts["often"] < 185


@pytest.mark.parametrize("table", ["sources", "texts", "layouts", "objects", "surfaces", "inks", "clutter", "effects"])
def test_unknown_ingredients_are_refused(materials, table):
    with pytest.raises(ConfigError, match=rf"looks: mine: {table}: there is no 'pan'"):
        SceneComposer(SynthConfig(looks={"mine": LookConfig(**{table: {"pan": 1.0}})}), materials)


def test_letters_near_the_horizon_of_a_tilted_page_are_not_drawn(composers):
    """A letter of a word outside the picture would be drawn a thousand pictures high."""
    composer = composers["print"]
    plan = next(plan for seed in range(50) if (plan := draw_plan(composer, seed)).lines)
    (page,) = plan.layers
    lettering = plan.lines[0]
    letter = lettering.glyphs[0]
    far = replace(letter, matrix=letter.matrix * 1e5, centre=(-13_000.0, 100.0))
    widened = replace(lettering, glyphs=(*lettering.glyphs, far))
    changed = replace(page, lines=(widened, *page.lines[1:]))
    scene, _ = composer.render_plan(replace(plan, layers=(changed,)))
    assert np.array_equal(scene.image, composer.render_plan(plan)[0].image)
