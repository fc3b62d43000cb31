import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

import digitdet
from digitdet.cli import main

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
EXAMPLE = EXAMPLES / "number.jpg"
NUMBER = (EXAMPLES / "numbers.txt").read_text(encoding="utf-8").split()[1]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def in_a_new_process(*code):
    return subprocess.run([sys.executable, *code], capture_output=True, text=True, check=False)


def test_reads_the_example():
    result = run("read", EXAMPLE)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{NUMBER}\n", "")


def test_python_m_reads_too():
    result = in_a_new_process("-m", "digitdet", "read", str(EXAMPLE))
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{NUMBER}\n", "")


def test_json():
    result = run("read", "--format", "json", EXAMPLE)
    (picture,) = json.loads(result.stdout)
    assert set(picture) == {"image", "status", "numbers"}
    assert (picture["image"], picture["status"]) == (str(EXAMPLE), "ok")
    (number,) = picture["numbers"]
    assert set(number) == {"text", "confidence", "box", "digits"}
    assert number["text"] == NUMBER == "".join(digit["text"] for digit in number["digits"])
    assert number["confidence"] == min(digit["confidence"] for digit in number["digits"])
    height, width = cv2.imread(str(EXAMPLE)).shape[:2]
    for digit in number["digits"]:
        left, top, right, bottom = digit["box"]
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert 0.2 <= digit["confidence"] <= 1


def test_jsonl_is_one_object_a_picture(tmp_path):
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((60, 80, 3), 200, np.uint8))
    result = run("read", "--format", "jsonl", EXAMPLE, tmp_path / "blank.png", tmp_path / "gone.png")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["status"] for record in records] == ["ok", "empty", "error"]
    assert records[1]["numbers"] == records[2]["numbers"] == []
    assert "No such file" in records[2]["error"]
    assert result.exit_code == 1


def test_json_of_nothing_but_errors_is_json(tmp_path):
    result = run("read", "--format", "json", tmp_path / "gone.png")
    assert [record["status"] for record in json.loads(result.stdout)] == ["error"]
    assert result.exit_code == 1


def test_folders_patterns_and_files(tmp_path):
    (tmp_path / "sub").mkdir()
    content = EXAMPLE.read_bytes()
    for name in ("b.jpg", "a.JPG", "sub/c.jpeg", "notes.txt"):
        (tmp_path / name).write_bytes(content)
    result = run("read", tmp_path, tmp_path / "*.jpg", EXAMPLE)
    assert result.stdout.split() == [NUMBER] * 5
    named = [line.rstrip(":") for line in result.stderr.splitlines()]
    expected = [tmp_path / "a.JPG", tmp_path / "b.jpg", tmp_path / "sub" / "c.jpeg", tmp_path / "b.jpg", EXAMPLE]
    assert named == [str(path) for path in expected]


def test_pattern_that_matches_folders(tmp_path):
    (tmp_path / "scans" / "monday").mkdir(parents=True)
    (tmp_path / "scans" / "monday" / "a.jpg").write_bytes(EXAMPLE.read_bytes())
    (tmp_path / "scans" / "tuesday").mkdir()
    result = run("read", tmp_path / "scans" / "*")
    assert (result.exit_code, result.stdout) == (1, f"{NUMBER}\n")
    assert f"Error: {tmp_path / 'scans' / 'tuesday'}: the folder holds no pictures" in result.stderr


def test_name_too_long_for_the_system_does_not_stop_the_batch():
    result = run("read", "x" * 300 + ".jpg", EXAMPLE)
    assert (result.exit_code, result.stdout) == (1, f"{NUMBER}\n")


def test_blank_picture_is_no_failure(tmp_path):
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((60, 80, 3), 200, np.uint8))
    result = run("read", tmp_path / "blank.png")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{tmp_path / 'blank.png'}: no digits found\n"


def test_bad_files_are_named_and_the_rest_is_read(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.jpg").write_text("this is not a picture")
    (tmp_path / "zero.png").write_bytes(b"")
    content = EXAMPLE.read_bytes()
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    bad = ["gone.jpg", "empty", "text.jpg", "zero.png", "cut.jpg", "no*match.jpg"]
    result = run("read", *(tmp_path / name for name in bad), EXAMPLE)
    assert result.exit_code == 1
    assert result.stdout == f"{NUMBER}\n"
    lines = result.stderr.splitlines()
    assert len(lines) == len(bad) + 1
    for name, line, reason in zip(
        bad,
        lines,
        ["No such file", "holds no pictures", "not a picture", "is empty", "cut off", "no file matches"],
        strict=False,
    ):
        assert line.startswith(f"Error: {tmp_path / name}: ")
        assert reason in line


def test_decoders_own_complaints_are_kept_off(tmp_path):
    """libpng and OpenCV write to the file descriptor, which only a real process shows."""
    content = cv2.imencode(".png", np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8))[1].tobytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "flipped.png").write_bytes(content[:2000] + bytes([content[2000] ^ 255]) + content[2001:])
    result = in_a_new_process("-m", "digitdet", "read", str(tmp_path / "cut.png"), str(tmp_path / "flipped.png"))
    assert result.returncode == 1
    assert [line.startswith(f"Error: {tmp_path}") for line in result.stderr.splitlines()] == [True, True], result.stderr


def test_save_writes_a_drawing_for_each_picture(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.jpg").write_bytes(EXAMPLE.read_bytes())
    result = run("read", "--save", tmp_path / "drawn", tmp_path / "one", tmp_path / "two")
    assert result.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["x-2.read.png", "x.read.png"]
    drawn, original = cv2.imread(str(tmp_path / "drawn" / "x.read.png")), cv2.imread(str(EXAMPLE))
    assert drawn.shape[0] > original.shape[0]


def test_save_beside_the_pictures_keeps_them(tmp_path):
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), cv2.imread(str(EXAMPLE)))
    before = (tmp_path / "a.png").read_bytes()
    assert run("read", "--save", tmp_path, tmp_path / "a.png", tmp_path / "b.png").exit_code == 0
    assert (tmp_path / "a.png").read_bytes() == before
    assert (tmp_path / "a.read.png").is_file()


def test_save_into_a_file_fails_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    result = run("read", "--save", tmp_path / "file" / "below", EXAMPLE)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "not an ONNX model"), (b"garbage" * 50, "not an ONNX model")],
)
def test_bad_model_is_one_line(tmp_path, content, reason):
    path = tmp_path / "m.onnx"
    if content is not None:
        path.write_bytes(content)
    result = run("read", "--model", path, EXAMPLE)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: {path}: ")
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["read"],
        ["read", "--format", "xml", "a.jpg"],
        ["read", "--conf", "high", "a.jpg"],
        ["read", "--conf", "2", "a.jpg"],
        ["synth", "--count", "0"],
        ["synth", "--seed", "-1"],
        ["train", "--epochs", "0"],
        ["reed", "a.jpg"],
        ["synth", "--workers", "-1"],
        ["synth", "--preset", "fast"],
        ["synth", "--preset", "quick", "--config", "a.yaml"],
        ["train", "--nonsense"],
    ],
)
def test_wrong_usage_exits_with_2(arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("command", sorted(main.commands))
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


def test_installing_claims_one_import_name():
    claimed = {name for name, owners in metadata.packages_distributions().items() if "digitdet" in owners}
    assert {name for name in claimed if not name.startswith("__editable__")} == {"digitdet"}


def test_reading_needs_no_training_packages():
    code = (
        "import sys; from digitdet.cli import main\n"
        f"try: main(['read', {str(EXAMPLE)!r}])\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'torchvision', 'ultralytics', 'albumentations', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = in_a_new_process("-c", code)
    assert (result.returncode, result.stdout) == (0, f"{NUMBER}\n"), result.stderr


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from digitdet.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'cv2', 'numpy', 'onnxruntime', 'torch', 'ultralytics', 'albumentations'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = in_a_new_process("-c", code)
    assert result.returncode == 0, result.stderr


def test_synth_and_synth_again(tiny_mnist, tmp_path):
    arguments = ["synth", "--count", 12, "--mnist", tiny_mnist, "--workers", 1, "--out", tmp_path / "my data"]
    first = run(*arguments)
    assert first.exit_code == 0, first.stderr
    assert f"digitdet train --data '{tmp_path / 'my data'}'" in first.stderr
    assert (first.stdout, (tmp_path / "my data" / "data.yaml").is_file()) == ("", True)
    assert "already" in run(*arguments).stderr
    other = run(*arguments, "--seed", 5)
    assert (other.exit_code, len(other.stderr.splitlines())) == (1, 1)
    assert "other settings" in other.stderr


def test_synth_on_the_users_backgrounds(tiny_mnist, tmp_path):
    (tmp_path / "grounds").mkdir()
    arguments = ["synth", "--count", 12, "--mnist", tiny_mnist, "--workers", 1, "--backgrounds", tmp_path / "grounds"]
    nothing = run(*arguments, "--out", tmp_path / "out")
    assert (nothing.exit_code, "no pictures to use as backgrounds" in nothing.stderr) == (1, True)
    cv2.imwrite(str(tmp_path / "grounds" / "a.png"), np.full((50, 50, 3), 200, np.uint8))
    assert run(*arguments, "--out", tmp_path / "out").exit_code == 0


def test_missing_extra_says_what_to_install(monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    for command in ("synth", "train"):
        result = run(command)
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
        assert "pip install 'digitdet[train]'" in result.stderr
