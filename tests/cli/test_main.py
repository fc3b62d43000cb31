import json
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
from click.testing import CliRunner

import digitdet
from digitdet.cli.main import main
from digitdet.configs import SynthConfig, load_config, load_preset, replace
from digitdet.datasets.contact_sheet import contact_sheet
from digitdet.datasets.formats.dataset import read_yolo
from digitdet.datasets.formats.numbers import read_truths
from digitdet.datasets.formats.yolo import DATA_FILE, read_picture

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
EXAMPLE = EXAMPLES / "number.jpg"
NUMBER = (EXAMPLES / "numbers.txt").read_text(encoding="utf-8").split()[1]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def in_a_new_process(*code):
    return subprocess.run([sys.executable, *code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ["synth", "--count", "0"],
        ["synth", "--seed", "-1"],
        ["train", "--epochs", "0"],
        ["reed", "a.jpg"],
        ["synth", "--workers", "-1"],
        ["synth", "--preset", "fast"],
        ["synth", "--preset", "quick", "--config", "a.yaml"],
        ["synth", "--stats", "a", "--check", "a"],
        ["synth", "--preview", "a.png", "--check", "a"],
        ["convert", "a", "b"],
        ["convert", "a", "b", "--to", "tfrecord"],
        ["convert", "a", "--to", "coco"],
        ["train", "--nonsense"],
        ["calibrate", "a"],
        ["calibrate", "a", "--model", "m.onnx", "--split", "all"],
    ],
)
def test_wrong_usage_exits_with_2(arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["reed", "a.jpg"], "no command is called 'reed'; did you mean 'read'?"),
        (["classify", "trian"], "no command is called 'trian'; did you mean 'train'?"),
        ([str(EXAMPLE)], f"to read this picture:  digitdet read {EXAMPLE}"),
        (["read", "--formt", "csv"], "'--format'"),
    ],
)
def test_mistakes_get_a_suggestion(arguments, hint):
    result = run(*arguments)
    assert (result.exit_code, hint in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize("settings", ["batch: many", "scales: 3", "- a", "rotate: [1]", "digits_only: 2.5"])
def test_messages_about_settings_name_no_python_types(tmp_path, settings):
    (tmp_path / "a.yaml").write_text(settings)
    result = run("read", EXAMPLE, "--config", tmp_path / "a.yaml")
    assert len(result.stderr.splitlines()) == 1
    assert not re.search(r"`|\b(int|float|str|bool|tuple|dict|array|object|Config)\b", result.stderr), result.stderr


@pytest.mark.parametrize("command", main.list_commands(click.Context(main)))
def test_every_command_has_help_and_is_in_the_readme(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) > 5
    assert f"digitdet {command}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_version_is_the_same_everywhere():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{digitdet.__version__}"\n' in project
    assert metadata.version("digitdet") == digitdet.__version__
    assert digitdet.__version__ in run("--version").stdout


def test_installation_adds_one_import_name():
    claimed = {name for name, owners in metadata.packages_distributions().items() if "digitdet" in owners}
    assert {name for name in claimed if not name.startswith("__editable__")} == {"digitdet"}


def test_reading_needs_no_training_packages():
    code = (
        "import sys; from digitdet.cli.main import main\n"
        f"try: main(['read', {str(EXAMPLE)!r}])\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'torchvision', 'ultralytics', 'albumentations', 'matplotlib', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = in_a_new_process("-c", code)
    assert (result.returncode, result.stdout) == (0, f"{NUMBER}\n"), result.stderr


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from digitdet.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'cv2', 'numpy', 'onnxruntime', 'torch', 'ultralytics', 'albumentations'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = in_a_new_process("-c", code)
    assert result.returncode == 0, result.stderr


def test_main_help_lists_every_command():
    listed = [line.split()[1] for line in run("--help").stdout.splitlines() if line.startswith("    digitdet ")]
    assert sorted(listed) == main.list_commands(click.Context(main))


def shrink(name):
    """A preset on small canvases."""
    config = load_preset(SynthConfig, "synth", name)
    looks = {key: replace(look, canvas_sizes=((96, 96), (128, 64))) for key, look in config.looks.items()}
    return replace(config, looks=looks)


@pytest.fixture
def synth(tiny_mnist, few_fonts, tmp_path):
    """Run `digitdet synth` in this process with small canvases, by default the preset mixed with few fonts."""

    def synth(*arguments, preset="mixed", fonts=True):
        settings = tmp_path / f"{preset}.yaml"
        settings.write_text(shrink(preset).to_yaml())
        own = ["--fonts", few_fonts] if fonts else []
        return run("synth", "--config", settings, "--mnist", tiny_mnist, "--workers", 1, *own, *arguments)

    return synth


def test_synth_twice(synth, tmp_path):
    arguments = ["--count", 12, "--out", tmp_path / "my data"]
    first = synth(*arguments)
    assert first.exit_code == 0, first.stderr
    assert f"digitdet train --data '{tmp_path / 'my data'}'" in first.stderr
    assert (first.stdout, (tmp_path / "my data" / "data.yaml").is_file()) == ("", True)
    assert "already" in synth(*arguments).stderr
    other = synth(*arguments, "--seed", 5)
    assert (other.exit_code, len(other.stderr.splitlines())) == (2, 1)
    assert "other settings" in other.stderr


def test_the_quick_preset_suggests_the_quick_training(tiny_mnist, tmp_path):
    result = run(
        "synth", "--preset", "quick", "--mnist", tiny_mnist, "--count", 4, "--workers", 1, "--out", tmp_path / "q"
    )
    assert f"digitdet train --data {tmp_path / 'q'} --preset quick" in result.stderr.splitlines()[-1]


def test_the_quick_training_suggests_the_quick_preset(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hint = CliRunner().invoke(main, ["train", "--preset", "quick"]).stderr
    assert hint == "Error: data/synth: there is no dataset; make one with  digitdet synth --preset quick\n"
    assert CliRunner().invoke(main, ["train", "--preset", "quick", "--data", "q"]).stderr.endswith("quick --out q\n")


def test_synth_defaults_to_mixed_and_stores_absolute_paths(tiny_mnist, few_fonts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "backgrounds").mkdir()
    cv2.imwrite("backgrounds/a.png", np.full((50, 50, 3), 200, np.uint8))
    write_crops(tmp_path / "crops")
    arguments = ["synth", "--count", 4, "--mnist", "mnist", "--workers", 1, "--out", "out"]
    own = ["--fonts", few_fonts, "--fonts", "backgrounds", "--backgrounds", "backgrounds", "--crops", "crops"]
    result = run(*arguments, *own)
    assert result.exit_code == 0, result.stderr
    written = load_config(SynthConfig, tmp_path / "out" / "synth.yaml")
    mixed = load_preset(SynthConfig, "synth", "mixed")
    assert written.font_folders == (str(few_fonts), str(tmp_path / "backgrounds"))
    assert (written.background_folder, written.crops) == (str(tmp_path / "backgrounds"), str(tmp_path / "crops"))
    assert {name: look.surfaces for name, look in written.looks.items()} == {
        name: look.surfaces for name, look in mixed.looks.items()
    }
    assert all(look.sources["crops"] for look in written.looks.values())


def write_crops(folder, count=3):
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
        for index in range(count):
            image = np.full((40, 30), 220 - 10 * index, np.uint8)
            cv2.putText(image, str(digit), (6, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 20 + 10 * index, 2, cv2.LINE_AA)
            cv2.imwrite(str(folder / str(digit) / f"{index}.png"), image)


@pytest.mark.parametrize("preset", ["mixed", "quick"])
def test_synth_on_the_users_backgrounds(synth, tmp_path, preset):
    (tmp_path / "backgrounds").mkdir()
    arguments = ["--count", 12, "--backgrounds", tmp_path / "backgrounds", "--out", tmp_path / "out"]
    nothing = synth(*arguments, preset=preset, fonts=preset == "mixed")
    assert (nothing.exit_code, "no pictures to use as backgrounds" in nothing.stderr) == (2, True)
    cv2.imwrite(str(tmp_path / "backgrounds" / "a.png"), np.full((50, 50, 3), 200, np.uint8))
    assert synth(*arguments, preset=preset, fonts=preset == "mixed").exit_code == 0


def test_synth_with_the_users_digits(synth, tmp_path):
    write_crops(tmp_path / "crops")
    result = synth("--count", 30, "--crops", tmp_path / "crops", "--out", tmp_path / "out", preset="quick", fonts=False)
    assert result.exit_code == 0, result.stderr
    truths = read_truths(tmp_path / "out" / "numbers.jsonl")
    assert {number.source for truth in truths for number in truth.numbers} == {"mnist", "crops"}


def test_unused_fonts_are_rejected(synth, tmp_path):
    result = synth("--count", 12, "--out", tmp_path / "out", preset="quick")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "no look of these settings uses them" in result.stderr


def test_up_to_five_broken_files_are_listed(synth, few_fonts, tmp_path):
    (tmp_path / "fonts").mkdir()
    for index in range(32):
        (tmp_path / "fonts" / f"broken-{index:02d}.ttf").write_bytes(b"no font")
    result = synth("--fonts", tmp_path / "fonts", "--count", 4, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    lines = result.stderr.splitlines()
    assert [line.split(": ")[0] for line in lines[:5]] == [
        str(tmp_path / "fonts" / f"broken-{index:02d}.ttf") for index in range(5)
    ]
    assert lines[5] == "... and 27 more"
    assert sum("broken-" in line for line in lines) == 5


def test_system_fonts_without_digits_are_counted(synth, few_fonts, tmp_path, monkeypatch):
    folder = tmp_path / "system"
    shutil.copytree(few_fonts, folder)
    (folder / "a.ttf").write_bytes(b"no font")
    (folder / "b.otf").write_bytes(b"no font")
    monkeypatch.setattr("digitdet.synth.sources.system_font_folders", lambda: [folder])
    (tmp_path / "backgrounds").mkdir()
    cv2.imwrite(str(tmp_path / "backgrounds" / "a.png"), np.full((50, 50, 3), 200, np.uint8))
    (tmp_path / "backgrounds" / "b.png").write_bytes(b"no picture")
    result = synth("--backgrounds", tmp_path / "backgrounds", "--count", 4, "--out", tmp_path / "out", fonts=False)
    assert result.exit_code == 0, result.stderr
    lines = result.stderr.splitlines()
    assert lines[0].startswith(str(tmp_path / "backgrounds" / "b.png"))
    assert lines[1] == "2 of the system's font files have no usable digits"
    assert not any(str(folder) in line for line in lines)


def test_preview_shows_the_first_training_pictures_and_writes_nothing_else(synth, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sheet, data = tmp_path / "sheets" / "a.png", tmp_path / "data"
    before = {*tmp_path.rglob("*"), tmp_path / "mixed.yaml"}
    result = synth("--preview", sheet, "--count", 28)
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    assert "the first 24 training pictures" in result.stderr
    assert set(tmp_path.rglob("*")) == before | {sheet.parent, sheet}
    assert synth("--count", 28, "--out", data).exit_code == 0
    assert len(list((data / "images" / "train").iterdir())) == 24
    written = read_yolo(data / DATA_FILE).splits["train"]
    expected = contact_sheet(
        [read_picture(picture.path) for picture in written],
        [picture.boxes for picture in written],
        [picture.labels.classes for picture in written],
    ).astype(int)
    drawn = cv2.imread(str(sheet)).astype(int)
    assert drawn.shape == expected.shape
    assert np.abs(drawn - expected).mean() < 3  # the dataset's JPEG


def test_preview_that_cannot_be_written_is_one_line(synth, tmp_path):
    result = synth("--preview", tmp_path / "sheet.txt")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "sheet.txt" in result.stderr


@pytest.fixture(scope="module")
def composed(tiny_materials, few_fonts, tmp_path_factory):
    """A dataset of twelve pictures of the preset mixed."""
    from digitdet.synth.writer import write_dataset  # here: reading is tested without the training packages, too

    out = tmp_path_factory.mktemp("composed") / "data"
    config = replace(shrink("mixed"), count=12, font_folders=(str(few_fonts),))
    write_dataset(config, tiny_materials(config), out, workers=1)
    return out


@pytest.fixture
def dataset(composed, tmp_path):
    """A copy of `composed`, to be changed."""
    shutil.copytree(composed, tmp_path / "data")
    return tmp_path / "data"


def test_stats_are_a_table_and_a_plot(dataset):
    result = run("synth", "--stats", dataset / "data.yaml")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[1].split() == ["pictures", "10", "1", "1"]
    assert result.stderr == f"plots written to {dataset / 'stats.png'}\n"
    assert cv2.imread(str(dataset / "stats.png")) is not None


def test_check_of_a_valid_dataset(dataset):
    result = run("synth", "--check", dataset)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"{dataset}: no problems found\n")


def test_check_lists_every_problem(dataset):
    cut = dataset / "images" / "train" / "000001.jpg"
    cut.write_bytes(cut.read_bytes()[:-100])
    bad = dataset / "labels" / "train" / "000002.txt"
    bad.write_text("12 0.5 0.5 0.1 0.1\n")
    result = run("synth", "--check", dataset)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split(": ")[0] for line in lines] == [str(cut), str(bad)]
    assert result.stderr == f"2 problem(s) in {dataset}\n"


@pytest.mark.parametrize("option", ["--stats", "--check"])
def test_missing_dataset_is_one_line(tmp_path, option):
    result = run("synth", option, tmp_path / "gone")
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert "gone" in result.stderr


def test_convert_round_trip(dataset, tmp_path):
    digits = sum(len(path.read_text().splitlines()) for path in (dataset / "labels").rglob("*.txt"))
    for source, to, out in ((dataset, "coco", "coco"), (tmp_path / "coco", "yolo", "yolo"), (dataset, "voc", "voc")):
        result = run("convert", source, tmp_path / out, "--to", to)
        assert (result.exit_code, result.stdout) == (0, ""), result.stderr
        assert result.stderr.splitlines()[-1] == f"12 pictures with {digits} digits in {tmp_path / out}"
    assert run("synth", "--check", tmp_path / "yolo").exit_code == 0
    crops = run("convert", dataset, tmp_path / "crops", "--to", "crops")
    numbers = sum(len(truth.numbers) for truth in read_truths(dataset / "numbers.jsonl"))
    assert crops.stderr.splitlines()[-1] == f"{numbers} numbers with {digits} digits in {tmp_path / 'crops'}"


def test_convert_lists_up_to_twenty_skipped_entries(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((40, 40, 3), 200, np.uint8))
    images = [{"id": index, "file_name": f"gone-{index}.png"} for index in range(30)] + [
        {"id": 99, "file_name": "a.png"}
    ]
    content = {"images": images, "annotations": [], "categories": [{"id": 1, "name": "1"}]}
    (tmp_path / "train.json").write_text(json.dumps(content))
    result = run("convert", tmp_path / "train.json", tmp_path / "out", "--to", "yolo")
    assert result.exit_code == 0, result.stderr
    lines = result.stderr.splitlines()
    assert len(lines) == 22
    assert re.fullmatch(r"\.\.\. and \d+ more", lines[20])


def test_convert_of_no_dataset_is_one_line(tmp_path):
    result = run("convert", tmp_path, tmp_path / "out", "--to", "yolo")
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert "no dataset" in result.stderr


def test_missing_extra_says_what_to_install(monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    for arguments in (["synth"], ["synth", "--stats", "."], ["train"]):
        result = run(*arguments)
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
        assert re.search(r"pip install .*\[train\]'$", result.stderr.strip())
