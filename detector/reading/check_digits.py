"""Check digits: whether a whole number is valid under a rule that detects most misread digits.

Every rule takes the digits with the check digit at the end. Numbers with another check character, such as the X of
ISBN-10, never pass. python-stdnum is imported on first use: most readings need no check digit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Check = Callable[[str], bool]
"""Takes the digits of a number as text, with leading zeros, and returns whether they are valid."""


@dataclass(frozen=True)
class CheckRule:
    """A check, and the numbers of digits that it applies to; empty is two or more."""

    passes: Check
    lengths: frozenset[int] = frozenset()


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: payment cards, IMEI."""
    from stdnum import luhn as rule

    return rule.checksum(digits) == 0


def ean(digits: str) -> bool:
    """GS1 General Specifications, 7.9: EAN-8, UPC-A and EAN-13."""
    from stdnum import ean as rule

    return rule.calc_check_digit(digits[:-1]) == digits[-1]


def isbn(digits: str) -> bool:
    """ISO 2108: ISBN-13, and ISBN-10 that does not end in X."""
    from stdnum import isbn as rule

    return bool(rule.is_valid(digits))


def mod11(digits: str) -> bool:
    """Modulus 11 with the weights 2 to 7, repeated, leftwards from the digit before the check digit.

    Used by Norwegian bank accounts and organisation numbers and Danish personal numbers. python-stdnum has it only for
    single countries and lengths.
    """
    weighted = sum((2 + place % 6) * int(digit) for place, digit in enumerate(reversed(digits[:-1])))
    return (weighted + int(digits[-1])) % 11 == 0


def verhoeff(digits: str) -> bool:
    """J. Verhoeff, "Error Detecting Decimal Codes", 1969: Aadhaar numbers."""
    from stdnum import verhoeff as rule

    return rule.checksum(digits) == 0


def damm(digits: str) -> bool:
    """H. M. Damm, "Total anti-symmetrische Quasigruppen", 2004."""
    from stdnum import damm as rule

    return rule.checksum(digits) == 0


CHECKS = {
    "luhn": CheckRule(luhn),
    "ean": CheckRule(ean, frozenset((8, 12, 13))),
    "isbn": CheckRule(isbn, frozenset((10, 13))),
    "mod11": CheckRule(mod11),
    "verhoeff": CheckRule(verhoeff),
    "damm": CheckRule(damm),
}
"""The rules that `check` accepts by name."""
