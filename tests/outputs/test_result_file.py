"""Result files: atomic, and resumable after an interruption."""

import hashlib
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from digitdet import __version__
from digitdet.cli.main import main
from digitdet.common.errors import DataError
from digitdet.common.files import folder_lock
from digitdet.models.model_file import find_model
from digitdet.outputs.result_file import identity_line, open_results
from digitdet.reading.results import SCHEMA_VERSION, Reading

READINGS = [
    Reading(source="a.png"),
    Reading(source="b.tif", page=1, pages=3),
    Reading(source="b.tif", page=2, pages=3),
    Reading(source="b.tif", page=3, pages=3, error="page 3 of 3: it is damaged"),
    Reading(source="c.png", error="no picture"),
    Reading(source="d.png"),
]
FIRST_OF_PICTURE = [0, 1, 4, 5]


class KillError(Exception):
    pass


def read(path, start=0, stop=None, identity="x", output_format="jsonl", resume=True):
    """Write the readings, interrupted before the reading `stop`; return what was found from an earlier run."""
    with open_results(path, output_format, {"id": identity}, resume) as results:

        def readings():
            for row, reading in enumerate(READINGS):
                if row == stop:
                    raise KillError
                if row >= FIRST_OF_PICTURE[results.done]:
                    yield reading

        results.write(readings(), show_names=True)
        return results.done, results.statuses


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "csv"])
def test_the_file_appears_when_it_is_complete(tmp_path, form):
    path = tmp_path / "new" / f"out.{form}"
    with open_results(path, form, {}) as results:
        results.write(READINGS, show_names=True)
        assert not path.exists()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    if form == "jsonl":
        assert [json.loads(line)["image"] for line in path.read_text().splitlines()] == [one.source for one in READINGS]


@pytest.mark.parametrize(("stop", "done"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 1), (5, 2)])
def test_resumes_after_the_last_complete_picture(tmp_path, stop, done):
    whole, path = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    read(whole)
    with pytest.raises(KillError):
        read(path, stop=stop)
    assert not path.exists()
    assert read(path)[0] == done
    assert path.read_bytes() == whole.read_bytes()
    assert not path.with_name("out.jsonl.part").exists()


def test_a_truncated_line_is_read_again(tmp_path):
    path = tmp_path / "out.jsonl"
    with pytest.raises(KillError):
        read(path, stop=5)
    part = path.with_name("out.jsonl.part")
    part.write_bytes(part.read_bytes()[:-9])
    assert read(path)[0] == 1  # the picture before it too: it may have had more pages
    assert len(path.read_text().splitlines()) == len(READINGS)


def test_statuses_from_before_the_interruption_are_kept(tmp_path):
    path = tmp_path / "out.jsonl"
    with pytest.raises(KillError):
        read(path, stop=5)
    assert read(path)[1] == {"empty", "error"}  # c.png is read again


def test_other_pictures_or_settings_are_refused(tmp_path):
    path = tmp_path / "out.jsonl"
    with pytest.raises(KillError):
        read(path, stop=5)
    before = path.with_name("out.jsonl.part").read_bytes()
    with pytest.raises(DataError, match="other pictures or settings"):
        read(path, identity="y")
    assert path.with_name("out.jsonl.part").read_bytes() == before


@pytest.mark.parametrize("damage", [b"7 no tab\n", b"x\t{}\n", b"2\t[]\n", b'2\t{"status"}\n'])
def test_a_damaged_part_is_refused(tmp_path, damage):
    path = tmp_path / "out.jsonl"
    with pytest.raises(KillError):
        read(path, stop=2)
    with path.with_name("out.jsonl.part").open("ab") as part:
        part.write(damage)
    with pytest.raises(DataError, match="damaged"):
        read(path)


def test_without_resume_it_starts_over(tmp_path):
    path = tmp_path / "out.jsonl"
    with pytest.raises(KillError):
        read(path, stop=5)
    assert read(path, resume=False)[0] == 0
    assert len(path.read_text().splitlines()) == len(READINGS)


HOLDER = """
import sys
from pathlib import Path
from digitdet.common.files import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("in", flush=True)
    sys.stdin.read()
"""


def test_only_one_process_writes_into_a_folder(tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", HOLDER, str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "in\n"
        with pytest.raises(DataError, match="another digitdet is writing"), folder_lock(out):
            pass
        other.kill()
    with folder_lock(out):  # the lock of a killed process is free
        (out / "file").touch()
    assert [path.name for path in out.iterdir()] == ["file"]


def test_a_folder_that_stayed_empty_is_removed(tmp_path):
    with folder_lock(tmp_path / "out"):
        pass
    assert not (tmp_path / "out").exists()


def test_the_command_resumes(tmp_path, monkeypatch):
    """Only the missing pictures are read."""
    picture = "examples/number.jpg"
    monkeypatch.chdir(__file__.rpartition("tests")[0])
    out = tmp_path / "out.jsonl"
    arguments = ["read", picture, picture, picture, "--format", "jsonl", "--out", str(out)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    whole = out.read_bytes()
    part = tmp_path / "out.jsonl.part"

    from digitdet.cli import read as cli_read  # to count the pictures of the second run

    seen = []
    monkeypatch.setattr(cli_read, "Progress", _noting(cli_read.Progress, seen))
    opened = _part_of_killed_run(monkeypatch, arguments, part, out)
    assert opened == 3
    resumed = CliRunner().invoke(main, arguments)
    assert (resumed.exit_code, seen[-1]) == (0, 1)
    assert resumed.stderr.startswith("continues after 2 pictures\n1 picture")  # with a summary of the last one
    assert out.read_bytes() == whole


def test_identity_of_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(__file__.rpartition("tests")[0])
    flags = ("best", "digits_only", "largest", "strict")
    unset = (
        *flags,
        "camera",
        "check",
        "conf",
        "digits",
        "every",
        "max_step",
        "min_confidence",
        "pattern",
        "previous",
        "stable",
    )
    allowed, config = tmp_path / "allowed.txt", tmp_path / "config.yaml"
    allowed.write_text("17\n", encoding="utf-8")
    config.write_text("confidence: 0.4\n", encoding="utf-8")
    identity = {
        "digitdet": __version__,
        "schema": SCHEMA_VERSION,
        "model": [hashlib.sha256(file.read_bytes()).hexdigest() for file in find_model(None).all],
        "options": {
            **dict.fromkeys(unset),
            "allowed": hashlib.sha256(allowed.read_bytes()).hexdigest(),
            "config_file": hashlib.sha256(config.read_bytes()).hexdigest(),
            "region": ["a=0,0,50%,50%", "0,0,20,20"],
            "rotate": 90,
        },
        "inputs": [["examples/number.jpg", None]],
    }
    out = tmp_path / "out.jsonl"
    arguments = ["read", "examples/number.jpg", "--format", "jsonl", "--out", str(out), "--region", "a=0,0,50%,50%"]
    arguments += ["--region", "0,0,20,20", "--rotate", "90", "--allowed", str(allowed), "--config", str(config)]
    part = tmp_path / "out.jsonl.part"
    _part_of_killed_run(monkeypatch, arguments, part, out)
    assert part.read_text(encoding="utf-8").splitlines(keepends=True)[0] == identity_line(identity)


def _noting(progress, seen):
    def noting(inputs, verbosity, done=0):
        seen.append(len(inputs))
        return progress(inputs, verbosity, done)

    return noting


def _part_of_killed_run(monkeypatch, arguments, part, out):
    """Leave the .part of a run that was killed before its file was moved in place; return its number of pictures."""
    from digitdet.outputs import result_file

    def stop(self, path):
        self.close()
        raise KillError

    with monkeypatch.context() as patch:
        patch.setattr(result_file.ResultFile, "finish", stop)
        assert isinstance(CliRunner().invoke(main, arguments).exception, KillError)
    return len(part.read_text().splitlines()) - 1
