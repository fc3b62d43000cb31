"""Commands that are interrupted with Ctrl-C."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from digitdet.cli.main import main
from digitdet.datasets.formats.yolo import check_dataset

EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE = EXAMPLES / "number.jpg"
PAGE = EXAMPLES / "page.jpg"


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def interrupt(*_arguments):
    raise KeyboardInterrupt


@pytest.mark.parametrize("module", ["digitdet.cli.main", "numpy", "digitdet.outputs.batch"])
def test_ctrl_c_during_an_import_ends_without_a_traceback(module):
    code = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(name, *_):\n"
        f"        if name == {module!r}: os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"sys.argv = ['digitdet', 'read', {str(EXAMPLE)!r}]\n"
        "from digitdet.__main__ import run\n"
        "run()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "\nAborted!\n")


def test_ctrl_c_exits_with_130(monkeypatch):
    monkeypatch.setattr("digitdet.outputs.batch.read_inputs", interrupt)
    result = run("read", EXAMPLE)
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "\nAborted!\n")


def test_interrupted_exports_start_again(tmp_path, monkeypatch):
    command = ["read", "--crops", tmp_path / "c", "--labels", tmp_path / "l", EXAMPLE, PAGE]
    with monkeypatch.context() as patch:
        patch.setattr("digitdet.cli.progress.Progress._count", interrupt)
        assert run(*command).exit_code == 130
    assert len(list((tmp_path / "c").glob("*.png"))) == 1
    again = run(*command)
    assert again.stderr.splitlines()[:2] == [f"{tmp_path / it}: starts again after an interruption" for it in "cl"]
    assert len(list((tmp_path / "c").glob("*.png"))) > 1
    assert check_dataset(tmp_path / "l") == []
    assert run(*command).stderr.endswith(f"{tmp_path / 'c'}: is not empty; choose another folder to write to\n")
