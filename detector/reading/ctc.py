"""Decoding of connectionist temporal classification, CTC (Graves et al., ICML 2006), with exact probabilities.

For every column of a strip a network gives the probabilities of the characters and of the blank. A path is a choice for
every column, and its text is what remains when equal neighbours are merged and blanks are dropped. The probability of
a text is the sum over all its paths: paths through 2L + 1 states for L characters, which are the characters (the odd
states) and the blanks before, between and after them (the even states).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from digitdet.common.characters import BLANK
from digitdet.common.types import FloatArray, Indices

_MAX_MOVES = 8
_LOWEST = -60.0  # log probability in one of several readings: any of them may be wrong


@dataclass(frozen=True, eq=False)
class Decoding:
    """A text and all texts that differ from it in one character, with their log probabilities.

    `classes` (L,) is the text and `columns` (L, 2) where each of its characters is expected to start and to stop.
    `substituted` (L, 17) has another class at its place, `deleted` (L,) lacks the character at this place, and
    `inserted` (L + 1, 17) has another class before it, in the last row at the end.
    """

    classes: Indices
    log_probability: float
    columns: FloatArray
    substituted: FloatArray
    deleted: FloatArray
    inserted: FloatArray


def decode(log_probabilities: FloatArray, *others: FloatArray) -> Decoding:
    """Return the best text of a line, given the log probabilities (T, 18) of the columns of one or more strips of it.

    From the text of the best path of each strip it moves to the best of all texts that differ in one character, as long
    as this raises the probability, and at most `_MAX_MOVES` times. The probability of a text is the geometric mean of
    those in all strips. The columns of the text are those in the first strip.
    """
    readings = (log_probabilities, *others)
    starts = {tuple(path.tolist()): path for path in map(_best_path, readings)}
    return max((_climb(readings, path) for path in starts.values()), key=lambda decoding: decoding.log_probability)


def _climb(readings: Sequence[FloatArray], classes: Indices) -> Decoding:
    """Return the best text that is reached from a text (L,)."""
    best = _score_in_all(readings, classes)
    for _ in range(_MAX_MOVES):
        edited = _best_edit(best)
        if edited is None:
            break
        best = _score_in_all(readings, edited)
    return best


def _score_in_all(readings: Sequence[FloatArray], classes: Indices) -> Decoding:
    """Return the mean log probabilities of a text and its edits; all but the first are at least `_LOWEST`."""
    first, *others = (score_edits(one, classes) for one in readings)
    if not others:
        return first

    def mean(name: str) -> FloatArray:
        values = [getattr(first, name), *(np.maximum(getattr(one, name), _LOWEST) for one in others)]
        return np.asarray(np.mean(values, axis=0))

    tables = (mean(name) for name in ("substituted", "deleted", "inserted"))
    return Decoding(classes, float(mean("log_probability")), first.columns, *tables)


def _best_path(log_probabilities: FloatArray) -> Indices:
    """Return the text (L,) of the most likely path."""
    path = log_probabilities.argmax(axis=1)
    differs = np.append(True, path[1:] != path[:-1])
    return path[differs & (path != BLANK)]


def _best_edit(decoding: Decoding) -> Indices | None:
    """Return the best text that differs in one character; None where none is more likely than the text itself."""
    # Each with how many characters are removed and added.
    kinds = ((decoding.substituted, 1, 1), (decoding.inserted, 0, 1), (decoding.deleted[:, None], 1, 0))
    table, removed, added = max(kinds, key=lambda kind: kind[0].max(initial=-np.inf))
    if table.max() <= decoding.log_probability + 1e-9:  # rounding errors are no improvement
        return None
    place, new = divmod(int(table.argmax()), table.shape[1])
    classes = decoding.classes
    return np.concatenate([classes[:place], np.full(added, new), classes[place + removed :]])


def score_edits(log_probabilities: FloatArray, classes: Indices) -> Decoding:
    """Return the exact log probabilities of a text (L,) and of all texts that differ from it in one character.

    An edited text is a prefix of the text, perhaps another character, and a suffix of the text: one forward-backward
    pass gives the probabilities of all prefixes and suffixes. Texts that are e^-700 times as likely as the best path
    get -inf; if `classes` is one of them, its columns are not numbers.
    """
    highest = log_probabilities.max(axis=1, keepdims=True)
    # Relative to the best path, so that no likely text underflows, however long the strip is.
    emissions = np.exp(np.asarray(log_probabilities - highest, np.float64))
    entering, reached = _forward_backward(emissions, classes)
    total = reached[0, -1, -2:].sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        ends = np.cumsum((reached[0, 1:] * entering[1, ::-1, ::-1]).sum(axis=0) / total)  # of the states, in mean
    # After the first t columns, and before the columns from t on.
    prefixes, suffixes = _prefixes(reached[0], classes), _prefixes(reached[1], classes[::-1])[::-1, ::-1]
    extended = np.empty((len(emissions), *prefixes.shape[1:]))  # prefixes with another character at their end
    latest = np.zeros(prefixes.shape[1:])
    for prefix, emission, longer in zip(prefixes[:-1], emissions[:, :BLANK], extended, strict=True):
        latest = np.multiply(latest + prefix, emission, out=longer)
    after_gap = reached[1, :0:-1, -4::-2]  # suffixes from the second character on that begin in column t
    before_gap = prefixes[:-1, np.arange(len(classes) - 1), classes[1:]]
    edits = (
        np.einsum("tlc,tlc->lc", extended[:, :-1], suffixes[1:, 1:]),
        np.append((before_gap * after_gap).sum(axis=0), prefixes[-1, -2:-1].max(axis=1)),
        np.einsum("tlc,tlc->lc", extended, suffixes[1:]),
    )
    offset = float(highest.sum())
    with np.errstate(divide="ignore"):
        whole, (substituted, deleted, inserted) = (
            float(np.log(total)) + offset,
            (np.log(edit) + offset for edit in edits),
        )
    columns = np.stack([ends[:-1:2], ends[1::2]], axis=1)
    return Decoding(classes, whole, columns, substituted, deleted, inserted)


def _forward_backward(emissions: FloatArray, classes: Indices) -> tuple[FloatArray, FloatArray]:
    """Return the probabilities of all states from the first column on, and from the last column backwards.

    The first array (2, T, 2L + 1) is before the column is emitted, the second (2, T + 1, 2L + 1) after so many columns.
    Backwards, columns and states are in reverse order. Outside the strip there is a blank.
    """
    states = np.full(2 * len(classes) + 1, BLANK)
    states[1::2] = classes
    forward = emissions[:, states]
    both = np.stack([forward, forward[::-1, ::-1]], axis=1)
    skips = np.zeros((2, len(states)))  # over a blank, between different characters
    skips[0, 3::2] = classes[1:] != classes[:-1]
    skips[1, 3::2] = skips[0, -2:2:-2]
    entering, reached = np.empty_like(both), np.zeros((len(both) + 1, 2, len(states) + 2))
    reached[0, :, 2] = 1
    for before, emission, into, after in zip(reached[:-1], both, entering, reached[1:, :, 2:], strict=True):
        np.multiply(before[:, :-2], skips, out=into)
        into += before[:, 1:-1]
        into += before[:, 2:]
        np.multiply(into, emission, out=after)
    return entering.transpose(1, 0, 2), reached[:, :, 2:].transpose(1, 0, 2)


def _prefixes(reached: FloatArray, classes: Indices) -> FloatArray:
    """Return the probabilities (T + 1, L + 1, 17) of all prefixes, each so that a class may follow in the next column.

    The class of the last character may follow only after a blank.
    """
    ends = reached[:, ::2].copy()
    ends[:, 1:] += reached[:, 1::2]
    prefixes = np.repeat(ends[:, :, None], BLANK, axis=2)
    prefixes[:, np.arange(1, len(classes) + 1), classes] = reached[:, 2::2]
    return prefixes
