"""Calibration: from network scores to probabilities of digits and confidences of numbers.

Digits use beta calibration (Kull, Silva Filho and Flach, 2017) with a class "no digit" beside the ten, numbers Platt
scaling (Platt, 1999). `digitdet calibrate` fits the parameters and stores them in the model.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from digitdet.common.errors import ModelError
from digitdet.common.types import FloatArray, Scores

_EDGE = 1e-6  # scores and probabilities are kept this far from 0 and 1 before their log-odds are taken
_SINGLE_DIGIT_SHIFT = -0.8  # added to the log-odds of a number of one digit, which no neighbours confirm


@dataclass(frozen=True)
class Calibration:
    """Parameters of the calibration; the defaults leave scores and probabilities as they are.

    The log-odds of a digit against no digit are `digit_low` * log(score) - `digit_high` * log(1 - score) +
    `digit_shift`. Those of a number are `number_scale` times the log-odds that all of its digits are right, plus
    `number_shift`.
    """

    digit_high: float = 1.0
    digit_low: float = 1.0
    digit_shift: float = 0.0
    number_scale: float = 1.0
    number_shift: float = 0.0

    def digit_probabilities(self, scores: Scores, threshold: float = 0.5) -> FloatArray:
        """Return the probabilities (N, 11) float64 of the ten digits and, last, of no digit for scores (N, 10).

        All log-odds are shifted so that `threshold`, the probability from which a digit counts as present, becomes 0.5.
        """
        clipped = np.clip(np.asarray(scores, np.float64), _EDGE, 1 - _EDGE)
        odds = self.digit_low * np.log(clipped) - self.digit_high * np.log1p(-clipped) + self.digit_shift
        odds -= float(log_odds(threshold))
        odds = np.concatenate([odds, np.zeros((len(odds), 1))], axis=1)
        exponentials = np.exp(odds - odds.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def number_confidence(self, probability: float, is_single_digit: bool = False) -> float:
        """Return the probability that a number is right; `probability` takes its digits as independent."""
        odds = float(log_odds(probability)) + (_SINGLE_DIGIT_SHIFT if is_single_digit else 0.0)
        odds = self.number_scale * odds + self.number_shift
        return 0.5 + 0.5 * math.tanh(odds / 2)  # the logistic function, in a form that does not overflow

    def to_json(self) -> str:
        """Return the JSON text that is stored in a model."""
        return json.dumps({name: round(value, 5) for name, value in asdict(self).items()})


def parse_calibration(text: str | None, source: str) -> Calibration:
    """Parse the calibration stored in a model, named `source` in errors; None gives the default one.

    Raises:
        ModelError: The text is damaged.
    """
    if text is None:
        return Calibration()
    try:
        values = {str(name): float(value) for name, value in json.loads(text).items()}
        if not all(math.isfinite(value) for value in values.values()):
            raise ValueError("not finite")
        return Calibration(**values)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{source}: its calibration is damaged; run digitdet calibrate on it") from error


def log_odds(probability: npt.ArrayLike) -> FloatArray:
    """Return log(p / (1 - p)), finite at both ends."""
    p = np.clip(np.asarray(probability, np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(np.log(p) - np.log1p(-p))
