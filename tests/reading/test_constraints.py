"""Constraints: examples by hand, and comparison with an enumeration of all numbers of up to four digits."""

import itertools
import pickle
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.common.errors import ConfigError
from digitdet.reading.constraints import Constraints, read_allowed
from digitdet.reading.pattern import NumberPattern

EVERY = ["".join(digits) for count in range(1, 5) for digits in itertools.product("0123456789", repeat=count)]

FITS = {
    "one length": ({"digits": "5"}, ["00000", "12345"], ["1234", "123456", ""]),
    "a length as a number": ({"digits": 5}, ["12345"], ["1234"]),
    "a range": ({"digits": "4-6"}, ["1234", "123456"], ["123", "1234567"]),
    "a range as numbers": ({"digits": (4, 6)}, ["1234", "123456"], ["123", "1234567"]),
    "no upper end": ({"digits": "4-"}, ["1234", "1" * 64], ["123", "1" * 65]),
    "a pattern": ({"pattern": r"\d{4}-\d{2}"}, ["123456"], ["12345", "1234567"]),
    "a date": ({"pattern": r"([0-2]\d|3[01])/(0\d|1[0-2])"}, ["3112", "0101"], ["3213", "4101", "3113"]),
    "a pattern and a length": ({"pattern": r"\d{2}(-\d{2})*", "digits": "5-6"}, ["123456"], ["1234", "12345678"]),
    "a check digit": ({"check": "luhn"}, ["79927398713"], ["79927398710", "0"]),
    "a check digit and its lengths": ({"check": "ean"}, ["4006381333931", "73513537"], ["0", "00", "00000000000000"]),
    "a function": ({"check": lambda digits: int(digits) % 7 == 0}, ["7", "0014"], ["8", "15"]),
    "a list": ({"allowed": ["12-34", "077", 5]}, ["1234", "077", "5"], ["77", "12", "05"]),
    "a list and a length": ({"allowed": ["12-34", "077"], "digits": 3}, ["077"], ["1234"]),
    "a counter": ({"previous": "012345", "max_step": 20}, ["012345", "012365"], ["012366", "012344", "12350"]),
    "a counter that rolls over": ({"previous": "99998", "max_step": 5}, ["99998", "99999", "00003"], ["00004", "3"]),
    "a counter with decimals": ({"previous": "0123.45", "max_step": 10}, ["012350"], ["0123", "012356"]),
    "a counter of any width": ({"previous": 95, "max_step": 10}, ["95", "0099", "105"], ["94", "05", "106"]),
    "a counter at zero": ({"previous": 0, "max_step": 1}, ["0", "01", "000"], ["2", "10"]),
    "nothing": ({}, ["1", "000"], [""]),
}


@pytest.mark.parametrize("name", FITS)
def test_by_hand(name):
    settings, good, bad = FITS[name]
    constraints = Constraints(**settings)
    assert [digits for digits in good if not constraints.fits(digits)] == []
    assert [digits for digits in bad if constraints.fits(digits)] == []
    for digits in good:
        assert all(constraints.can_start(digits[:end]) for end in range(len(digits) + 1))


FORMATTED = {
    r"\d{4}-\d{2}": {"123456": "1234-56"},
    r"^\d{4}-\d{2}$": {"123456": "1234-56"},
    r"\d{2}\.\d{2}\.\d{4}": {"24122031": "24.12.2031"},
    r"\d+,\d{3} m³": {"1234567": "1234,567 m³", "0001": "0,001 m³"},
    r"(\d{1,3})( \d{3})*": {"12": "12", "1234567": "1 234 567", "123456": "123 456"},
    r"(\d{3}-)?\d{4}": {"1234": "1234", "1231234": "123-1234"},
    r"(?:\(\d\))+": {"123": "(1)(2)(3)"},
    r"\d{2}-\d|\d-\d{2}": {"123": "12-3"},
    r"1(-\d|/\d\d|)": {"1": "1", "12": "1-2", "123": "1/23"},
    r"\$ \d+\\": {"5": "$ 5\\"},
    r"[^0-8][02468]*x\d?": {"9": "9x", "924": "924x", "9241": "924x1"},
}


@pytest.mark.parametrize("pattern", FORMATTED)
def test_separators_are_inserted(pattern):
    constraints = Constraints(pattern=pattern)
    for digits, text in FORMATTED[pattern].items():
        assert constraints.fits(digits)
        assert constraints.formatted(digits) == text
        assert "".join(text[place] for place in constraints.places(digits)) == digits


def test_digits_that_do_not_match_are_returned_unchanged():
    constraints = Constraints(pattern=r"\d{4}-\d{2}")
    assert constraints.formatted("123") == "123"
    assert constraints.places("123") == (0, 1, 2)


def test_separators_of_an_allowed_number():
    constraints = Constraints(allowed=["AB 12-34", "0 77"])
    assert (constraints.formatted("1234"), constraints.places("1234")) == ("AB 12-34", (3, 4, 6, 7))
    assert constraints.formatted("99") == "99"
    assert Constraints(allowed=["12-34"], pattern=r"\d\.\d{3}").formatted("1234") == "1.234"


def parts(separators):
    """Patterns of at most four digits or so, with the text that `re` needs to match digits alone."""
    digit = st.sampled_from([r"\d", "[0-3]", "[^5]", "7", "0", "[19]"])
    between = st.sampled_from(["-", r"\.", " "])
    alone = st.tuples(digit, st.sampled_from(["", "?", "*", "+", "{2}", "{1,3}", "{2,}"])).map("".join)
    followed = st.tuples(alone, between if separators else st.just("")).map("".join)
    group = st.lists(st.tuples(digit, alone).map("".join), min_size=1, max_size=3).map(
        lambda options: f"({'|'.join(options)})"
    )
    repeated = st.tuples(group, st.sampled_from(["", "?", "*", "{2}"])).map("".join)
    return st.lists(followed | repeated, min_size=1, max_size=4).map("".join)


@given(parts(separators=True))
@settings(max_examples=60, deadline=None)
def test_a_pattern_agrees_with_re(pattern):
    compiled = NumberPattern(pattern)
    plain = re.compile(re.sub(r"-|\\\.| ", "", pattern.replace("0-3", "0123")))
    numbers = EVERY[:: len(pattern)]
    for digits in numbers:
        assert bool(compiled.remaining(digits) & 1) == bool(plain.fullmatch(digits))
        text = compiled.formatted(digits)
        assert (text is not None) == bool(plain.fullmatch(digits))
        if text is not None:
            assert re.sub("[^0-9]", "", text) == digits
            assert re.fullmatch(pattern, text)


@given(
    st.builds(
        dict,
        digits=st.none() | st.tuples(st.integers(1, 2), st.integers(2, 4)),
        pattern=st.none() | parts(separators=False),
    )
    | st.builds(
        dict,
        digits=st.just("1-4"),
        previous=st.integers(0, 9999) | st.integers(0, 9999).map(lambda value: f"{value:04d}"),
        max_step=st.integers(0, 300),
    )
    | st.builds(dict, allowed=st.lists(st.sampled_from(EVERY), min_size=1, max_size=9))
)
@settings(max_examples=30, deadline=None)
def test_can_start_accepts_the_prefixes_of_all_fitting_numbers(chosen):
    chosen["digits"] = chosen.get("digits") or "1-4"
    try:
        constraints = Constraints(**chosen)
    except ConfigError:
        return  # longer than four digits
    language = [digits for digits in EVERY if constraints.fits(digits)]
    assert language
    prefixes = {digits[:end] for digits in language for end in range(len(digits) + 1)}
    assert {prefix for prefix in ["", *EVERY] if constraints.can_start(prefix)} == prefixes


@given(
    st.sampled_from([None, "luhn", "mod11", "verhoeff"]),
    parts(separators=True),
    st.integers(0, 9999).map(lambda value: f"{value:04d}"),
    st.integers(0, 3000),
)
@settings(max_examples=15, deadline=None)
def test_combined_rules_reject_no_valid_prefix(check, pattern, previous, max_step):
    try:
        constraints = Constraints(check=check, pattern=pattern, previous=previous, max_step=max_step)
    except ConfigError:
        return
    rules = [Constraints(pattern=pattern), Constraints(previous=previous, max_step=max_step), Constraints(check=check)]
    for digits in EVERY:
        assert constraints.fits(digits) == all(rule.fits(digits) for rule in rules)
        if constraints.fits(digits):
            assert all(constraints.can_start(digits[:end]) for end in range(len(digits) + 1))


def test_a_whole_number_is_pruned_by_its_check_digit():
    constraints = Constraints(digits=11, check="luhn")
    assert [digit for digit in "0123456789" if constraints.can_start("7992739871" + digit)] == ["3"]
    assert constraints.can_start("7992739870")


def test_a_pattern_with_catastrophic_backtracking():
    constraints = Constraints(pattern=r"(\d+)+-(\d*1\d{9})*2")
    assert constraints.can_start("1" * 63)
    assert not constraints.fits("1" * 64)
    assert constraints.formatted("1" * 40) == "1" * 40
    assert constraints.formatted("1" * 39 + "2") == "1" * 39 + "-2"


def test_truth_value():
    assert not Constraints()
    assert Constraints(digits="1-64")
    assert Constraints(previous=0, max_step=0)


def test_frozen_comparable_and_picklable():
    constraints = Constraints(digits="4-6", pattern=r"\d{4}-\d{2}", check="luhn", allowed=iter(["1234-55", "1234-63"]))
    assert constraints == Constraints("4-6", r"\d{4}-\d{2}", "luhn", ("1234-55", "1234-63"))
    assert hash(constraints) == hash(pickle.loads(pickle.dumps(constraints)))
    assert pickle.loads(pickle.dumps(constraints)).formatted("123455") == "1234-55"
    with pytest.raises(AttributeError):
        constraints.digits = 5
    assert repr(Constraints(digits=5)) == (
        "Constraints(digits=5, pattern=None, check=None, allowed=None, previous=None, max_step=None)"
    )


REFUSED = [
    ({"digits": "six"}, "digits: 'six' is not allowed; expected 5, 4-6 or 4-"),
    ({"digits": "6-4"}, "digits: '6-4'"),
    ({"digits": 0}, "digits: 0"),
    ({"digits": (4, 5, 6)}, "digits: (4, 5, 6)"),
    ({"digits": True}, "digits: True"),
    ({"digits": "5-65"}, "from 1 to 64"),
    ({"pattern": r"\d{4}-?\d{2}"}, "character 6: a part without digits cannot be optional or repeated; remove the ?"),
    ({"pattern": r"\d(\d?)*"}, "character 3: a part without digits"),
    ({"pattern": r"\d(-|/)\d"}, "character 4: digits do not tell which separator belongs here; write one"),
    ({"pattern": r"\d+\w"}, r"character 4: \w is not supported; write \d"),
    ({"pattern": r"(\d)\1"}, r"\1 is not supported"),
    ({"pattern": "\\d\\"}, "is not supported"),
    ({"pattern": r"\d\d.\d\d"}, r". matches any character; write \d for a digit or \. for a full stop"),
    ({"pattern": r"(?=\d)1"}, "lookaround are not supported"),
    ({"pattern": r"(?P<year>\d{4})"}, "named groups, conditions"),
    ({"pattern": r"(\d{2}"}, "character 1: this group is not closed"),
    ({"pattern": r"\d{2})"}, "character 6: this ) closes no group"),
    ({"pattern": r"[0-9"}, "this class is not closed"),
    ({"pattern": r"\d[-/]\d"}, "[-/] is not a class of digits"),
    ({"pattern": r"[]"}, "not a class of digits"),
    ({"pattern": r"[5-1]"}, "[5-1] contains no digit"),
    ({"pattern": r"[^\d]"}, "contains no digit"),
    ({"pattern": r"\d+?"}, "one quantifier follows another"),
    ({"pattern": r"\d{3,2}"}, "{3,2} is not a valid range"),
    ({"pattern": r"\d{0}"}, "{0} is not a valid range"),
    ({"pattern": r"\d{65}"}, "{65} is not a valid range"),
    ({"pattern": r"\d{5"}, r"'\d{5', character 3: this { is not closed; add a }"),
    ({"pattern": r"\d{,3}"}, r"write \{ for the character"),
    ({"pattern": "*1"}, "* has no meaning here"),
    ({"pattern": r"\d^\d"}, "^ has no meaning here"),
    ({"pattern": "kWh"}, "'kWh' matches no number of 1 to 64 digits"),
    ({"pattern": r"\d{64}1"}, "matches no number"),
    ({"pattern": ""}, "matches no number"),
    ({"pattern": r"(\d{64}){64}"}, "is too large"),
    ({"pattern": "(" * 20 + r"\d" + "{64})" * 20}, "is too large"),
    ({"pattern": "(" * 150 + r"\d"}, "not closed"),
    ({"pattern": "1" * 201}, "201 characters are too many"),
    ({"pattern": 12}, "12 is not text"),
    ({"check": "lun"}, "check: 'lun' is not allowed; expected luhn, ean, isbn, mod11, verhoeff, damm or a function"),
    ({"check": ["luhn"]}, "expected luhn"),
    ({"check": "isbn", "digits": 8}, "digits, check: no number meets all of these; loosen one"),
    ({"pattern": r"\d{4}|\d{8}", "digits": "5-7"}, "digits, pattern: no number meets"),
    ({"previous": "1234", "max_step": 5, "digits": 5}, "digits, previous, max_step: no number meets"),
    ({"allowed": "123"}, "allowed: '123' is not a list"),
    ({"allowed": 7}, "allowed: 7 is not a list"),
    ({"allowed": ["12", "none"]}, "allowed: 'none' is not a number"),
    ({"allowed": [1.5]}, "allowed: 1.5 is not a number"),
    ({"allowed": ["12", "123"], "check": "luhn"}, "check, allowed: no allowed number meets all"),
    ({"allowed": []}, "allowed: holds no numbers"),
    ({"previous": "12"}, "previous, max_step: each has no effect"),
    ({"max_step": 5}, "previous, max_step: each has no effect"),
    ({"previous": "12O4", "max_step": 5}, "previous: '12O4' is not allowed; expected all digits of the counter"),
    ({"previous": "-5", "max_step": 5}, "previous: '-5'"),
    ({"previous": -5, "max_step": 5}, "previous: -5"),
    ({"previous": 5, "max_step": -1}, "max_step: -1 is not allowed; expected a whole number of at least 0"),
    ({"previous": 5, "max_step": 1.5}, "max_step: 1.5"),
]


@pytest.mark.parametrize(("chosen", "message"), REFUSED)
def test_refused_in_one_line(chosen, message):
    with pytest.raises(ConfigError) as raised:
        Constraints(**chosen)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_allowed_numbers_come_from_a_file(tmp_path):
    file = tmp_path / "numbers.txt"
    file.write_text("\ufeff12-34\r\n\r\n  077 \n", encoding="utf-8")
    assert read_allowed(file) == ("12-34", "077")
    assert Constraints(previous="00123.4", max_step=30).fits("001250")
    assert not Constraints()


def test_files_that_are_not_lists_of_numbers(tmp_path):
    bad = tmp_path / "numbers.txt"
    for content, message in ((b"12\nnone\n", "line 2: 'none' holds no digit"), (b"\xff\xfe1", "not UTF-8 text")):
        bad.write_bytes(content)
        with pytest.raises(ConfigError, match=message):
            read_allowed(bad)
    with pytest.raises(ConfigError, match=r"cannot read .*: Is a directory|Permission denied"):
        read_allowed(tmp_path)
    with pytest.raises(ConfigError, match=r"none\.txt: No such file"):
        read_allowed(tmp_path / "none.txt")
