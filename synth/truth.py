"""The lines of text in a picture, as they are stored with it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

from digitdet.datasets.formats.numbers import LineTruth
from digitdet.synth.digits.glyphs import NO_DIGIT
from digitdet.synth.plan import InkedLine
from digitdet.synth.render import DrawnCharacter, NumberId


def line_truths(lines: Sequence[InkedLine], drawn: Sequence[DrawnCharacter]) -> tuple[LineTruth, ...]:
    """Return the text, boxes and numbers of every line of which something is visible, in drawing order.

    Args:
        lines: The lines of the plan.
        drawn: The visible characters, ordered by line and by row in the line.
    """
    return tuple(_line_truth(lines[index], list(found)) for index, found in groupby(drawn, lambda one: one.line))


def _line_truth(line: InkedLine, characters: Sequence[DrawnCharacter]) -> LineTruth:
    text = characters[0].character
    numbers: dict[NumberId, tuple[int, int]] = {}
    _extend(numbers, characters[0], 0)
    for before, character in pairwise(characters):
        # A character without a box, such as one cut off by the border, may have stood after the space.
        if any(glyph.after_space for glyph in line.glyphs[before.row + 1 : character.row + 1] if glyph.character):
            text += " "
        _extend(numbers, character, len(text))
        text += character.character
    with_digits = {one.number for one in characters if one.label != NO_DIGIT}
    spans = tuple(span for number, span in numbers.items() if number in with_digits)
    return LineTruth(text, tuple(one.box for one in characters), spans)


def _extend(numbers: dict[NumberId, tuple[int, int]], character: DrawnCharacter, place: int) -> None:
    """Extend the number of a character, if it belongs to one, to the character's place in the text."""
    if character.number is not None:
        start, _ = numbers.get(character.number, (place, place))
        numbers[character.number] = (start, place + 1)
