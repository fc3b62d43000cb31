"""Fitting the weights of the lattice's evidence to labelled lines, by maximum likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from scipy.optimize import minimize

from digitdet.common.characters import SPACE
from digitdet.common.types import Boxes, FloatArray, Indices
from digitdet.reading.calibration import LatticeWeights
from digitdet.reading.evidence import Evidence
from digitdet.reading.lattice import NOTHING
from digitdet.reading.pooling import pooled_probabilities
from digitdet.reading.transcription import StripReading
from digitdet.training.line_crops import Characters
from digitdet.training.strip_samples import visible_characters

_BOUNDS = ((0, None), (0, None), (None, None), (0, None))  # the factors are not negative: more evidence is more
_MAX_DOUBT = 6.0  # cost of a true character at a place where it seems impossible
_MISSED = 8.0  # cost of a true character without a place
_FAR = 2.0  # cost of a distance of half a character's height; it grows with the square


@dataclass(frozen=True)
class LabelledLine:
    """The evidence for the places of a line, and their true options (P,): classes of `CHARACTERS`, or `NOTHING`."""

    evidence: Evidence
    options: Indices


def label_strip(reading: StripReading, characters: Characters) -> LabelledLine | None:
    """Assign the true characters of a page to the places of a strip; None if it is not clear what the strip shows."""
    found = visible_characters(characters, reading.strip)
    if found is None:
        return None
    classes, spaces, boxes = found
    gaps = np.stack([boxes[:-1, 2], boxes[:-1, 1], boxes[1:, 0], boxes[1:, 3]], axis=1)
    at = np.flatnonzero(spaces)
    classes, boxes = np.insert(classes, at, SPACE), np.insert(boxes, at, gaps[at - 1], axis=0)
    return LabelledLine(reading.evidence, true_options(reading.evidence, classes, reading.strip.boxes_to_page(boxes)))


def true_options(evidence: Evidence, classes: Indices, boxes: Boxes) -> Indices:
    """Assign true characters to the places of a line, and return the true option of every place (P,).

    `classes` (M,) are those of the characters with spaces, and `boxes` (M, 4) are on the page; a space has the box of
    its gap. Places and characters stay in order; what is likely and near is assigned.
    """
    surprise = -np.log(pooled_probabilities(evidence, LatticeWeights()).clip(np.exp(-_MAX_DOUBT)))
    middles, true_middles = ((one[:, :2] + one[:, 2:]) / 2 for one in (evidence.boxes, boxes))
    height = np.median(boxes[:, 3] - boxes[:, 1]) if len(boxes) else 1.0
    distances = np.linalg.norm(middles[:, None] - true_middles, axis=2) / height
    matches = _align(surprise[:, classes] + _FAR * (2 * distances) ** 2, surprise[:, NOTHING])
    return np.append(classes, NOTHING)[matches]


def _align(costs: FloatArray, empty_costs: FloatArray) -> Indices:
    """Return the characters (P,) of places in the cheapest alignment, -1 for none.

    `costs` (P, M) are those of every character at every place, `empty_costs` (P,) those of none; see Needleman and
    Wunsch, "A general method applicable to the search for similarities", 1970.
    """
    places, characters = costs.shape
    missed = _MISSED * np.arange(characters + 1)
    totals = [missed]
    for cost, empty in zip(costs, empty_costs, strict=True):
        total = totals[-1] + empty
        total[1:] = np.minimum(total[1:], totals[-1][:-1] + cost)
        totals.append(np.minimum.accumulate(total - missed) + missed)
    found, last = np.full(places, -1), characters
    for place in range(places - 1, -1, -1):
        while last and totals[place + 1][last] >= totals[place + 1][last - 1] + _MISSED - 1e-9:
            last -= 1
        if last and totals[place + 1][last] >= totals[place][last - 1] + costs[place, last - 1] - 1e-9:
            last -= 1
            found[place] = last
    return found


def fit_weights(lines: Sequence[LabelledLine]) -> LatticeWeights:
    """Fit the weights of the evidence of labelled lines."""
    evidence, options = _joined([line.evidence for line in lines]), np.concatenate([line.options for line in lines])
    start = np.array(astuple(LatticeWeights()))

    def loss(values: FloatArray) -> float:
        likelihoods = pooled_probabilities(evidence, LatticeWeights(*values.tolist()))[np.arange(len(options)), options]
        # A prior towards the start, worth one observation, keeps weights finite that the data do not determine.
        return float(-np.log(likelihoods.clip(1e-12)).sum() + ((values - start) ** 2).sum() / 2) / max(len(options), 1)

    found = minimize(loss, start, method="L-BFGS-B", bounds=_BOUNDS)
    return LatticeWeights(*(round(float(value), 4) for value in found.x))


def _joined(lines: Sequence[Evidence]) -> Evidence:
    columns = ((getattr(line, name) for line in lines) for name in Evidence.__dataclass_fields__)
    return Evidence(*(np.concatenate(list(column)) for column in columns))
