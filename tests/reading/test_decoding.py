"""Numbers of lattices: what belongs to a number, how sure it is, what constraints join, part, restore and refuse."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.common.characters import CHARACTERS, OTHER_SIGN, number_spans
from digitdet.configs import ReadConfig
from digitdet.reading.constraints import Constraints
from digitdet.reading.decoding import NumberDecoder
from digitdet.reading.lattice import NOTHING, Lattice, Slot

SURE = 0.999
WIDTHS = {" ": 15, **dict.fromkeys(".,:", 6), **dict.fromkeys("-/", 12), OTHER_SIGN: 20}


def made_lattice(*parts, gap=5, space=15, left=0, top=0, sure=SURE):
    """A lattice from texts of sure characters ("12.5 �") and from slots of {character: probability}.

    The rest of every slot is nothing, the empty character. Digits are 20 wide and 30 high, `gap` pixels apart, and
    spaces are `space` pixels wide.
    """
    slots = []
    for one in [one for part in parts for one in ([part] if isinstance(part, dict) else part)]:
        options = one if isinstance(one, dict) else {one: sure}
        probabilities = np.zeros(NOTHING + 1)
        for character, probability in options.items():
            probabilities[CHARACTERS.index(character) if character else NOTHING] = probability
        probabilities[NOTHING] += 1 - probabilities.sum()
        likeliest = max(options, key=options.get)
        width = space - gap if likeliest == " " else WIDTHS.get(likeliest, 20)
        slots.append(Slot((left, top, left + width, top + 30), probabilities))
        left += width + gap
    return Lattice(tuple(slots), 0.0)


def decode(*lattices, confidence=0.5, min_confidence=0.55, strict=False, calibrate=None, **constraints):
    config = ReadConfig(confidence=confidence, min_confidence=min_confidence, strict=strict)
    return NumberDecoder(config, Constraints(**constraints), calibrate).decode(lattices)


def read(*parts, **settings):
    return decode(made_lattice(*parts), **settings)


def test_nothing():
    assert decode() == ()
    assert read("") == ()
    assert read(f" {OTHER_SIGN}.- ") == ()


def test_a_number_as_written():
    (number,) = read(f"{OTHER_SIGN} -264.27")
    assert (number.best, number.text, number.status, number.doubtful) == ("-264.27", "-264.27", "ok", ())
    assert [digit.text for digit in number.digits] == list("26427")
    assert [(mark.text, mark.place) for mark in number.marks] == [("-", 0), (".", 4)]
    assert number.digits[0].box == (57, 0, 77, 30)
    assert 0.98 < number.confidence <= SURE**7
    assert number.alternatives == ()


@given(st.text(CHARACTERS, max_size=12))
@settings(max_examples=150, deadline=None)
def test_sure_lines_follow_the_rule_of_texts(text):
    numbers = read(text)
    assert [number.best for number in numbers] == [text[start:stop] for start, stop in number_spans(text)]
    assert all(number.digit_text == re.sub("[^0-9]", "", number.best) for number in numbers)
    assert all(number.best[mark.place] == mark.text for number in numbers for mark in number.marks)
    assert all(number.confidence > 0.95 for number in numbers)


@pytest.mark.parametrize(
    ("parts", "best", "alternatives"),
    [
        (["1", {"3": 0.6, "8": 0.4}, "2"], ["132"], [["182"]]),
        (["40", {"": 0.7, "7": 0.3}], ["40"], [["407"]]),
        (["12", {" ": 0.6, "": 0.4}, "34"], ["12", "34"], [["1234"], ["1234"]]),
        (["3", {".": 0.6, ",": 0.3, "": 0.1}, "14"], ["3.14"], [["3,14", "314"]]),
        ([{"1": 0.6, "/": 0.4}, "20"], ["120"], [["20"]]),
        (["12", {OTHER_SIGN: 0.6, "1": 0.4}, " 5"], ["12", "5"], [["121"], []]),
    ],
)
def test_doubt_shows_in_the_confidence_and_the_alternatives(parts, best, alternatives):
    numbers = read(*parts)
    assert [number.best for number in numbers] == best
    assert [[other.text for other in number.alternatives] for number in numbers] == alternatives
    for number in numbers:
        total = number.confidence + sum(other.confidence for other in number.alternatives)
        assert 0.97 < total <= 1
        assert all(other.confidence < number.confidence for other in number.alternatives)


def test_a_doubtful_character_is_named_and_a_question_mark_in_strict_reading():
    parts = "19", {".": 0.95, "-": 0.05}, {"3": 0.5, "8": 0.45}, "2"
    (number,) = read(*parts)
    assert (number.best, number.text, number.status, number.doubtful) == ("19.32", "19.32", "unsure", (3,))
    (strict,) = read(*parts, strict=True)
    assert (strict.best, strict.text) == ("19.32", "19.?2")
    assert [other.text for other in number.digits[2].alternatives] == ["8"]
    (number,) = read("3", {".": 0.5, ",": 0.45}, "1")
    assert number.masked_text == "3?1"


def test_no_doubt_where_none_are_asked_for():
    (number,) = read({"3": 0.5, "8": 0.45}, min_confidence=0, strict=True)
    assert (number.text, number.status) == ("3", "ok")


def test_a_digit_that_is_there_is_returned_even_if_nothing_is_likelier_than_each():
    (number,) = read({"4": 0.3, "9": 0.25, "": 0.45})
    assert (number.masked_text, number.best, number.status) == ("?", "4", "unsure")


def test_almost_certainly_wrong_numbers_are_left_out():
    line = f"12{OTHER_SIGN}", {"4": 0.6, "9": 0.4}
    found = read(*line, calibrate=lambda probability, length: probability * (0.1 if length == 1 else 1))
    assert [number.best for number in found] == ["12"]
    every = read(*line, calibrate=lambda probability, length: probability * 0.1, min_confidence=0.05)
    assert [number.best for number in every] == ["12", "4"]


def test_the_threshold_decides_what_is_there():
    weak = ["40", {"7": 0.3, "": 0.7}]
    assert [number.best for number in read(*weak, confidence=0.25)] == ["407"]
    assert [number.best for number in read(*weak, confidence=0.35)] == ["40"]
    assert read("4", confidence=1.0) == ()


def test_a_crop_without_a_likely_number_gets_an_unlikely_one():
    weak, weaker = made_lattice({"1": 0.3}), made_lattice({"1": 0.05})
    decoder = NumberDecoder(ReadConfig())
    assert decoder.decode([weak]) == decoder.decode([weaker], is_crop=True) == ()
    (number,) = decoder.decode([weak], is_crop=True)
    assert (number.best, number.status, number.confidence) == ("1", "unsure", pytest.approx(0.3))
    sure = made_lattice("42")
    assert [one.best for one in decoder.decode([weak, sure], is_crop=True)] == ["42"]


def test_the_calibration_knows_the_length():
    (number,) = read("3.14", calibrate=lambda probability, length: probability / length)
    assert number.confidence == pytest.approx(0.25, abs=0.01)
    assert number.status == "unsure"


def test_lines_stay_in_order():
    assert [number.best for number in decode(*map(made_lattice, ("12 3", "-5", "7/8")))] == ["12", "3", "-5", "7/8"]


def shown(numbers):
    return [number.best if number.status != "unfit" else f"({number.best})" for number in numbers]


@pytest.mark.parametrize("text", ["89.90", "89 90", "8990", "89,90", f"89{OTHER_SIGN}90"])
def test_a_pattern_matches_whatever_is_between_the_digits(text):
    (number,) = read(text, pattern=r"\d\d\.\d\d")
    assert (number.best, number.status, number.marks) == ("89.90", "ok", ())
    assert number.confidence > 0.95


@pytest.mark.parametrize(
    ("text", "constraints", "expected"),
    [
        ("123 4567", {"digits": 7}, ["1234567"]),
        ("4111 1111 1111 1111", {"digits": 16}, ["4111111111111111"]),
        ("1234567", {"digits": 5}, ["(1234567)"]),
        ("1234 567", {"digits": 3}, ["(1234)", "567"]),
        ("12 3456", {"digits": "4-8"}, ["(12)", "3456"]),
        ("12 34", {"digits": "2-"}, ["12", "34"]),
        (f"20{OTHER_SIGN}17", {"digits": 4}, ["(20)", "(17)"]),
        ("120/80", {"digits": "2-3"}, ["120", "80"]),
        ("-264.27 3", {"digits": 5}, ["-264.27", "(3)"]),
        ("3.14", {"digits": 3}, ["3.14"]),
        ("5-2", {"digits": 2}, ["5-2"]),
        ("1 234.50", {"digits": 6}, ["1234.50"]),
        ("0.77", {"allowed": ["077", "12-34"]}, ["077"]),
        ("1234", {"allowed": ["077", "12-34"]}, ["12-34"]),
        ("79927398713 5", {"check": "luhn"}, ["79927398713", "(5)"]),
    ],
)
def test_sure_lines(text, constraints, expected):
    numbers = read(text, **constraints)
    assert shown(numbers) == expected
    assert all(number.confidence > 0.6 for number in numbers)


@pytest.mark.parametrize("space", [15, 30, 60, 80])
def test_cells_are_joined_at_any_regular_distance(space):
    cells = made_lattice("2 0 4 1 7 3 8 5", space=space)
    assert shown(decode(cells, digits=8)) == ["20417385"]
    assert shown(decode(cells, digits=4)) == ["2041", "7385"]
    assert shown(decode(cells)) == list("20417385")


@pytest.mark.parametrize("space", [60, 90])
def test_wide_gaps_among_narrow_ones_are_not_joined(space):
    assert shown(decode(made_lattice("13 763", space=space), digits=5)) == ["(13)", "(763)"]


def test_a_gap_that_stands_out_parts_numbers_without_a_space():
    pair = made_lattice("1234", {"": 0.9, " ": 0.1}, "5678", space=25)
    assert shown(decode(pair)) == ["12345678"]
    assert shown(decode(pair, digits=4)) == ["1234", "5678"]


def test_a_constraint_chooses_between_digits():
    parts = ["1", {"3": 0.6, "8": 0.4}, "2"]
    (number,) = read(*parts, allowed=["182", "777"])
    assert (number.best, number.status) == ("182", "ok")
    assert number.confidence > 0.8
    (number,) = read({"0": 0.95}, {"7": 0.6, "1": 0.4}, "2", previous="009", max_step=5)
    assert (number.best, number.status) == ("012", "ok")


@pytest.mark.parametrize(
    ("constraints", "minimum"),
    [({"digits": 5}, 0.0), ({"allowed": ["72366"]}, 0.97), ({"previous": "72360", "max_step": 8}, 0.97)],
)
def test_constraints_never_lower_a_confidence_and_say_so_if_one_reading_is_left(constraints, minimum):
    line = "72", {"3": 0.6, "8": 0.4}, "66"
    (free,), (number,) = read(*line), read(*line, **constraints)
    assert number.best == free.best
    assert number.confidence >= max(free.confidence - 0.002, minimum)
    assert sum(one.confidence for one in (number, *number.alternatives)) <= 1
    (sure,) = read("4", digits=1)
    assert sure.confidence > 0.998


def test_a_constraint_restores_a_weak_digit():
    (number,) = read("40", {"": 0.7, "7": 0.3}, digits=3)
    assert (number.best, number.status) == ("407", "ok")


def test_doubtful_places_count_the_inserted_separators():
    (number,) = read("19", {"3": 0.6, "8": 0.4}, "2", min_confidence=0.7, pattern=r"\d\d-\d\d")
    assert (number.best, number.masked_text, number.doubtful) == ("19-32", "19-?2", (3,))
    assert [other.text for other in number.alternatives] == ["19-82"]


def test_an_open_end_shows_in_the_alternatives():
    (number,) = read("1234", {"5": 0.6, "": 0.4}, digits="4-5")
    assert (number.best, [other.text for other in number.alternatives]) == ("12345", ["1234"])


def test_numbers_that_do_not_fit_are_as_written():
    assert shown(read(f"12.5 {OTHER_SIGN} -3 456", digits=3)) == ["12.5", "(-3)", "456"]
    assert shown(read(f"12.5 {OTHER_SIGN} -3 456", digits=7)) == ["(12.5)", "(-3)", "(456)"]


def test_a_likely_number_that_fits_is_not_unfit():
    """Before the calibration it is more probable that nothing on the line meets the constraints."""
    doubtful = made_lattice({"4": 0.27, ".": 0.36, " ": 0.36})
    settings = {"confidence": 0.3, "calibrate": lambda _probability, _length: 0.9}
    shown_as = {digits: shown(decode(doubtful, **settings, digits=digits)) for digits in (1, 2)}
    assert shown_as == {1: ["4"], 2: ["(4)"]}
    assert shown(decode(doubtful, **settings, pattern="4-4")) == ["(4)"]


def test_an_unfit_number_has_no_doubtful_digits():
    (number,) = read("1", {"2": 0.6, "7": 0.3}, digits=3, strict=True, min_confidence=0.9)
    assert (number.status, number.doubtful, number.text) == ("unfit", (), "12")


@given(st.text("0123456789. -" + OTHER_SIGN, max_size=10), st.integers(1, 4), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_every_number_fits_or_is_named_unfit_and_no_digit_is_read_twice(text, least, more):
    numbers = read(text, digits=(least, least + more))
    digits = [digit for number in numbers for digit in number.digits]
    assert "".join(digit.text for digit in digits) == "".join(filter(str.isdigit, text))
    assert [digit.box for digit in digits] == sorted({digit.box for digit in digits})
    for number in numbers:
        assert 0 < number.confidence <= 1
        if number.status != "unfit":
            assert least <= len(number.digits) <= least + more


def stack(digits, step=40, shifts=(), **settings):
    shifts = shifts or [0] * len(digits)
    return [
        made_lattice(digit, top=step * row, left=shift, **settings)
        for row, (digit, shift) in enumerate(zip(digits, shifts, strict=True))
    ]


def test_stacked_digits_are_joined():
    lines = stack("58320")
    assert shown(decode(*lines, digits=5)) == ["58320"]
    assert shown(decode(*lines)) == ["58320"]
    assert shown(decode(*reversed(lines), digits=5)) == ["58320"]
    assert shown(decode(made_lattice("12345", top=-60), *lines, digits=5)) == ["12345", "58320"]


@pytest.mark.parametrize(
    "lines",
    [
        stack("5832", step=100),  # far apart
        stack("5832", shifts=[0, 40, 0, 40]),  # not below each other
        [*stack("583"), made_lattice("2", top=165)],  # not at one distance
        stack(["5", "8", "3 2"]),
        stack(["5", f"{OTHER_SIGN}8", "3", "2"]),
    ],
)
def test_other_single_digits_are_not_joined(lines):
    assert {number.status for number in decode(*lines, digits=4)} == {"unfit"}


@pytest.mark.parametrize(
    "lines",
    [
        stack("58"),  # too few
        stack("3456"),  # the entries of a list
        stack("543"),
        [*stack("583"), *stack("704", shifts=[100] * 3)],  # the columns of a table
        [*stack("583"), made_lattice("12", top=140)],  # a column goes on
    ],
)
def test_columns_are_not_one_number(lines):
    assert max(len(text) for text in shown(decode(*lines))) <= 2


def test_a_stack_may_lean_and_have_others_far_away():
    lines = stack("280", shifts=[24, 12, 0])
    assert shown(decode(*lines, made_lattice("7", top=40, left=900))) == ["280", "7"]


def row(digits, step=120):
    return [made_lattice(digit, left=step * place) for place, digit in enumerate(digits)]


def test_lone_digits_side_by_side_are_joined_with_constraints_only():
    assert shown(decode(*row("5832"), digits=4)) == ["5832"]
    assert shown(decode(*row("5832"))) == list("5832")
    assert shown(decode(*row("58"), made_lattice("12", left=500), digits=2)) == ["(5)", "(8)", "12"]  # too few
    assert {number.status for number in decode(*row("5832", step=150), digits=4)} == {"unfit"}  # too far apart
    assert {number.status for number in decode(*row("58327"), digits=4)} == {"unfit"}


def test_digits_that_fit_alone_are_not_joined():
    assert shown(decode(*row("5832"), digits="1-4")) == list("5832")
    assert shown(decode(*stack("5832"), digits="1-4")) == list("5832")
