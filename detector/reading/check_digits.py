"""Check digits: whether a whole number can have been issued under a rule that finds most misread digits.

Every rule takes the digits with the check digit at the end. What a check digit other than 0 to 9 would be (the X of
ISBN-10) cannot be read by a detector of digits, so such numbers never pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Check = Callable[[str], bool]
"""Takes the digits of a number as text, leading zeros kept, and says whether it may be one."""

# Verhoeff's permutation, and the table of Damm's quasigroup: row is the interim digit, column the next one.
_VERHOEFF_SHIFT = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
_DAMM_TABLE = (
    (0, 3, 1, 7, 5, 9, 8, 6, 4, 2),
    (7, 0, 9, 2, 1, 5, 4, 8, 6, 3),
    (4, 2, 0, 6, 8, 7, 1, 3, 5, 9),
    (1, 7, 5, 0, 9, 8, 3, 4, 2, 6),
    (6, 1, 2, 3, 0, 4, 5, 9, 7, 8),
    (3, 6, 7, 4, 2, 0, 9, 5, 8, 1),
    (5, 8, 6, 9, 7, 2, 0, 1, 3, 4),
    (8, 9, 4, 5, 3, 6, 2, 0, 1, 7),
    (9, 4, 3, 8, 6, 1, 7, 2, 0, 5),
    (2, 5, 8, 1, 4, 3, 6, 7, 9, 0),
)


@dataclass(frozen=True)
class CheckRule:
    """A rule by name: the test, the numbers of digits it is made for (none: two or more), and what it is used for."""

    passes: Check
    lengths: frozenset[int]
    use: str


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: every second digit from the right is doubled, and the sum of all digits ends in 0."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(int(digit) for digit in digits[::-2])) % 10 == 0


def ean(digits: str) -> bool:
    """GS1 General Specifications, 7.9: weights 1, 3, 1, 3, ... from the right; the sum ends in 0."""
    return (sum(int(digit) for digit in digits[::-2]) + 3 * sum(int(digit) for digit in digits[-2::-2])) % 10 == 0


def isbn(digits: str) -> bool:
    """ISO 2108: ISBN-13 is an EAN from 978 or 979 on; ISBN-10 has weights 1 to 10 from the right, modulo 11."""
    if len(digits) == 13:
        return digits.startswith(("978", "979")) and ean(digits)
    return sum(weight * int(digit) for weight, digit in enumerate(reversed(digits), start=1)) % 11 == 0


def mod11(digits: str) -> bool:
    """Modulus 11 with the weights 2 to 7, again and again, leftwards from the digit before the check digit.

    The weighted sum plus the check digit is a multiple of 11. Norwegian bank accounts and organisation numbers and
    Danish personal numbers are made so; numbers whose check digit would be 10 are not issued.
    """
    weighted = sum((2 + place % 6) * int(digit) for place, digit in enumerate(reversed(digits[:-1])))
    return (weighted + int(digits[-1])) % 11 == 0


def verhoeff(digits: str) -> bool:
    """J. Verhoeff, "Error Detecting Decimal Codes", 1969: products in the symmetries of a regular pentagon."""
    product = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(place % 8):
            value = _VERHOEFF_SHIFT[value]
        product = _multiply_symmetries(product, value)
    return product == 0


def damm(digits: str) -> bool:
    """H. M. Damm, "Total anti-symmetrische Quasigruppen", 2004: the chain of products ends in 0."""
    interim = 0
    for digit in digits:
        interim = _DAMM_TABLE[interim][int(digit)]
    return interim == 0


def _multiply_symmetries(left: int, right: int) -> int:
    """Product in the dihedral group of order 10: 0 to 4 are the rotations, 5 to 9 the reflections."""
    turned = left - right if left >= 5 else left + right
    return turned % 5 + 5 * ((left >= 5) != (right >= 5))


CHECKS = {
    "luhn": CheckRule(luhn, frozenset(), "payment cards, IMEI"),
    "ean": CheckRule(ean, frozenset((8, 12, 13)), "EAN-8, UPC-A, EAN-13"),
    "isbn": CheckRule(isbn, frozenset((10, 13)), "ISBN-13, and ISBN-10 that does not end in X"),
    "mod11": CheckRule(mod11, frozenset(), "bank accounts and registers, weights 2 to 7"),
    "verhoeff": CheckRule(verhoeff, frozenset(), "Aadhaar numbers"),
    "damm": CheckRule(damm, frozenset(), "numbers of one's own making"),
}
"""The rules that `check` knows by name."""
