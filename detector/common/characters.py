"""The characters that a line reader knows, and which of them are numbers."""

from __future__ import annotations

import re

from digitdet.common.types import CLASS_NAMES

MARKS = ".,-/:"
"""Characters that can occur within a number, beside the digits."""

JOINING = ".,'/:\u2013-"
"""Characters that join the digits before and after them to one number, as `MARKS` do, in any text."""

OTHER_SIGN = "\N{REPLACEMENT CHARACTER}"
"""Stands in texts for any other character: a letter, a currency, a unit, a bracket, a superscript."""

CHARACTERS = "".join(CLASS_NAMES) + MARKS + " " + OTHER_SIGN
"""The character of each class of the line reader; the class after the last is the blank of CTC."""

SPACE, OTHER, BLANK = CHARACTERS.index(" "), CHARACTERS.index(OTHER_SIGN), len(CHARACTERS)

_SAME_MARK = {"\u2013": "-", "\u2212": "-"}  # en dash and minus sign

# A minus belongs to the number at the start of a word or after an opening bracket: not in "A-12".
_NUMBER = re.compile(rf"(?:(?<![^\s(\[])[-\u2212])?[0-9]+(?:[{JOINING}][0-9]+)*")


def class_of(character: str) -> int:
    """Return the class of a character: 0 to 9 for digits, `OTHER` for what is neither a digit, a mark nor a space."""
    place = CHARACTERS.find(_SAME_MARK.get(character, character))
    return place if place >= 0 else OTHER


def only_digits(text: str) -> str:
    """Return the digits 0 to 9 of a text.

    >>> only_digits("-1,234.50")
    '123450'
    """
    return "".join(character for character in text if character in CLASS_NAMES)


def number_spans(text: str) -> list[tuple[int, int]]:
    """Return the start and stop (exclusive) of every number in a text.

    A number is digits, joined by single marks, with an optional minus before it: "-1.234,50". A mark at its end is not
    part of it.
    """
    return [found.span() for found in _NUMBER.finditer(text)]
