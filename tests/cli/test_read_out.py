"""The file of `digitdet read --out`."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from digitdet.cli.main import main

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
        result = run("read", picture, "--from-file", names, "--out", out)
        assert (result.exit_code, result.stdout) == (2, "") and reason in result.stderr
    assert picture.read_bytes() == EXAMPLE.read_bytes()


def test_out_suggests_csv_for_a_spreadsheet(tmp_path):
    result = run("read", EXAMPLE, "--out", tmp_path / "r.xlsx")
    assert result.exit_code == 2 and ".csv" in result.stderr
