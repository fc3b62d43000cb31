r"""The syntax of patterns: the part of regular expressions that makes sense where only digits are known.

Digits, `\d`, classes such as `[0-3]`, groups, `|` and the quantifiers `?`, `*`, `+`, `{2}`, `{2,4}`, `{2,}` match
digits. Every other character is a separator: it is not compared, but inserted into the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from digitdet.common.errors import ConfigError

MAX_DIGITS = 64
"""Digits of the longest number."""

MAX_LENGTH = 200
"""Characters of a pattern; limits the depth of the recursion."""

DIGITS = "0123456789"

_QUANTIFIER = re.compile(r"[?*+]|\{([0-9]+)(,?)([0-9]*)\}")
_CLASS = re.compile(r"\[(\^?)((?:\\.|[^\]\\])*)\]")
_CLASS_ITEM = re.compile(r"\\d|([0-9])-([0-9])|[0-9]")


@dataclass(frozen=True)
class OneDigit:
    """Any one of these digits."""

    choices: str


@dataclass(frozen=True)
class Separator:
    """Text between digits."""

    text: str


@dataclass(frozen=True)
class Chain:
    """Parts in sequence."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    """The first option that matches."""

    options: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """A part `least` to `most` times, as often as possible; None is no limit."""

    part: Node
    least: int
    most: int | None


Node = OneDigit | Separator | Chain | Choice | Repeat


def parse_pattern(pattern: object) -> Node:
    """Return the syntax tree of a pattern.

    Raises:
        ConfigError: The pattern is invalid, or digits alone do not determine its separators.
    """
    if not isinstance(pattern, str):
        raise ConfigError(f"pattern: {pattern!r} is not text; expected a pattern such as \\d{{4}}-\\d{{2}}")
    if len(pattern) > MAX_LENGTH:
        raise ConfigError(f"pattern: {len(pattern)} characters are too many; expected at most {MAX_LENGTH}")
    return _Parser(pattern).parse()


def min_digits(node: Node) -> int:
    """Return the smallest number of digits that a part matches."""
    match node:
        case OneDigit():
            return 1
        case Separator():
            return 0
        case Chain(parts):
            return sum(map(min_digits, parts))
        case Choice(options):
            return min(map(min_digits, options))
        case Repeat(part, least):
            return least * min_digits(part)


class _Parser:
    """Recursive descent: a choice holds chains, a chain holds quantified items, an item may be a group."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._position = 0

    def parse(self) -> Node:
        node = self._parse_choice()
        if self._position < len(self._pattern):
            self._fail("this ) closes no group", r"remove it, or write \) for the character")
        return node

    def _parse_choice(self) -> Node:
        start = self._position
        options = [self._parse_chain()]
        while self._peek() == "|":
            self._position += 1
            options.append(self._parse_chain())
        if sum(min_digits(option) == 0 for option in options) > 1:
            self._position = start
            self._fail("digits do not tell which separator belongs here", "write one that is always there")
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _parse_chain(self) -> Node:
        parts: list[Node] = []
        last = len(self._pattern) - 1
        while (character := self._peek()) and character not in "|)":
            if (character == "^" and self._position == 0) or (character == "$" and self._position == last):
                self._position += 1  # the whole number is matched in any case
                continue
            parts.append(self._parse_quantified())
        return Chain(tuple(parts))

    def _parse_quantified(self) -> Node:
        start = self._position
        part = self._parse_item()
        found = _QUANTIFIER.match(self._pattern, self._position)
        if found is None:
            return part
        if min_digits(part) == 0:
            self._position = start
            self._fail("a part without digits cannot be optional or repeated", f"remove the {found[0]}")
        least, most = self._limits(found)
        self._position = found.end()
        if _QUANTIFIER.match(self._pattern, self._position):
            self._fail("one quantifier follows another", "keep one of them")
        return Repeat(part, least, most)

    def _limits(self, quantifier: re.Match[str]) -> tuple[int, int | None]:
        if quantifier[0] in "?*+":
            return {"?": (0, 1), "*": (0, None), "+": (1, None)}[quantifier[0]]
        least = int(quantifier[1])
        most = (int(quantifier[3]) if quantifier[3] else None) if quantifier[2] else least
        if (quantifier[3] and not quantifier[2]) or not least <= (most or MAX_DIGITS) <= MAX_DIGITS or most == 0:
            remedy = f"write {{2,4}} with numbers from 0 to {MAX_DIGITS}, not both 0"
            self._fail(f"{quantifier[0]} is not a valid range", remedy)
        return least, most

    def _parse_item(self) -> Node:
        character = self._peek()
        if character == "(":
            return self._parse_group()
        if character == "[":
            return self._parse_class()
        if character == "\\":
            return self._parse_escape()
        if character == ".":
            self._fail(". matches any character", r"write \d for a digit or \. for a full stop")
        if character in "?*+{}^$]":
            self._fail(f"{character} has no meaning here", f"write \\{character} for the character")
        self._position += 1
        return OneDigit(character) if character in DIGITS else Separator(character)

    def _parse_group(self) -> Node:
        start = self._position
        self._position += 3 if self._pattern.startswith("(?:", start) else 1
        if self._peek() == "?":
            self._fail("named groups, conditions and lookaround are not supported", "write a plain group: (")
        node = self._parse_choice()
        if self._peek() != ")":
            self._position = start
            self._fail("this group is not closed", r"add a ), or write \( for the character")
        self._position += 1
        return node

    def _parse_class(self) -> Node:
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
        return OneDigit(choices)

    def _parse_escape(self) -> Node:
        escaped = self._pattern[self._position + 1 : self._position + 2]
        if escaped == "d":
            self._position += 2
            return OneDigit(DIGITS)
        if not escaped or escaped.isalnum():
            self._fail(f"\\{escaped} is not supported", r"write \d for a digit, and separators as they are")
        self._position += 2
        return Separator(escaped)

    def _peek(self) -> str:
        return self._pattern[self._position : self._position + 1]

    def _fail(self, reason: str, remedy: str) -> NoReturn:
        raise ConfigError(f"pattern: {self._pattern!r}, character {self._position + 1}: {reason}; {remedy}")
