"""The parts of the benchmarks that results depend on: the halves of the real sets, and the rule for exact numbers."""

import importlib
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitdet.evaluation.sets import load_sets
from digitdet.reading.results import Number, Reading

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SIZES = {
    "kwh_meter": (37, 34),
    "meter_boxes": (259, 255),
    "mgr_rowid": (1924, 1881),
    "orand_car_a": (449, 497),
    "pcb_datecodes": (97, 53),
    "scene_numbers": (126, 80),
    "single_digits": (2310, 2211),
    "sudoku_photos": (19, 21),
    "svhn_full": (135, 121),
}


def load(name):
    """Import a benchmark, which is a script that imports others from its folder."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))


exact, halves, peers, digitless, looks = (load(name) for name in ("exact", "halves", "peers", "digitless", "looks"))
hard_pictures, hard_cases, real = load("hard_pictures"), load("hard_cases"), load("real")
Piece = exact.Piece


def row(image, number="1", **more):
    return {"image": image, "number": number, **more}


# --- halves ---


# These must never change: one half selects models, the other is reported.
@pytest.mark.parametrize(
    ("set_name", "entry", "half"),
    [
        ("kwh_meter", row("crops/0134149.jpg", "0134149"), "choose"),
        ("meter_boxes", row("images/0_235_jpg_65ac3d.jpg", source="0_235_70_51130820_42_jpg"), "confirm"),
        ("mgr_rowid", row("train/born_K2697_0118a-FM_row_id_0.jpg", "11"), "choose"),
        ("orand_car_a", row("images/a_car_000154.jpg", "2250"), "choose"),
        ("pcb_datecodes", row("images/0117_01.jpg", "0117"), "choose"),
        ("scene_numbers", row("images/138_15.png", "28"), "choose"),
        ("single_digits", row("chars74k/Sample001_img001-00001.png", "0"), "confirm"),
        ("sudoku_photos", row("images/image9.jpg", "3972|64312|89|976|36291|46|169|516|358"), "confirm"),
        ("svhn_full", row("images/1.png", "19"), "confirm"),
    ],
)
def test_halves_stay_as_they_are(set_name, entry, half):
    assert halves.half_of(set_name, entry) == half


@pytest.mark.parametrize(
    ("set_name", "one", "other", "together"),
    [
        ("meter_boxes", row("images/a_1.jpg", source="a"), row("images/a_2.jpg", source="a"), True),
        ("meter_boxes", row("images/a_1.jpg", source="a"), row("images/b_1.jpg", source="b"), False),
        ("mgr_rowid", row("train/born_K1_0118a-FM_row_id_0.jpg"), row("train/born_K1_0118a-FM_row_id_12.jpg"), True),
        ("mgr_rowid", row("train/born_K1_0118a-FM_row_id_0.jpg"), row("train/born_K1_0122a-FM_row_id_0.jpg"), False),
        ("scene_numbers", row("images/1026_4.png"), row("images/1026_6.png"), True),
        ("scene_numbers", row("images/1026_4.png"), row("images/102_4.png"), False),
        ("kwh_meter", row("crops/0134151.jpg", "0134151"), row("crops/0134154.jpg", "0134154"), True),
        ("kwh_meter", row("crops/0134151.jpg", "0134151"), row("crops/0134160.jpg", "0134160"), False),
        ("pcb_datecodes", row("images/0117_01.jpg", "0117"), row("images/0117_14.jpg", "0117"), True),
        ("sudoku_photos", row("images/image9.jpg", "1|2"), row("images/image10.jpg", "1|2"), True),
        ("single_digits", row("meter/0.0_ROI0_20211125-030625.jpg"), row("meter/5_ROI1_20211125-030625.jpg"), True),
        ("single_digits", row("usps/0000.png"), row("usps/0001.png"), False),
        ("svhn_full", row("images/1.png"), row("images/2.png"), False),
    ],
)
def test_pictures_of_one_object_are_in_one_group(set_name, one, other, together):
    assert (halves.group_of(set_name, one) == halves.group_of(set_name, other)) == together
    if together:
        assert halves.half_of(set_name, one) == halves.half_of(set_name, other)


def test_load_rows_selects_the_half_and_spaces_rows_evenly(tmp_path):
    folder = tmp_path / "svhn_full"
    folder.mkdir()
    lines = [f"images/{index}.png,{index:04}" for index in range(200)]
    (folder / "labels.csv").write_text("\n".join(["image,number", *lines]), encoding="utf-8")
    parts = {half: [row["number"] for row in halves.load_rows(folder, half)] for half in ("choose", "confirm", "all")}
    assert sorted(parts["choose"] + parts["confirm"]) == parts["all"] == [f"{index:04}" for index in range(200)]
    assert 70 < len(parts["choose"]) < 130
    assert [row["number"] for row in halves.load_rows(folder, limit=4)] == ["0000", "0050", "0100", "0150"]
    assert len(halves.load_rows(folder, limit=1000)) == 200


def test_a_half_is_written_as_a_labelled_set(tmp_path, monkeypatch):
    folder = tmp_path / "real" / "set"
    folder.mkdir(parents=True)
    rows = [f"{index}.png,{index:04d}" for index in range(20)]
    (folder / "labels.csv").write_text("\n".join(["image,number", *rows]), encoding="utf-8")
    monkeypatch.setenv("DIGITDET_DATA", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["halves.py", "--out", str(tmp_path / "out"), "set"])
    halves.main()
    (written,) = load_sets(tmp_path / "out")
    chosen = halves.load_rows(folder, "choose")
    assert [(one.path, *one.texts) for one in written.pictures] == [(folder / r["image"], r["number"]) for r in chosen]


@pytest.mark.parametrize("set_name", SIZES)
def test_real_halves(set_name):
    folder = Path(os.environ.get("DIGITDET_DATA", "")) / "real" / set_name
    if not os.environ.get("DIGITDET_DATA") or not folder.is_dir():
        pytest.skip("DIGITDET_DATA is not set to a folder with the real sets")
    choose, confirm = (halves.load_rows(folder, half) for half in ("choose", "confirm"))
    assert (len(choose), len(confirm)) == SIZES[set_name]
    groups = [{halves.group_of(set_name, row) for row in rows} for rows in (choose, confirm)]
    assert groups[0].isdisjoint(groups[1])


# --- exact numbers ---


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("007", "007"),
        ("1.234,50 €", "123450"),
        ("No. 5", "5"),
        ("\uff11\uff12", "12"),
        ("Oil", ""),
        ("", ""),
        ("٣", ""),
    ],
)
def test_digits_of_a_text(text, digits):
    assert exact.digits_of(text) == digits


@given(st.text())
def test_digits_are_digits(text):
    digits = exact.digits_of(text)
    assert set(digits) <= set("0123456789")
    assert exact.digits_of(digits) == digits


@pytest.mark.parametrize(
    ("texts", "right", "in_one_piece", "lines"),
    [
        (["1234"], True, True, 1),
        (["1", "234"], True, False, 1),
        (["", "1234"], True, True, 1),
        (["1234", "5"], False, False, 1),
        (["234"], False, False, 1),
        ([], False, False, 0),
        ([""], False, False, 0),
    ],
)
def test_one_number(texts, right, in_one_piece, lines):
    outcome = exact.judge("1234", [Piece(text) for text in texts])
    assert (outcome.is_whole, outcome.in_one_piece, len(outcome.lines)) == (right, in_one_piece, lines)
    assert any(line.is_right for line in outcome.lines) == right
    assert outcome.numbers == 1


def test_rows_of_separate_digits():
    pieces = [
        Piece("3", (0, 0, 10, 20), 0.9),
        Piece("9", (40, 2, 50, 22), 0.6),
        Piece("6", (0, 40, 10, 60), 0.8),
        Piece("4", (60, 42, 70, 62), 0.8),
        Piece("8", (20, 80, 30, 100), 0.7),
    ]
    assert [[piece.text for piece in row] for row in exact.group_rows(pieces)] == [["3", "9"], ["6", "4"], ["8"]]
    outcome = exact.judge("39|5|64|8", pieces)
    assert outcome.numbers == 4
    assert outcome.lines == (exact.Line(0.6, True), exact.Line(0.8, True), exact.Line(0.7, True))
    assert not outcome.is_whole


def test_pieces_beside_the_labelled_area_are_ignored():
    grid = [Piece("3", (20, 20, 30, 40)), Piece("9", (60, 22, 70, 42)), Piece("5", (20, 60, 30, 80))]
    beside = [Piece("2011", (100, 20, 140, 40)), Piece("17", (20, 95, 40, 115))]
    pieces = [*grid[:2], beside[0], grid[2], beside[1]]
    assert not exact.judge("39|5", pieces).is_whole
    assert exact.judge("39|5", pieces, area=(10, 10, 80, 90)) == exact.judge("39|5", grid)
    picture = exact.LabelledPicture(Path("sudoku.jpg"), "39|5", (10, 10, 80, 90))
    assert [outcome.is_whole for outcome in exact.judge_all([picture], [pieces])] == [True]


def test_only_the_grids_of_sudokus_have_an_area(tmp_path):
    for name in ("sudoku_photos", "price_tags"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "labels.csv").write_text("image,number\na.jpg,12|3\n", encoding="utf-8")
        boxes = "image,digit,x,y,w,h\na.jpg,1,10,20,5,8\na.jpg,2,30,20,5,8\na.jpg,3,10,40,5,8\n"
        (tmp_path / name / "boxes.csv").write_text(boxes, encoding="utf-8")
    (grid,), (tag,) = (halves.load_pictures(tmp_path / name) for name in ("sudoku_photos", "price_tags"))
    assert (grid.truth, grid.area) == ("12|3", (6, 16, 39, 52))
    assert tag.area is None


@pytest.mark.parametrize(
    ("lines", "share", "threshold"),
    [
        ([(0.9, True), (0.8, True), (0.7, False)], 0.5, 0.8),
        ([(0.9, False), (0.8, True)], 0.0, 1.0),
        ([], 0.0, 1.0),
        ([(0.9, True)] * 4, 1.0, 0.9),
        ([(0.9, True), (0.8, True), (0.8, False)], 0.25, 0.9),  # equal confidences are accepted together or not at all
        ([(0.9, False)] + [(0.8, True)] * 3, 0.0, 1.0),
        ([(0.5, True)] * 5, 1.0, 0.5),  # more lines than numbers
    ],
)
def test_coverage_at_precision(lines, share, threshold):
    outcomes = [exact.Outcome("1", 1, (exact.Line(*line),), line[1], line[1]) for line in lines]
    missed = [exact.Outcome("1", 1, (), False, False)] * (4 - len(lines))
    assert exact.coverage_at_precision([*outcomes, *missed]) == exact.Coverage(pytest.approx(share), threshold)


def test_tesseract_table():
    rows = [
        "level page_num block_num par_num line_num word_num left top width height conf text",
        "1 1 0 0 0 0 0 0 100 50 -1 ",
        "5 1 1 1 1 1 10 5 30 20 90 12",
        '5 1 1 1 1 2 50 5 30 20 90 "3',
        "5 1 1 1 1 3 90 5 5 20 10 -",
        "1 2 0 0 0 0 0 0 100 50 -1 ",
    ]
    table = "\n".join(rows).replace(" ", "\t") + "\n"
    found = [[Piece("12", (10, 5, 40, 25)), Piece("3", (50, 5, 80, 25))], []]
    assert peers.parse_table(table, 2) == found
    with pytest.raises(ValueError, match="2 of 3 pictures"):
        peers.parse_table(table, 3)


def test_missing_peers_returns_how_to_install_them(monkeypatch):
    monkeypatch.setenv("PATH", "")
    missing = peers.missing_peers("no-such-python")
    assert set(missing) == set(peers.PEERS)
    assert "tesseract-ocr" in missing["tesseract"]
    assert "requirements-peers.txt" in missing["rapidocr"]


def test_confidences_of_lines():
    lines = [exact.Line(0.9, True), exact.Line(0.3, True), exact.Line(0.8, False), exact.Line(0.2, False)]
    found = real.measure_confidences(lines)
    sure = {"sure": 0.25, "sure_right": 1}
    assert found == pytest.approx(
        {"lines": 4, "right": 0.5, "confidence": 0.55, "calibration_error": 0.45, "doubted": 0.5, "missed": 0.5, **sure}
    )
    assert real.measure_confidences([exact.Line(0.9, True)])["missed"] == 0


def test_every_set_weighs_the_same_in_the_bins_of_confidence():
    lines = {"a": [exact.Line(0.95, True)] * 3, "b": [exact.Line(0.91, False)], "empty": []}
    assert real.measure_bins(lines) == [pytest.approx({"from": 0.9, "lines": 4, "confidence": 0.93, "right": 0.5})]


# --- pictures without digits ---


@pytest.mark.parametrize("kind", ["textures", "surfaces", "logos", "rules", "bar codes", "scribbles"])
def test_pictures_without_digits_are_reproducible(kind):
    texture = np.random.default_rng(1).integers(0, 256, (80, 120, 3), np.uint8)
    materials = digitless.Materials((texture,), ())
    image = digitless.draw_picture(kind, 3, 0, materials)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert np.array_equal(image, digitless.draw_picture(kind, 3, 0, materials))
    assert not np.array_equal(image, digitless.draw_picture(kind, 4, 0, materials))


def test_letters_that_look_like_digits_are_in_doubtful_kinds_only():
    doubtful = set("OoQIilSsZzBbGgq0123456789")
    shown = set(digitless._UPPER + digitless._LOWER) | set(digitless._WORDS) | set("".join(digitless._SCRIPTS))
    assert not shown & doubtful
    assert sum(kind.count for kind in digitless.KINDS.values() if not kind.doubtful) >= 500


# --- looks.py ---


def make_scene():
    """A picture of one line, whose characters are painted with their place in the text without spaces."""
    text, spans = "No 7 $-1,25 kg 304", ((3, 4), (6, 11), (15, 18))
    boxes = [(10.0 * place + 20, 30.0, 10.0 * place + 28, 50.0) for place in range(len(text.replace(" ", "")))]
    image = np.zeros((90, 200, 3), np.uint8)
    for place, (left, top, right, bottom) in enumerate(boxes):
        image[int(top) : int(bottom), int(left) : int(right)] = place + 1
    nothing = np.zeros((0, 4)), np.zeros(0, np.int64), ()
    return looks.Scene(image, *nothing, lines=(looks.LineTruth(text, tuple(boxes), spans),))


def test_numbers_of_one_digit_are_left_out_and_boxes_are_those_of_the_characters():
    scene = make_scene()
    found = list(looks._numbers(scene))
    assert [digits for digits, _ in found] == ["125", "304"]
    for (_, boxes), places in zip(found, [(5, 6, 7, 8, 9), (12, 13, 14)], strict=True):
        strip = looks.cut_strip(scene.image, boxes)
        assert strip.shape[0] == 30  # a margin of a quarter of the height on both sides
        assert set(places) <= set(np.unique(strip).tolist())


def test_strip_ends_at_the_border():
    image = np.zeros((40, 60, 3), np.uint8)
    assert looks.cut_strip(image, [(0, 2, 20, 40), (25, 0, 60, 40)]).shape == (40, 60, 3)


@pytest.mark.parametrize(
    ("kind", "numbers", "texts", "right"),
    [
        ("strips", ("1250",), ["1,250"], 1),
        ("strips", ("1250",), ["12 50", "7"], 0),
        ("pictures", ("1250", "77", "77"), ["Tel. 1,250 (77)", "x 77"], 3),
        ("pictures", ("77", "77"), ["77"], 1),
        ("pictures", ("1250",), ["12 50"], 0),
        ("pictures", ("1250",), [], 0),
    ],
)
def test_exact_numbers_of_a_look(kind, numbers, texts, right):
    assert looks.count_right(kind, looks.Sample(Path("x.png"), numbers), texts) == right


# --- hard cases ---


@pytest.mark.parametrize("kind", hard_pictures.KINDS)
def test_hard_pictures_are_reproducible_and_consistent(kind, few_fonts):
    fonts = hard_pictures.find_typefaces([few_fonts])
    case, again = (hard_pictures.draw_case(kind, 4, 1, fonts) for _ in range(2))
    assert np.array_equal(case.image, again.image)
    assert case.image.std() > 5
    assert "".join(case.accepted[0]) == exact.digits_of("".join(case.written))
    option = hard_pictures.KINDS[kind].option
    assert option != "digits" or case.digits == len(case.written[0])
    assert option != "pattern" or re.fullmatch(case.pattern, case.written[0])


@pytest.mark.parametrize(
    ("numbers", "with_option", "right", "sure"),
    [
        ([("12/80", "ok")], False, True, True),
        ([("12", "ok"), ("80", "ok")], False, True, True),
        ([("12", "ok"), ("80", "ok")], True, False, True),
        ([("12180", "ok")], False, False, True),
        ([("12180", "unsure")], False, False, False),
        ([("1280", "unfit")], True, False, False),
        ([], False, False, False),
    ],
)
def test_hard_cases_are_judged_by_their_digits(numbers, with_option, right, sure):
    case = hard_pictures.Case(np.zeros((9, 9, 3), np.uint8), ("12/80",), (("1280",), ("12", "80")))
    reading = Reading(tuple(Number(text, 0.9, (), status) for text, status in numbers))
    outcome = hard_cases.judge(case, reading, with_option)
    assert (outcome.is_right, outcome.is_sure) == (right, sure)
    assert hard_cases.draw_sheet([outcome]).size[1] > 100
