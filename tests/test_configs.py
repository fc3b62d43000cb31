import msgspec
import pytest

from digitdet.configs import (
    ConfigError,
    ReadConfig,
    SynthConfig,
    TrainConfig,
    load_config,
    load_preset,
    parse_config,
    preset_names,
    replace,
)

KINDS = [SynthConfig, TrainConfig, ReadConfig]
PRESETS = [
    (kind, group, name)
    for kind, group in [(SynthConfig, "synth"), (TrainConfig, "train")]
    for name in preset_names(group)
]


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


def test_the_presets_that_are_promised_exist():
    assert {"default", "quick"} <= set(preset_names("synth"))
    assert {"default", "quick"} <= set(preset_names("train"))


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


def test_values_are_laid_over_the_defaults(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text("count: 12\nlines: [2, 3]\n")
    config = load_config(SynthConfig, path)
    assert (config.count, config.lines, config.seed) == (12, (2, 3), SynthConfig().seed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cuont: 5\n", ["unknown key 'cuont'", "did you mean 'count'"]),
        ("count: 0\n", ["count: 0", "a whole number from 1 to 10000000"]),
        ("count: many\n", ["count: 'many'", "a whole number"]),
        ("count: 2.5\n", ["count: 2.5", "a whole number"]),
        ("blank_share: 1.5\n", ["blank_share: 1.5", "a number from 0 to 1"]),
        ("lines: [3]\n", ["lines: [3]", "a whole number from 1 to 100"]),
        ("lines: [5, 2]\n", ["lines: [5, 2]", "[lowest, highest]"]),
        ("canvas_sizes: []\n", ["canvas_sizes: []", "at least 1 entries"]),
        ("canvas_sizes: [[320, 8]]\n", ["canvas_sizes", "of", "from 32 to 4096"]),
        ("val_share: 0.6\ntest_share: 0.5\n", ["nothing to train on"]),
        ("count: 2\n", ["count: 2 leaves nothing to train on"]),
        ("plain_weight: .inf\n", ["plain_weight: inf", "a number from 0 to 1000"]),
        ("blank_share: 1e-3\n", ["blank_share: '1e-3'", "1.0e-3"]),
        ("seed: 2020-13-45\n", ["not valid YAML"]),
        ("seed: !!int foo\n", ["not valid YAML"]),
        ("[" * 3000, ["not valid YAML"]),
        ("number_gap: [0.3, 2]\n", ["number_gap"]),
        ("plain_weight: 0\ngradient_weight: 0\nnoise_weight: 0\n", ["plain_weight"]),
        ("1: 2\n", ["unknown key 1"]),
        ("- 1\n", ["expected 'key: value' lines"]),
        ("a: [\n", ["not valid YAML"]),
        ("!!python/object/apply:os.system ['true']\n", ["not valid YAML"]),
    ],
)
def test_bad_settings_name_file_key_and_range(tmp_path, text, expected):
    path = tmp_path / "my.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(SynthConfig, path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for part in expected:
        assert part in message


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (TrainConfig, {"precision": "fp8"}, "one of auto, bf16, fp32"),
        (TrainConfig, {"learning_rate": 0}, "a number from above 0 to 1"),
        (TrainConfig, {"image_size": 100}, "multiple of 32"),
        (ReadConfig, {"max_number_gap": -1}, "a number from above 0 to 10"),
        (SynthConfig, {"background_folder": 3}, "text or nothing"),
    ],
)
def test_values_given_in_python_are_checked_too(kind, values, expected):
    with pytest.raises(ConfigError, match=expected):
        kind(**values)
    with pytest.raises(ConfigError, match=expected):
        replace(kind(), **values)


def test_replace_skips_what_was_not_given():
    assert replace(SynthConfig(), count=None, seed=3) == SynthConfig(seed=3)


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


def test_lists_given_in_python_become_tuples():
    assert SynthConfig(lines=[2, 5]) == SynthConfig(lines=(2, 5))
    assert isinstance(SynthConfig(canvas_sizes=[[64, 64]]).canvas_sizes[0], tuple)
    with pytest.raises(ConfigError, match="lowest, highest"):
        SynthConfig(lines=[5, 2])
