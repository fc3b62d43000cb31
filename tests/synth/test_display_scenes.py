"""Composed displays: boxes around the lit segments, and reflections on top of them."""

from dataclasses import replace

import numpy as np
import pytest

from digitdet.synth.pages.page_draft import Shape


@pytest.fixture(scope="module")
def composer(make_composer):
    return make_composer(sources={"segments": 1.0}, layouts={"display": 1.0}, canvas_sizes=((320, 160),))


def draw_plan(composer, seed):
    return composer.sample_plan(np.random.default_rng(seed))


def with_ghost(plan, strength):
    layers = [
        replace(layer, lines=tuple(replace(line, ink=replace(line.ink, ghost=strength)) for line in layer.lines))
        for layer in plan.layers
    ]
    return replace(plan, layers=tuple(layers))


def test_unlit_segments_have_no_part_in_boxes_and_labels(composer):
    differ = 0
    for seed in range(12):
        plan = draw_plan(composer, seed)
        plain, visible = (composer.render_plan(with_ghost(plan, strength))[0] for strength in (0.0, 0.7))
        assert np.array_equal(plain.boxes, visible.boxes)
        assert np.array_equal(plain.labels, visible.labels)
        assert plain.lines == visible.lines
        differ += not np.array_equal(plain.image, visible.image)
    assert differ > 5


def test_digits_like_their_unlit_segments_are_left_out(composer):
    checked = 0
    for seed in range(20):
        plan = draw_plan(composer, seed)
        _, hidden = composer.render_plan(with_ghost(plan, 1.0))
        for number in drawn_numbers(composer, plan):
            line = plan.lines[number[0]]
            glyphs = [line.glyphs[row].glyph for row in line.numbers[number[1]]]
            if all(glyph.faint is not None and glyph.faint.max() > 0.5 for glyph in glyphs):
                assert number in hidden
                checked += 1
    assert checked > 5


def drawn_numbers(composer, plan):
    """Return the numbers of a plan of which a digit is on the canvas."""
    numbers = {(index, place) for index, line in enumerate(plan.lines) for place in range(len(line.numbers))}
    return [one for one in numbers if len(composer.render_plan(plan, frozenset(numbers - {one}))[0].labels)]


def test_reflections_are_drawn_on_top_of_the_ink(composer):
    plan = draw_plan(composer, 1)
    corners = np.array([[-9.0, -9.0], [400.0, -9.0], [400.0, 200.0], [-9.0, 200.0]])
    cover = Shape(corners, np.array([10.0, 20.0, 30.0]), above=True)
    layer = plan.layers[0]
    covered = replace(plan, layers=(replace(layer, shapes=(*layer.shapes, cover)),), effects=())
    below = replace(plan, layers=(replace(layer, shapes=(*layer.shapes, replace(cover, above=False))),), effects=())
    assert (composer.render_plan(covered)[0].image == (10, 20, 30)).all()
    assert not (composer.render_plan(below)[0].image == (10, 20, 30)).all()
