"""The command `digitdet read`: stdout, stderr and the exit code."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from digitdet import NumberReader
from digitdet.cli.main import main
from digitdet.datasets.formats.yolo import check_dataset

EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE = EXAMPLES / "number.jpg"
PAGE = EXAMPLES / "page.jpg"
CAPTIONS = dict(line.split(maxsplit=1) for line in (EXAMPLES / "numbers.txt").read_text(encoding="utf-8").splitlines())
NUMBER = CAPTIONS["number.jpg"]
ON_PAGE = CAPTIONS["page.jpg"].split()


def run(*arguments, stdin=None):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def in_a_new_process(*code, **options):
    return subprocess.run([sys.executable, *code], capture_output=True, text=True, check=False, **options)


def test_reads_the_example():
    result = run("read", EXAMPLE)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{NUMBER}\n", "")


def test_python_m_digitdet_reads():
    result = in_a_new_process("-m", "digitdet", "read", str(EXAMPLE))
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{NUMBER}\n", "")


def test_a_message_about_an_option_begins_with_the_option():
    for arguments, start in (
        (["--max-step", "3"], "--previous, --max-step: each"),
        (["--largest", "--best"], "--largest, --best: each"),
        (["--pattern", r"\d{3}", "--digits", "5"], "--digits, --pattern: no number"),
        (["--pattern", r"\d{5"], r"--pattern: '\d{5', character 3: this { is not closed"),
        (["--conf", "nan"], "Invalid value for '--conf': 'nan' is not a valid number."),
        (["--min-confidence", "0,9"], "Invalid value for '--min-confidence': '0,9' is not a valid number."),
        (["--max-step", "x"], "Invalid value for '--max-step': 'x' is not a valid whole number."),
    ):
        result = run("read", EXAMPLE, *arguments)
        assert (result.exit_code, result.stderr.splitlines()[-1].startswith(f"Error: {start}")) == (2, True), start
    twice = run("read", EXAMPLE, "--region", "a=0,0,9,9", "--region", "a=9,9,9,9")
    assert (twice.exit_code, "--region: two regions have the same name" in twice.stderr) == (2, True)


def test_json():
    result = run("read", "--format", "json", EXAMPLE)
    (picture,) = json.loads(result.stdout)
    assert (picture["schema"], picture["image"], picture["status"]) == (3, str(EXAMPLE), "ok")
    (number,) = picture["numbers"]
    assert number["text"] == number["best"] == NUMBER == "".join(digit["text"] for digit in number["digits"])
    assert 0.5 <= number["confidence"] <= min(digit["confidence"] for digit in number["digits"])
    height, width = cv2.imread(str(EXAMPLE)).shape[:2]
    for digit in number["digits"]:
        left, top, right, bottom = digit["box"]
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert 0.5 <= digit["confidence"] <= 1


def test_jsonl_is_one_object_per_picture(tmp_path):
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((60, 80, 3), 200, np.uint8))
    result = run("read", "--format", "jsonl", EXAMPLE, tmp_path / "blank.png", tmp_path / "gone.png")
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [record["status"] for record in records] == ["ok", "empty", "error"]
    assert records[1]["numbers"] == records[2]["numbers"] == []
    assert "No such file" in records[2]["error"]
    assert result.exit_code == 1


def test_json_of_errors_only_is_json(tmp_path):
    result = run("read", "--format", "json", tmp_path / "gone.png")
    assert [record["status"] for record in json.loads(result.stdout)] == ["error"]
    assert result.exit_code == 1


def test_folders_patterns_and_files(tmp_path):
    (tmp_path / "sub").mkdir()
    content = EXAMPLE.read_bytes()
    for name in ("b.jpg", "a.JPG", "sub/c.jpeg", "notes.txt"):
        (tmp_path / name).write_bytes(content)
    result = run("read", tmp_path, tmp_path / "*.jpg", EXAMPLE)
    expected = [tmp_path / "a.JPG", tmp_path / "b.jpg", tmp_path / "sub" / "c.jpeg", tmp_path / "b.jpg", EXAMPLE]
    assert result.stdout.splitlines() == [f"{path}: {NUMBER}" for path in expected]
    assert result.exit_code == 0
    assert re.fullmatch(r"5 pictures, 5 numbers \(0 uncertain\), 0 errors in \d+\.\d s\n", result.stderr)


def test_pattern_that_matches_folders(tmp_path):
    (tmp_path / "scans" / "monday").mkdir(parents=True)
    (tmp_path / "scans" / "monday" / "a.jpg").write_bytes(EXAMPLE.read_bytes())
    (tmp_path / "scans" / "tuesday").mkdir()
    result = run("read", tmp_path / "scans" / "*")
    assert result.exit_code == 1
    assert result.stdout == f"{tmp_path / 'scans' / 'monday' / 'a.jpg'}: {NUMBER}\n"
    assert f"Error: {tmp_path / 'scans' / 'tuesday'}: the folder holds no pictures" in result.stderr


def test_name_too_long_for_the_system_does_not_stop_the_batch():
    result = run("read", "x" * 300 + ".jpg", EXAMPLE)
    assert (result.exit_code, result.stdout) == (1, f"{EXAMPLE}: {NUMBER}\n")


def test_blank_picture_is_no_failure(tmp_path):
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((60, 80, 3), 200, np.uint8))
    result = run("read", tmp_path / "blank.png")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{tmp_path / 'blank.png'}: no digits found\n"


def test_bad_files_are_reported_and_the_rest_is_read(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.jpg").write_text("this is not a picture")
    (tmp_path / "zero.png").write_bytes(b"")
    content = EXAMPLE.read_bytes()
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    bad = ["gone.jpg", "empty", "text.jpg", "zero.png", "cut.jpg", "no*match.jpg"]
    result = run("read", *(tmp_path / name for name in bad), EXAMPLE)
    assert result.exit_code == 1
    assert result.stdout == f"{EXAMPLE}: {NUMBER}\n"
    *lines, summary = result.stderr.splitlines()
    assert summary.startswith(f"{len(bad) + 1} pictures, 1 number (0 uncertain), {len(bad)} errors in ")
    assert len(lines) == len(bad)
    for name, line, reason in zip(
        bad,
        lines,
        ["No such file", "holds no pictures", "not a picture", "is empty", "cut off", "no file matches"],
        strict=False,
    ):
        assert line.startswith(f"Error: {tmp_path / name}: ")
        assert reason in line


def test_messages_of_decoders_are_hidden(tmp_path):
    """libpng and OpenCV write to the file descriptor, which only a separate process shows."""
    content = cv2.imencode(".png", np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8))[1].tobytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "flipped.png").write_bytes(content[:2000] + bytes([content[2000] ^ 255]) + content[2001:])
    result = in_a_new_process("-m", "digitdet", "read", str(tmp_path / "cut.png"), str(tmp_path / "flipped.png"))
    assert result.returncode == 1
    assert [line.startswith(f"Error: {tmp_path}") for line in result.stderr.splitlines()[:-1]] == [True, True]


def test_save_writes_a_drawing_for_each_picture(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.jpg").write_bytes(EXAMPLE.read_bytes())
    result = run("read", "--save", tmp_path / "drawn", tmp_path / "one", tmp_path / "two")
    assert result.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["x-2.read.png", "x.read.png"]
    drawn, original = cv2.imread(str(tmp_path / "drawn" / "x.read.png")), cv2.imread(str(EXAMPLE))
    assert drawn.shape[0] >= original.shape[0]
    assert not np.array_equal(drawn, original)


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
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: {path}: ")
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_stdin():
    result = run("read", "-", stdin=EXAMPLE.read_bytes())
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{NUMBER}\n", "")


def test_names_are_read_from_a_list(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text(f"{EXAMPLE}\n{tmp_path / 'gone.png'}\n", encoding="utf-8")
    result = run("read", "--from-file", names)
    assert (result.exit_code, result.stdout) == (1, f"{EXAMPLE}: {NUMBER}\n")
    assert run("read", "--from-file", tmp_path / "none.txt").exit_code == 2
    listed = run("read", "--from-file", "-", stdin=f"{EXAMPLE}\n".encode())
    assert (listed.exit_code, listed.stdout) == (0, f"{NUMBER}\n")


def test_every_page_of_a_file(tmp_path):
    pages = [cv2.imread(str(EXAMPLE)), np.full((50, 60, 3), 255, np.uint8), cv2.imread(str(EXAMPLE))]
    assert cv2.imwritemulti(str(tmp_path / "scan.tif"), pages)
    result = run("read", tmp_path / "scan.tif")
    assert result.stdout.splitlines() == [f"{tmp_path / 'scan.tif'}:{page}: {NUMBER}" for page in (1, 3)]
    assert result.stderr == f"{tmp_path / 'scan.tif'}, page 2: no digits found\n"


def test_csv():
    result = run("read", "--format", "csv", PAGE)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["best"] for row in rows] == ON_PAGE
    assert [row["index"] for row in rows] == [str(place) for place in range(1, len(ON_PAGE) + 1)]


def halves(tmp_path):
    """The example twice, beside each other."""
    image = cv2.imread(str(EXAMPLE))
    cv2.imwrite(str(tmp_path / "two.png"), np.concatenate([image, image], axis=1))
    return tmp_path / "two.png"


def test_regions_are_read_separately_and_named(tmp_path):
    picture = halves(tmp_path)
    height, width = cv2.imread(str(EXAMPLE)).shape[:2]
    result = run("read", picture, "--region", "right=50%,0,50%,100%", "--region", f"left=0,0,{width},{height}")
    assert (result.exit_code, result.stdout) == (0, f"right: {NUMBER}\nleft: {NUMBER}\n")
    (record,) = json.loads(run("read", picture, "--region", "50%,0%,50%,100%", "--format", "json").stdout)
    (number,) = record["numbers"]
    assert (number["best"], number["region"]) == (NUMBER, None)
    assert number["box"][0] > width  # in pixels of the whole picture


def test_a_region_outside_one_picture_fails_only_there(tmp_path):
    result = run("read", EXAMPLE, halves(tmp_path), "--region", f"{cv2.imread(str(EXAMPLE)).shape[1]},0,90%,100%")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {EXAMPLE}: region ")
    assert result.stdout == f"{tmp_path / 'two.png'}: {NUMBER}\n"


@pytest.mark.parametrize(
    ("option", "rotation", "turn"),
    [(90, 90, cv2.ROTATE_90_CLOCKWISE), (180, 180, cv2.ROTATE_180), ("auto", 270, cv2.ROTATE_90_COUNTERCLOCKWISE)],
)
def test_rotated_pages(tmp_path, option, rotation, turn):
    cv2.imwrite(str(tmp_path / "turned.png"), cv2.rotate(cv2.imread(str(PAGE)), turn))
    upright = json.loads(run("read", "--format", "json", PAGE).stdout)[0]
    result = run("read", "--rotate", option, "--format", "json", tmp_path / "turned.png")
    (record,) = json.loads(result.stdout)
    assert record["rotation"] == rotation
    assert [number["best"] for number in record["numbers"]] == [number["best"] for number in upright["numbers"]]
    for number in record["numbers"]:
        left, top, right, bottom = number["box"]
        assert 0 <= left < right <= record["width"]
        assert 0 <= top < bottom <= record["height"]
        assert abs(number["angle"] - rotation) < 20


def test_constraints():
    result = run("read", EXAMPLE, "--digits", len(NUMBER))
    assert (result.exit_code, result.stdout) == (0, f"{NUMBER}\n")
    result = run("read", EXAMPLE, "--pattern", rf"\d{{2}}-\d{{{len(NUMBER) - 2}}}")
    assert (result.exit_code, result.stdout) == (0, f"{NUMBER[:2]}-{NUMBER[2:]}\n")


def test_one_number_a_picture():
    chalk = EXAMPLES / "chalk.jpg"
    numbers = NumberReader().read(chalk).numbers
    assert len(numbers) > 1
    assert run("read", chalk, "--largest").stdout.strip() == max(numbers, key=lambda number: number.height).text
    assert run("read", chalk, "--best").stdout.strip() == max(numbers, key=lambda number: number.confidence).text
    assert run("read", chalk, "--best", "--largest").exit_code == 2
    for option in ("--best", "--largest"):
        fitting = run("read", chalk, "--digits", "1", option).stdout.strip()
        assert fitting in [number.text for number in numbers if len(number.digits) == 1]


def test_digits_only(tmp_path):
    arguments = ["read", EXAMPLE, "--pattern", rf"\d{{2}}-\d{{{len(NUMBER) - 2}}}"]
    result = run(*arguments, "--digits-only")
    assert (result.exit_code, result.stdout) == (0, f"{NUMBER}\n")
    (tmp_path / "settings.yaml").write_text("digits_only: true\n")
    assert run(*arguments, "--config", tmp_path / "settings.yaml").stdout == f"{NUMBER}\n"
    (record,) = json.loads(run(*arguments, "--format", "json").stdout)
    (number,) = record["numbers"]
    assert (number["text"], number["digit_text"]) == (f"{NUMBER[:2]}-{NUMBER[2:]}", NUMBER)


def test_numbers_that_violate_the_constraints_are_reported_and_not_printed():
    result = run("read", EXAMPLE, "--digits", "12")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{EXAMPLE}: {NUMBER} does not meet the constraints\n"
    assert run("read", EXAMPLE, "--digits", "12", "--strict").exit_code == 1


def test_uncertain_numbers_are_printed_and_reported():
    result = run("read", EXAMPLE, "--min-confidence", "1")
    assert (result.exit_code, result.stdout) == (0, f"{NUMBER}\n")
    doubt = re.fullmatch(
        rf"{re.escape(str(EXAMPLE))}: {NUMBER} is uncertain \(\d+%\): ([\d?]+); or .+ \d+%\n", result.stderr
    )
    strict = run("read", EXAMPLE, "--min-confidence", "1", "--strict")
    assert (strict.exit_code, strict.stdout, strict.stderr) == (1, f"{doubt[1]}\n", result.stderr)
    assert "?" in strict.stdout
    assert len(strict.stdout.strip()) == len(NUMBER)


def test_crops_and_labels(tmp_path):
    result = run("read", "--crops", tmp_path / "crops", "--labels", tmp_path / "labels", EXAMPLE, PAGE)
    assert result.exit_code in (0, 1), result.stderr
    with (tmp_path / "crops" / "labels.csv").open(encoding="utf-8", newline="") as file:
        crops = list(csv.DictReader(file))
    assert len(crops) == 1 + len(ON_PAGE)
    assert all(cv2.imread(str(tmp_path / "crops" / crop["image"])) is not None for crop in crops)
    assert check_dataset(tmp_path / "labels") == []
    assert (tmp_path / "labels" / "label_studio.json").is_file()


def test_the_same_picture_is_labelled_once(tmp_path):
    result = run("read", "--labels", tmp_path / "labels", EXAMPLE, EXAMPLE)
    assert result.exit_code == 0
    assert result.stderr.endswith(f"not labelled: {EXAMPLE}: the same picture as {EXAMPLE}\n")
    assert len(list((tmp_path / "labels" / "images").rglob("*.jpg"))) == 1


def test_exports_do_not_mix_with_earlier_ones(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    result = run("read", "--labels", tmp_path, EXAMPLE)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: {tmp_path}: is not empty; choose another folder to write to\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are UTF-8")
def test_file_names_that_are_not_utf8(tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff\n-x.jpg"
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(EXAMPLE.read_bytes())
    labels = ["-v", "--labels", str(tmp_path / "labels")]
    result = in_a_new_process("-m", "digitdet", "read", *labels, str(tmp_path), os.fsdecode(name), str(EXAMPLE))
    assert result.returncode == 0, result.stderr
    told = [line for line in result.stderr.splitlines() if "x.jpg" in line]
    assert len(told) == 4 and all(f"{tmp_path}/\\xff\\n-x.jpg" in line for line in told)
    escaped = f"{tmp_path}/\\xff\\n-x.jpg: {NUMBER}"
    assert result.stdout.splitlines() == [escaped, escaped, f"{EXAMPLE}: {NUMBER}"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--format", "xml", "a.jpg"],
        ["--conf", "high", "a.jpg"],
        ["--conf", "2", "a.jpg"],
        ["--rotate", "45", "a.jpg"],
        ["--check", "sum", "a.jpg"],
        ["--max-step", "-1", "a.jpg"],
        ["--digits", "many", "a.jpg"],
        ["--pattern", "(", "a.jpg"],
        ["--region", "1,2,3", "a.jpg"],
        ["--previous", "12", "a.jpg"],
        ["--allowed", "gone.txt", "a.jpg"],
        ["--allowed", os.devnull, "a.jpg"],
        ["--config", "gone.yaml", "a.jpg"],
        ["--labels", "new", "--region", "0,0,9,9", "a.jpg"],
        ["--labels", "new", "--largest", "a.jpg"],
        ["--labels", "new", "--best", "a.jpg"],
        ["--labels", "new", "--crops", "new", str(EXAMPLE)],
        [""],
    ],
)
def test_wrong_usage_exits_with_2(arguments):
    assert run("read", *arguments).exit_code == 2


def test_onnx_runtime_sends_no_telemetry(tmp_path, monkeypatch):
    """Its telemetry would keep a temporary file."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    assert in_a_new_process("-m", "digitdet", "read", str(EXAMPLE)).stdout == f"{NUMBER}\n"
    assert list(tmp_path.iterdir()) == []
