import numpy as np
import pytest

from digitdet.common.errors import DataError
from digitdet.datasets.formats.numbers import (
    LineTruth,
    NumberTruth,
    PictureTruth,
    format_truth,
    parse_truth,
    read_truths,
)
from digitdet.datasets.formats.yolo import format_labels, labels_from_xyxy, parse_labels, read_labels


def test_labels_round_trip(tmp_path):
    xyxy = np.array([[10, 20, 30, 60], [0, 0, 320, 96]], float)
    path = tmp_path / "a.txt"
    path.write_text(format_labels(labels_from_xyxy([7, 0], xyxy, 320, 96)))
    labels = read_labels(path)
    assert labels.classes.tolist() == [7, 0]
    assert np.allclose(labels.xyxy(320, 96), xyxy, atol=1e-3)


def test_text_of_a_label_file():
    assert (
        format_labels(labels_from_xyxy([3], [[20, 10, 60, 30]], 200, 100)) == "3 0.200000 0.200000 0.200000 0.200000\n"
    )


@pytest.mark.parametrize("text", ["", "\n", "   \n\n"])
def test_empty_label_file_is_a_picture_without_digits(text):
    labels = parse_labels(text, "a.txt")
    assert len(labels) == 0
    assert labels.boxes.shape == (0, 4)
    assert format_labels(labels) == ""


@pytest.mark.parametrize(
    "line",
    [
        "1 0.5 0.5 0.1",
        "1 0.5 0.5 0.1 0.1 0.9",
        "one 0.5 0.5 0.1 0.1",
        "1.5 0.5 0.5 0.1 0.1",
        "inf 0 0 1 1",
        "1 0 0 1 1 1 0 1",
    ],
)
def test_invalid_line_is_named(line):
    with pytest.raises(DataError, match=r"a\.txt, line 2: .*is not 'class cx cy width height'"):
        parse_labels(f"1 0.5 0.5 0.1 0.1\n{line}\n", "a.txt")


TRUTH = PictureTruth(
    "images/test/000001.jpg",
    "test",
    (
        NumberTruth("007", ((1.0, 2.0, 3.5, 9.25), (4.0, 2.0, 6.0, 9.0), (7.0, 2.0, 8.0, 9.0))),
        NumberTruth("1", ((0, 0, 1, 1),)),
    ),
    lines=(LineTruth("-1 a", ((0, 0, 1, 1), (2, 0, 3, 1), (5, 0, 6.5, 1)), ((0, 2),)), LineTruth("b", ((0, 4, 1, 5),))),
)


def test_truth_round_trip(tmp_path):
    assert parse_truth(format_truth(TRUTH), "x") == TRUTH
    path = tmp_path / "numbers.jsonl"
    path.write_text(format_truth(TRUTH) + format_truth(PictureTruth("images/val/1.jpg", "val", ())))
    assert read_truths(path, "test") == [TRUTH]
    assert len(read_truths(path)) == 2


def test_box_around_a_number():
    assert TRUTH.numbers[0].box == (1.0, 2.0, 8.0, 9.25)


def _one_line(text, numbers):
    line = f'{{"text": "{text}", "boxes": [[0, 0, 1, 1]], "numbers": {numbers}}}'
    return f'{{"image": "a", "split": "test", "numbers": [], "lines": [{line}]}}'


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"image": "a", "split": "test"}',
        '{"image": "a", "split": "test", "numbers": [{"text": "12", "boxes": [[0, 0, 1, 1]]}]}',
        '{"image": "a", "split": "test", "numbers": [{"text": 1, "boxes": [[0, 0, 1, 1]]}]}',
        '{"image": "a", "split": "test", "numbers": [{"text": "1", "boxes": [[0, 0, 1]]}]}',
        _one_line("1 2", numbers="[[0, 1]]"),
        _one_line("1", numbers="[[0, 2]]"),
        _one_line(".", numbers="[[0, 1]]"),
    ],
)
def test_invalid_truth_is_named(line, tmp_path):
    path = tmp_path / "numbers.jsonl"
    path.write_text(format_truth(TRUTH) + line + "\n")
    with pytest.raises(DataError, match=r"numbers\.jsonl, line 2"):
        read_truths(path)
