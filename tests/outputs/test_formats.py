import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest

from digitdet.outputs.formats import CSV_COLUMNS, FORMATS, write_results
from digitdet.reading.results import UNFIT, UNSURE, Alternative, Digit, Mark, Number, Reading

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "detector" / "outputs" / "reading.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def number(best, **fields):
    digits = tuple(
        Digit(text, 0.9, (10.0 * index, 5, 10 * index + 8, 17), (Alternative("7", 0.05),))
        for index, text in enumerate(character for character in best if character.isdigit())
    )
    places = [place for place, character in enumerate(best) if character in ".,-/:"]
    marks = tuple(Mark(best[place], 0.8, (10.0 * place, 15, 10 * place + 2, 17), place) for place in places)
    return Number(best, 0.87654, digits, marks=marks, **fields)


def reading(*numbers, source="photo.jpg", **fields):
    return Reading(numbers, 640, 480, source, **fields)


OK = reading(number("0042"), number("7"))
MARKED = reading(number("-1,234.50"), number("3:14", status=UNSURE, doubtful=(1,), is_strict=True))
UNSURE_READING = reading(
    number("12-34", status=UNSURE, doubtful=(1, 3), alternatives=(Alternative("12-84", 0.1),), region="total"),
    number("99", status=UNFIT),
)
SCAN = reading(number("5", angle=-3.25, upside_down="5"), source="scan.tif", page=2, pages=3, rotation=180)
EMPTY = reading(source="blank.png")
FAILED = Reading(source="bad,\n.jpg", error="the file is empty")
UNNAMED = reading(number("1"), source=None)
ALL = [OK, UNSURE_READING, SCAN, EMPTY, FAILED, UNNAMED, MARKED]


def written(readings, form, several=False):
    stream = io.StringIO()
    write_results(readings, form, stream, several)
    return stream.getvalue()


def test_schema_is_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_every_record_is_valid():
    assert {one.status for one in ALL} == {"ok", "unsure", "empty", "error"}
    records = json.loads(written(ALL, "json"))
    for record in records:
        VALIDATOR.validate(record)
    assert records == [one.to_dict() for one in ALL]


@pytest.mark.parametrize(
    ("field", "value"),
    [("schema", 1), ("status", "fine"), ("rotation", 45), ("error", "why"), ("numbers", []), ("page", 0)],
)
def test_schema_rejects_wrong_records(field, value):
    assert not VALIDATOR.is_valid({**OK.to_dict(), field: value})


def test_schema_accepts_new_fields_and_requires_all_others():
    record = OK.to_dict()
    assert VALIDATOR.is_valid({**record, "extra": 1})
    for key in record:
        assert not VALIDATOR.is_valid({name: value for name, value in record.items() if name != key})
    for key in record["numbers"][0]:
        less = {name: value for name, value in record["numbers"][0].items() if name != key}
        assert not VALIDATOR.is_valid({**record, "numbers": [less]})


@pytest.mark.parametrize(
    ("readings", "several", "expected"),
    [
        ([], False, ""),
        ([OK], False, "0042\n7\n"),
        ([OK, EMPTY, FAILED], True, "photo.jpg: 0042\nphoto.jpg: 7\n"),
        ([MARKED], False, "-1,234.50\n3?14\n"),
        ([UNSURE_READING], False, "total: 12-34\n"),
        ([UNSURE_READING], True, "photo.jpg: total: 12-34\n"),
        ([SCAN], False, "scan.tif:2: 5\n"),
        ([UNNAMED], False, "1\n"),
        ([UNNAMED], True, "-: 1\n"),
        ([reading(number("1"), source="a\nb.jpg")], True, "a\\nb.jpg: 1\n"),
    ],
)
def test_text(readings, several, expected):
    assert written(readings, "text", several) == expected


def test_json_is_one_array_and_jsonl_one_object_a_line():
    assert json.loads(written([], "json")) == []
    assert written([], "jsonl") == ""
    lines = written(ALL, "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == json.loads(written(ALL, "json"))


def test_csv_has_a_row_for_every_number_or_picture_without():
    rows = list(csv.DictReader(io.StringIO(written(ALL, "csv"))))
    assert written([], "csv") == ",".join(CSV_COLUMNS) + "\n"
    assert [row["image"] for row in rows] == [
        *("photo.jpg", "photo.jpg", "photo.jpg", "photo.jpg", "scan.tif", "blank.png", "bad,\n.jpg", ""),
        *("photo.jpg", "photo.jpg"),
    ]
    assert rows[0] == {
        "image": "photo.jpg",
        "page": "1",
        "region": "",
        "index": "1",
        "text": "0042",
        "status": "ok",
        "confidence": "0.8765",
        "best": "0042",
        "digit_text": "0042",
        "left": "0.0",
        "top": "5.0",
        "right": "38.0",
        "bottom": "17.0",
        "angle": "0.0",
        "error": "",
        "doubtful": "",
        "time": "",
    }
    assert [row["status"] for row in rows] == [
        *("ok", "ok", "unsure", "unfit", "ok", "empty", "error", "ok", "ok", "unsure")
    ]
    assert (rows[2]["text"], rows[2]["best"], rows[2]["region"]) == ("12-34", "12-34", "total")
    assert [row["doubtful"] for row in rows] == ["", "", "1 3", *[""] * 6, "1"]
    assert (rows[4]["page"], rows[4]["angle"]) == ("2", "-3.2")
    assert (rows[6]["error"], rows[6]["text"], rows[6]["left"]) == ("the file is empty", "", "")
    assert [(row["text"], row["digit_text"]) for row in rows[8:]] == [("-1,234.50", "123450"), ("3?14", "314")]
    assert all(None not in row and None not in row.values() for row in rows)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_names_that_cannot_be_encoded_are_escaped(form, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding, newline="\n")
    name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    write_results([reading(number("1", region=name), source=name), reading(source="数.jpg")], form, stream, True)
    text = stream.buffer.getvalue().decode(encoding)
    if form.startswith("json"):
        first = json.loads(text)[0] if form == "json" else json.loads(text.splitlines()[0])
        VALIDATOR.validate(first)
        assert (first["image"], first["numbers"][0]["region"]) == (r"caf\xe9.jpg", r"caf\xe9.jpg")
    else:
        assert text.count(r"caf\xe9.jpg") == 2


def test_each_reading_is_written_before_the_next_is_read():
    stream, seen = io.StringIO(), []

    def readings():
        for one in (OK, SCAN):
            seen.append(stream.getvalue())
            yield one

    write_results(readings(), "text", stream, True)
    assert seen == ["", "photo.jpg: 0042\nphoto.jpg: 7\n"]


def test_unknown_format():
    with pytest.raises(ValueError, match="no format 'xml'"):
        written([], "xml")
