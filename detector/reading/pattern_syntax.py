r"""What a pattern of digits may say: the part of regular expressions that has a meaning where only digits are seen.

Digits, `\d`, classes such as `[0-3]`, groups, `|` and the quantifiers `?`, `*`, `+`, `{2}`, `{2,4}`, `{2,}` stand for
digits. Every other character is a separator: it takes part in no comparison and is put back into the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from digitdet.common.errors import ConfigError

MAX_DIGITS = 64
"""No number is longer."""

MAX_LENGTH = 200
"""Characters of a pattern: keeps the depth of its groups within what recursion can do."""

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
    """Text that stands between digits."""

    text: str


@dataclass(frozen=True)
class Chain:
    """One part after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Choice:
    """One of the options, the first that fits."""

    options: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """A part that stands there `least` to `most` times, the more the better; None is without end."""

    part: Node
    least: int
    most: int | None


Node = OneDigit | Separator | Chain | Choice | Repeat


def parse_pattern(pattern: object) -> Node:
    """The pattern as a tree.

    Raises:
        ConfigError: The pattern is not valid, or asks for what digits alone cannot tell.
    """
    if not isinstance(pattern, str):
        raise ConfigError(f"pattern: {pattern!r} is no text; expected one such as \\d{{4}}-\\d{{2}}")
    if len(pattern) > MAX_LENGTH:
        raise ConfigError(f"pattern: {len(pattern)} characters are too many; expected at most {MAX_LENGTH}")
    return _Parser(pattern).parse()


def least_digits(node: Node) -> int:
    """The smallest number of digits that a part takes."""
    if isinstance(node, OneDigit):
        return 1
    if isinstance(node, Separator):
        return 0
    if isinstance(node, Chain):
        return sum(least_digits(part) for part in node.parts)
    if isinstance(node, Choice):
        return min(least_digits(option) for option in node.options)
    return node.least * least_digits(node.part)


class _Parser:
    """Recursive descent: a choice holds chains, a chain holds quantified items, an item may be a group."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._place = 0

    def parse(self) -> Node:
        node = self._parse_choice()
        if self._place < len(self._pattern):
            self._fail("this ) closes no group", r"remove it, or write \) for the character")
        return node

    def _parse_choice(self) -> Node:
        start = self._place
        options = [self._parse_chain()]
        while self._peek() == "|":
            self._place += 1
            options.append(self._parse_chain())
        if sum(least_digits(option) == 0 for option in options) > 1:
            self._place = start
            self._fail("digits do not tell which separator stands here", "write the one that is always there")
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _parse_chain(self) -> Node:
        parts: list[Node] = []
        while (character := self._peek()) and character not in "|)":
            if (character == "^" and self._place == 0) or (character == "$" and self._place == len(self._pattern) - 1):
                self._place += 1  # the whole number is matched in any case
                continue
            parts.append(self._parse_quantified())
        return Chain(tuple(parts))

    def _parse_quantified(self) -> Node:
        start = self._place
        part = self._parse_item()
        found = _QUANTIFIER.match(self._pattern, self._place)
        if found is None:
            return part
        if least_digits(part) == 0:
            self._place = start
            self._fail("a part without digits cannot be optional or repeated", f"remove the {found[0]}")
        least, most = self._limits(found)
        self._place = found.end()
        if _QUANTIFIER.match(self._pattern, self._place):
            self._fail("one quantifier follows another", "keep one of them")
        return Repeat(part, least, most)

    def _limits(self, quantifier: re.Match[str]) -> tuple[int, int | None]:
        if quantifier[0] in "?*+":
            return {"?": (0, 1), "*": (0, None), "+": (1, None)}[quantifier[0]]
        least = int(quantifier[1])
        most = (int(quantifier[3]) if quantifier[3] else None) if quantifier[2] else least
        if (quantifier[3] and not quantifier[2]) or not least <= (most or MAX_DIGITS) <= MAX_DIGITS or most == 0:
            self._fail(f"{quantifier[0]} is no range", f"write {{2,4}} with numbers from 0 to {MAX_DIGITS}, not both 0")
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
            self._fail(". is any character", r"write \d for a digit or \. for a full stop")
        if character in "?*+{}^$]":
            self._fail(f"{character} has nothing to stand for", f"write \\{character} for the character")
        self._place += 1
        return OneDigit(character) if character in DIGITS else Separator(character)

    def _parse_group(self) -> Node:
        start = self._place
        self._place += 3 if self._pattern.startswith("(?:", start) else 1
        if self._peek() == "?":
            self._fail("names, conditions and looking around are not known", "write a plain group: (")
        node = self._parse_choice()
        if self._peek() != ")":
            self._place = start
            self._fail("this group is not closed", r"add a ), or write \( for the character")
        self._place += 1
        return node

    def _parse_class(self) -> Node:
        found = _CLASS.match(self._pattern, self._place)
        if found is None:
            self._fail("this class is not closed", r"add a ], or write \[ for the character")
        others = _CLASS_ITEM.sub("", found[2])
        if others or not found[2]:
            self._fail(f"{found[0]} is no class of digits", "put digits in it, such as [0-3], and separators outside")
        listed: set[str] = set()
        for item in _CLASS_ITEM.finditer(found[2]):
            low, high = (item[1], item[2]) if item[1] else ("0", "9") if item[0] == "\\d" else (item[0], item[0])
            listed.update(digit for digit in DIGITS if low <= digit <= high)
        choices = "".join(digit for digit in DIGITS if (digit in listed) != bool(found[1]))
        if not choices:
            self._fail(f"{found[0]} holds no digit", "name at least one, lowest first, such as [0-3]")
        self._place = found.end()
        return OneDigit(choices)

    def _parse_escape(self) -> Node:
        escaped = self._pattern[self._place + 1 : self._place + 2]
        if escaped == "d":
            self._place += 2
            return OneDigit(DIGITS)
        if not escaped or escaped.isalnum():
            self._fail(f"\\{escaped} is not known here", r"write \d for a digit, and separators as they are")
        self._place += 2
        return Separator(escaped)

    def _peek(self) -> str:
        return self._pattern[self._place : self._place + 1]

    def _fail(self, reason: str, remedy: str) -> NoReturn:
        raise ConfigError(f"pattern: {self._pattern!r}, character {self._place + 1}: {reason}; {remedy}")
