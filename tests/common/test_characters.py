import pytest

from digitdet.common.characters import BLANK, CHARACTERS, OTHER, SPACE, class_of, number_spans


def test_every_character_has_its_own_class():
    assert [class_of(character) for character in CHARACTERS] == list(range(BLANK))
    assert CHARACTERS[:10] == "0123456789"
    assert CHARACTERS[SPACE] == " "


@pytest.mark.parametrize(
    ("characters", "expected"), [("\u2013\u2212", class_of("-")), ("k$%(\u00b3'\u0663", OTHER), ("7", 7)]
)
def test_classes_of_characters(characters, expected):
    assert {class_of(one) for one in characters} == {expected}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0482", ["0482"]),
        ("$5.99 kg", ["5.99"]),
        ("-264.27", ["-264.27"]),
        ("(-1'234,50)", ["-1'234,50"]),
        ("\u221212", ["\u221212"]),
        ("17/03/2024 12:34", ["17/03/2024", "12:34"]),
        ("10\u201320 10 - 20", ["10\u201320", "10", "20"]),
        ("1.200.-- 3.", ["1.200", "3"]),
        ("LOT A-12B3", ["12", "3"]),
        ("m\u00b3 350\u00b2 CO\u2082 417", ["350", "417"]),
        ("=12 +5 12%3", ["12", "5", "12", "3"]),
        ("no number.", []),
    ],
)
def test_numbers_in_a_text(text, numbers):
    assert [text[start:stop] for start, stop in number_spans(text)] == numbers
