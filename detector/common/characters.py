"""The characters that a line reader knows: the classes of its output."""

from __future__ import annotations

from digitdet.common.types import CLASS_NAMES

MARKS = ".,-/:"
"""Characters that can occur within a number, beside the digits."""

OTHER_SIGN = "\N{REPLACEMENT CHARACTER}"
"""Stands in texts for any other character: a letter, a currency, a unit, a bracket, a superscript."""

CHARACTERS = "".join(CLASS_NAMES) + MARKS + " " + OTHER_SIGN
"""The character of each class of the line reader; the class after the last is the blank of CTC."""

SPACE, OTHER, BLANK = CHARACTERS.index(" "), CHARACTERS.index(OTHER_SIGN), len(CHARACTERS)

_SAME_MARK = {"\u2013": "-", "\u2212": "-"}  # en dash and minus sign


def class_of(character: str) -> int:
    """Return the class of a character: 0 to 9 for digits, `OTHER` for what is neither a digit, a mark nor a space."""
    place = CHARACTERS.find(_SAME_MARK.get(character, character))
    return place if place >= 0 else OTHER
