"""Results of reading: dictionaries, statuses, immutability."""

from dataclasses import FrozenInstanceError, replace

import pytest

from digitdet import Alternative, Digit, Mark, Number, Reading


def number(text, left=0.0, top=0.0, confidence=0.9):
    digits = [Digit(t, confidence, (left + 10 * i, top, left + 10 * i + 8, top + 12)) for i, t in enumerate(text)]
    return Number(text, confidence, tuple(digits))


def test_reading_as_a_dictionary():
    digits = (
        Digit("0", 0.9, (0, 2, 8, 12)),
        Digit("7", 0.61234567, (10, 0, 18, 11), (Alternative("1", 0.3),)),
    )
    marks = (Mark(".", 0.98765, (8, 9, 10.004, 12), 1),)
    found = Number("0.7", 0.6, digits, "unsure", (2,), (Alternative("01", 0.2),), 1.26, "total", marks=marks)
    assert (found.text, found.digit_text, found.box) == ("0.7", "07", (0, 0, 18, 12))
    strict = replace(found, is_strict=True).to_dict()
    assert strict == {**found.to_dict(), "text": "0.?", "digit_text": "0?"}
    record = Reading((found,), 40, 30, "a.jpg").to_dict()
    assert record == {
        "schema": 3,
        "image": "a.jpg",
        "page": 1,
        "pages": 1,
        "width": 40,
        "height": 30,
        "status": "unsure",
        "error": None,
        "time": None,
        "rotation": 0,
        "numbers": [
            {
                "text": "0.7",
                "status": "unsure",
                "confidence": 0.6,
                "best": "0.7",
                "digit_text": "07",
                "alternatives": [{"text": "01", "confidence": 0.2}],
                "box": [0, 0, 18, 12],
                "angle": 1.3,
                "height": 10.5,
                "region": "total",
                "upside_down": None,
                "doubtful": [2],
                "digits": [
                    {"text": "0", "confidence": 0.9, "box": [0, 2, 8, 12], "alternatives": []},
                    {
                        "text": "7",
                        "confidence": 0.6123,
                        "box": [10, 0, 18, 11],
                        "alternatives": [{"text": "1", "confidence": 0.3}],
                    },
                ],
                "marks": [{"text": ".", "confidence": 0.9877, "box": [8, 9, 10, 12], "place": 1}],
            }
        ],
    }


@pytest.mark.parametrize(
    ("best", "doubtful", "text", "digit_text"),
    [
        ("0042", (), "0042", "0042"),
        ("-264.27", (1, 6), "-?64.2?", "?642?"),
        ("3.14", (1,), "3?14", "314"),  # a doubtful mark
        ("12 m³", (1,), "1? m³", "1?"),  # separators of a pattern
    ],
)
def test_digits_alone(best, doubtful, text, digit_text):
    found = Number(best, 0.5, number("0").digits, "unsure", doubtful, is_strict=True)
    assert (found.text, found.digit_text) == (text, digit_text)
    assert "".join(best[place] for place in found.digit_places).isdecimal()


@pytest.mark.parametrize(
    ("reading", "status", "texts"),
    [
        (Reading(), "empty", []),
        (Reading(error="gone"), "error", []),
        (Reading((number("12"),)), "ok", ["12"]),
        (Reading((number("12"), replace(number("34"), status="unsure", doubtful=(0,)))), "unsure", ["12", "34"]),
        (Reading((number("12"), replace(number("34"), status="unfit"))), "ok", ["12"]),
        (Reading((replace(number("34"), status="unfit"),)), "unsure", []),
    ],
)
def test_status_of_a_reading(reading, status, texts):
    assert (reading.status, reading.texts) == (status, texts)


def test_readings_are_frozen():
    with pytest.raises(FrozenInstanceError):
        Reading().width = 3
