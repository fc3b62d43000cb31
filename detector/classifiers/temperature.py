"""Temperature scaling: one number that makes the probabilities of a classifier honest (Guo et al., 2017)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Searched on a grid of the logarithm: fine enough that no figure changes, and nothing to converge wrongly.
_LOWEST, _HIGHEST, _STEPS = 0.05, 20.0, 400


def fit_temperature(scores: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """The temperature that makes labels (N,) likeliest under softmax(scores / temperature), scores (N, 10)."""
    temperatures = np.geomspace(_LOWEST, _HIGHEST, _STEPS)
    rows = np.arange(len(labels))
    losses = [-np.log(softmax(scores, one)[rows, labels].clip(1e-12)).mean() for one in temperatures]
    return float(temperatures[int(np.argmin(losses))])


def softmax(scores: npt.NDArray[np.floating], temperature: float = 1.0) -> npt.NDArray[np.float32]:
    """Probabilities (N, 10) of scores (N, 10)."""
    scaled = np.asarray(scores, np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
