"""Loading digit sources and backgrounds by split, and the errors if something is missing."""

import json
import shutil
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest

from digitdet.common.errors import ConfigError, DataError
from digitdet.configs import SynthConfig
from digitdet.configs.look import LookConfig
from digitdet.datasets.formats.yolo import SPLITS
from digitdet.datasets.mnist import load_mnist, load_split_digits
from digitdet.synth import sources
from digitdet.synth.digits.pen import Hand
from digitdet.synth.digits.strokes import WriterHand
from digitdet.synth.scene import SceneComposer
from digitdet.synth.sources import SOURCES, load_materials

SHIPPED = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FAMILIES = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif", "cmtt10", "cmss10", "STIXGeneral")


@pytest.fixture(scope="module")
def font_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fonts")
    for name in FAMILIES:
        shutil.copy(SHIPPED / f"{name}.ttf", folder)
    return folder


def config(*names, **values):
    return SynthConfig(looks={"mine": LookConfig(sources=dict.fromkeys(names, 1.0))}, **values)


def test_unknown_source_is_refused_with_a_suggestion():
    with pytest.raises(ConfigError, match=r"looks: mine: sources: there is no 'fontz'; did you mean 'fonts'\?"):
        load_materials(config("fontz"))


@pytest.mark.parametrize("key", ["texts", "layouts", "inks", "surfaces", "clutter", "effects"])
def test_unknown_ingredient_is_refused_by_name(key):
    look = LookConfig(sources={"pen": 1.0}, **{key: {"qqqq": 1.0}})
    with pytest.raises(ConfigError, match=rf"{key}: there is no 'qqqq'"):
        SceneComposer(SynthConfig(looks={"mine": look}), {"pen": SOURCES["pen"](None)["train"]})


@pytest.mark.parametrize(
    ("name", "setting"),
    [("crops", "crops"), ("emnist", "digit_sets"), ("qmnist", "digit_sets"), ("usps", "digit_sets")],
)
def test_source_without_its_folder_names_the_setting(name, setting):
    with pytest.raises(ConfigError, match=rf"the source '{name}' needs .*{setting}"):
        load_materials(config(name))


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="missing"):
        load_materials(config("crops", crops=str(tmp_path / "missing")))


def test_only_sources_of_looks_with_a_weight_are_loaded(monkeypatch):
    def refuse(request):
        raise AssertionError("loaded without need")

    for name in SOURCES:
        if name != "pen":
            monkeypatch.setitem(sources.SOURCES, name, refuse)
    looks = {
        "on": LookConfig(sources={"pen": 1.0, "mnist": 0.0}),
        "off": LookConfig(weight=0.0, sources={"fonts": 1.0}),
    }
    materials = load_materials(SynthConfig(looks=looks))
    assert all(set(materials.sources[split]) == {"pen"} for split in SPLITS)
    assert materials.skipped == ()


@pytest.mark.parametrize("name", ["pen", "segments", "dots"])
def test_generated_sources_need_no_data(name):
    materials = load_materials(config(name))
    for split in SPLITS:
        rng = np.random.default_rng(0)
        style = materials.sources[split][name].choose(rng)
        assert [style.sample(rng, digit).label for digit in range(10)] == list(range(10))


def test_splits_share_no_font_family(font_folder):
    materials = load_materials(config("fonts", font_folders=(str(font_folder),)))
    families, files = {}, []
    for split in SPLITS:
        rng = np.random.default_rng(0)
        faces = {face.path: face for face in (materials.sources[split]["fonts"].choose(rng) for _ in range(200))}
        families[split] = {face.family for face in faces.values()}
        files.extend(faces)
    assert sorted(path.stem for path in files) == sorted(FAMILIES)  # each in one split
    assert not families["train"] & families["val"]
    assert not families["train"] & families["test"]
    assert not families["val"] & families["test"]
    assert len(families["train"]) == 3


def test_font_splits_do_not_depend_on_the_folder(font_folder, tmp_path):
    other = shutil.copytree(font_folder, tmp_path / "copied" / "deeper")
    chosen = []
    for folder in (font_folder, other.parent):
        materials = load_materials(config("fonts", font_folders=(str(folder),)))
        rng = np.random.default_rng(1)
        chosen.append([materials.sources["test"]["fonts"].choose(rng).path.name for _ in range(5)])
    assert chosen[0] == chosen[1]


def test_stencils_are_cut_from_the_fonts_of_their_split(font_folder):
    materials = load_materials(config("stencils", "fonts", font_folders=(str(font_folder),)))
    rng = np.random.default_rng(0)
    assert materials.sources["val"]["stencils"].choose(rng).sample(rng, 8).label == 8


def test_no_fonts_or_too_few_are_refused(font_folder, tmp_path):
    with pytest.raises(DataError, match="no TTF, OTF or WOFF file; install fonts, give a folder by --fonts"):
        load_materials(config("fonts", font_folders=(str(tmp_path),)))
    for name in FAMILIES[:4]:  # two families
        shutil.copy(font_folder / f"{name}.ttf", tmp_path)
    with pytest.raises(DataError, match="2 font families are too few"):
        load_materials(config("fonts", font_folders=(str(tmp_path),)))


def test_skipped_fonts_are_reported_once(font_folder, tmp_path):
    folder = shutil.copytree(font_folder, tmp_path / "fonts")
    (folder / "broken.ttf").write_bytes(b"nothing")
    materials = load_materials(config("fonts", "stencils", font_folders=(str(folder),)))
    assert len(materials.skipped) == 1
    assert materials.skipped[0].startswith(f"{folder / 'broken.ttf'}: not a readable font")


def test_splits_share_no_mnist_digit(tiny_mnist):
    """Val is the end of MNIST train, test is MNIST test, and every digit is in one of the three."""
    parts = load_split_digits(tiny_mnist)
    assert [len(parts[split]) for split in SPLITS] == [110, 10, 120]
    whole = load_mnist("train", tiny_mnist)
    assert np.array_equal(np.concatenate([parts["train"].images, parts["val"].images]), whole.images)
    assert np.array_equal(np.concatenate([parts["train"].labels, parts["val"].labels]), whole.labels)
    assert np.array_equal(parts["test"].images, load_mnist("test", tiny_mnist).images)


def test_missing_mnist_is_an_error(tmp_path):
    with pytest.raises(DataError):
        load_materials(config("mnist"), tmp_path)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_backgrounds_are_loaded_if_a_look_uses_them(tmp_path, weight):
    for number in range(6):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((40, 50, 3), 20 * number + 30, np.uint8))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    look = LookConfig(sources={"pen": 1.0}, surfaces={"plain": 1.0, "folder": weight})
    materials = load_materials(SynthConfig(looks={"mine": look}, background_folder=str(tmp_path)))
    levels = [{int(image[0, 0, 0]) for image in materials.backgrounds[split]} for split in SPLITS]
    if weight:
        assert sum(map(len, levels)) == 6
        assert len(set().union(*levels)) == 6
        assert len(materials.skipped) == 1
        assert "broken.jpg: " in materials.skipped[0]
    else:
        assert not any(levels)
        assert materials.skipped == ()


def test_hands_use_the_given_typefaces_or_the_pen(font_folder):
    rng = np.random.default_rng(0)
    written = load_materials(config("hands", hand_font_folders=(str(font_folder),))).sources
    for split in SPLITS:
        glyph = written[split]["hands"].choose(rng).sample(rng, 8)
        assert (glyph.label, glyph.advance) == (8, None)
    drawn = load_materials(config("hands")).sources["train"]["hands"]
    assert isinstance(drawn.choose(rng), Hand)
    scene = SceneComposer(config("hands"), {"hands": written["train"]["hands"]}).compose(rng)
    assert scene.source == "hands"


def test_strokes_use_the_given_recordings_or_the_pen(tmp_path):
    rng = np.random.default_rng(0)
    strokes = [[[0, 0], [40, 100]], [[0, 60], [50, 50]]]
    rows = [{"digit": str(digit), "writer": name, "strokes": strokes} for name in "abcde" for digit in range(10)]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    written = load_materials(config("strokes", strokes=str(tmp_path))).sources
    for split in SPLITS:
        hand = written[split]["strokes"].choose(rng)
        assert isinstance(hand, WriterHand)
        assert hand.sample(rng, 8).label == 8
    drawn = load_materials(config("strokes")).sources["train"]["strokes"].choose(rng)
    assert isinstance(drawn, Hand) and not isinstance(drawn, WriterHand)
    scene = SceneComposer(config("strokes"), {"strokes": written["train"]["strokes"]}).compose(rng)
    assert scene.source == "strokes"


def test_damaged_recordings_are_named(tmp_path):
    (tmp_path / "mine.jsonl").write_text('{"digit": "x"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"mine\.jsonl, line 1: "):
        load_materials(config("strokes", strokes=str(tmp_path)))


def test_drums_use_the_given_pictures_or_the_fonts(drum_folder, font_folder):
    given = load_materials(config("drums", drums=str(drum_folder))).sources
    rng = np.random.default_rng(0)
    for split in SPLITS:
        glyph = given[split]["drums"].choose(rng).sample(rng, 8)
        assert glyph.label == 8
        assert glyph.picture is not None
    scene = SceneComposer(config("drums"), {"drums": given["train"]["drums"]}).compose(rng)
    assert scene.source == "drums"
    fallback = load_materials(config("drums", "fonts", font_folders=(str(font_folder),))).sources["train"]
    assert fallback["drums"] is fallback["fonts"]


def test_skipped_drums_are_reported(drum_folder, tmp_path):
    folder = shutil.copytree(drum_folder, tmp_path / "drums")
    (folder / "3_40.png").write_bytes(b"no picture")
    materials = load_materials(config("drums", drums=str(folder)))
    assert materials.skipped == (f"{folder}: 3_40.png: damaged, cut off or not a picture in a known format",)
