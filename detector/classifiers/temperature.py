"""Temperature scaling: calibrates the probabilities of a classifier with one parameter (Guo et al., 2017)."""

from __future__ import annotations

import numpy as np

from digitdet.classifiers.base import Probabilities
from digitdet.common.types import FloatArray, Indices

_MIN, _MAX, _STEPS = 0.05, 20.0, 400  # of a logarithmic grid search


def fit_temperature(scores: FloatArray, labels: Indices) -> float:
    """Return the temperature of the highest likelihood of labels (N,) under softmax(scores / temperature)."""
    temperatures = np.geomspace(_MIN, _MAX, _STEPS)
    rows = np.arange(len(labels))
    losses = [-np.log(softmax(scores, temperature)[rows, labels].clip(1e-12)).mean() for temperature in temperatures]
    return float(temperatures[int(np.argmin(losses))])


def softmax(scores: FloatArray, temperature: float = 1.0) -> Probabilities:
    """Return the probabilities (N, 10) of scores (N, 10)."""
    scaled = np.asarray(scores, np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)
