"""Draw the objects of a scene and place them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from digitdet.common.registry import draw_name
from digitdet.common.types import Box
from digitdet.configs.look import LookConfig
from digitdet.synth.effects.relight import ObjectLight
from digitdet.synth.pages.objects import CLOTH, OBJECTS, OWN_SOURCES
from digitdet.synth.pages.page_draft import PageDraft
from digitdet.synth.pages.page_geometry import place_page, sample_folds
from digitdet.synth.plan import Layer, plan_page
from digitdet.synth.surfaces.fields import log_uniform

NewDraft = Callable[[str, float, float, bool], PageDraft]
"""f(source, width, height, light): return an empty page for digits of a source."""

# Part of the pictures without digits that hold objects with words.
_WORDS_SHARE = 0.6
# A scene with this many numbers gets no more objects.
_ENOUGH_NUMBERS = 5
# Part of the objects whose numbers and words are black or white.
_PLAIN_SHARE = 0.75
# The page of an object in digit heights; only layouts that fill a page need it.
_PAGE_SIDES = 5.0


def sample_objects(
    rng: np.random.Generator, look: LookConfig, width: int, height: int, new_draft: NewDraft, blank: bool
) -> list[tuple[Layer, str]]:
    """Draw the objects of a scene of `width` x `height` pixels, each with the name of its digit source.

    In a picture without digits (`blank`) there are none, or their numbers are words.
    """
    if blank and rng.random() >= _WORDS_SHARE:
        return []
    low, high = look.objects_per_scene
    count = low + int((high - low + 1) * rng.random() ** 2)
    down = rng.uniform(0, 1)  # the sun or the lamp is on one side for all objects
    side = rng.uniform(-1, 1)
    placed: list[tuple[Layer, str]] = []
    taken: list[Box] = []
    numbers = 0
    for _ in range(count):
        name = draw_name(rng, look.objects)
        source = draw_name(rng, _usable_sources(name, look.sources))
        size = log_uniform(rng, *look.digit_height)
        draft = new_draft(source, _PAGE_SIDES * size, _PAGE_SIDES * size, bool(rng.random() < look.dark_ink_share))
        OBJECTS[name](draft, size)
        box = draft.extent()
        folds = sample_folds(rng, box[2] - box[0], box[3] - box[1]) if name in CLOTH else None
        place = place_page(rng, look, box, (width, height), taken, folds)
        if place is None:
            continue
        page, extent = place
        layer = plan_page(rng, draft, page, len(draft.lines), _PLAIN_SHARE)
        reach = size * rng.uniform(0.02, 0.2)
        light = ObjectLight(
            gain=rng.uniform(0.85, 1.12),
            blur=rng.uniform(0.7, 1.2),
            shadow=rng.uniform(0.15, 0.6) if rng.random() < 0.6 else 0.0,
            shadow_shift=(side * min(reach, 10.0), down * min(reach, 10.0)),
            seed=int(rng.integers(2**31)),
        )
        numbers += sum(len(line.numbers) for line in layer.lines)
        placed.append((Layer(layer.shapes, layer.lines, light, page, extent), source))
        taken.append(extent)
        if numbers >= _ENOUGH_NUMBERS:
            break
    return placed


def _usable_sources(name: str, weights: Mapping[str, float]) -> Mapping[str, float]:
    """Return the weights of the digit sources that suit an object; all of them if none does."""
    special = OWN_SOURCES["screen"] | OWN_SOURCES["note"]
    own = OWN_SOURCES.get(name)
    usable = {
        source: weight
        for source, weight in weights.items()
        if weight and (source not in special if own is None else source in own)
    }
    return usable or weights
