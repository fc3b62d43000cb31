"""`digitdet export`."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import digitdet.export
from digitdet.cli.main import main
from digitdet.models.model_file import find_model

EXAMPLE = Path(__file__).parents[1] / "examples" / "number.jpg"


def export(*arguments):
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("onnx", ["detector.onnx", "line_reader.onnx", "model.json", "proposals.onnx", "second_reader.onnx"]),
        (
            "openvino",
            [
                *("detector.bin", "detector.xml", "line_reader.bin", "line_reader.xml", "model.json"),
                *("proposals.bin", "proposals.xml", "second_reader.bin", "second_reader.xml"),
            ],
        ),
    ],
)
def test_exported_networks_read_alike(tmp_path, kind, files):
    if kind != "onnx":
        pytest.importorskip(kind)
    result = export("--format", kind, "--out", tmp_path / "new", EXAMPLE)
    assert result.exit_code == 0, result.output
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == files
    assert result.stdout.splitlines()[1].startswith("pictures read alike: 1; confidences differ by 0.0")
    entries = json.loads((tmp_path / "new" / "model.json").read_text())
    assert [entries[name]["license"] for name in ("detector", "line_reader")] == ["AGPL-3.0", "MIT"]
    again = export("--format", kind, "--out", tmp_path / "new", EXAMPLE)
    assert (again.exit_code, "is not empty" in again.stderr) == (2, True)


def test_pictures_are_named_as_for_reading(tmp_path):
    (tmp_path / "a.jpg").write_bytes(EXAMPLE.read_bytes())
    for number, names in enumerate(([tmp_path], [tmp_path / "*.jpg"])):
        result = export("--format", "onnx", "--out", tmp_path / str(number), *names)
        assert "pictures read alike: 1;" in result.stdout, result.stderr
    missing = export("--format", "onnx", "--out", tmp_path / "new", tmp_path / "*.png")
    assert (missing.exit_code, missing.stderr) == (1, f"Error: {tmp_path / '*.png'}: no file matches this pattern\n")


def test_nothing_is_written_where_pictures_are_read_otherwise(tmp_path, monkeypatch):
    class Blind:
        def __init__(self, session):
            self._session = session

        def run(self, tensor):
            return self._session.run(tensor * 0)

    def to_blind(source, target):
        return Blind(digitdet.export._to_onnx(source, target))

    monkeypatch.setitem(digitdet.export.FORMATS, "onnx", to_blind)
    result = export("--format", "onnx", "--out", tmp_path / "new", EXAMPLE)
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert f"{EXAMPLE}: read as nothing with the exported networks and as 72366 with the model" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_model_of_a_run_is_exported(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(find_model(None).line_reader, run / "line_reader.onnx")
    result = export("--format", "onnx", "--model", run, "--out", tmp_path / "new", EXAMPLE)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "new" / "line_reader.onnx").read_bytes() == (run / "line_reader.onnx").read_bytes()
