"""From the evidence of both networks to the lattice of a line.

The evidence is pooled log-linearly (Genest and Zidek, Combining Probability Distributions, Statistical Science, 1986).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from digitdet.common.characters import SPACE
from digitdet.common.errors import ModelError
from digitdet.common.types import CLASS_NAMES, FloatArray, Scores
from digitdet.detection.postprocess import Detections
from digitdet.reading.evidence import Evidence
from digitdet.reading.lattice import NOTHING, Lattice, Slot

_DIGITS = len(CLASS_NAMES)
_EDGE = 1e-6  # scores are kept this far from 0 and 1
_MIN_INSERTION = 0.005  # probability of a character in a gap from which the gap gets a slot


@dataclass(frozen=True)
class LatticeWeights:
    """How much each piece of evidence adds to the log-odds of an option; fitted to composed lines.

    Attributes:
        network: Factor of the line reader's log probability.
        score: Factor of log(s) for a digit with a box, where s is the detector's score of this digit.
        doubt: Factor of -log(1 - s) for the same.
        box: Added for any digit with a box.
        no_box: Added for any digit without a box.
        space: Added for a space.
        gap: Added for a space, for every digit height of the gap's width.
        alone_score: As `score`, in a line that only the detector has read.
        alone_doubt: As `doubt`, likewise.
        alone_box: As `box`, likewise.
    """

    network: float = 0.8
    score: float = 0.5
    doubt: float = 0.5
    box: float = 0.5
    no_box: float = -1.0
    space: float = -0.5
    gap: float = 1.0
    alone_score: float = 1.0
    alone_doubt: float = 1.0
    alone_box: float = 0.0

    def to_json(self) -> str:
        """Return the JSON text that is stored in a model."""
        return msgspec.json.encode(self).decode()


def parse_weights(text: str | None, source: str) -> LatticeWeights:
    """Parse the weights stored in a model, named `source` in errors; None gives the default ones.

    Raises:
        ModelError: The text is damaged.
    """
    if text is None:
        return LatticeWeights()
    try:
        return msgspec.json.decode(text, type=LatticeWeights)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ModelError(f"{source}: its lattice weights are damaged; run digitdet calibrate on it") from error


def build_lattice(evidence: Evidence, rows: Sequence[int], angle: float, weights: LatticeWeights) -> Lattice:
    """Return the lattice of a line that both networks have read.

    Args:
        evidence: What they say about it.
        rows: The rows in the picture of the digits in the evidence.
        angle: Clockwise angle of the line in degrees.
        weights: The weights of the evidence.
    """
    probabilities = pooled_probabilities(evidence, weights)
    is_kept = ~evidence.is_empty | (probabilities[:, NOTHING] <= 1 - _MIN_INSERTION)
    slots = (
        Slot(box, options, rows[row] if row >= 0 else None)
        for box, options, row in zip(
            map(tuple, evidence.boxes[is_kept].tolist()),
            probabilities[is_kept],
            evidence.rows[is_kept].tolist(),
            strict=True,
        )
    )
    return Lattice(tuple(slots), angle)


def build_box_lattice(digits: Detections, rows: Sequence[int], angle: float, weights: LatticeWeights) -> Lattice:
    """Return the lattice of a line that only the detector has read: its digits in order, and their rows."""
    boxes = map(tuple, digits.boxes.astype(np.float64).tolist())
    probabilities = box_probabilities(digits.scores, weights)
    return Lattice(tuple(map(Slot, boxes, probabilities, rows)), angle)


def pooled_probabilities(evidence: Evidence, weights: LatticeWeights) -> FloatArray:
    """Return the probabilities (P, 18) of all options from the evidence of both networks."""
    odds = weights.network * evidence.network
    has_box, has_gap = evidence.rows >= 0, np.isfinite(evidence.gaps)
    odds[has_box, :_DIGITS] += _detector_odds(evidence.scores[has_box], weights.score, weights.doubt, weights.box)
    odds[~has_box, :_DIGITS] += weights.no_box
    odds[has_gap, SPACE] += weights.space + weights.gap * evidence.gaps[has_gap]
    return _softmax(odds)


def box_probabilities(scores: Scores, weights: LatticeWeights) -> FloatArray:
    """Return the probabilities (N, 18) of all options for the detector's scores (N, 10) alone."""
    odds = np.full((len(scores), NOTHING + 1), -np.inf)
    odds[:, :_DIGITS] = _detector_odds(scores, weights.alone_score, weights.alone_doubt, weights.alone_box)
    odds[:, NOTHING] = 0
    return _softmax(odds)


def _detector_odds(scores: Scores, score: float, doubt: float, box: float) -> FloatArray:
    """Return the log-odds (N, 10) of digits against no digit: beta calibration (Kull, Silva Filho and Flach, 2017)."""
    clipped = np.clip(np.asarray(scores, np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(score * np.log(clipped) - doubt * np.log1p(-clipped) + box)


def _softmax(odds: FloatArray) -> FloatArray:
    exponentials = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))
