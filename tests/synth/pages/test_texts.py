"""Kinds of text, and which characters separate numbers."""

import re
import string
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.configs.look import LookConfig
from digitdet.synth.pages import text_labels, text_values  # noqa: F401  (add to the table)
from digitdet.synth.pages.texts import RAISED, SUPERSCRIPTS, TEXTS, THIN_SPACE, digit_like_word, sample_text, word

SEEDS = st.integers(0, 2**32 - 1)


def texts(kind, count=300, **look):
    rng, settings_ = np.random.default_rng(5), LookConfig(**look)
    return [TEXTS[kind](rng, settings_) for _ in range(count)]


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(sorted(TEXTS)), low=st.integers(1, 4), more=st.integers(0, 5), seed=SEEDS)
def test_every_kind_contains_digits_and_printable_characters_only(kind, low, more, seed):
    look = LookConfig(digits_per_number=(low, low + more))
    text = TEXTS[kind](np.random.default_rng(seed), look)
    assert any(character in string.digits for character in text)
    assert text == text.strip()
    assert "  " not in text
    assert all(character.isprintable() or character == THIN_SPACE for character in text)
    assert all(character in string.digits for character in text if character.isdecimal())
    assert text == TEXTS[kind](np.random.default_rng(seed), look)


@pytest.mark.parametrize("span", [(1, 1), (2, 5), (8, 8)])
def test_digits_have_the_requested_length(span):
    lengths = {len(text) for text in texts("digits", digits_per_number=span)}
    assert lengths == set(range(span[0], span[1] + 1))
    assert all(re.fullmatch(r"\d+", text) for text in texts("digits", digits_per_number=span))


def test_digits_have_similar_frequencies():
    counts = Counter("".join(texts("digits", 1500)))
    assert set(counts) == set(string.digits)
    assert min(counts.values()) > 0.7 * np.mean(list(counts.values()))


def test_single_digits_are_often_ones():
    counts = Counter(texts("digit", 1500))
    assert set(counts) == set(string.digits)
    assert counts["1"] > 3 * max(count for digit, count in counts.items() if digit != "1")


def test_number_of_numbers_follows_the_look():
    found = {len(text.split(" ")) for text in texts("numbers", numbers_per_line=(2, 4))}
    assert found == {2, 3, 4}


def test_kinds_are_drawn_by_weight():
    look = LookConfig(texts={"numbers": 0.0, "date": 1.0})
    rng = np.random.default_rng(0)
    assert all(re.search(r"[./:\- ]", sample_text(rng, look)) for _ in range(50))


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("decimal", r"\d+([.,]\d+)?"),
        ("unit", r"\d+([.,]\d+)? ?[A-Za-z%/.²³°Ω]+"),
        ("percent", r"([-+]|< )?\d{1,3}([.,]\d{1,2})? ?[%‰]( OFF|!)?"),
        ("negative", r"([-+±]|- |\()?[\d.,'\u2009]+[-)]?( [-+]\d+)?"),
        ("fraction", r"(BP |RR |\d+ )?\d+ ?/ ?\d+( mm ?Hg)?"),
        ("range", r"\d+( ?[-\u2013~] ?| to | bis |\.\.\.| \.\. )\d+( [A-Za-z%/.²³°Ω]+)?"),
        ("time", r"(.* )?\d{1,2}[:.hH]\d\d(:\d\d)?( ?([ap]\.?m\.?|[AP]M))?"),
        ("house_number", r"[1-9]\d{0,3}([-/]\d{1,5}| ?[A-Da-c]| ?(bis|BIS|ter))?"),
        ("ordinal", r"\d{1,3}(st|nd|rd|th|ST|ND|RD|TH|\.|e|º|ª)( [A-Za-z]+)?"),
        ("list_mark", r"(\(?\d{1,2}[).:]|[a-f]\)) ([A-Za-z]+|\d+)"),
        (
            "date",
            r"(Date: )?\d{1,2}([-./:]|\. | / | )\d{1,2}\2(\d\d|\d{4})|\d{4}([-./:])\d\d\4\d\d|\d{1,2}/\d{1,2}"
            r"|\d{1,2}(\. | |-)[A-Z][a-z]{2}[ -]\d{4}|[A-Z][a-z]{2} \d{1,2}, \d{4}",
        ),
        ("phone", r"([A-Z☎][a-z]*[.:]? )?(\+\d{1,2} |\(\d+\) ?|0\d+[-/ ])?\d{2,4}([- ./]\d{2,4}){1,2}"),
    ],
)
def test_kinds_have_common_formats(kind, pattern):
    assert not [text for text in texts(kind) if not re.fullmatch(pattern, text)]


def test_amounts_have_groups_of_three_digits():
    for text in texts("amount", 600, digits_per_number=(4, 8)):
        written = re.search(r"\d[\d.,'\u2009-]*\d", text).group()
        groups = re.split(r"[.,'\u2009-]+", written)
        if len(groups) > 1:
            whole = groups[:-1] if len(groups[-1]) == 2 else groups
            assert 1 <= len(whole[0]) <= (8 if len(whole) == 1 else 3)
            assert all(len(group) == 3 for group in whole[1:])


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("amount", ["'", ".", ",", THIN_SPACE, "#", "-"]),
        ("price", ["$", "\u20ac", "\u00a5", "CHF", "USD", ".-", RAISED]),
        ("percent", ["%", " %", "-", "+"]),
        ("unit", ["kWh", "m\u00b3", "m\u00b2", "km/h", "\u00b0C", " l", "mmHg", "kg", "A", "V"]),
        ("calculation", ["x", "\u00d7", "+", "=", "-"]),
        ("power", [*SUPERSCRIPTS[1:4], "CO\u2082", "H\u2082O", " m\u00b3", "km\u00b2"]),
        ("marked", ["(", "[", '"', "#", "@", "&", "!", "?", "%", " g", " l", "\u2020"]),
        ("list_mark", [") ", ". ", "(", "a)"]),
        ("time", ["am", "PM", ":"]),
        ("phone", ["+", "(", "-", " "]),
        ("serial", ["LOT", "SN", "/", "-"]),
    ],
)
def test_kinds_contain_the_signs_they_are_for(kind, parts):
    drawn = texts(kind, 1500, digits_per_number=(1, 6))
    assert [part for part in parts if not any(part in text for text in drawn)] == []


def test_raised_cents_are_two_digits_after_the_whole_amount():
    for text in texts("price", 500, digits_per_number=(1, 5)):
        if RAISED in text:
            assert re.search(r"\d[.,]?\^\d\d(\D|$)", text)
            assert text.count(RAISED) == 1


def test_codes_contain_letters():
    for text in texts("code"):
        assert re.search(r"[A-Z]", text)
        assert not set(text) & set("IOQ")  # similar to 1 and 0


def test_words_that_resemble_numbers_have_a_letter_that_tells():
    rng = np.random.default_rng(2)
    assert all(set(text) - set("OoIil") for text in (digit_like_word(rng) for _ in range(500)))


def test_words_are_letters():
    rng = np.random.default_rng(1)
    made = [word(rng) for _ in range(200)]
    assert all(2 <= len(text) <= 9 and set(text) <= set(string.ascii_letters) for text in made)
    assert {text.isupper() for text in made} == {True, False}
    assert any(text.islower() for text in made)
