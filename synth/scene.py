"""Compose a picture: sample a plan, which holds all random choices, and render it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from digitdet.common.registry import check_names, draw_name
from digitdet.common.types import Boxes, Image
from digitdet.configs.look import LookConfig
from digitdet.configs.synth import SynthConfig
from digitdet.datasets.formats.numbers import LineTruth
from digitdet.synth.digits.glyphs import NO_DIGIT, GlyphSource, StyledGlyphs, lazy_style
from digitdet.synth.digits.pen import Hand
from digitdet.synth.effects.effects import EFFECTS, CameraEffects
from digitdet.synth.effects.inks import INKS
from digitdet.synth.effects.relight import measure_light
from digitdet.synth.effects.transforms import PixelTransforms
from digitdet.synth.layers import draw_layer
from digitdet.synth.legibility import find_illegible
from digitdet.synth.pages import (  # noqa: F401  (for the tables)
    counters,
    devices,
    displays,
    pen_clutter,
    price_tags,
    text_labels,
    text_values,
)
from digitdet.synth.pages.clutter import CLUTTER, add_clutter
from digitdet.synth.pages.layouts import LAYOUTS
from digitdet.synth.pages.lines import LineWriter
from digitdet.synth.pages.objects import HANDWRITTEN, OBJECTS
from digitdet.synth.pages.page_draft import PageDraft
from digitdet.synth.pages.page_geometry import sample_page_map
from digitdet.synth.pages.texts import TEXTS
from digitdet.synth.placement import sample_objects
from digitdet.synth.plan import Plan, plan_page
from digitdet.synth.render import DrawnCharacter, NumberId, digit_boxes
from digitdet.synth.surfaces.surfaces import FOLDER, SURFACES, sample_background
from digitdet.synth.truth import line_truths

# Part of the pages without numbers that show text in one of these layouts.
_TEXT_SHARE, _TEXT_LAYOUTS = 0.5, ("page", "single", "list", "table")

# Plans to try before a picture without any legible number is accepted.
_MAX_PLANS = 3


@dataclass(frozen=True)
class Scene:
    """A composed picture and its labels."""

    image: Image
    """(H, W, 3) uint8 BGR."""
    boxes: Boxes
    """(N, 4) float64 xyxy pixels, tight around the visible ink of each digit."""
    labels: npt.NDArray[np.int64]
    """(N,) digits 0 to 9."""
    numbers: tuple[tuple[int, ...], ...]
    """For each number, the rows of its digits in `boxes` and `labels`, in reading order."""
    look: str = ""
    """Name of the look that was drawn."""
    source: str = ""
    """Name of the digit source that was drawn."""
    lines: tuple[LineTruth, ...] = ()
    """The lines of text, those without a number included, with a box for every character."""


class SceneComposer:
    """Composes scenes by the settings; the same state of `rng` gives the same scene.

    Args:
        config: The settings.
        sources: Digit sources by name, at least those that the looks use.
        backgrounds: The user's own pictures (H, W, 3) uint8 BGR to compose on.

    Raises:
        ConfigError: A look names an unknown ingredient, or a transform of albumentations that it cannot use.
    """

    def __init__(
        self, config: SynthConfig, sources: Mapping[str, GlyphSource], backgrounds: Sequence[Image] = ()
    ) -> None:
        self._looks = {name: look for name, look in config.looks.items() if look.weight}
        for name, look in self._looks.items():
            _check_look(look, sources, f"looks: {name}")
        self._legibility = config.legibility
        self._sources = sources
        self._backgrounds = backgrounds
        self._weights = {name: look.weight for name, look in self._looks.items()}
        self._effects = {name: CameraEffects(look.effects) for name, look in self._looks.items()}
        self._transforms = {
            name: PixelTransforms(look.transforms, f"looks: {name}: transforms") for name, look in self._looks.items()
        }
        self._pens = StyledGlyphs(Hand)

    def compose(self, rng: np.random.Generator) -> Scene:
        """Compose one scene. Numbers with an illegible digit are left out, from the picture and the labels.

        If no number is left, another plan is tried, up to twice.
        """
        for _ in range(_MAX_PLANS):
            plan = self.sample_plan(rng)
            scene = self._render_legible(plan)
            if scene.numbers or plan.blank:
                break
        return scene

    def _render_legible(self, plan: Plan) -> Scene:
        scene, illegible = self.render_plan(plan)
        hidden = illegible
        # Effects get stronger when the smallest digit is left out, which may make other digits illegible.
        while illegible:
            scene, illegible = self.render_plan(plan, hidden)
            hidden |= illegible
        return scene

    def sample_plan(self, rng: np.random.Generator) -> Plan:
        """Draw all random choices of a picture."""
        name = draw_name(rng, self._weights)
        look = self._looks[name]
        width, height = look.canvas_sizes[int(rng.integers(len(look.canvas_sizes)))]
        light = bool(rng.random() < look.dark_ink_share)
        page, page_width, page_height = sample_page_map(rng, look, width, height)
        source = draw_name(rng, look.sources)
        blank = bool(rng.random() < look.blank_share)
        draft = self._draft(rng, look, source, page_width, page_height, light, words_only=blank)
        if not blank and not look.objects:
            LAYOUTS[draw_name(rng, look.layouts)](draft)
        number_lines = len(draft.lines)
        if blank and not look.objects and rng.random() < _TEXT_SHARE:
            LAYOUTS[str(rng.choice(_TEXT_LAYOUTS))](draft)
        add_clutter(draft)
        layers = [plan_page(rng, draft, page, number_lines)]
        if look.objects:
            draw = partial(self._draft, rng, look, words_only=blank)
            objects = sample_objects(rng, look, width, height, draw, blank)
            layers.extend(layer for layer, _ in objects)
            source = "+".join(sorted({used for _, used in objects})) or source
        effects = self._effects[name].sample(rng)
        seed = int(rng.integers(2**31))
        transforms = self._transforms[name].sample(rng)
        return Plan(name, source, width, height, light, seed, tuple(layers), effects, transforms, blank)

    def render_plan(self, plan: Plan, hidden: frozenset[NumberId] = frozenset()) -> tuple[Scene, frozenset[NumberId]]:
        """Return the scene of a plan without the `hidden` numbers, and its numbers with an illegible digit or mark."""
        canvas = self._draw_background(plan)
        is_scene = any(layer.light is not None for layer in plan.layers)
        photo = measure_light(canvas) if is_scene else None
        ink_map = np.zeros((plan.height, plan.width), np.uint8)
        drawn: list[DrawnCharacter] = []
        first = 0
        for layer in plan.layers:
            drawn.extend(draw_layer(canvas, ink_map, layer, first, hidden, photo))
            first += len(layer.lines)
        digits = [one for one in drawn if one.label != NO_DIGIT]
        boxes = digit_boxes(digits)
        image = self._effects[plan.look].apply(canvas, plan.effects, boxes)
        image = self._transforms[plan.look].apply(image, plan.transforms)
        judged = [one for one in drawn if one.number is not None]
        illegible = find_illegible(image, ink_map, judged, self._legibility)
        scene = _make_scene(plan, image, digits, boxes, line_truths(plan.lines, drawn))
        return scene, frozenset(number for row in illegible if (number := judged[row].number) is not None)

    def _draft(
        self,
        rng: np.random.Generator,
        look: LookConfig,
        source: str,
        width: float,
        height: float,
        light: bool,
        words_only: bool = False,
    ) -> PageDraft:
        """Return an empty page for digits of a source."""
        return PageDraft(
            rng,
            look,
            LineWriter(look, self._sources[source].choose(rng), self._fallback_style(rng, source)),
            LineWriter(look, self._fallback_style(rng, ""), self._pens),
            LineWriter(look, self._sources.get("fonts", self._pens), self._pens),
            width,
            height,
            light,
            words_only,
        )

    def _draw_background(self, plan: Plan) -> Image:
        rng = np.random.default_rng(plan.surface_seed)
        surfaces = self._looks[plan.look].surfaces
        background = sample_background(rng, surfaces, plan.width, plan.height, plan.light, self._backgrounds)
        return background.astype(np.uint8)

    def _fallback_style(self, rng: np.random.Generator, source: str) -> GlyphSource:
        """Return a style for the characters that `source` lacks, or for clutter if it is empty: pen or typeface."""
        fonts = self._sources.get("fonts")
        if fonts is None or source in HANDWRITTEN or (not source and rng.random() < 0.25):
            return lazy_style(self._pens, rng)
        return lazy_style(fonts, rng)


def _check_look(look: LookConfig, sources: Mapping[str, GlyphSource], where: str) -> None:
    check_names([name for name, weight in look.sources.items() if weight], sources, f"{where}: sources")
    check_names(look.texts, TEXTS, f"{where}: texts")
    check_names(look.layouts, LAYOUTS, f"{where}: layouts")
    check_names(look.objects, OBJECTS, f"{where}: objects")
    check_names(look.inks, INKS, f"{where}: inks")
    check_names(look.clutter, CLUTTER, f"{where}: clutter")
    check_names(look.effects, EFFECTS, f"{where}: effects")
    check_names(look.surfaces, [*SURFACES, FOLDER], f"{where}: surfaces")


def _make_scene(
    plan: Plan, image: Image, digits: Sequence[DrawnCharacter], boxes: Boxes, lines: tuple[LineTruth, ...]
) -> Scene:
    numbers: dict[NumberId | None, list[int]] = {}
    for row, digit in enumerate(digits):
        numbers.setdefault(digit.number, []).append(row)
    labels = np.array([digit.label for digit in digits], np.int64)
    return Scene(image, boxes, labels, tuple(map(tuple, numbers.values())), plan.look, plan.source, lines)
