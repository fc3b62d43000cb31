"""Recorded pen strokes: reading the files, errors in damaged ones, and the split by writer."""

import gzip
import json

import numpy as np
import pytest

from digitdet.common.errors import DataError
from digitdet.datasets.formats.yolo import SPLITS
from digitdet.datasets.strokes import PenDigit, load_pen_digits, split_writers

GOOD = {"digit": "7", "writer": "ann", "strokes": [[[0, 0], [10, 0], [4, 20]], [[2, 10], [8, 10]]]}


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def written_by(writers, digits=range(10)):
    stroke = np.array([[0, 0], [0, 9]], np.float32)
    return [PenDigit(digit, writer, (stroke,)) for writer in writers for digit in digits]


def test_plain_and_packed_files_are_read_in_the_order_of_their_names(tmp_path):
    (tmp_path / "b.jsonl").write_bytes(lines({**GOOD, "digit": "0"}) + b"\n" + lines({**GOOD, "note": "more"}))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines(GOOD)))
    (tmp_path / "README.md").write_text("not strokes")
    digits = load_pen_digits(tmp_path)
    assert [digit.label for digit in digits] == [7, 0, 7]
    assert {digit.writer for digit in digits} == {"ann"}
    assert [stroke.tolist() for stroke in digits[0].strokes] == GOOD["strokes"]
    assert all(stroke.dtype == np.float32 for stroke in digits[0].strokes)


def test_a_folder_without_strokes_is_an_error(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DataError, match=r"no \.jsonl or \.jsonl\.gz file with pen strokes; expected lines of"):
            load_pen_digits(folder)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"nonsense\n", "malformed"),
        (lines(GOOD)[:-8] + b"\n", "malformed|truncated"),
        (b'{"digit": "7", "writer": "\xff", "strokes": [[[0, 0]]]}\n', "utf-8|UTF-8"),
        (lines({"writer": "ann", "strokes": [[[0, 0]]]}), "missing required field `digit`"),
        (lines({"digit": "7", "strokes": [[[0, 0]]]}), "missing required field `writer`"),
        (lines({"digit": "7", "writer": "ann"}), "missing required field `strokes`"),
        (lines({**GOOD, "digit": "a"}), "Invalid enum value 'a'"),
        (lines({**GOOD, "digit": "10"}), "Invalid enum value '10'"),
        (lines({**GOOD, "digit": 7}), "Expected `str`, got `int`"),
        (lines({**GOOD, "writer": ""}), "writer"),
        (lines({**GOOD, "strokes": []}), r"length >= 1 - at `\$.strokes`"),
        (lines({**GOOD, "strokes": [[]]}), r"length >= 1 - at `\$.strokes\[0\]`"),
        (lines({**GOOD, "strokes": [[[1, 2, 3]]]}), "length 2"),
        (lines({**GOOD, "strokes": [[[1, "2"]]]}), "Expected `float`"),
        (lines({**GOOD, "strokes": [[[1, float("nan")]]]}), "malformed"),
        (lines({**GOOD, "strokes": [[[1, float("inf")]]]}), "malformed"),
        (b'{"digit": "7", "writer": "ann", "strokes": [[[1e999, 0]]]}\n', "out of range"),
        (b'{"digit": "7", "writer": "ann", "strokes": [[[1e200, 0]]]}\n', "beyond the range"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, reason):
    (tmp_path / "mine.jsonl").write_bytes(lines(GOOD) + line + lines(GOOD))
    with pytest.raises(DataError, match=rf"mine\.jsonl, line 2: .*({reason})") as raised:
        load_pen_digits(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("damage", ["cut", "no gzip", "flipped"])
def test_a_damaged_archive_is_named(tmp_path, damage):
    rows = [{**GOOD, "strokes": [[[number, number**2 % 977] for number in range(200)]]} for _ in range(300)]
    packed = gzip.compress(lines(*rows))
    middle = len(packed) // 2
    flipped = packed[:middle] + bytes(value ^ 0xFF for value in packed[middle : middle + 40]) + packed[middle + 40 :]
    content = {"cut": packed[:middle], "no gzip": lines(GOOD), "flipped": flipped}[damage]
    (tmp_path / "mine.jsonl.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"mine\.jsonl\.gz(: cannot be read after line \d+ \(|, line \d+: )"):
        load_pen_digits(tmp_path)


def test_no_writer_is_in_two_splits():
    digits = written_by([f"writer {number}" for number in range(40)])
    parts = split_writers(digits)
    writers = {split: {digit.writer for digit in parts[split]} for split in SPLITS}
    assert [len(writers[split]) for split in SPLITS] == [32, 4, 4]
    assert len(set().union(*writers.values())) == 40
    assert sum(map(len, parts.values())) == len(digits)
    again = split_writers(digits[::-1])
    assert {split: {digit.writer for digit in again[split]} for split in SPLITS} == writers


def test_writers_who_lack_a_digit_are_only_trained_on():
    digits = written_by(["ann", "bob", "cem"]) + written_by([f"part {number}" for number in range(20)], range(9))
    parts = split_writers(digits)
    for split in ("val", "test"):
        assert {digit.label for digit in parts[split]} == set(range(10))
    assert len({digit.writer for digit in parts["train"]}) == 21
    with pytest.raises(DataError, match="2 writers of all ten digits are too few"):
        split_writers(digits[10:])
