"""Check digits: published numbers, and the errors that each rule detects."""

import itertools

import pytest

from digitdet.reading.check_digits import CHECKS

VALID = {
    "luhn": [
        "79927398713",  # the example of most descriptions
        "4111111111111111",  # test numbers of payment services
        "378282246310005",
        "490154203237518",  # an IMEI
    ],
    "ean": ["4006381333931", "73513537", "96385074", "036000291452"],
    "isbn": ["9780306406157", "0306406152", "9783161484100", "9791090636071"],
    "mod11": [
        "86011117947",  # a Norwegian bank account
        "988077917",  # a Norwegian organisation
        "2110625629",  # the Danish personal number that descriptions show
    ],
    "verhoeff": ["2363", "123451", "758722"],
    "damm": ["5724", "00", "112946"],
}
ALL = [(name, number) for name, numbers in VALID.items() for number in numbers]


@pytest.mark.parametrize(("name", "number"), ALL)
def test_published_numbers_pass(name, number):
    assert CHECKS[name].passes(number)


@pytest.mark.parametrize(("name", "number"), ALL)
def test_every_misread_digit_is_detected(name, number):
    for place, digit in itertools.product(range(len(number)), "0123456789"):
        misread = number[:place] + digit + number[place + 1 :]
        assert CHECKS[name].passes(misread) == (digit == number[place])


@pytest.mark.parametrize("name", ["mod11", "verhoeff", "damm"])
def test_every_swap_of_neighbours_is_detected(name):
    for number in VALID[name]:
        for place in range(len(number) - 1):
            left, right = number[place : place + 2]
            swapped = number[:place] + right + left + number[place + 2 :]
            assert CHECKS[name].passes(swapped) == (left == right)


@pytest.mark.parametrize("name", ["luhn", "ean", "verhoeff", "damm"])
def test_one_number_in_ten_passes(name):
    assert sum(CHECKS[name].passes(f"{value:04d}") for value in range(10_000)) == 1000


def test_isbn_13_begins_with_978_or_979():
    assert CHECKS["ean"].passes("4006381333931")
    assert not CHECKS["isbn"].passes("4006381333931")


def test_every_rule_has_an_example():
    assert VALID.keys() == CHECKS.keys()
    for name, numbers in VALID.items():
        assert CHECKS[name].lengths <= {8, 10, 12, 13}
        assert all(not CHECKS[name].lengths or len(number) in CHECKS[name].lengths for number in numbers)
