"""Where one number of a line ends and the next begins: the gaps that stand out among those of the line.

A fixed limit fails both ways: the digits of a counter or of a form stand further apart than many numbers on a page.
What is usual on the line is therefore found first, then each gap is judged by its width and by how much it exceeds
that.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.intp]

# From the narrowest gap of a line on, a gap is a usual one until it exceeds the mean of those by this, in heights.
_JUMP = 0.4
# A short line says little: what is usual on the page counts as much as this many gaps of the line. (Of 2 to 8.)
_PAGE_GAPS = 6
# No gap wider than this is usual, in heights: beyond, single digits are cells. Of 113 photos of counters, the widest
# has 1.35 between its digits; forms have up to 1.9, sudokus from 1.0 on.
_MAX_USUAL = 1.0
# Log-odds of a break: a constant, and weights of the gap and of its excess over the usual one, both in heights.
# Logistic regression on 30,000 gaps of 800 composed pages (benchmarks/lines.py, seed 77) and of the CC BY counters gave
# -6.9, 2.4 and 5.4. The constant was raised, since a break that is missed costs two numbers, a false one only one: from
# -6.3 to -5.2 the numbers of those pages stay the same within 0.2%, those of `mixed` gain 0.8%, and handwritten amounts
# with thousand marks (ORAND-CAR) lose 3%. Among digits set close, a gap of 0.75 heights parts numbers; on a line whose
# gaps are all alike, one of 1.35.
_CONSTANT, _PER_GAP, _PER_EXCESS = -5.2, 2.4, 5.4
# However wide or narrow, no gap is certain; but two numbers that meet no constraint are likelier than one across such.
_LEAST = 1e-5


def break_probabilities(x: Floats, width: Floats, height: Floats, counts: Counts) -> Floats:
    """The probability that a number ends after each digit.

    Args:
        x: (N,) middles of the digits on the level page, line after line, each line from left to right.
        width: (N,) widths.
        height: (N,) heights.
        counts: (L,) digits of each line; they sum to N.

    Returns:
        (N,) probabilities, 0 to 1; 1 for the last digit of a line.
    """
    chances = np.ones(len(x))
    inside = np.ones(len(x), bool)
    inside[np.cumsum(counts) - 1] = False
    left = np.flatnonzero(inside)
    if len(left):
        starts = np.cumsum(counts) - counts
        usual_height = np.repeat(np.add.reduceat(height, starts) / counts, counts)
        # Small digits beside larger ones, such as the decimals of a counter, keep the distances of those.
        size = np.maximum((height[left] + height[left + 1]) / 2, usual_height[left])
        pitch = (x[left + 1] - x[left]) / size
        gap = pitch - (width[left] + width[left + 1]) / (2 * size)
        excess = _excess(gap, pitch, counts[counts > 1] - 1)
        odds = _CONSTANT + _PER_GAP * gap + _PER_EXCESS * excess
        chances[left] = np.clip(1 / (1 + np.exp(-np.clip(odds, -30, 30))), _LEAST, 1 - _LEAST)
    return chances


def _excess(gap: Floats, pitch: Floats, counts: Counts) -> Floats:
    """By how much each gap (G,) exceeds what is usual on its line, which has `counts` gaps; all in heights.

    Of the gap and of the distance between the middles, the one that exceeds less counts: on the drums of a counter a
    narrow 1 has wide gaps at the usual distance.
    """
    starts = np.cumsum(counts) - counts
    line = np.repeat(np.arange(len(counts)), counts)
    order = np.lexsort((gap, line))
    usual = _before_jump(gap[order], starts, counts)
    share = np.add.reduceat(usual, starts, dtype=float)
    usual_gap = np.add.reduceat(gap[order] * usual, starts) / share
    usual_pitch = np.add.reduceat(pitch[order] * usual, starts) / share
    page_gap = np.median(gap[order][usual])
    expected = np.minimum((share * usual_gap + _PAGE_GAPS * page_gap) / (share + _PAGE_GAPS), _MAX_USUAL)
    return np.minimum(gap - usual_gap[line], pitch - usual_pitch[line]) + (usual_gap - expected)[line]


def _before_jump(ranked: Floats, starts: Counts, counts: Counts) -> npt.NDArray[np.bool_]:
    """Which gaps come before the first jump, of gaps (G,) that rise within each line."""
    sums = np.cumsum(ranked) - ranked
    place = np.arange(len(ranked)) - np.repeat(starts, counts)
    mean = (sums - np.repeat(sums[starts], counts)) / np.maximum(place, 1)
    jumps = np.cumsum((place > 0) & (ranked - mean > _JUMP))
    return jumps == np.repeat(jumps[starts], counts)
