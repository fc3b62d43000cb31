"""Patterns of digits with fixed separators, matched digit by digit.

A state is the set of chains that may follow a prefix, as in a nondeterministic automaton (K. Thompson, "Regular
expression search algorithm", CACM 11(6), 1968), and is kept for other prefixes: each digit costs one look-up. Python's
`re` cannot tell whether a text may be the beginning of a match.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, reduce
from operator import or_

from digitdet.common.errors import ConfigError
from digitdet.reading.pattern_syntax import (
    MAX_DIGITS,
    Chain,
    Choice,
    OneDigit,
    Separator,
    Star,
    parse_pattern,
    possible_counts,
)

_Step = tuple[str, str, Chain]
"""Separators, the choices of the digit after them (none at the end of the pattern), and the chain after it."""


class NumberPattern:
    r"""A compiled pattern, such as `\d{4}-\d{2}`; see `pattern_syntax` for the syntax.

    Raises:
        ConfigError: The pattern is invalid, too large, or matches no digit.
    """

    def __init__(self, pattern: str) -> None:
        self._chain = parse_pattern(pattern)
        self._next: dict[tuple[frozenset[Chain], str], frozenset[Chain]] = {}
        self._known: dict[Chain, tuple[int, list[_Step]]] = {}
        if not self.remaining("") >> 1:
            raise ConfigError(
                f"pattern: '{pattern}' matches no number of 1 to {MAX_DIGITS} digits; use \\d for a digit"
            )

    def remaining(self, prefix: str) -> int:
        """Return how many digits may follow a prefix, as bits: bit n is set where n more can complete a match."""
        state = frozenset([self._chain])
        for digit in prefix:
            following = self._next.get((state, digit))
            if following is None:
                steps = (step for chain in state for step in self._look_up(chain)[1])
                self._next[state, digit] = following = frozenset(rest for _, choices, rest in steps if digit in choices)
            state = following
        return reduce(or_, (self._look_up(chain)[0] for chain in state), 0)

    def formatted(self, digits: str) -> str | None:
        """Return the digits with the separators of the pattern; None where they do not match."""

        @cache
        def match(chain: Chain, start: int) -> str | None:
            for separators, choices, rest in self._look_up(chain)[1]:
                if start == len(digits):
                    if not choices:
                        return separators
                elif digits[start] in choices:
                    after = match(rest, start + 1)
                    if after is not None:
                        return separators + digits[start] + after
            return None

        return match(self._chain, 0)

    def _look_up(self, chain: Chain) -> tuple[int, list[_Step]]:
        if chain not in self._known:
            self._known[chain] = (possible_counts(chain), list(_steps(chain)))
        return self._known[chain]


def _steps(chain: Chain, separators: str = "") -> Iterator[_Step]:
    """Yield what may come next, in order of preference."""
    if not chain:
        yield separators, "", ()
        return
    node, rest = chain[0], chain[1:]
    match node:
        case OneDigit(choices):
            yield separators, choices, rest
        case Separator(text):
            yield from _steps(rest, separators + text)
        case Choice(options):
            for option in options:
                yield from _steps(option + rest, separators)
        case Star(part):
            yield from _steps((*part, node, *rest), separators)
            yield from _steps(rest, separators)
