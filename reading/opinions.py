"""Two opinions on a box made one: the detector's scores and the recogniser's probabilities, weighed by log-odds."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from digitdet.configs.errors import ModelError

# Nearer to 0 and 1 than this an opinion is no surer: no network is infallible.
_EDGE = 1e-4


@dataclass(frozen=True)
class Opinions:
    """How much each of the two counts: the logarithmic opinion pool of Genest and Zidek (Combining Probability
    Distributions, 1986), with weights fitted on labelled pictures, since the two are not independent.

    The log-odds of a digit against no digit are `detector` times those of the detector's score, plus `recogniser` times
    the logarithm of the digit's probability over that of no digit, plus `shift`.
    """

    detector: float
    recogniser: float
    shift: float

    def combine(self, scores: npt.NDArray[np.float32], chances: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """One score for every digit (N, 10), 0 to 1.

        Args:
            scores: (N, 10), the detector's, 0 to 1.
            chances: (N, 11), the recogniser's: of the ten digits and, last, of no digit. A row sums to 1.
        """
        score = np.clip(np.asarray(scores, np.float64), _EDGE, 1 - _EDGE)
        chance = np.clip(np.asarray(chances, np.float64), _EDGE, 1)
        odds = self.detector * (np.log(score) - np.log1p(-score)) + self.shift
        odds += self.recogniser * (np.log(chance[:, :10]) - np.log(chance[:, 10:]))
        return np.asarray(0.5 + 0.5 * np.tanh(odds / 2), np.float32)

    def to_json(self) -> str:
        """As it is stored in a model."""
        return json.dumps({name: round(value, 5) for name, value in asdict(self).items()})


def parse_opinions(text: str, source: str) -> Opinions:
    """The weights that are stored in a model; `source` is what an error calls it.

    Raises:
        ModelError: They are damaged.
    """
    try:
        opinions = Opinions(**{str(name): float(value) for name, value in json.loads(text).items()})
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{source}: what it says about its recogniser is damaged; train it again") from error
    if not all(math.isfinite(value) for value in asdict(opinions).values()):
        raise ModelError(f"{source}: what it says about its recogniser is damaged; train it again")
    return opinions
