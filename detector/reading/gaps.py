"""Gaps between digits: the probability that one number of a line ends and the next begins.

Each gap is judged by its width and by its excess over the usual gap of its line: the digits of a counter or of a form
are farther apart than many numbers on a page.
"""

from __future__ import annotations

import numpy as np

from digitdet.common.types import FloatArray, Indices, Mask

# All in digit heights. From the narrowest gap of a line on, gaps are usual until one exceeds their mean by this.
_JUMP = 0.4
_PAGE_GAPS = 6  # weight of the page's usual gap, as a number of gaps of the line
_MAX_USUAL = 1.0  # wider gaps are never usual: single digits so far apart are cells
# Logistic regression: intercept, and coefficients of the gap and of its excess over the usual one.
_INTERCEPT, _GAP_WEIGHT, _EXCESS_WEIGHT = -5.2, 2.4, 5.4
_MIN_PROBABILITY = 1e-5  # of a break, and of none: no gap is certain


def break_probabilities(x: FloatArray, width: FloatArray, height: FloatArray, counts: Indices) -> FloatArray:
    """Return the probability (N,) that a number ends after each digit; 1 for the last digit of a line.

    `x` are the middles of the digits on the levelled page, line after line; `counts` (L,) the digits of each line.
    """
    probabilities = np.ones(len(x))
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
        odds = _INTERCEPT + _GAP_WEIGHT * gap + _EXCESS_WEIGHT * excess
        logistic = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
        probabilities[left] = np.clip(logistic, _MIN_PROBABILITY, 1 - _MIN_PROBABILITY)
    return probabilities


def _excess(gap: FloatArray, pitch: FloatArray, counts: Indices) -> FloatArray:
    """Return by how much each gap (G,), or its pitch if that is less, exceeds the usual one of its line, in heights.

    On the drums of a counter a narrow 1 has wide gaps at the usual pitch. `counts` (L,) are the gaps of each line.
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


def _before_jump(ranked: FloatArray, starts: Indices, counts: Indices) -> Mask:
    """Whether gaps (G,), in rising order within each line, come before the first jump of their line."""
    sums = np.cumsum(ranked) - ranked
    position = np.arange(len(ranked)) - np.repeat(starts, counts)
    mean = (sums - np.repeat(sums[starts], counts)) / np.maximum(position, 1)
    jumps = np.cumsum((position > 0) & (ranked - mean > _JUMP))
    return jumps == np.repeat(jumps[starts], counts)
