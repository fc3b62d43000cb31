"""The file of `digitdet read --out`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from digitdet.cli.main import main
from digitdet.outputs.formats import CSV_COLUMNS

EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE = EXAMPLES / "number.jpg"
NUMBER = (EXAMPLES / "numbers.txt").read_text(encoding="utf-8").split()[1]


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_name_of_the_file_of_results_decides_on_the_format(tmp_path):
    for name, start in (("r.csv", "image,page"), ("r.JSON", "["), ("r.jsonl", '{"schema"'), ("r.txt", NUMBER)):
        assert run("read", EXAMPLE, "--out", tmp_path / name).exit_code == 0
        assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


@pytest.mark.skipif(os.name == "nt", reason="links and devices of POSIX")
def test_out_refuses_input_files_folders_and_devices(tmp_path):
    picture, names = tmp_path / "n.jpg", tmp_path / "names.txt"
    picture.write_bytes(EXAMPLE.read_bytes())
    names.write_text(f"{picture}\n", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to(picture)
    for out, reason in [
        (picture, "one of the input files"),
        (tmp_path / "link.csv", "one of the input files"),
        (names, "one of the input files"),
        (os.devnull, "a device"),
        (tmp_path, "a folder"),
        ("-", "omit --out"),
    ]:
        result = run("read", picture, "--from-file", names, "--format", "csv", "--out", out)
        assert (result.exit_code, result.stdout) == (2, "") and reason in result.stderr
    assert picture.read_bytes() == EXAMPLE.read_bytes()


@pytest.mark.parametrize("name", ["r.cvs", "r.tsv", "r.parquet", "r.2026-11-27"])
def test_out_refuses_a_name_that_stands_for_no_format(tmp_path, name):
    result = run("read", EXAMPLE, "--out", tmp_path / name)
    assert (result.exit_code, ".csv, .json, .jsonl or .txt" in result.stderr) == (2, True)
    assert run("read", EXAMPLE, "--format", "text", "--out", tmp_path / name).exit_code == 0


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that nobody can write into")
@pytest.mark.parametrize(
    "arguments", [["read", EXAMPLE, "--out"], ["eval", EXAMPLES / "gone", "--html"], ["eval", EXAMPLES, "--json"]]
)
def test_a_file_that_cannot_be_written_is_named_before_anything_is_read(arguments, monkeypatch):
    monkeypatch.setattr("digitdet.evaluation.sets.load_sets", lambda *_: [])
    monkeypatch.setattr("digitdet.reader.NumberReader.scan", None)
    result = run(*arguments, "/proc/x.csv")
    assert (result.exit_code, result.stderr) == (1, "Error: /proc/x.csv: No such file or directory\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize("arguments", [["read", str(EXAMPLE)], ["--help"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_behind_stdout(arguments, unbuffered):
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "digitdet", *arguments],
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (result.returncode, result.stderr) == (1, "Error: stdout: No space left on device\n")


def test_an_empty_list_gives_an_empty_table(tmp_path):
    (tmp_path / "names.txt").write_text("\n")
    for name, content in (("r.csv", ",".join(CSV_COLUMNS) + "\n"), ("r.json", "[]\n"), ("r.jsonl", ""), ("r", "")):
        result = run("read", "--from-file", tmp_path / "names.txt", "--out", tmp_path / name)
        assert (result.exit_code, result.stderr) == (0, f"--from-file {tmp_path / 'names.txt'}: the list is empty\n")
        assert (tmp_path / name).read_text(encoding="utf-8") == content


def test_out_suggests_csv_for_a_spreadsheet(tmp_path):
    result = run("read", EXAMPLE, "--out", tmp_path / "r.xlsx")
    assert result.exit_code == 2 and ".csv" in result.stderr
