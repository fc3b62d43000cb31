import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitdet.configs import DataError, SynthConfig
from digitdet.datasets.boxes import overlap
from digitdet.datasets.mnist import Digits
from digitdet.synth.backgrounds import load_backgrounds, sample_background
from digitdet.synth.glyphs import Glyph, ImageGlyphs
from digitdet.synth.handwriting import (
    VISIBLE_INK,
    DigitStyle,
    InkPatch,
    extent,
    ink_points,
    render_digit,
    style_matrix,
)
from digitdet.synth.layout import sample_layout
from digitdet.synth.scene import SceneComposer

CLEAN = {"blur_share": 0, "noise_share": 0, "shadow_share": 0, "light_share": 0, "jpeg_share": 0}


def upright(height, stretch=1.0, slant=0.0, angle=0.0):
    return DigitStyle(height, stretch, slant, angle, ink_threshold=0.5)


def test_glyph_is_cropped_to_its_ink(digits):
    source = ImageGlyphs(digits)
    for label in range(10):
        glyph = source.sample(np.random.default_rng(label), label)
        assert glyph.label == label
        assert glyph.ink.dtype == np.float32
        assert 0 <= glyph.ink.min() <= glyph.ink.max() == 1
        for edge in (glyph.ink[0], glyph.ink[-1], glyph.ink[:, 0], glyph.ink[:, -1]):
            assert edge.max() > 0.3


def test_source_without_a_digit_is_refused(digits):
    without_seven = digits.labels != 7
    with pytest.raises(DataError, match="no picture of a 7"):
        ImageGlyphs(Digits(digits.images[without_seven], digits.labels[without_seven]))


def test_blank_pictures_of_a_source_are_left_out(digits):
    images = digits.images.copy()
    images[np.flatnonzero(digits.labels == 3)[0]] = 0
    source = ImageGlyphs(Digits(images, digits.labels))
    assert all(source.sample(np.random.default_rng(seed), 3).ink.max() > 0 for seed in range(30))


@pytest.mark.parametrize("height", [20.0, 33.0, 80.0, 150.0])
def test_rendered_ink_has_the_wanted_height_and_place(height):
    block = Glyph(np.ones((20, 12), np.float32), 1)
    style = upright(height)
    patch = render_digit(block, style_matrix(block, style), (100.0, 90.0), style.ink_threshold)
    left, top, right, bottom = patch.visible_box()
    assert bottom - top == pytest.approx(height, abs=1.5)
    assert right - left == pytest.approx(height * 12 / 20, abs=1.5)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((100, 90), abs=1)


@pytest.mark.parametrize(
    "style", [upright(60, slant=20), upright(60, angle=-8), upright(60, stretch=1.3, slant=-15, angle=4)]
)
def test_extent_foretells_the_rendered_box(digits, style):
    for label in range(10):
        glyph = ImageGlyphs(digits).sample(np.random.default_rng(5), label)
        matrix = style_matrix(glyph, style)
        foretold = extent(ink_points(glyph, style.ink_threshold), matrix) + [200, 150, 200, 150]
        box = render_digit(glyph, matrix, (200.0, 150.0), style.ink_threshold).visible_box()
        # A source pixel is 60/20 = 3 px here, and the pen's edge lies somewhere inside it.
        assert np.abs(foretold - box).max() <= 4


def test_slant_leans_right_and_angle_turns_clockwise():
    bar = Glyph(np.ones((20, 3), np.float32), 1)
    leaning = render_digit(bar, style_matrix(bar, upright(80, slant=20)), (100.0, 100.0), 0.5).alpha
    turned = render_digit(bar, style_matrix(bar, upright(80, angle=20)), (100.0, 100.0), 0.5).alpha
    for alpha in (leaning, turned):  # clockwise on the screen moves the top to the right, as a lean does
        rows = np.flatnonzero(alpha.max(axis=1) > 0.5)
        upper, lower = alpha[rows[:10]].mean(axis=0), alpha[rows[-10:]].mean(axis=0)
        assert upper.argmax() > lower.argmax() + 10


def test_box_of_nothing_is_none():
    assert InkPatch(np.full((5, 5), VISIBLE_INK, np.float32), 0, 0).visible_box() is None


def test_box_includes_the_last_inked_pixel():
    alpha = np.zeros((6, 8), np.float32)
    alpha[1, 2] = alpha[4, 6] = 1
    assert InkPatch(alpha, left=10, top=20).visible_box() == (12, 21, 17, 25)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_layouts_fit_the_canvas_and_keep_digits_apart(digits, seed):
    config = SynthConfig()
    rng = np.random.default_rng(seed)
    width, height = config.canvas_sizes[int(rng.integers(len(config.canvas_sizes)))]
    numbers = sample_layout(rng, config, ImageGlyphs(digits), width, height)
    assert numbers
    boxes = []
    for number in numbers:
        assert 1 <= len(number.digits) <= config.digits_per_number[1]
        for digit in number.digits:
            points = ink_points(digit.glyph, digit.threshold)
            boxes.append(extent(points, digit.matrix) + [*digit.centre, *digit.centre])
    boxes = np.array(boxes)
    assert (boxes >= 0).all()
    assert (boxes <= [width, height, width, height]).all()
    shared = overlap(boxes, boxes)
    np.fill_diagonal(shared, 0)
    # The limit holds before the page is turned; a turn of 8 degrees widens the boxes of two long strokes.
    assert shared.max(initial=0) < 0.75


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_scenes_have_sound_labels(digits, seed):
    scene = SceneComposer(SynthConfig(), ImageGlyphs(digits)).compose(np.random.default_rng(seed))
    height, width = scene.image.shape[:2]
    assert scene.image.dtype == np.uint8
    assert len(scene.boxes) == len(scene.labels)
    assert sorted(row for rows in scene.numbers for row in rows) == list(range(len(scene.labels)))
    if len(scene.boxes):
        assert (scene.boxes[:, :2] >= 0).all()
        assert (scene.boxes[:, 2:] <= [width, height]).all()
        assert (scene.boxes[:, 2:] - scene.boxes[:, :2] >= 1).all()
        assert set(scene.labels.tolist()) <= set(range(10))


@pytest.mark.parametrize("dark", [0, 1])
def test_boxes_are_tight_around_the_ink_on_a_plain_ground(digits, dark):
    """On one colour without camera effects, ink is whatever differs from the ground."""
    config = SynthConfig(
        **CLEAN,
        blank_share=0,
        gradient_weight=0,
        noise_weight=0,
        dark_ink_share=dark,
        digit_gap=(0.1, 0.3),
        min_contrast=100,
    )
    composer = SceneComposer(config, ImageGlyphs(digits))
    for seed in range(20):
        scene = composer.compose(np.random.default_rng(seed))
        image = scene.image.astype(int)
        ground = np.median(image.reshape(-1, 3), axis=0)
        difference = np.abs(image - ground).max(axis=2)
        covered = np.zeros(difference.shape, bool)
        for left, top, right, bottom in scene.boxes.astype(int):
            inside = difference[top:bottom, left:right] > 0.28 * difference[top:bottom, left:right].max()
            assert inside.any(axis=1)[[0, -1]].all()
            assert inside.any(axis=0)[[0, -1]].all()
            covered[max(top - 2, 0) : bottom + 2, max(left - 2, 0) : right + 2] = True
        assert difference[~covered].max(initial=0) < 0.5 * difference.max()


def test_ink_stands_out_from_every_ground(digits):
    config = SynthConfig(**CLEAN, blank_share=0)
    composer = SceneComposer(config, ImageGlyphs(digits))
    for seed in range(20):
        scene = composer.compose(np.random.default_rng(seed))
        grey = scene.image @ np.array([0.114, 0.587, 0.299])
        for left, top, right, bottom in scene.boxes.astype(int):
            cut = grey[top:bottom, left:right]
            assert np.percentile(cut, 98) - np.percentile(cut, 2) >= config.min_contrast - 10


def test_blank_pictures_hold_nothing(digits):
    scene = SceneComposer(SynthConfig(blank_share=1), ImageGlyphs(digits)).compose(np.random.default_rng(0))
    assert (len(scene.boxes), len(scene.labels), scene.numbers) == (0, 0, ())


def test_same_generator_state_same_scene(digits):
    first, second = (
        SceneComposer(SynthConfig(), ImageGlyphs(digits)).compose(np.random.default_rng(11)) for _ in range(2)
    )
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.boxes, second.boxes)


def test_order_of_composing_does_not_matter(digits):
    """A composer keeps no state between scenes: workers compose different ones in between."""
    composer = SceneComposer(SynthConfig(), ImageGlyphs(digits))
    alone = composer.compose(np.random.default_rng(4)).image
    for seed in range(5):
        composer.compose(np.random.default_rng(100 + seed))
    assert np.array_equal(composer.compose(np.random.default_rng(4)).image, alone)


def test_user_backgrounds_are_used(tmp_path):
    import cv2

    for name, colour in (("a.png", (10, 200, 30)), ("b.jpg", (10, 200, 30))):
        cv2.imwrite(str(tmp_path / name), np.full((90, 2000, 3), colour, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    images = load_backgrounds(tmp_path)
    assert [max(image.shape) for image in images] == [1024, 1024]
    config = SynthConfig(background_folder=str(tmp_path), plain_weight=0, gradient_weight=0, noise_weight=0)
    for seed in range(5):
        ground = sample_background(np.random.default_rng(seed), config, images, 320, 160, light=True)
        assert ground.shape == (160, 320, 3)
        assert np.abs(ground.astype(int) - (10, 200, 30)).max() <= 6


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 5000), (5000, 1)])
def test_odd_backgrounds_do(tmp_path, shape):
    import cv2

    cv2.imwrite(str(tmp_path / "odd.png"), np.full((*shape, 3), 77, np.uint8))
    config = SynthConfig(background_folder=str(tmp_path), plain_weight=0, gradient_weight=0, noise_weight=0)
    for seed in range(5):
        ground = sample_background(np.random.default_rng(seed), config, load_backgrounds(tmp_path), 320, 96, light=True)
        assert (ground == 77).all()


@pytest.mark.parametrize(("size", "heights"), [((320, 96), (120, 150)), ((32, 32), (20, 150)), ((64, 640), (20, 60))])
def test_digits_too_big_for_the_canvas_are_made_smaller(digits, size, heights):
    config = SynthConfig(canvas_sizes=(size,), digit_height=heights)
    for seed in range(30):
        for number in sample_layout(np.random.default_rng(seed), config, ImageGlyphs(digits), *size):
            for digit in number.digits:
                box = render_digit(digit.glyph, digit.matrix, digit.centre, digit.threshold).visible_box()
                assert min(box) >= 0
                assert box[2] <= size[0]
                assert box[3] <= size[1]


def test_bad_backgrounds_are_named(tmp_path):
    with pytest.raises(DataError, match="no pictures"):
        load_backgrounds(tmp_path)
    (tmp_path / "broken.jpg").write_bytes(b"not a jpeg")
    with pytest.raises(DataError, match=r"broken\.jpg"):
        load_backgrounds(tmp_path)
