"""Edit distance and alignment of texts."""

from __future__ import annotations

from collections.abc import Sequence


def edit_distance(first: str, second: str) -> int:
    """Return the Levenshtein distance: the fewest insertions, deletions and substitutions between two texts.

    >>> edit_distance("1024", "124")
    1
    """
    row = list(range(len(second) + 1))
    for index, character in enumerate(first, start=1):
        diagonal, row[0] = row[0], index
        for column, other in enumerate(second, start=1):
            substituted = diagonal + (character != other)
            diagonal = row[column]
            row[column] = min(diagonal + 1, row[column - 1] + 1, substituted)
    return row[-1]


def align(wanted: Sequence[str], found: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """Pair the texts of two lists in order (Needleman and Wunsch, 1970): as many equal pairs as possible, then the
    fewest edits.

    Returns:
        Indices of `wanted` and `found`, in order; None where a text has no partner.
    """
    # costs[i][j]: (unequal texts, edits) of the first i wanted and the first j found; steps: how it was reached.
    costs = [[(0, 0)] * (len(found) + 1) for _ in range(len(wanted) + 1)]
    steps = [[(0, 0)] * (len(found) + 1) for _ in range(len(wanted) + 1)]
    for i in range(len(wanted) + 1):
        for j in range(len(found) + 1):
            choices = []
            if i and j:
                edits = edit_distance(wanted[i - 1], found[j - 1])
                choices.append((int(edits > 0), edits, 1, 1))
            if i:
                choices.append((1, len(wanted[i - 1]), 1, 0))
            if j:
                choices.append((0, len(found[j - 1]), 0, 1))
            totals = []
            for unequal, edits, down, right in choices:
                before = costs[i - down][j - right]
                totals.append(((before[0] + unequal, before[1] + edits), (down, right)))
            if totals:
                costs[i][j], steps[i][j] = min(totals, key=lambda total: total[0])
    pairs: list[tuple[int | None, int | None]] = []
    i, j = len(wanted), len(found)
    while i or j:
        down, right = steps[i][j]
        i, j = i - down, j - right
        pairs.append((i if down else None, j if right else None))
    return pairs[::-1]
