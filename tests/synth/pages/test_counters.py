"""Counters: one labelled digit for every drum, drums between two digits, and boxes around their ink."""

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.configs import SynthConfig
from digitdet.configs.look import LookConfig
from digitdet.datasets.drums import load_drums, split_drums
from digitdet.synth.digits.drums import DrumGlyphs
from digitdet.synth.digits.fonts import load_fonts
from digitdet.synth.digits.glyphs import ImageGlyphs, StyledGlyphs
from digitdet.synth.digits.pen import Hand
from digitdet.synth.pages.counters import counter
from digitdet.synth.pages.lines import LineWriter
from digitdet.synth.pages.page_draft import PageDraft
from digitdet.synth.scene import SceneComposer

SEEDS = st.integers(0, 2**32 - 1)
KINDS = ["hand", "type", "drums"]


@pytest.fixture(scope="module")
def sources(digits, few_fonts, drum_folder):
    return {
        "hand": ImageGlyphs(digits),
        "type": load_fonts([few_fonts / "cmss10.ttf"])[0][0],
        "drums": DrumGlyphs(split_drums(load_drums(drum_folder))["train"]),
    }


@pytest.fixture(scope="module")
def draw_counter(sources):
    """Return a function that draws a counter with 4 to 8 drums and returns its draft and its line."""

    def draw(seed, source="type"):
        look = LookConfig(slant=(0, 0), digit_height=(10, 150), digits_per_number=(4, 8))
        rng = np.random.default_rng(seed)
        numbers = LineWriter(look, sources[source].choose(rng), sources["type"])
        words = LineWriter(look, sources["type"], StyledGlyphs(Hand))
        draft = PageDraft(rng, look, numbers, words, words, 320.0, 160.0, light=bool(seed % 2))
        counter(draft)
        return draft, next(placed.line for placed in draft.lines if placed.line.numbers)

    return draw


def drums_of(line):
    """The rows of the glyphs in each window, by window."""
    drums = defaultdict(list)
    for row, glyph in enumerate(line.glyphs):
        assert glyph.clip is not None
        drums[glyph.clip].append(row)
    return drums


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, source=st.sampled_from(KINDS))
def test_every_drum_is_one_digit_of_the_number(draw_counter, seed, source):
    _, line = draw_counter(seed, source)
    (number,) = line.numbers
    drums = drums_of(line)
    assert 4 <= len(drums) <= 8
    assert [line.glyphs[row].clip for row in number] == sorted(drums)
    for row, glyph in enumerate(line.glyphs):
        assert glyph.character == (str(glyph.glyph.label) if row in number else "")
        assert not (row in number and glyph.after_space)
    hidden = max(right - left for left, _, right, _ in drums) / 6  # the centre of a drum may be hidden
    for clip, rows in drums.items():
        (labelled,) = [row for row in rows if row in number]
        middle = (clip[1] + clip[3]) / 2
        distances = {row: abs(line.glyphs[row].y - middle) for row in rows}
        assert min(distances, key=distances.get) == labelled
        assert all(clip[0] - hidden < line.glyphs[row].x < clip[2] + hidden for row in rows)


@pytest.mark.parametrize("source", KINDS)
def test_the_last_drum_is_between_two_digits_in_a_third_of_the_counters(draw_counter, source):
    between, last_between = 0, 0
    for seed in range(100):
        _, line = draw_counter(seed, source)
        flags = []
        for row in line.numbers[0]:
            placed = line.glyphs[row]
            rows = np.flatnonzero((placed.glyph.ink > 0.3).any(axis=1))
            flags.append(bool(np.diff(rows).max() > 2))
        between += sum(flags[:-1]) / len(flags[:-1])
        last_between += flags[-1]
    assert between < 15
    assert 22 < last_between < 55


def test_counters_begin_with_zeros_and_a_part_of_an_outer_drum_may_be_hidden(draw_counter):
    zeros, hidden = 0, []
    for seed in range(80):
        _, line = draw_counter(seed)
        zeros += line.glyphs[line.numbers[0][0]].character == "0"
        widths = [right - left for left, _, right, _ in sorted(drums_of(line))]
        hidden.append(1 - min(widths[0], widths[-1]) / widths[1])
        assert np.ptp(widths[1:-1]) < 1e-6
    assert 30 < zeros < 65
    assert 10 < sum(part > 0.01 for part in hidden) < 45
    assert max(hidden) < 0.61


def test_the_last_drum_of_an_odometer_has_colours_of_its_own(draw_counter):
    """Its digit is drawn in another colour than the others, also between two digits."""
    coloured = []
    for seed in range(60):
        _, line = draw_counter(seed, "type")
        flags = [line.glyphs[row].colour is not None for row in line.numbers[0]]
        assert flags == sorted(flags)  # only the last ones
        coloured.append(flags.count(True))
    assert {0, 1} <= set(coloured)
    assert max(coloured) <= 3


def test_pictures_are_drawn_and_boxes_are_tight_around_their_ink(sources):
    """Without effects, the box of a drum that stands still is that of the digit that it shows."""
    look = LookConfig(
        sources={"drums": 1.0},
        layouts={"counter": 1.0},
        surfaces={"plain": 1.0},
        digits_per_number=(5, 5),
        canvas_sizes=((240, 80),),
        digit_height=(10, 200),
        page_angle=(0, 0),
        blank_share=0.0,
    )
    composer = SceneComposer(SynthConfig(looks={"mine": look}), sources)
    complete, checked = 0, 0
    for seed in range(20):
        scene = composer.compose(np.random.default_rng(seed))
        complete += scene.numbers == ((0, 1, 2, 3, 4),)
        for x0, y0, x1, y1 in scene.boxes.astype(int).tolist():
            grey = scene.image[max(y0 - 3, 0) : y1 + 3, max(x0 - 3, 0) : x1 + 3].mean(axis=2)
            inside = scene.image[y0:y1, x0:x1].mean(axis=2)
            # All of the contrast of the surroundings is in the box.
            assert np.ptp(inside) > 0.6 * np.ptp(grey)
            checked += 1
    assert complete > 15
    assert checked > 80
