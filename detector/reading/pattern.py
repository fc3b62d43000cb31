"""Patterns of digits with fixed separators, compiled to an automaton that decides about prefixes.

The pattern becomes a nondeterministic automaton (K. Thompson, "Regular expression search algorithm", CACM 11(6), 1968),
which is made deterministic for the prefixes that occur: each digit of a prefix costs one look-up. Python's `re` cannot
tell whether a text may be the beginning of a match, and its parser is private.
"""

from __future__ import annotations

from digitdet.common.errors import ConfigError
from digitdet.reading.pattern_syntax import MAX_DIGITS, Chain, Choice, Node, OneDigit, Repeat, Separator, parse_pattern

MAX_STATES = 2000
"""States of the automaton; `(\\d{64}){16}` has about a thousand."""

_ALL_COUNTS = (1 << (MAX_DIGITS + 1)) - 1


class NumberPattern:
    r"""A compiled pattern, such as `\d{4}-\d{2}`; see `pattern_syntax` for the syntax.

    Raises:
        ConfigError: The pattern is invalid, too large, or matches no digit.
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        # A state has either a transition that consumes one of some digits, or transitions that consume none and insert
        # a separator or '', in order of preference.
        self._digit_transitions: list[tuple[str, int] | None] = []
        self._empty_transitions: list[list[tuple[str, int]]] = []
        self._end = self._build(parse_pattern(pattern), self._add_state())
        self._counts = self._count_remaining()
        # The deterministic states: sets of states. The first is that of the empty prefix.
        self._index_of: dict[frozenset[int], int] = {}
        self._next: list[dict[str, int]] = []
        self._members: list[frozenset[int]] = []
        self._remaining: list[int] = []
        self._index({0})
        if not self.remaining("") >> 1:
            raise ConfigError(
                f"pattern: {pattern!r} matches no number of 1 to {MAX_DIGITS} digits; use \\d for a digit"
            )

    def remaining(self, prefix: str) -> int:
        """Return how many digits may follow a prefix, as bits: bit n is set where n more can complete a match."""
        index = 0
        for digit in prefix:
            following = self._next[index].get(digit)
            index = self._follow(index, digit) if following is None else following
        return self._remaining[index]

    def formatted(self, digits: str) -> str | None:
        """Return the digits with the separators of the pattern; None where they do not match."""
        failed = set()
        stack = [(0, 0, "")]  # state, digits consumed, text so far; the preferred one on top
        while stack:
            state, count, text = stack.pop()
            if state == self._end and count == len(digits):
                return text
            if (state, count) in failed:
                continue
            failed.add((state, count))
            transition = self._digit_transitions[state]
            if transition is not None and count < len(digits) and digits[count] in transition[0]:
                stack.append((transition[1], count + 1, text + digits[count]))
            stack.extend(
                (target, count, text + separator) for separator, target in reversed(self._empty_transitions[state])
            )
        return None

    def _add_state(self) -> int:
        if len(self._empty_transitions) == MAX_STATES:
            raise ConfigError(f"pattern: {self._pattern!r} is too large; repeat fewer parts, or smaller ones")
        self._digit_transitions.append(None)
        self._empty_transitions.append([])
        return len(self._empty_transitions) - 1

    def _add_branch(self, start: int) -> int:
        target = self._add_state()
        self._empty_transitions[start].append(("", target))
        return target

    def _build(self, node: Node, start: int) -> int:
        """Add a part that begins in a state without transitions; return the state without transitions at its end."""
        match node:
            case OneDigit(choices):
                end = self._add_state()
                self._digit_transitions[start] = (choices, end)
                return end
            case Separator(text):
                end = self._add_state()
                self._empty_transitions[start].append((text, end))
                return end
            case Chain(parts):
                for part in parts:
                    start = self._build(part, start)
                return start
            case Choice(options):
                ends = [self._build(option, self._add_branch(start)) for option in options]
                return self._join(ends, self._add_state())
            case Repeat(part, least, most):
                for _ in range(least):
                    start = self._build(part, start)
                return self._build_optional(part, start, None if most is None else most - least)

    def _build_optional(self, part: Node, start: int, times: int | None) -> int:
        """Add a part that may occur up to `times` times; None is any number of times."""
        if times is None:
            self._join([self._build(part, self._add_branch(start))], start)
            return self._add_branch(start)
        stops = []
        for _ in range(times):
            stops.append(start)
            start = self._build(part, self._add_branch(start))
        return self._join(stops, start)

    def _join(self, ends: list[int], target: int) -> int:
        for end in ends:
            self._empty_transitions[end].append(("", target))
        return target

    def _count_remaining(self) -> list[int]:
        """Return for every state the numbers of digits after which the pattern can end, as bits."""
        counts = [0] * len(self._empty_transitions)
        counts[self._end] = 1
        changed = True
        while changed:
            changed = False
            for state in reversed(range(len(counts))):
                found = counts[state]
                transition = self._digit_transitions[state]
                if transition is not None:
                    found |= counts[transition[1]] << 1 & _ALL_COUNTS
                for _, target in self._empty_transitions[state]:
                    found |= counts[target]
                changed |= found != counts[state]
                counts[state] = found
        return counts

    def _follow(self, index: int, digit: str) -> int:
        transitions = (self._digit_transitions[state] for state in self._members[index])
        targets = {one[1] for one in transitions if one is not None and digit in one[0]}
        self._next[index][digit] = following = self._index(targets)
        return following

    def _index(self, states: set[int]) -> int:
        """Return the index of a set of states, extended by those that are reached without a digit."""
        pending = list(states)
        while pending:
            for _, target in self._empty_transitions[pending.pop()]:
                if target not in states:
                    states.add(target)
                    pending.append(target)
        members = frozenset(states)
        if members not in self._index_of:
            self._index_of[members] = len(self._members)
            self._members.append(members)
            self._next.append({})
            counts = 0
            for state in members:
                counts |= self._counts[state]
            self._remaining.append(counts)
        return self._index_of[members]
