"""Texts compared: how many edits part two of them, and which of several belong together."""

from __future__ import annotations

from collections.abc import Sequence


def edit_distance(first: str, second: str) -> int:
    """The fewest insertions, deletions and substitutions that turn one text into the other (Levenshtein, 1966).

    >>> edit_distance("1024", "124")
    1
    """
    row = list(range(len(second) + 1))
    for place, character in enumerate(first, start=1):
        diagonal, row[0] = row[0], place
        for column, other in enumerate(second, start=1):
            substituted = diagonal + (character != other)
            diagonal = row[column]
            row[column] = min(diagonal + 1, row[column - 1] + 1, substituted)
    return row[-1]


def align(wanted: Sequence[str], found: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Pair texts of two lists without changing their order: as many equal ones as can be, then with the fewest edits.

    Returns:
        Indices of `wanted` and `found`, in order; None where a text of one list has no partner in the other.
    """
    # costs[i][j]: (unequal texts, edits) of the first i wanted against the first j found; Needleman-Wunsch, 1970.
    costs = [[(0, 0)] * (len(found) + 1) for _ in range(len(wanted) + 1)]
    steps = [[(0, 0)] * (len(found) + 1) for _ in range(len(wanted) + 1)]
    for i in range(len(wanted) + 1):
        for j in range(len(found) + 1):
            choices = []
            if i and j:
                edits = edit_distance(wanted[i - 1], found[j - 1])
                choices.append((_plus(costs[i - 1][j - 1], (int(edits > 0), edits)), (1, 1)))
            if i:
                choices.append((_plus(costs[i - 1][j], (1, len(wanted[i - 1]))), (1, 0)))
            if j:
                choices.append((_plus(costs[i][j - 1], (0, len(found[j - 1]))), (0, 1)))
            if choices:
                costs[i][j], steps[i][j] = min(choices, key=lambda choice: choice[0])
    pairs: list[tuple[int | None, int | None]] = []
    i, j = len(wanted), len(found)
    while i or j:
        down, right = steps[i][j]
        i, j = i - down, j - right
        pairs.append((i if down else None, j if right else None))
    return pairs[::-1]


def _plus(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    return first[0] + second[0], first[1] + second[1]
