import re
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

import digitdet
from digitdet.cli.doctor import _EXTRAS
from digitdet.cli.main import main

MODELS = Path(digitdet.__file__).parent / "models"


def doctor(*arguments):
    return CliRunner().invoke(main, ["doctor", *map(str, arguments)])


def test_it_shows_what_is_here_and_how_to_install_what_is_not(monkeypatch, tmp_path):
    version = metadata.version

    def without_some(package):
        if package in ("torch", "pi-heif"):
            raise metadata.PackageNotFoundError(package)
        return version(package)

    monkeypatch.setattr(metadata, "version", without_some)
    monkeypatch.setenv("DIGITDET_DATA", str(tmp_path))
    result = doctor()
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split()[:2] == ["digitdet", digitdet.__version__]
    assert any(f"numpy {version('numpy')}" in line for line in lines)
    networks = {"detector": "AGPL-3.0", "proposals": "MIT", "line_reader": "MIT", "second_reader": "MIT"}
    for name, licence in networks.items():
        file = f"{name}.onnx"
        assert any(re.search(rf"{re.escape(str(MODELS / file))}: [\d.]+ MB, {licence}", line) for line in lines)
    assert f"MNIST      {tmp_path / 'mnist'}: not there" in lines
    assert any(re.search(r"train +lacks .*torch.*: pip install .*\[train\]", line) for line in lines)
    assert any(re.search(r"heic +lacks pi-heif: pip install .*\[heic\]", line) for line in lines)


def test_a_model_that_cannot_be_used_is_an_error_and_the_rest_is_shown(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    result = doctor("--model", tmp_path / "bad.onnx")
    assert result.exit_code == 1
    assert re.search(r"^model +Error: .*bad\.onnx: ", result.stdout, re.MULTILINE)
    assert "extras " in result.stdout


def test_the_extras_are_those_of_the_project():
    tomllib = pytest.importorskip("tomllib")  # Python 3.11
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert set(extras) == {*_EXTRAS, "all", "dev", "docs"}
    assert set(re.findall(r"\w+", extras["all"][0].partition("[")[2])) == set(_EXTRAS)
