"""A pattern of digits with fixed separators, followed from left to right.

The automaton is K. Thompson's ("Regular expression search algorithm", CACM 11(6), 1968), made deterministic as far as
prefixes ask for it, so no pattern takes more than a look-up for a digit.
"""

from __future__ import annotations

from digitdet.common.errors import ConfigError
from digitdet.reading.pattern_syntax import MAX_DIGITS, Chain, Choice, Node, OneDigit, Separator, parse_pattern

MAX_STATES = 2000
"""Of the automaton; `(\\d{64}){16}` would have about a thousand."""

_ALL_COUNTS = (1 << (MAX_DIGITS + 1)) - 1


class NumberPattern:
    r"""A compiled pattern, such as `\d{4}-\d{2}`; see `pattern_syntax` for what it may hold.

    Raises:
        ConfigError: The pattern is not valid, is too large, or takes no digit.
    """

    def __init__(self, pattern: str) -> None:
        # A state either takes one of some digits and goes on, or goes on at once: past a separator or '', in order of
        # preference.
        self._pattern = pattern
        self._takes: list[tuple[str, int] | None] = []
        self._moves: list[list[tuple[str, int]]] = []
        self._end = self._build(parse_pattern(pattern), self._add_state())
        self._counts = self._count_remaining()
        # Sets of states that a prefix leads to; the first is that of no digit.
        self._known: dict[frozenset[int], int] = {}
        self._next: list[dict[str, int]] = []
        self._members: list[frozenset[int]] = []
        self._remaining: list[int] = []
        self._index({0})
        if not self.remaining("") >> 1:
            raise ConfigError(f"pattern: {pattern!r} takes no number of 1 to {MAX_DIGITS} digits; use \\d for a digit")

    def remaining(self, prefix: str) -> int:
        """How many digits may follow a prefix: bit n is set when n more can make it fit; 0 when none ever can."""
        index = 0
        for digit in prefix:
            following = self._next[index].get(digit)
            index = self._follow(index, digit) if following is None else following
        return self._remaining[index]

    def formatted(self, digits: str) -> str | None:
        """The digits with the separators of the pattern; None where they do not fit."""
        seen = set()
        stack = [(0, 0, "")]  # state, digits taken, text so far; what is preferred lies on top
        while stack:
            state, place, text = stack.pop()
            if state == self._end and place == len(digits):
                return text
            if (state, place) in seen:
                continue  # it has failed before
            seen.add((state, place))
            take = self._takes[state]
            if take is not None and place < len(digits) and digits[place] in take[0]:
                stack.append((take[1], place + 1, text + digits[place]))
            stack.extend((target, place, text + between) for between, target in reversed(self._moves[state]))
        return None

    def _add_state(self) -> int:
        if len(self._moves) == MAX_STATES:
            raise ConfigError(f"pattern: {self._pattern!r} is too large; repeat fewer parts, or smaller ones")
        self._takes.append(None)
        self._moves.append([])
        return len(self._moves) - 1

    def _build(self, node: Node, start: int) -> int:
        """Add a part that begins in a state with no way out yet; gives such a state, in which it ends."""
        if isinstance(node, Chain):
            for part in node.parts:
                start = self._build(part, start)
            return start
        if isinstance(node, OneDigit):
            end = self._add_state()
            self._takes[start] = (node.choices, end)
            return end
        if isinstance(node, Separator):
            end = self._add_state()
            self._moves[start].append((node.text, end))
            return end
        if isinstance(node, Choice):
            ends = [self._build(option, self._add_move(start)) for option in node.options]
            end = self._add_state()
            for each in ends:
                self._moves[each].append(("", end))
            return end
        for _ in range(node.least):
            start = self._build(node.part, start)
        return self._build_more(node.part, start, None if node.most is None else node.most - node.least)

    def _build_more(self, part: Node, start: int, times: int | None) -> int:
        """A part that may stand there up to so many times more."""
        if times is None:
            again = self._build(part, self._add_move(start))
            self._moves[again].append(("", start))
            return self._add_move(start)
        stops = []
        for _ in range(times):
            stops.append(start)
            start = self._build(part, self._add_move(start))
        for stop in stops:
            self._moves[stop].append(("", start))
        return start

    def _add_move(self, start: int) -> int:
        target = self._add_state()
        self._moves[start].append(("", target))
        return target

    def _count_remaining(self) -> list[int]:
        """For every state the numbers of digits after which the pattern can end, as bits."""
        counts = [0] * len(self._moves)
        counts[self._end] = 1
        changed = True
        while changed:
            changed = False
            for state in reversed(range(len(counts))):
                found = counts[state]
                take = self._takes[state]
                if take is not None:
                    found |= counts[take[1]] << 1 & _ALL_COUNTS
                for _, target in self._moves[state]:
                    found |= counts[target]
                changed |= found != counts[state]
                counts[state] = found
        return counts

    def _follow(self, index: int, digit: str) -> int:
        takes = (self._takes[state] for state in self._members[index])
        targets = {take[1] for take in takes if take is not None and digit in take[0]}
        self._next[index][digit] = following = self._index(targets)
        return following

    def _index(self, states: set[int]) -> int:
        """The number of a set of states, with those that can be reached from it without a digit."""
        waiting = list(states)
        while waiting:
            for _, target in self._moves[waiting.pop()]:
                if target not in states:
                    states.add(target)
                    waiting.append(target)
        members = frozenset(states)
        if members not in self._known:
            self._known[members] = len(self._members)
            self._members.append(members)
            self._next.append({})
            counts = 0
            for state in members:
                counts |= self._counts[state]
            self._remaining.append(counts)
        return self._known[members]
