"""What `digitdet calibrate` fits to labelled pictures: the weights of a lattice's evidence, and confidences of numbers.

Both are stored in the line reader's file as JSON. Confidences come from Platt scaling (Platt, Probabilistic outputs for
support vector machines, 1999).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec
import numpy as np

from digitdet.common.errors import ModelError
from digitdet.common.types import FloatArray, Indices

_EDGE = 1e-6  # probabilities are kept this far from 0 and 1 before their log-odds are taken


@dataclass(frozen=True)
class LatticeWeights:
    """How much each piece of evidence adds to the log-odds of an option; fitted to composed lines.

    Attributes:
        network: Factor of the line reader's log probability.
        detector: Factor of -log(1 - s) for a digit with a box, where s is the detector's score of this digit. Low
            scores are no evidence against a digit.
        nothing: Added for the options that no character is there: nothing, or a space.
        space: Factor of the evidence for a space from the width of a gap, `Evidence.wideness`.
    """

    network: float = 0.9
    detector: float = 1.0
    nothing: float = 0.5
    space: float = 2.5


@dataclass(frozen=True)
class Calibration:
    """From the probability of a number's text in the lattice to its confidence; the defaults change nothing.

    Attributes:
        scale: Factor of the log-odds.
        shift: Added to the scaled log-odds.
        length: Added for each doubling of the number of characters.
    """

    scale: float = 1.0
    shift: float = 0.0
    length: float = 0.0

    def confidence(self, probability: float, characters: int) -> float:
        """Return the confidence of a number from the probability of its text and its number of characters."""
        return float(self.confidences(np.array([probability]), np.array([characters]))[0])

    def confidences(self, probabilities: FloatArray, characters: Indices) -> FloatArray:
        """Return the same for numbers (N,)."""
        p = probabilities.clip(_EDGE, 1 - _EDGE)
        odds = self.scale * (np.log(p) - np.log1p(-p)) + self.shift + self.length * np.log2(characters)
        return np.asarray(0.5 + 0.5 * np.tanh(odds / 2))  # the logistic function, in a form that does not overflow


_Parameters = TypeVar("_Parameters", LatticeWeights, Calibration)


def to_json(parameters: LatticeWeights | Calibration) -> str:
    """Return the JSON text that is stored in a model."""
    return msgspec.json.encode(parameters).decode()


def from_json(kind: type[_Parameters], text: str | None, source: str) -> _Parameters:
    """Parse the JSON text stored in a model, named `source` in errors; None gives the defaults.

    Raises:
        ModelError: The text is damaged.
    """
    if text is None:
        return kind()
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ModelError(f"{source}: its calibration is damaged; run digitdet calibrate on it") from error
