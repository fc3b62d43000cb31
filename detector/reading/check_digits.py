"""Check digits: whether a whole number is valid under a rule that detects most misread digits.

Every rule takes the digits with the check digit at the end. Numbers with another check character, such as the X of
ISBN-10, never pass. python-stdnum is imported on first use: most readings need no check digit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import NamedTuple

Check = Callable[[str], bool]
"""Takes the digits of a number as text, with leading zeros, and returns whether they are valid."""


class CheckRule(NamedTuple):
    """A check, and the numbers of digits that it applies to; empty is two or more."""

    passes: Check
    lengths: frozenset[int] = frozenset()


def _has_checksum_0(module: str, digits: str) -> bool:
    return bool(import_module(module).checksum(digits) == 0)


def _ean(digits: str) -> bool:
    from stdnum import ean

    return ean.calc_check_digit(digits[:-1]) == digits[-1]


def _isbn(digits: str) -> bool:
    from stdnum import isbn

    return bool(isbn.is_valid(digits))


def _mod11(digits: str) -> bool:
    """Use the weights 2 to 7, repeated, leftwards from the digit before the check digit.

    python-stdnum has this rule only for single countries and lengths.
    """
    weighted = sum((2 + place % 6) * int(digit) for place, digit in enumerate(reversed(digits[:-1])))
    return (weighted + int(digits[-1])) % 11 == 0


CHECKS = {
    "luhn": CheckRule(partial(_has_checksum_0, "stdnum.luhn")),  # ISO/IEC 7812-1: payment cards, IMEI
    "ean": CheckRule(_ean, frozenset((8, 12, 13))),  # GS1 General Specifications, 7.9: EAN-8, UPC-A and EAN-13
    "isbn": CheckRule(_isbn, frozenset((10, 13))),  # ISO 2108
    "mod11": CheckRule(_mod11),  # Norwegian bank accounts and organisations, Danish personal numbers
    "verhoeff": CheckRule(partial(_has_checksum_0, "stdnum.verhoeff")),  # J. Verhoeff, 1969: Aadhaar numbers
    "damm": CheckRule(partial(_has_checksum_0, "stdnum.damm")),  # H. M. Damm, 2004
}
"""The rules that `check` accepts by name."""
