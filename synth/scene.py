"""One composed picture: what is drawn is sampled first, as a plan; the plan is then rendered, always the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdet.common.registry import check_names, draw_name
from digitdet.common.types import Image
from digitdet.configs.look import LookConfig
from digitdet.configs.synth import SynthConfig
from digitdet.synth.digits.glyphs import GlyphSource, LazyStyle
from digitdet.synth.digits.pen import PenGlyphs
from digitdet.synth.effects.effects import EFFECTS, CameraEffects
from digitdet.synth.effects.inks import INKS
from digitdet.synth.legibility import illegible
from digitdet.synth.pages import devices  # noqa: F401  (enters its layouts in the table)
from digitdet.synth.pages.clutter import CLUTTER, add_clutter
from digitdet.synth.pages.layouts import LAYOUTS
from digitdet.synth.pages.lines import LineWriter
from digitdet.synth.pages.page_draft import PageDraft
from digitdet.synth.pages.page_geometry import sample_page_map
from digitdet.synth.pages.texts import TEXTS
from digitdet.synth.plan import Plan, inscribe, see_shapes
from digitdet.synth.render import DrawnDigit, draw_inscription, draw_shape
from digitdet.synth.surfaces.surfaces import check_surfaces, sample_background

Array = npt.NDArray[np.float64]

HANDWRITTEN = frozenset({"mnist", "emnist", "qmnist", "usps", "pen", "hands", "crops"})
"""Sources beside whose digits marks are written by hand; beside the others they are printed."""

# Scenes that are drawn before one is taken in which nobody could read any of its numbers.
_TRIES = 3


@dataclass(frozen=True)
class Scene:
    """A picture and what is written in it.

    `image` (H, W, 3) uint8 BGR; `boxes` (N, 4) float64 xyxy pixels, tight around the visible ink; `labels` (N,) int64;
    `numbers`: for each number, in reading order, the rows of its digits in reading order; `look` and `source` name
    what it was drawn as.
    """

    image: Image
    boxes: Array
    labels: npt.NDArray[np.int64]
    numbers: tuple[tuple[int, ...], ...]
    look: str = ""
    source: str = ""


class SceneComposer:
    """Composes scenes by the settings; the same `rng` state gives the same scene.

    Raises:
        ConfigError: A look names something that there is not.
    """

    def __init__(
        self, config: SynthConfig, sources: Mapping[str, GlyphSource], backgrounds: Sequence[Image] = ()
    ) -> None:
        for name, look in config.looks.items():
            if look.weight:
                check_look(look, sources, f"looks: {name}")
        self._config = config
        self._sources = sources
        self._backgrounds = backgrounds
        self._weights = {name: look.weight for name, look in config.looks.items()}
        self._effects = {name: CameraEffects(look.effects) for name, look in config.looks.items()}
        self._pens = PenGlyphs()

    def compose(self, rng: np.random.Generator) -> Scene:
        """Draw one scene with `rng` alone; numbers that nobody could read are left out, ink and label.

        Where none is left, another scene is drawn, up to twice: pictures without digits come by `blank_share`.
        """
        for _ in range(_TRIES):
            plan = self.sample_plan(rng)
            scene = self._render_legible(plan)
            if scene.numbers or not any(inscription.numbers for inscription in plan.inscriptions):
                break
        return scene

    def _render_legible(self, plan: Plan) -> Scene:
        scene, hidden = self.render_plan(plan)
        left_out = hidden
        # Effects follow the smallest digit: without it they may drown others. Each turn leaves out more, so it ends.
        while hidden:
            scene, hidden = self.render_plan(plan, left_out)
            left_out |= hidden
        return scene

    def sample_plan(self, rng: np.random.Generator) -> Plan:
        """Draw all that makes a picture: the look, the page, what is written, on what, with what, seen how."""
        name = draw_name(rng, self._weights)
        look = self._config.looks[name]
        width, height = look.canvas_sizes[int(rng.integers(len(look.canvas_sizes)))]
        light = bool(rng.random() < look.dark_ink_share)
        page, room_x, room_y = sample_page_map(rng, look, width, height)
        source = draw_name(rng, look.sources)
        draft = PageDraft(
            rng,
            look,
            LineWriter(look, self._sources[source].choose(rng), self._beside(rng, source)),
            LineWriter(look, self._beside(rng, ""), self._pens),
            LineWriter(look, self._sources.get("fonts", self._pens), self._pens),
            room_x,
            room_y,
            light,
        )
        if rng.random() >= look.blank_share:
            LAYOUTS[draw_name(rng, look.layouts)](draft)
        written = len(draft.lines)
        add_clutter(draft)
        inscriptions = inscribe(rng, draft, page, written)
        shapes = see_shapes(draft.shapes, page)
        effects = self._effects[name].sample(rng)
        seed = int(rng.integers(2**31))
        return Plan(name, source, width, height, light, seed, shapes, inscriptions, effects)

    def render_plan(
        self, plan: Plan, hidden: frozenset[tuple[int, int]] = frozenset()
    ) -> tuple[Scene, frozenset[tuple[int, int]]]:
        """Draw a plan without the `hidden` numbers, and name those that nobody could read.

        A number is named by its inscription and its place in it. Deterministic: nothing is drawn by chance here but
        from the seeds in the plan.
        """
        look = self._config.looks[plan.look]
        canvas = self._ground(plan, look)
        for shape in plan.shapes:
            draw_shape(canvas, shape)
        ink_map = np.zeros((plan.height, plan.width), np.uint8)
        drawn: list[DrawnDigit] = []
        for index, inscription in enumerate(plan.inscriptions):
            drawn.extend(draw_inscription(canvas, ink_map, inscription, index, hidden))
        boxes = np.array([digit.box for digit in drawn], np.float64).reshape(-1, 4)
        image = self._effects[plan.look].apply(canvas, plan.effects, boxes)
        bad = illegible(image, ink_map, drawn, self._config.legibility)
        return _scene(plan, image, drawn, boxes), frozenset(drawn[row].number for row in bad)

    def _ground(self, plan: Plan, look: LookConfig) -> Image:
        rng = np.random.default_rng(plan.surface_seed)
        ground = sample_background(rng, look.surfaces, plan.width, plan.height, plan.light, self._backgrounds)
        return ground.astype(np.uint8)

    def _beside(self, rng: np.random.Generator, source: str) -> GlyphSource:
        """What writes the marks that a source lacks, and the words around: a hand, or type where there are fonts."""
        fonts = self._sources.get("fonts")
        if fonts is None or source in HANDWRITTEN or (not source and rng.random() < 0.25):
            return LazyStyle(self._pens, rng)
        return LazyStyle(fonts, rng)


def check_look(look: LookConfig, sources: Mapping[str, GlyphSource], where: str) -> None:
    """Refuse a look that names an ingredient that there is not.

    Raises:
        ConfigError: Names the look, the key and the nearest name.
    """
    check_names([name for name, weight in look.sources.items() if weight], sources, f"{where}: sources")
    check_names(look.texts, TEXTS, f"{where}: texts")
    check_names(look.layouts, LAYOUTS, f"{where}: layouts")
    check_names(look.inks, INKS, f"{where}: inks")
    check_names(look.clutter, CLUTTER, f"{where}: clutter")
    check_names(look.effects, EFFECTS, f"{where}: effects")
    check_surfaces(look.surfaces)


def _scene(plan: Plan, image: Image, drawn: Sequence[DrawnDigit], boxes: Array) -> Scene:
    numbers: dict[tuple[int, int], list[int]] = {}
    for row, digit in enumerate(drawn):
        numbers.setdefault(digit.number, []).append(row)
    labels = np.array([digit.label for digit in drawn], np.int64)
    return Scene(image, boxes, labels, tuple(map(tuple, numbers.values())), plan.look, plan.source)
