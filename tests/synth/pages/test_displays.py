"""The layout `display`: its glass, unlit cells, half digits, small decimals and reflections."""

import dataclasses

import numpy as np
import pytest

from digitdet.configs.look import LookConfig
from digitdet.synth.digits.displays import SegmentDisplay, sample_segment_style
from digitdet.synth.digits.glyphs import NO_DIGIT, VISIBLE_INK
from digitdet.synth.pages import display_devices, displays
from digitdet.synth.pages.layouts import LAYOUTS
from digitdet.synth.pages.lines import LineWriter
from digitdet.synth.pages.page_draft import PageDraft
from digitdet.synth.surfaces.fields import LUMA


@pytest.fixture(scope="module")
def writer():
    style = sample_segment_style(np.random.default_rng(0), printed=False)
    style = dataclasses.replace(style, slant=0.0, spacing=0.2, point_height=0.0)
    display = SegmentDisplay(style)
    return LineWriter(LookConfig(slant=(0, 0), stretch=(1, 1), tracking=(0, 0)), display, display)


def draw_display(writer, seed, **look):
    settings = LookConfig(**{"texts": {"digits": 1, "decimal": 1}, "digits_per_number": (1, 6), **look})
    draft = PageDraft(np.random.default_rng(seed), settings, writer, writer, writer, 320.0, 200.0, light=True)
    LAYOUTS["display"](draft)
    return draft


def write(writer, text, height=100.0):
    return writer.write(np.random.default_rng(0), text, height, np.inf)


def test_segments_stand_out_from_their_glass(writer):
    seen = set()
    for seed in range(60):
        screen = displays._sample_screen(np.random.default_rng(seed))
        contrast = float((screen.ink.colour - screen.glass) @ LUMA)
        assert (contrast < 0) == screen.dark
        assert abs(contrast) > 20
        assert 0 <= screen.ink.ghost <= 0.7
        seen.add((screen.ink.name, screen.dark))
    assert seen == {("lcd", True), ("lcd", False), ("led", False)}


def test_all_readings_of_a_display_have_one_ink(writer):
    for seed in range(20):
        inks = {id(placed.ink) for placed in draw_display(writer, seed).lines if placed.line.numbers}
        assert len(inks) <= 1
        assert id(None) not in inks


def test_display_of_words_has_no_digit(writer):
    for seed in range(40):
        draft = PageDraft(np.random.default_rng(seed), LookConfig(), writer, writer, writer, 320.0, 200.0, True, True)
        LAYOUTS["display"](draft)
        assert all(g.glyph.label == NO_DIGIT for placed in draft.lines for g in placed.line.glyphs)


def test_meters_show_long_readings_and_small_registers_before_them(writer):
    registers = 0
    for seed in range(200):
        draft = PageDraft(np.random.default_rng(seed), LookConfig(), writer, writer, writer, 320.0, 200.0, light=True)
        row = displays._sample_meter(draft.rng)[0]
        if len(row.text) < 4 or not row.register:
            continue
        screen = displays._sample_screen(draft.rng)
        displays._add_reading(draft, (-150.0, -40.0, 150.0, 40.0), row, screen)
        readings = [placed for placed in draft.lines if placed.ink is screen.ink and placed.line.numbers]
        if len(readings) == 2:
            register, reading = readings
            assert register.line.height < 0.7 * reading.line.height
            assert register.box[2] < reading.box[0]
            registers += 1
    assert registers > 10


def test_annunciators_leave_most_of_the_window(writer):
    for seed in range(20):
        draft = PageDraft(np.random.default_rng(seed), LookConfig(), writer, writer, writer, 320.0, 200.0, light=True)
        rest = displays._add_annunciators(
            draft, (-150.0, -40.0, 150.0, 40.0), displays._sample_screen(np.random.default_rng(seed))
        )
        assert 50 < rest[3] - rest[1] < 72
        if draft.shapes or draft.lines:
            extent = draft.extent()
            assert extent[3] <= rest[1] or extent[1] >= rest[3]


def test_unlit_cells_are_no_characters(writer):
    line = write(writer, "12")
    digits = list(line.glyphs)
    displays._add_empty_cells(line, room=250.0)
    cells = line.glyphs[2:]
    pitch = digits[1].x - digits[0].x
    assert line.glyphs[:2] == digits
    assert len(cells) == int(250 / pitch)
    for place, cell in enumerate(cells, 1):
        assert cell.x == pytest.approx(digits[0].x - place * pitch)
        assert (cell.glyph.label, cell.character) == (NO_DIGIT, "")
        assert not cell.glyph.ink.any()
        assert cell.glyph.faint.max() > 0.9
    assert line.numbers == [[0, 1]]


def test_displays_show_unlit_cells_at_times(writer):
    drafts = [draw_display(writer, seed) for seed in range(60)]
    cells = [sum(not g.character for placed in draft.lines for g in placed.line.glyphs) for draft in drafts]
    assert 3 < sum(count > 0 for count in cells) < 40


def test_half_digit_keeps_its_place(writer):
    line = write(writer, "123")
    half = displays._with_half_digit(line)
    one, whole = half.glyphs[0], line.glyphs[0]
    scale = whole.style.height / len(whole.glyph.ink)

    def right(placed):
        return placed.x + placed.glyph.ink.shape[1] / 2 * scale

    assert one.glyph.faint is None
    assert (one.glyph.ink[:, :2] > VISIBLE_INK).any()
    assert right(one) == pytest.approx(right(whole))
    assert half.box[0] > line.box[0]
    assert half.glyphs[1:] == line.glyphs[1:]
    assert displays._with_half_digit(write(writer, "223")).glyphs[0].glyph.faint is not None


def test_small_decimals_stand_on_the_same_base_line(writer):
    line = write(writer, "36.6")
    small = displays._with_small_decimals(line, displays._Row("36.6", decimals=0.6))
    last, whole = small.glyphs[-1], line.glyphs[-1]
    assert last.style.height == pytest.approx(0.6 * whole.style.height)
    assert last.y + last.style.height / 2 == pytest.approx(whole.y + whole.style.height / 2)
    assert line.glyphs[2].x < last.x < whole.x
    assert small.box[2] < line.box[2]
    assert small.numbers == line.numbers


def test_reflections_are_on_top_and_within_the_glass(writer):
    shares, found = [], 0
    for seed in range(40):
        draft = PageDraft(np.random.default_rng(seed), LookConfig(), writer, writer, writer, 320.0, 200.0, light=True)
        display_devices.add_reflections(draft, (-100.0, -50.0, 100.0, 50.0))
        for shape in draft.shapes:
            assert shape.above
            assert 0 < shape.alpha < 0.6
            assert (np.abs(shape.points) <= (100.01, 50.01)).all()
            shares.append(shape.alpha)
        found += bool(draft.shapes)
    assert found > 30
    assert min(shares) < 0.05 < 0.2 < max(shares)
