"""The network's scores as probabilities: of each digit, and of a whole number being right.

The scores of a detector are ranks, not chances. Two small maps, fitted on labelled pictures by `digitdet calibrate` and
stored in the model, make them chances: beta calibration for digits (Kull, Silva Filho and Flach, Beta calibration,
2017), with a class for "no digit" beside the ten, and Platt scaling for whole numbers (Platt, Probabilistic Outputs for
Support Vector Machines, 1999).
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from digitdet.common.errors import ModelError

# Scores and probabilities nearer to 0 and 1 than this say no more: they are all "certain".
_EDGE = 1e-6

# What a lone digit loses on its log-odds: it has no neighbours to vouch for it. Nearly all numbers that are read where
# there are none have one digit, more of them on real pictures than on the composed ones that calibrations are fitted
# to. Chosen on the choose halves of the real sets, where lone digits are right as often as longer numbers that are
# given with 0.1 to 0.2 less.
_ALONE = -0.8


@dataclass(frozen=True)
class Calibration:
    """From scores to probabilities; these values change nothing.

    The log-odds of a digit against no digit are `digit_high` times -log(1 - score), which counts among high scores,
    plus `digit_low` times log(score), which counts among low ones, plus `digit_shift`. Those of a number are
    `number_scale` times the log-odds that all of its digits are right, plus `number_shift`.
    """

    digit_high: float = 1.0
    digit_low: float = 1.0
    digit_shift: float = 0.0
    number_scale: float = 1.0
    number_shift: float = 0.0

    def of_digits(self, scores: npt.NDArray[np.float32], least: float = 0.5) -> npt.NDArray[np.float64]:
        """Probabilities (N, 11) of scores (N, 10), 0 to 1: of the ten digits and, last, of no digit. A row sums to 1.

        `least` is the probability from which a digit counts as there: other than one half, it weighs a missed digit
        against a false one, and all probabilities move with it.
        """
        clipped = np.clip(np.asarray(scores, np.float64), _EDGE, 1 - _EDGE)
        odds = self.digit_low * np.log(clipped) - self.digit_high * np.log1p(-clipped) + self.digit_shift
        odds -= float(log_odds(least))
        odds = np.concatenate([odds, np.zeros((len(odds), 1))], axis=1)
        chances = np.exp(odds - odds.max(axis=1, keepdims=True))
        return np.asarray(chances / chances.sum(axis=1, keepdims=True))

    def of_number(self, chance: float, is_alone: bool = False) -> float:
        """The probability that a number is right whose digits, taken for independent, are all right with `chance`;
        `is_alone` if it has one digit only.
        """
        odds = float(log_odds(chance)) + (_ALONE if is_alone else 0.0)
        odds = self.number_scale * odds + self.number_shift
        return 0.5 + 0.5 * math.tanh(odds / 2)  # the logistic function, in a form that does not overflow

    def to_json(self) -> str:
        """As it is stored in a model."""
        return json.dumps({name: round(value, 5) for name, value in asdict(self).items()})


def parse_calibration(text: str | None, source: str) -> Calibration:
    """Read the calibration stored with a model.

    Args:
        text: Its JSON text; None gives the calibration that changes nothing.
        source: What error messages call the model.

    Raises:
        ModelError: It is damaged.
    """
    if text is None:
        return Calibration()
    try:
        values = {str(name): float(value) for name, value in json.loads(text).items()}
        calibration = Calibration(**values)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{source}: its calibration is damaged; run digitdet calibrate on it") from error
    if not all(math.isfinite(value) for value in values.values()):
        raise ModelError(f"{source}: its calibration is damaged; run digitdet calibrate on it")
    return calibration


def log_odds(probability: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Logarithm of p / (1 - p), finite at both ends."""
    p = np.clip(np.asarray(probability, np.float64), _EDGE, 1 - _EDGE)
    return np.asarray(np.log(p) - np.log1p(-p))
