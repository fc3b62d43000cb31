"""Fonts: which files are usable, and the metrics of their glyphs. The files are Matplotlib's."""

import pickle
from pathlib import Path
from string import digits as DIGITS

import matplotlib
import numpy as np
import pytest
from fontTools.ttLib import TTFont

from digitdet.common.errors import DataError
from digitdet.synth.digits.fonts import FontGlyphs, Typeface, find_fonts, handwriting_fonts, load_fonts
from digitdet.synth.digits.glyphs import NO_DIGIT

SHIPPED = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
TYPEWRITER = SHIPPED / "cmtt10.ttf"  # 130 characters, one width
SANS = SHIPPED / "DejaVuSans.ttf"
RNG = np.random.default_rng(0)


@pytest.fixture
def change_cmap(tmp_path):
    """Return a function that copies the typewriter font with characters replaced by others; None removes one."""

    def change(name, changes):
        font = TTFont(TYPEWRITER)
        for table in font["cmap"].tables:
            old = dict(table.cmap)
            for character, source in changes.items():
                if source is None:
                    table.cmap.pop(ord(character), None)
                else:
                    table.cmap[ord(character)] = old[ord(source)]
        path = tmp_path / name
        font.save(path)
        return path

    return change


@pytest.mark.parametrize(
    "name", ["DejaVuSans.ttf", "DejaVuSerif-BoldItalic.ttf", "STIXGeneralItalic.ttf", "cmtt10.ttf"]
)
def test_fonts_with_digits_are_usable(name):
    (face,), skipped = load_fonts([SHIPPED / name])
    assert skipped == []
    assert face.family
    for digit in range(10):
        glyph = face.sample(RNG, digit)
        assert glyph.label == digit
        assert glyph.ink.dtype == np.float32
        assert glyph.ink.min() >= 0
        assert glyph.ink.max() == 1
        for edge in (glyph.ink[0], glyph.ink[-1], glyph.ink[:, 0], glyph.ink[:, -1]):
            assert edge.max() > 0  # cropped to its ink


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (dict.fromkeys(DIGITS), "cannot|not a font|no digits"),
        ({"3": None}, "has no digits"),
        ({"8": None}, "no digits|not a font"),
        (dict(zip(DIGITS, "ABCDEFGHKM", strict=True)), "do not look like digits"),
        (dict(zip(DIGITS, "+-=()[]<>%", strict=True)), "do not look like digits"),
        (dict(zip(DIGITS, "5678901234", strict=True)), "do not look like digits"),
    ],
)
def test_fonts_without_real_digits_are_skipped(change_cmap, changes, reason):
    path = change_cmap("odd.ttf", changes)
    problem = Typeface(path).find_problem()
    assert any(part in problem for part in reason.split("|"))
    typefaces, skipped = load_fonts([path, TYPEWRITER])
    assert [face.path for face in typefaces] == [TYPEWRITER]
    assert skipped == [f"{path}: {problem}"]


def test_typefaces_with_other_signs_in_the_places_of_marks_have_no_marks():
    """Computer Modern's mathematical italic has a triangle in the place of the full stop, and a hook for the hyphen."""
    (face,), _ = load_fonts([SHIPPED / "cmmi10.ttf"])
    assert face.sample(RNG, 5).label == 5
    assert all(face.mark(RNG, character) is None for character in ".-/A")
    assert Typeface(SANS).mark(RNG, ".") is not None


def test_monospaced_typefaces_are_drawn_more_often_than_others():
    names = ["DejaVuSansMono", "DejaVuSans", "DejaVuSerif", "cmr10", "cmss10", "cmb10", "STIXGeneral", "cmti10"]
    typefaces, _ = load_fonts([SHIPPED / f"{name}.ttf" for name in names])
    assert [face.family for face in typefaces if face.monospaced] == ["DejaVu Sans Mono"]
    fonts, rng = FontGlyphs(typefaces), np.random.default_rng(4)
    share = np.mean([fonts.choose(rng).monospaced for _ in range(2000)])
    assert 0.29 < share < 0.4  # 25% and an eighth of the others


@pytest.mark.parametrize("content", [b"", b"not a font", TYPEWRITER.read_bytes()[:3000]], ids=["empty", "text", "cut"])
def test_broken_files_are_named_and_skipped(tmp_path, content):
    path = tmp_path / "broken.otf"
    path.write_bytes(content)
    typefaces, skipped = load_fonts([path, TYPEWRITER])
    assert len(typefaces) == 1
    assert len(skipped) == 1
    assert skipped[0].startswith(f"{path}: not a readable font (")


def test_no_usable_font_is_an_error(tmp_path):
    path = tmp_path / "broken.ttf"
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"no usable font among 1 files; the first: .*broken\.ttf"):
        load_fonts([path])
    with pytest.raises(DataError, match="font_folders"):
        FontGlyphs([])


def test_missing_characters_are_none(change_cmap):
    face = load_fonts([TYPEWRITER])[0][0]
    for character in "\u20ac\u6f22\u0416":  # drawn as the box of "not defined", or as nothing
        assert face.mark(RNG, character) is None
    assert face.mark(RNG, " ") is None
    assert Typeface(change_cmap("a.ttf", {"A": None})).mark(RNG, "A") is None


def test_marks_have_no_label_and_their_own_vertical_position():
    face = load_fonts([SANS])[0][0]
    assert face.mark(RNG, "A").label == NO_DIGIT
    comma, dash, dot = (face.mark(RNG, character) for character in ",-.")
    assert comma.top < 0.3
    assert comma.bottom < -0.05
    assert 0.2 < dash.bottom < dash.top < 0.6
    assert abs(dot.bottom) < 0.03


@pytest.mark.parametrize("name", ["DejaVuSans.ttf", "cmtt10.ttf", "cmss10.ttf"])
def test_metrics_match_the_tables_of_the_font_file(name):
    face, font = load_fonts([SHIPPED / name])[0][0], TTFont(SHIPPED / name)
    names, outlines, widths = font.getBestCmap(), font["glyf"], font["hmtx"]
    eight = outlines[names[ord("8")]]
    unit = eight.yMax - eight.yMin
    for character in DIGITS + "A,-)":
        outline = outlines[names[ord(character)]]
        glyph = face.sample(RNG, int(character)) if character in DIGITS else face.mark(RNG, character)
        # Glyphs are drawn with 64 pixels to a digit height and hinted to that grid.
        assert glyph.top == pytest.approx(outline.yMax / unit, abs=0.06)
        assert glyph.bottom == pytest.approx(outline.yMin / unit, abs=0.06)
        assert glyph.left == pytest.approx(outline.xMin / unit, abs=0.06)
        assert glyph.advance == pytest.approx(widths[names[ord(character)]][0] / unit, abs=0.06)
        assert glyph.ink.shape[0] / 64 == pytest.approx(glyph.top - glyph.bottom, abs=0.001)


def test_typeface_is_deterministic_and_picklable():
    face = load_fonts([TYPEWRITER])[0][0]
    copy = pickle.loads(pickle.dumps(face))
    assert copy.family == face.family
    for digit in range(10):
        assert face.sample(RNG, digit) is face.sample(np.random.default_rng(9), digit)
        assert np.array_equal(copy.sample(RNG, digit).ink, face.sample(RNG, digit).ink)


def test_families_have_the_same_probability():
    names = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf", "cmtt10.ttf")
    faces = load_fonts([SHIPPED / name for name in names])[0]
    assert len({face.family for face in faces}) == 2
    source, rng = FontGlyphs(faces), np.random.default_rng(4)
    chosen = [source.choose(rng) for _ in range(400)]
    assert 140 < sum(face.path == TYPEWRITER for face in chosen) < 260
    assert {face.path.name for face in chosen} == set(names)


def test_fonts_are_found_recursively_by_suffix(tmp_path):
    for name in ("b.TTF", "sub/a.otf", "sub/deep/c.ttf", "notes.txt", "d.ttc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = find_fonts([tmp_path, tmp_path / "sub", tmp_path / "missing"])
    assert [path.name for path in found] == ["a.otf", "b.TTF", "c.ttf"]


def test_handwriting_typeface_has_no_spacing():
    typeface = Typeface(SANS)
    hand = handwriting_fonts([typeface]).choose(RNG)
    for digit in range(10):
        printed, written = typeface.sample(RNG, digit), hand.sample(RNG, digit)
        assert printed.advance is not None
        assert (written.advance, written.left, written.label) == (None, 0.0, digit)
        assert (written.top, written.bottom) == (printed.top, printed.bottom)
        assert written.ink.shape == tuple(round(side / 2) for side in printed.ink.shape)
        assert written.ink.mean() == pytest.approx(printed.ink.mean(), abs=0.01)
    assert hand.mark(RNG, "k").label == NO_DIGIT
    assert hand.mark(RNG, "\U000f8e3d") is None
    assert handwriting_fonts([typeface]).sample(RNG, 4).advance is None


def test_woff_files_are_found_and_read(tmp_path):
    font = TTFont(TYPEWRITER)
    font.flavor = "woff"
    font.save(tmp_path / "typewriter.woff")
    (path,) = find_fonts([tmp_path])
    (face,) = load_fonts([path])[0]
    np.testing.assert_array_equal(face.sample(RNG, 5).ink, Typeface(TYPEWRITER).sample(RNG, 5).ink)
