"""Scenes: objects with numbers, their places, their light, and pictures without digits."""

from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.configs import SynthConfig, load_preset
from digitdet.configs.look import LookConfig
from digitdet.synth.digits.glyphs import NO_DIGIT
from digitdet.synth.effects.relight import measure_light
from digitdet.synth.pages.objects import OBJECTS
from digitdet.synth.pages.page_geometry import sample_angle, sample_folds
from digitdet.synth.scene import SceneComposer

SEEDS = st.integers(0, 2**32 - 1)


def draw_plan(composer, seed):
    return composer.sample_plan(np.random.default_rng(seed))


def objects_of(plan):
    return [layer for layer in plan.layers if layer.light is not None]


@pytest.fixture(scope="module")
def one_object(materials):
    """A composer of scenes with one kind of object."""
    scenes = load_preset(SynthConfig, "synth", "scenes").looks["scenes"]

    def make(name, **changes):
        data = {"objects": {name: 1.0}, "canvas_sizes": ((480, 360),), "blank_share": 0.0, **changes}
        return SceneComposer(SynthConfig(looks={"mine": _replaced(scenes, data)}), materials)

    return make


def _replaced(look, changes):
    return LookConfig(**{name: changes.get(name, getattr(look, name)) for name in look.__struct_fields__})


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_objects_lie_in_the_picture_and_apart(composers, seed):
    plan = draw_plan(composers["scenes"], seed)
    boxes = np.array([layer.box for layer in objects_of(plan)]).reshape(-1, 4)
    for row, (x0, y0, x1, y1) in enumerate(boxes):
        assert (x0 + x1) / 2 == pytest.approx(np.clip((x0 + x1) / 2, 0, plan.width))
        inside = (min(x1, plan.width) - max(x0, 0)) * (min(y1, plan.height) - max(y0, 0))
        assert inside >= 0.8 * (x1 - x0) * (y1 - y0)
        for other in boxes[row + 1 :]:
            assert x0 >= other[2] or other[0] >= x1 or y0 >= other[3] or other[1] >= y1


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_an_object_lies_in_its_box(composers, seed):
    for layer in objects_of(draw_plan(composers["scenes"], seed)):
        low, high = np.array(layer.box[:2]), np.array(layer.box[2:])
        slack = 0.12 * (high - low) + 8  # of folds, round corners and stroke widths
        for shape in layer.shapes:
            assert (shape.points >= low - slack).all()
            assert (shape.points <= high + slack).all()
        centres = np.array([glyph.centre for line in layer.lines for glyph in line.glyphs]).reshape(-1, 2)
        assert (centres >= low - slack).all()
        assert (centres <= high + slack).all()


@pytest.mark.parametrize("name", OBJECTS)
def test_every_object_shows_its_numbers(one_object, name):
    composer = one_object(name)
    scenes = [composer.compose(np.random.default_rng(seed)) for seed in range(3)]
    assert sum(bool(scene.numbers) for scene in scenes) >= 2


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_without_digits_show_words(one_object, name):
    composer = one_object(name, blank_share=1.0)
    for seed in range(10):
        plan = draw_plan(composer, seed)
        assert plan.blank
        assert not any(line.numbers for line in plan.lines)
        assert all(glyph.glyph.label == NO_DIGIT for line in plan.lines for glyph in line.glyphs)


@pytest.mark.parametrize("preset", ["print", "scenes"])
def test_pictures_without_digits_are_the_share_of_the_look(composers, preset):
    """The number of blank plans is within four standard deviations of the sum of the shares."""
    looks = {**load_preset(SynthConfig, "synth", preset).looks}
    plans = [draw_plan(composers[preset], seed) for seed in range(30)]
    shares = np.array([looks[plan.look].blank_share for plan in plans])
    blank = sum(plan.blank for plan in plans)
    assert abs(blank - shares.sum()) <= 4 * np.sqrt((shares * (1 - shares)).sum()) + 1e-9
    assert not any(line.numbers for plan in plans if plan.blank for line in plan.lines)


def test_other_pictures_have_a_number(composers):
    """Plans are drawn again until a number is legible; three in a row seldom fail."""
    composer = composers["scenes"]
    drawn = [(draw_plan(composer, seed).blank, composer.compose(np.random.default_rng(seed))) for seed in range(12)]
    assert all(not scene.numbers for blank, scene in drawn if blank)
    assert sum(not scene.numbers for blank, scene in drawn if not blank) <= 1


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_turned_pages_are_turned_by_20_to_35_degrees_to_either_side(share):
    look = LookConfig(turned_share=share, page_angle=(-5, 5))
    rng = np.random.default_rng(1)
    angles = np.degrees([sample_angle(rng, look) for _ in range(300)])
    turned = np.abs(angles) > 10
    assert ((np.abs(angles[turned]) >= 20) & (np.abs(angles[turned]) <= 35)).all()
    assert turned.mean() == pytest.approx(share, abs=0.08)
    if share:
        assert (angles[turned] > 0).mean() == pytest.approx(0.5, abs=0.2)


@settings(max_examples=50)
@given(seed=SEEDS, width=st.floats(20, 500), height=st.floats(20, 500))
def test_cloth_never_folds_over(seed, width, height):
    """Neighbouring points keep their order and about their distance."""
    folds = sample_folds(np.random.default_rng(seed), width, height)
    points = np.random.default_rng(seed + 1).uniform(-0.5, 0.5, (50, 2)) * (width, height)
    for step in ((0.01, 0.0), (0.0, 0.01)):
        moved = (folds.displace(points + step) - folds.displace(points)) @ np.array(step) / 1e-4
        assert (moved > 0.6).all()
        assert (moved < 1.4).all()
    assert (np.abs(folds.brightness(points) - 1) <= folds.contrast + 1e-9).all()


def test_an_object_is_as_dark_and_blurred_as_its_photo(one_object, monkeypatch):
    """The same sign in a dark, blurred photo and in a bright, sharp one."""
    composer = one_object("sign", objects_per_scene=(1, 1), effects={}, turned_share=0.0)
    plan = next(plan for seed in range(50) if objects_of(plan := draw_plan(composer, seed)))
    tiles = np.random.default_rng(0).integers(0, 2, (plan.height // 8, plan.width // 8, 1), np.uint8)
    sharp = tiles.repeat(8, 0).repeat(8, 1).repeat(3, 2) * np.uint8(255)
    photos = {"bright": sharp, "dark": cv2.GaussianBlur(sharp // 4, (0, 0), 2.5)}
    means, edges = {}, {}
    for name, photo in photos.items():
        monkeypatch.setattr(composer, "_draw_background", lambda plan, photo=photo: photo.copy())
        image = composer.render_plan(plan)[0].image
        left, top, right, bottom = (int(value) for value in objects_of(plan)[0].box)
        region = image[max(top + 2, 0) : bottom - 2, max(left + 2, 0) : right - 2].astype(np.float32)
        means[name] = region.mean()
        edges[name] = measure_light(photo).blur
    assert means["dark"] < 0.8 * means["bright"]
    assert edges["bright"] < 0.8
    assert edges["dark"] > 1.5


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS)
def test_the_photo_around_objects_is_unchanged(composers, seed):
    plan = replace(draw_plan(composers["scenes"], seed), effects=())
    scene, _ = composers["scenes"].render_plan(plan)
    empty, _ = composers["scenes"].render_plan(replace(plan, layers=plan.layers[:1]))
    outside = np.ones(scene.image.shape[:2], bool)
    for layer in objects_of(plan):
        left, top, right, bottom = (int(value) for value in layer.box)
        reach = 40 + int(0.12 * max(right - left, bottom - top))
        outside[max(top - reach, 0) : bottom + reach, max(left - reach, 0) : right + reach] = False
    assert np.array_equal(scene.image[outside], empty.image[outside])


def test_scenes_of_a_mixture_of_sources_name_all(composers):
    names = Counter(draw_plan(composers["scenes"], seed).source for seed in range(60))
    assert "fonts" in names
    assert any("+" in name for name in names)
