r"""The syntax of patterns: the part of regular expressions that makes sense where only digits are known.

Digits, `\d`, classes such as `[0-3]`, groups, `|` and the quantifiers `?`, `*`, `+`, `{2}`, `{2,4}`, `{2,}` match
digits. Every other character is a separator: it is not compared, but inserted into the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import ClassVar, NoReturn

from digitdet.common.errors import ConfigError

MAX_DIGITS = 64
"""Digits of the longest number."""

MAX_LENGTH = 200
"""Characters of a pattern; limits the depth of the recursion."""

DIGITS = "0123456789"

_MAX_SIZE = 1024  # of a pattern: digits and separators with all repetitions
_ALL_COUNTS = (1 << (MAX_DIGITS + 1)) - 1

_QUANTIFIER = re.compile(r"[?*+]|\{([0-9]+)(,?)([0-9]*)\}")
_CLASS = re.compile(r"\[(\^?)((?:\\.|[^\]\\])*)\]")
_CLASS_ITEM = re.compile(r"\\d|([0-9])-([0-9])|[0-9]")


@dataclass(frozen=True, eq=False)
class OneDigit:
    """Any one of these digits."""

    choices: str
    counts: ClassVar[int] = 0b10


@dataclass(frozen=True, eq=False)
class Separator:
    """Text between digits."""

    text: str
    counts: ClassVar[int] = 0b1


@dataclass(frozen=True, eq=False)
class Choice:
    """The first chain that matches."""

    options: tuple[Chain, ...]

    @cached_property
    def counts(self) -> int:
        """See `possible_counts`."""
        return reduce(or_, map(possible_counts, self.options))


@dataclass(frozen=True, eq=False)
class Star:
    """A chain any number of times, as often as possible."""

    part: Chain

    @cached_property
    def counts(self) -> int:
        """See `possible_counts`."""
        counts, before = 1, 0
        while counts != before:
            before, counts = counts, counts | _sums(counts, possible_counts(self.part))
        return counts


Node = OneDigit | Separator | Choice | Star
Chain = tuple[Node, ...]
"""Parts in sequence. Nodes are compared by identity: repeated parts share them."""


def possible_counts(chain: Chain) -> int:
    """Return the numbers of digits that a chain can match, as bits: bit n is set for n digits."""
    return reduce(_sums, (node.counts for node in chain), 1)


def _sums(counts: int, others: int) -> int:
    """Return all sums of one number of each set, up to `MAX_DIGITS`; sets of numbers are bits."""
    total = 0
    while others:
        lowest = others & -others
        total |= counts * lowest
        others ^= lowest
    return total & _ALL_COUNTS


def parse_pattern(pattern: object) -> Chain:
    """Return the syntax tree of a pattern.

    Raises:
        ConfigError: The pattern is invalid or too large, or digits alone do not determine its separators.
    """
    if not isinstance(pattern, str):
        raise ConfigError(f"pattern: {pattern!r} is not text; expected a pattern such as \\d{{4}}-\\d{{2}}")
    if len(pattern) > MAX_LENGTH:
        raise ConfigError(f"pattern: {len(pattern)} characters are too many; expected at most {MAX_LENGTH}")
    return _Parser(pattern).parse()


class _Parser:
    """Recursive descent: a choice holds chains, a chain holds quantified items, an item may be a group."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._position = 0
        self._size = 0  # digits and separators so far, with all repetitions

    def parse(self) -> Chain:
        chain = self._parse_choice()
        if self._position < len(self._pattern):
            self._fail("this ) closes no group", r"remove it, or write \) for the character")
        return chain

    def _parse_choice(self) -> Chain:
        start = self._position
        options = [self._parse_chain()]
        while self._peek() == "|":
            self._position += 1
            options.append(self._parse_chain())
        if sum(possible_counts(option) & 1 for option in options) > 1:
            self._position = start
            self._fail("digits do not tell which separator belongs here", "write one that is always there")
        return options[0] if len(options) == 1 else (Choice(tuple(options)),)

    def _parse_chain(self) -> Chain:
        chain: Chain = ()
        last = len(self._pattern) - 1
        while (character := self._peek()) and character not in "|)":
            if (character == "^" and self._position == 0) or (character == "$" and self._position == last):
                self._position += 1  # the whole number is matched in any case
                continue
            chain += self._parse_quantified()
        return chain

    def _parse_quantified(self) -> Chain:
        start, size = self._position, self._size
        part = self._parse_item()
        found = _QUANTIFIER.match(self._pattern, self._position)
        if found is None:
            return part
        if possible_counts(part) & 1:
            self._position = start
            self._fail("a part without digits cannot be optional or repeated", f"remove the {found[0]}")
        least, most = self._limits(found)
        self._position = found.end()
        if _QUANTIFIER.match(self._pattern, self._position):
            self._fail("one quantifier follows another", "keep one of them")
        self._size = size + (self._size - size) * (least + 1 if most is None else most)
        if self._size > _MAX_SIZE:
            raise ConfigError(f"pattern: '{self._pattern}' is too large; repeat fewer parts, or smaller ones")
        if most is None:
            return part * least + (Star(part),)
        optional: Chain = ()
        for _ in range(most - least):
            optional = (Choice((part + optional, ())),)
        return part * least + optional

    def _limits(self, quantifier: re.Match[str]) -> tuple[int, int | None]:
        if quantifier[0] in "?*+":
            return {"?": (0, 1), "*": (0, None), "+": (1, None)}[quantifier[0]]
        least = int(quantifier[1])
        most = (int(quantifier[3]) if quantifier[3] else None) if quantifier[2] else least
        if (quantifier[3] and not quantifier[2]) or not least <= (most or MAX_DIGITS) <= MAX_DIGITS or most == 0:
            remedy = f"write {{2,4}} with numbers from 0 to {MAX_DIGITS}, not both 0"
            self._fail(f"{quantifier[0]} is not a valid range", remedy)
        return least, most

    def _parse_item(self) -> Chain:
        character = self._peek()
        if character == "(":
            return self._parse_group()
        self._size += 1
        if character == "[":
            return self._parse_class()
        if character == "\\":
            return self._parse_escape()
        if character == ".":
            self._fail(". matches any character", r"write \d for a digit or \. for a full stop")
        if character == "{" and "}" not in self._pattern[self._position :]:
            self._fail("this { is not closed", r"add a }, or write \{ for the character")
        if character in "?*+{}^$]":
            self._fail(f"{character} has no meaning here", f"write \\{character} for the character")
        self._position += 1
        return (OneDigit(character) if character in DIGITS else Separator(character),)

    def _parse_group(self) -> Chain:
        start = self._position
        self._position += 3 if self._pattern.startswith("(?:", start) else 1
        if self._peek() == "?":
            self._fail("named groups, conditions and lookaround are not supported", "write a plain group: (")
        chain = self._parse_choice()
        if self._peek() != ")":
            self._position = start
            self._fail("this group is not closed", r"add a ), or write \( for the character")
        self._position += 1
        return chain

    def _parse_class(self) -> Chain:
        found = _CLASS.match(self._pattern, self._position)
        if found is None:
            self._fail("this class is not closed", r"add a ], or write \[ for the character")
        others = _CLASS_ITEM.sub("", found[2])
        if others or not found[2]:
            remedy = "put digits in it, such as [0-3], and separators outside"
            self._fail(f"{found[0]} is not a class of digits", remedy)
        listed: set[str] = set()
        for item in _CLASS_ITEM.finditer(found[2]):
            low, high = (item[1], item[2]) if item[1] else ("0", "9") if item[0] == "\\d" else (item[0], item[0])
            listed.update(digit for digit in DIGITS if low <= digit <= high)
        choices = "".join(digit for digit in DIGITS if (digit in listed) != bool(found[1]))
        if not choices:
            self._fail(f"{found[0]} contains no digit", "name at least one, lowest first, such as [0-3]")
        self._position = found.end()
        return (OneDigit(choices),)

    def _parse_escape(self) -> Chain:
        escaped = self._pattern[self._position + 1 : self._position + 2]
        if escaped == "d":
            self._position += 2
            return (OneDigit(DIGITS),)
        if not escaped or escaped.isalnum():
            self._fail(f"\\{escaped} is not supported", r"write \d for a digit, and separators as they are")
        self._position += 2
        return (Separator(escaped),)

    def _peek(self) -> str:
        return self._pattern[self._position : self._position + 1]

    def _fail(self, reason: str, remedy: str) -> NoReturn:
        raise ConfigError(f"pattern: '{self._pattern}', character {self._position + 1}: {reason}; {remedy}")
