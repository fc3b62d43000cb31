"""Reports of an evaluation as table, JSON and HTML page, and the command `digitdet eval`."""

import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from digitdet.cli.main import main
from digitdet.common.boxes import as_boxes
from digitdet.detection.postprocess import Detections
from digitdet.evaluation import gallery
from digitdet.evaluation.comparison import compare
from digitdet.evaluation.detection import PictureDigits
from digitdet.evaluation.outcomes import PictureOutcome, judge
from digitdet.evaluation.page import format_page
from digitdet.evaluation.report import make_report, mistakes
from digitdet.evaluation.sets import DigitBoxes, TruePicture
from digitdet.evaluation.table import format_report
from digitdet.reading.results import Alternative, Digit, Number, Reading

EXAMPLE = Path(__file__).parents[2] / "examples" / "number.jpg"
NAUGHTY = '<script>alert("1")</script>&\udcff.png'


def read_as(text, confidence):
    digits = tuple(
        Digit(character, confidence, (10 * place, 0, 10 * place + 10, 20), (Alternative("7", 0.04),))
        for place, character in enumerate(text)
    )
    numbers = (Number(text, confidence, digits, alternatives=(Alternative("99", 0.01),)),) if text else ()
    return Reading(numbers, 60, 30)


def outcome(picture, text, confidence=0.9, name="set"):
    reading = read_as(text, confidence)
    true = DigitBoxes(np.array([1]), as_boxes([[0, 0, 10, 20]]))
    boxes = as_boxes([digit.box for n in reading.numbers for digit in n.digits])
    read = DigitBoxes(np.array([int(c) for c in text], np.int64), boxes)
    scores = np.zeros((1, 10), np.float32)
    scores[0, 1] = 0.9
    digits = PictureDigits(true, read, Detections(np.array([[0, 0, 10, 20]], np.float32), scores))
    return PictureOutcome(name, picture, reading, judge(picture, reading), digits)


@pytest.fixture
def pictures(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((30, 60, 3), 90, np.uint8))
    names = ["a.png", "b.png", NAUGHTY, "d.png"]
    return [TruePicture(name, tmp_path / "a.png", ("12",)) for name in names]


def report_of(pictures, *texts):
    """Two sets of two pictures, read with the confidences 0.9, 0.8, 0.7 and 0.6."""
    names = ["set", "set", "<other>", "<other>"]
    rows = zip(pictures, texts, (0.9, 0.8, 0.7, 0.6), names, strict=True)
    outcomes = [outcome(picture, text, confidence, name) for picture, text, confidence, name in rows]
    return make_report("one.onnx", {"set": outcomes[:2], "<other>": outcomes[2:]})


def test_the_most_confident_mistakes_come_first(pictures):
    report = report_of(pictures, "12", "13", "", "22")
    assert [(number.text, outcome.picture.image) for outcome, number in mistakes(report)] == [
        ("13", "b.png"),
        ("22", "d.png"),
        ("", NAUGHTY),
    ]


def test_table(pictures):
    text = format_report(report_of(pictures, "12", "13", "12", "12"))
    lines = text.splitlines()
    assert lines[0].split()[:5] == ["set", "pictures", "numbers", "false", "exact"]
    assert [line.split()[:5] for line in lines[1:3]] == [
        ["set", "2", "2", "0", "50.0%"],
        ["<other>", "2", "2", "0", "100.0%"],
    ]
    assert lines[3].startswith("mean of sets")
    assert "75.0%" in lines[3]
    assert " 80.0%  12 read as 13  set/b.png" in lines


def test_control_characters_in_names_are_escaped(pictures):
    odd = TruePicture("\x1b[2J\n\udcff.png", pictures[0].path, ("12",))
    text = format_report(make_report("m", {"set": [outcome(odd, "13")]}))
    assert r"set/\x1b[2J\x0a\udcff.png" in text


def test_json(pictures):
    report = report_of(pictures, "12", "13", "", "12")
    record = json.loads(report.to_json())
    assert (record["schema"], record["model"]) == (1, "one.onnx")
    assert [one["name"] for one in record["sets"]] == ["set", "<other>"]
    assert (record["all"]["numbers"], record["all"]["exact"], record["mean"]["accuracy"]) == (4, 2, 0.5)
    assert record["all"]["lengths"]["2"]["digit_error_rate"] == 3 / 8
    assert [one["right"] for one in record["pictures"]] == [True, False, False, True]
    assert record["pictures"][1]["reading"]["numbers"][0]["best"] == "13"
    assert record["pictures"][1]["numbers"][0]["candidates"] == ["13", "99"]
    assert [one["text"] for one in record["mistakes"]] == ["13", ""]
    assert record["all"]["digits"]["per_digit"]["1"]["precision"] == 1
    assert "compare" not in record
    assert report.to_json() == report_of(pictures, "12", "13", "", "12").to_json()


def test_two_models(pictures):
    other = report_of(pictures, "12", "12", "12", "13")
    outcomes = {one.name: one.outcomes for one in report_of(pictures, "12", "13", "", "12").sets}
    report = make_report("one.onnx", outcomes, other)
    last = report.comparisons[-1]
    assert (last.name, last.numbers, last.first, last.second, last.fixed, last.broken) == ("all", 4, 2, 3, 2, 1)
    assert last.p_value == 1
    record = json.loads(report.to_json())["compare"]
    assert [(one["image"], one["kind"], one["first"], one["second"]) for one in record["changes"]] == [
        ("b.png", "fixed", "13", "12"),
        (NAUGHTY, "fixed", "", "12"),
        ("d.png", "broken", "12", "13"),
    ]
    assert "fixed" in format_report(report)
    page = format_page(report).decode()
    assert page.count('data-change="fixed"') == 2
    assert page.count('data-change="broken"') == 1


def test_different_pictures_cannot_be_compared(pictures):
    first, second = outcome(pictures[0], "12"), outcome(pictures[1], "12")
    with pytest.raises(ValueError, match="is paired with"):
        compare("all", [first], [second])


class Page(HTMLParser):
    """Collects the tags of a page and checks that each is closed."""

    EMPTY = ("meta", "input")

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_self_contained(pictures):
    content = format_page(report_of(pictures, "12", "13", "", "22"))
    text = content.decode()
    page = Page()
    page.feed(text)
    assert page.open == []
    # One inline script, nothing loaded from elsewhere, and no name became a tag.
    assert [attributes for tag, attributes in page.tags if tag == "script"] == [{}]
    sources = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert not re.search(r"https?://|url\(|@import", text)
    cards = [attributes for tag, attributes in page.tags if attributes.get("class", "").startswith("card ")]
    assert [card["data-confidence"] for card in cards] == ["0.8000", "0.6000", "0.0000", "0.9000"]
    assert {card["data-set"] for card in cards} == {"set", "<other>"}
    assert cards[2]["data-text"] == '12  <script>alert("1")</script>&\\udcff.png'
    assert content == format_page(report_of(pictures, "12", "13", "", "22"))


def test_charts_and_thumbnails_are_valid_xml(pictures):
    text = format_page(report_of(pictures, "12", "13", "", "22")).decode()
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(drawings) == 3 * 3 + 4
    for drawing in drawings:
        ElementTree.fromstring(drawing)
        assert 'role="img" aria-label="' in drawing


def test_page_states_how_many_numbers_it_omits(pictures, monkeypatch):
    monkeypatch.setattr(gallery, "MAX_CARDS", 3)
    text = format_page(report_of(pictures, "12", "13", "", "22")).decode()
    assert "3 numbers are on this page. 1 more numbers are only in the JSON." in text
    assert text.count('data-kind="misread"') == 2


def test_page_without_numbers():
    picture = TruePicture("blank.png", Path("gone.png"), ())
    empty = PictureOutcome("set", picture, Reading((), 60, 30), ())
    report = make_report("m", {"set": [empty]})
    assert "0 of 0 numbers" in format_page(report).decode()
    assert report.sets[0].false_alarms == 0
    assert format_report(report).splitlines()[1].split()[:5] == ["set", "1", "0", "0", "-"]


def run(*arguments):
    return CliRunner().invoke(main, ["eval", *map(str, arguments)])


@pytest.fixture
def labelled(tmp_path):
    """A folder with the example twice, labelled correctly and wrongly."""
    number = (EXAMPLE.parent / "numbers.txt").read_text(encoding="utf-8").split("number.jpg", 1)[1].split()[0]
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(EXAMPLE.read_bytes())
    (folder / "labels.csv").write_text(f"image,number\na.jpg,{number}\nb.jpg,{number}0\n", encoding="utf-8")
    return folder


def test_eval(labelled, tmp_path):
    result = run(labelled, "--json", tmp_path / "r.json", "--html", tmp_path / "r.html")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[1].split()[:5] == ["mine", "2", "2", "0", "50.0%"]
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["all"]["exact"] == 1
    assert (tmp_path / "r.html").read_bytes().startswith(b"<!doctype html>")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "r.html", "r.json"]


def test_a_model_compared_with_itself(labelled):
    model = Path(__file__).parents[2] / "detector" / "models" / "detector.onnx"
    result = run(labelled, "--compare", model, "--limit", 1)
    assert result.exit_code == 0
    (line,) = (line for line in result.stdout.splitlines() if re.match(r"mine +1 +100.0% +100.0%", line))
    assert line.split()[-3:] == ["0", "0", "1"]


def test_unreadable_pictures_are_reported_and_counted(labelled):
    (labelled / "a.jpg").write_bytes(b"no picture")
    (labelled / "b.jpg").unlink()
    result = run(labelled)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[1].split()[:5] == ["mine", "2", "2", "0", "0.0%"]
    first, second = result.stderr.splitlines()
    assert first.startswith(f"Error: {labelled / 'a.jpg'}: ")
    assert second == f"Error: {labelled / 'b.jpg'}: No such file or directory"


def test_missing_labels_give_one_error_line(tmp_path):
    result = run(tmp_path)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {tmp_path}: no labelled pictures here")
    assert len(result.stderr.splitlines()) == 1
