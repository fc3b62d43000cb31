"""The lines of text in a picture, as they are stored with it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

from digitdet.common.characters import number_spans
from digitdet.datasets.formats.numbers import LineTruth
from digitdet.synth.plan import InkedLine
from digitdet.synth.render import DrawnCharacter


def line_truths(lines: Sequence[InkedLine], drawn: Sequence[DrawnCharacter]) -> tuple[LineTruth, ...]:
    """Return the text, boxes and numbers of every line of which something is visible, in drawing order.

    Args:
        lines: The lines of the plan.
        drawn: The visible characters, ordered by line and by row in the line.
    """
    return tuple(_line_truth(lines[index], list(found)) for index, found in groupby(drawn, lambda one: one.line))


def _line_truth(line: InkedLine, characters: Sequence[DrawnCharacter]) -> LineTruth:
    text = characters[0].character
    for before, character in pairwise(characters):
        # A character without a box, such as one cut off by the border, may have stood after the space.
        if any(glyph.after_space for glyph in line.glyphs[before.row + 1 : character.row + 1] if glyph.character):
            text += " "
        text += character.character
    return LineTruth(text, tuple(one.box for one in characters), tuple(number_spans(text)))
