"""Illegible numbers are left out of composed pictures, together with their labels."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.configs.base import preset_names
from digitdet.synth.digits.glyphs import NO_DIGIT, Glyph
from digitdet.synth.pages.page_draft import Ink
from digitdet.synth.pages.texts import TEXTS
from digitdet.synth.plan import Layer, PlacedGlyph

PRESETS = preset_names("synth")
SEEDS = st.integers(0, 2**32 - 1)
LOOKS = st.sampled_from(PRESETS)


def draw_plan(composer, seed):
    return composer.sample_plan(np.random.default_rng(seed))


def with_lines(plan, lines):
    """The plan of a flat page with these lines only."""
    return replace(plan, layers=(Layer((), tuple(lines)),))


def digits_of(plan):
    """Return all digits of a plan in reading order: the ID of their number and the placed glyph."""
    return [
        ((index, place), line.glyphs[row])
        for index, line in enumerate(plan.lines)
        for place, rows in enumerate(line.numbers)
        for row in rows
        if line.glyphs[row].glyph.label != NO_DIGIT
    ]


def same(first, second):
    return (
        np.array_equal(first.image, second.image)
        and np.array_equal(first.boxes, second.boxes)
        and np.array_equal(first.labels, second.labels)
        and first.numbers == second.numbers
    )


def _change(line, how):
    """Return the line in an illegible form."""
    if how == "invisible":
        return replace(line, contrast=0.0, ink=Ink("flat", np.ones(3), 0.0))
    small = tuple(replace(glyph, matrix=np.asarray(glyph.matrix) * 4 / line.height) for glyph in line.glyphs)
    return replace(line, glyphs=small)


@pytest.mark.parametrize("how", ["invisible", "tiny"])
@pytest.mark.parametrize("seed", range(8))
def test_illegible_numbers_are_left_out_with_their_ink(make_composer, how, seed):
    composer = make_composer(layouts={"page": 1.0}, lines=(3, 4), digit_height=(16, 30), canvas_sizes=((320, 320),))
    plan = draw_plan(composer, seed)
    bad = len(plan.lines) // 2
    changed = [_change(each, how) if index == bad else each for index, each in enumerate(plan.lines)]
    changed = with_lines(plan, changed)
    _, hidden = composer.render_plan(changed)
    assert {index for index, _ in hidden} == {bad}
    final, more = composer.render_plan(changed, hidden)
    assert not more
    without = with_lines(plan, [e for i, e in enumerate(plan.lines) if i != bad])
    assert same(final, composer.render_plan(without)[0])


@pytest.mark.parametrize("seed", range(4))
def test_covered_numbers_are_left_out_and_the_cover_stays(make_composer, seed):
    composer = make_composer(layouts={"single": 1.0}, texts={"digits": 1.0}, page_angle=(0, 0), stretch=(1, 1))
    plan = draw_plan(composer, seed)
    below = plan.lines[0]
    block = Glyph(np.ones((30, 60), np.float32), 8)  # as wide as the number itself
    span = np.ptp([glyph.centre[0] for glyph in below.glyphs]) + 2 * below.height
    middle = np.mean([glyph.centre for glyph in below.glyphs], axis=0)
    cover = PlacedGlyph(block, np.diag([span / 60, below.height * 1.4 / 30]), tuple(middle), 0.5, character="8")
    above = replace(below, glyphs=(cover,), numbers=((0,),), strokes=(), ink=replace(below.ink, name="flat"))
    covered = with_lines(plan, [below, above])
    _, hidden = composer.render_plan(covered)
    assert hidden == {(0, place) for place in range(len(below.numbers))}
    assert composer.render_plan(covered, hidden)[0].labels.tolist() == [8]


def test_characters_between_hidden_numbers_are_left_out_too(make_composer, monkeypatch):
    monkeypatch.setitem(TEXTS, "fixed", lambda rng, look: "12/34/07")
    composer = make_composer(texts={"fixed": 1.0}, layouts={"single": 1.0})
    plan = draw_plan(composer, 0)
    everything = frozenset({(0, 0)})
    bare = composer.render_plan(with_lines(plan, []))[0]
    assert np.array_equal(composer.render_plan(plan, everything)[0].image, bare.image)


@settings(max_examples=30, deadline=None)
@given(name=LOOKS, seed=SEEDS)
def test_only_hidden_numbers_are_missing(composers, name, seed):
    plan = draw_plan(composers[name], seed)
    whole, hidden = composers[name].render_plan(plan)
    final, _ = composers[name].render_plan(plan, hidden)
    assert len(whole.numbers) - len(final.numbers) == len(hidden)
    before = Counter((*box, label) for box, label in zip(whole.boxes.tolist(), whole.labels.tolist(), strict=True))
    after = Counter((*box, label) for box, label in zip(final.boxes.tolist(), final.labels.tolist(), strict=True))
    assert not after - before


def test_rendering_is_repeated_until_all_numbers_are_legible(make_composer, monkeypatch):
    """Blur depends on the smallest digit: when it is left out, others may become illegible."""
    composer = make_composer()
    plan, answers = draw_plan(composer, 0), [{(0, 0)}, {(1, 0)}, set()]
    scene, asked = composer.render_plan(plan)[0], []

    def render_plan(plan, hidden=frozenset()):
        asked.append(set(hidden))
        return replace(scene, look=str(len(asked))), frozenset(answers[len(asked) - 1])

    monkeypatch.setattr(composer, "render_plan", render_plan)
    assert composer.compose(np.random.default_rng(0)).look == "3"
    assert asked == [set(), {(0, 0)}, {(0, 0), (1, 0)}]


@pytest.mark.parametrize(("lost", "drawn"), [(0, 1), (1, 2), (2, 3), (9, 3)])
def test_another_scene_is_composed_if_no_number_is_legible(make_composer, monkeypatch, lost, drawn):
    """At most three plans are tried."""
    composer = make_composer()
    plans, empty = [], draw_plan(make_composer(blank_share=1.0), 0)
    whole, bare = composer.render_plan(draw_plan(composer, 0))[0], composer.render_plan(empty)[0]

    def render_plan(plan, hidden=frozenset()):
        plans.append(plan)
        return (bare if len(plans) <= lost else whole), frozenset()

    monkeypatch.setattr(composer, "render_plan", render_plan)
    scene = composer.compose(np.random.default_rng(0))
    assert len(plans) == drawn
    assert bool(scene.numbers) == (lost < 3)


def test_blank_plan_is_rendered_once(make_composer, monkeypatch):
    composer = make_composer(blank_share=1.0)
    sampled = []
    sample_plan = composer.sample_plan
    monkeypatch.setattr(composer, "sample_plan", lambda rng: sampled.append(1) or sample_plan(rng))
    assert not composer.compose(np.random.default_rng(0)).numbers
    assert len(sampled) == 1
