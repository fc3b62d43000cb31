"""From the evidence of the detector and the line readers to the lattice of a line.

The evidence is pooled log-linearly (Genest and Zidek, Combining Probability Distributions, Statistical Science, 1986).
"""

from __future__ import annotations

import numpy as np

from digitdet.common.characters import SPACE
from digitdet.common.types import CLASS_NAMES, FloatArray
from digitdet.reading.calibration import LatticeWeights
from digitdet.reading.evidence import Evidence
from digitdet.reading.lattice import NOTHING, Lattice, Slot

_DIGITS = len(CLASS_NAMES)
_MAX_SCORE = 1 - 1e-6  # higher scores count as this
_MIN_INSERTION = 0.005  # probability of a character in a gap from which the gap gets a slot


def build_lattice(evidence: Evidence, angle: float, weights: LatticeWeights) -> Lattice:
    """Return the lattice of a line from its evidence.

    Args:
        evidence: What they say about it.
        angle: Clockwise angle of the line in degrees.
        weights: The weights of the evidence.
    """
    probabilities = pooled_probabilities(evidence, weights)
    is_kept = ~evidence.is_empty | (probabilities[:, NOTHING] <= 1 - _MIN_INSERTION)
    boxes = map(tuple, evidence.boxes[is_kept].tolist())
    return Lattice(tuple(map(Slot, boxes, probabilities[is_kept])), angle)


def pooled_probabilities(evidence: Evidence, weights: LatticeWeights) -> FloatArray:
    """Return the probabilities (P, 18) of all options from the evidence."""
    odds, has_box = weights.network * evidence.network, evidence.rows >= 0
    odds[has_box, :_DIGITS] -= weights.detector * np.log1p(-evidence.scores[has_box].clip(0, _MAX_SCORE))
    odds[:, [SPACE, NOTHING]] += weights.nothing
    odds[:, SPACE] += weights.space * evidence.wideness
    exponentials = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))
