from pathlib import Path

import msgspec
import pytest

from digitdet.common.errors import ConfigError
from digitdet.configs import (
    LookConfig,
    ReadConfig,
    SynthConfig,
    TrainConfig,
    load_config,
    load_preset,
    parse_config,
    preset_file,
    preset_names,
    replace,
)
from digitdet.configs.synth import add_materials

KINDS = [SynthConfig, LookConfig, TrainConfig, ReadConfig]
PRESETS = [
    (kind, group, name)
    for kind, group in [(SynthConfig, "synth"), (LookConfig, "looks"), (TrainConfig, "train")]
    for name in preset_names(group)
]
MNIST = load_preset(LookConfig, "looks", "mnist")
PRINT = load_preset(LookConfig, "looks", "print")


@pytest.mark.parametrize("kind", KINDS)
def test_yaml_round_trip(kind):
    config = kind()
    assert parse_config(kind, config.to_yaml(), "x") == config


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", "{}", "# nothing but a comment\n"])
def test_empty_file_is_the_defaults(kind, text):
    assert parse_config(kind, text, "x") == kind()


@pytest.mark.parametrize("kind", KINDS)
def test_frozen(kind):
    config = kind()
    name = msgspec.structs.fields(config)[0].name
    with pytest.raises(AttributeError):
        setattr(config, name, 1)


def test_documented_presets_exist():
    kinds = {"handwritten", "cheques", "print", "meters", "displays", "street", "houses", "scenes"}
    assert set(preset_names("looks")) == kinds | {"mnist"}
    assert set(preset_names("synth")) == kinds | {"quick", "mixed", "full"}
    assert {"full", "quick"} <= set(preset_names("train"))


@pytest.mark.parametrize(("kind", "group", "name"), PRESETS)
def test_every_shipped_preset_loads(kind, group, name):
    assert isinstance(load_preset(kind, group, name), kind)


def test_presets_hold_only_differences():
    from importlib import resources

    import yaml

    for kind, group, name in PRESETS:
        text = (resources.files("digitdet.configs") / "presets" / group / f"{name}.yaml").read_text()
        values = yaml.safe_load(text) or {}
        defaults = msgspec.to_builtins(kind())
        assert [key for key, value in values.items() if defaults[key] == value] == []


def test_a_file_overrides_the_defaults(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("count: 12\nlegibility: {min_height: 8}\n")
    config = load_config(SynthConfig, path)
    assert (config.count, config.legibility.min_height) == (12, 8)
    assert replace(config, count=SynthConfig().count, legibility=SynthConfig().legibility) == SynthConfig()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cuont: 5\n", ["unknown key 'cuont'", "did you mean 'count'"]),
        ("count: 0\n", ["count: 0", "expected a whole number >= 1"]),
        ("count: many\n", ["count: 'many'", "expected a whole number"]),
        ("count: 2.5\n", ["count: 2.5", "expected a whole number"]),
        ("val_share: 1.5\n", ["val_share: 1.5", "expected a number <= 1.0"]),
        ("val_share: 0.6\ntest_share: 0.5\n", ["nothing to train on"]),
        ("count: 2\n", ["count: 2 leaves nothing to train on"]),
        ("val_share: 0\n", ["val_share: 0 is not allowed"]),
        ("looks: {scenes: {objects: {sign: 0}}}\n", ["objects: all 0"]),
        ("val_share: .inf\n", ["val_share: inf", "expected a number <= 1.0"]),
        ("val_share: 1e-3\n", ["val_share: '1e-3'", "1.0e-3"]),
        ("seed: 2020-13-45\n", ["not valid YAML"]),
        ("seed: !!int foo\n", ["not valid YAML"]),
        ("[" * 1000, ["not valid YAML"]),
        ("font_folders: fonts\n", ["font_folders: 'fonts'", "expected a list or null"]),
        ("legibility: 3\n", ["legibility: 3"]),
        ("legibility: {min_hieght: 3}\n", ["legibility", "min_hieght"]),
        ("looks: print\n", ["looks: 'print'", "expected a mapping"]),
        ("looks: {}\n", ["looks: none has a weight above 0"]),
        ("looks: {print: 0, street: 0}\n", ["looks: none has a weight above 0"]),
        ("looks: {print: -1}\n", ["looks: print: weight: -1", "expected a number >= 0.0"]),
        ("looks: {print: .nan}\n", ["looks: print: weight: nan", "expected a number >= 0.0"]),
        ("looks: {print: true}\n", ["looks: print: expected a weight or 'key: value' lines"]),
        ("looks: {print: [1, 2]}\n", ["looks: print: expected a weight or 'key: value' lines"]),
        ("looks: {prnt: 1}\n", ["looks: prnt: a weight alone", "did you mean 'print'"]),
        (
            "looks: {zzz: 1}\n",
            [
                "looks: zzz: a weight alone",
                "cheques, displays, handwritten, houses, meters, mnist, print, scenes, street",
            ],
        ),
        ("looks: {print: {wieght: 2}}\n", ["looks: print: unknown key 'wieght'", "did you mean 'weight'"]),
        ("looks: {mine: {lines: [3]}}\n", ["looks: mine: lines: [3]", "expected a list of length 2"]),
        ("looks: {mine: {lines: [5, 2]}}\n", ["looks: mine: lines: [5, 2]", "[lowest, highest]"]),
        ("looks: {mine: {canvas_sizes: []}}\n", ["looks: mine: canvas_sizes: []", "expected a list of length >= 1"]),
        ("looks: {mine: {canvas_sizes: [[320, 8]]}}\n", ["canvas_sizes: [[320, 8]]", "expected a whole number >= 32"]),
        ("looks: {mine: {number_gap: [0.3, 2]}}\n", ["looks: mine: number_gap"]),
        ("looks: {mine: {sources: {pen: 0}}}\n", ["looks: mine: sources: all 0"]),
        ("looks: {mine: {sources: {}}}\n", ["looks: mine: sources: all 0"]),
        ("looks: {mine: {sources: {pen: -1}}}\n", ["looks: mine: sources: pen: -1 is", "expected a number >= 0.0"]),
        ("looks: {mine: {effects: {jpeg: 2}}}\n", ["looks: mine: effects: jpeg: 2 is", "expected a number <= 1.0"]),
        ("1: 2\n", ["unknown key 1"]),
        ("- 1\n", ["expected 'key: value' lines"]),
        ("a: 1\nb: [1, 2\n", [", line 2: not valid YAML: expected ',' or ']', but got the end of the file"]),
        ("a: 1\nb\x01: 2\n", [", line 2: not valid YAML: a character that is not allowed"]),
        ("!!python/object/apply:os.system ['true']\n", ["not valid YAML"]),
    ],
)
def test_invalid_settings_name_file_key_and_limit(tmp_path, text, expected):
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(SynthConfig, path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    for part in expected:
        assert part in message


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (TrainConfig, {"precision": "fp8"}, "one of auto, bf16, fp32"),
        (TrainConfig, {"learning_rate": 0}, "expected a number > 0.0"),
        (TrainConfig, {"image_size": 100}, "multiple of 32"),
        (ReadConfig, {"max_pixels": 0}, "expected a whole number >= 1"),
        (ReadConfig, {"scales": (1.1, 0.6)}, "from small to large"),
        (ReadConfig, {"largest": True, "best": True}, "keep one of them"),
        (SynthConfig, {"background_folder": 3}, r"expected text or null"),
        (SynthConfig, {"looks": {"mine": 3}}, "expected a mapping"),
        (LookConfig, {"blank_share": 1.5}, "expected a number <= 1.0"),
    ],
)
def test_values_from_python_are_checked(kind, values, expected):
    with pytest.raises(ConfigError, match=expected):
        kind(**values)
    with pytest.raises(ConfigError, match=expected):
        replace(kind(), **values)


def test_replace_ignores_none():
    assert replace(SynthConfig(), count=None, seed=3) == SynthConfig(seed=3)


def test_a_file_changes_a_base_preset(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("epochs: 7\nline_reader: {epochs: 3}\n")
    tune = load_preset(TrainConfig, "train", "tune")
    config = load_config(TrainConfig, file, preset_file("train", "tune"))
    assert config == replace(tune, epochs=7, line_reader=replace(tune.line_reader, epochs=3))
    assert config.learning_rate == tune.learning_rate != TrainConfig().learning_rate


def test_missing_file_and_unknown_preset(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot read"):
        load_config(SynthConfig, tmp_path / "gone.yaml")
    with pytest.raises(ConfigError, match=r"'quik'.*did you mean 'quick'"):
        load_preset(SynthConfig, "synth", "quik")


def test_split_counts_add_up():
    for count in (3, 7, 100, 6000):
        counts = replace(SynthConfig(), count=count).split_counts()
        assert sum(counts.values()) == count
        assert min(counts.values()) >= 1


def test_lists_become_tuples():
    assert LookConfig(lines=[2, 5]) == LookConfig(lines=(2, 5))
    assert isinstance(LookConfig(canvas_sizes=[[64, 64]]).canvas_sizes[0], tuple)
    with pytest.raises(ConfigError, match="lowest, highest"):
        LookConfig(lines=[5, 2])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("looks: {print: 2.5}\n", {"print": replace(PRINT, weight=2.5)}),
        ("looks: {print: 2, mnist: 0}\n", {"print": replace(PRINT, weight=2), "mnist": replace(MNIST, weight=0)}),
        ("looks: {print: {}}\n", {"print": PRINT}),
        ("looks: {print: {weight: 3, lines: [2, 3]}}\n", {"print": replace(PRINT, weight=3, lines=(2, 3))}),
        ("looks: {print: {sources: {pen: 1}}}\n", {"print": replace(PRINT, sources={"pen": 1})}),  # not merged
        ("looks: {mine: {}}\n", {"mine": LookConfig()}),
        ("looks: {mine: {inks: {chalk: 1}}}\n", {"mine": LookConfig(inks={"chalk": 1})}),
        ("looks: {7: {weight: 2}}\n", {"7": LookConfig(weight=2)}),
    ],
)
def test_looks_in_yaml(text, expected):
    config = parse_config(SynthConfig, text, "x")
    assert config == SynthConfig(looks=expected)
    assert parse_config(SynthConfig, config.to_yaml(), "x") == config


def test_all_looks_survive_a_round_trip():
    config = load_preset(SynthConfig, "synth", "full")
    assert parse_config(SynthConfig, config.to_yaml(), "x") == config


def test_quick_is_plain_mnist():
    assert load_preset(SynthConfig, "synth", "quick") == SynthConfig(looks={"mnist": MNIST})


def test_full_is_mixed_with_more_pictures():
    mixed, full = (load_preset(SynthConfig, "synth", name) for name in ("mixed", "full"))
    assert full.looks == mixed.looks
    assert full.split_counts() == {"train": 62000, "val": 1000, "test": 1000}
    assert mixed == SynthConfig(looks=mixed.looks)


FONTS, PICTURES, CROPS = Path("fonts"), Path("pictures"), Path("digits.csv")


def test_own_material_is_stored_with_absolute_paths():
    config = add_materials(load_preset(SynthConfig, "synth", "mixed"), [FONTS, PICTURES], PICTURES, CROPS)
    assert config.font_folders == (str(FONTS.resolve()), str(PICTURES.resolve()))
    assert (config.background_folder, config.crops) == (str(PICTURES.resolve()), str(CROPS.resolve()))


def test_handwriting_typefaces_need_a_look_that_uses_them():
    config = add_materials(load_preset(SynthConfig, "synth", "cheques"), hand_fonts=[FONTS])
    assert config.hand_font_folders == (str(FONTS.resolve()),)
    with pytest.raises(ConfigError, match="hand fonts are given, but no look of these settings uses them"):
        add_materials(load_preset(SynthConfig, "synth", "quick"), hand_fonts=[FONTS])


def test_drums_need_a_look_that_uses_them():
    config = add_materials(load_preset(SynthConfig, "synth", "mixed"), drums=PICTURES)
    assert config.drums == str(PICTURES.resolve())
    with pytest.raises(ConfigError, match=r"drums are given, but no look .* uses them; the preset meters does"):
        add_materials(load_preset(SynthConfig, "synth", "print"), drums=PICTURES)


def test_recorded_strokes_need_a_look_that_uses_them():
    config = add_materials(load_preset(SynthConfig, "synth", "handwritten"), strokes=PICTURES)
    assert config.strokes == str(PICTURES.resolve())
    with pytest.raises(ConfigError, match="strokes are given, but no look of these settings uses them"):
        add_materials(load_preset(SynthConfig, "synth", "print"), strokes=PICTURES)


def test_no_material_changes_nothing():
    config = SynthConfig(font_folders=("a",), background_folder="b", crops="c")
    assert add_materials(config) == config


def test_own_material_gets_half_of_the_weight_where_no_look_names_it():
    config = add_materials(SynthConfig(looks={"mnist": MNIST, "print": PRINT}), crops=CROPS)
    for before, look in zip((MNIST, PRINT), config.looks.values(), strict=True):
        assert look.sources["crops"] == pytest.approx(sum(look.sources.values()) / 2)
        assert replace(look, sources=before.sources) == before
    surfaces = add_materials(SynthConfig(), backgrounds=PICTURES).looks["mnist"].surfaces
    assert surfaces["folder"] == pytest.approx(sum(surfaces.values()) / 2)


def test_weights_of_own_material_are_kept():
    config = SynthConfig(looks={"mnist": MNIST, "mine": LookConfig(sources={"crops": 3}, surfaces={"folder": 2})})
    assert add_materials(config, (), PICTURES, CROPS).looks == config.looks


def test_fonts_that_no_look_uses_are_rejected():
    with pytest.raises(ConfigError, match="no look of these settings uses them"):
        add_materials(load_preset(SynthConfig, "synth", "quick"), [FONTS])


def test_an_error_is_one_line():
    assert str(ConfigError("a\nb\r\x85\u2028c")) == r"a\nb\r\x85\u2028c"
