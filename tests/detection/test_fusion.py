"""Fusion of the detector's scores with the recogniser's probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitdet.detection import fusion
from digitdet.detection.fusion import fuse_scores

probabilities = st.floats(0.0, 1.0)


def recognised(digit, probability, nothing):
    """(1, 11): `probability` for one digit, `nothing` for none, the rest spread over the others."""
    row = np.full(11, (1 - probability - nothing) / 9, np.float32)
    row[digit], row[10] = probability, nothing
    return row[None]


def test_by_hand(monkeypatch):
    monkeypatch.setattr(fusion, "_CLASS_WEIGHT", 1.0)
    monkeypatch.setattr(fusion, "_OBJECTNESS_WEIGHT", 0.5)
    scores = np.full((1, 10), 0.2, np.float32)
    scores[0, 7] = 0.8
    both = fuse_scores(scores, recognised(7, 0.6, 0.2))
    # odds: 4 from the detector; 0.6 of the 0.8 for any digit; the root of 0.8 against 0.2
    assert both[0, 7] / (1 - both[0, 7]) == pytest.approx(4 * 0.75 * 2, rel=1e-4)


def test_uniform_probabilities_do_not_change_the_order():
    scores = np.random.default_rng(0).uniform(0.01, 0.99, (20, 10)).astype(np.float32)
    both = fuse_scores(scores, np.full((20, 11), 1 / 11, np.float32))
    assert (np.argsort(both.ravel()) == np.argsort(scores.ravel())).all()


def test_the_recogniser_can_change_the_digit():
    scores = np.full((1, 10), 0.02, np.float32)
    scores[0, [1, 7]] = 0.6, 0.4
    assert fuse_scores(scores, recognised(7, 0.9, 0.01)).argmax() == 7
    assert fuse_scores(scores, recognised(1, 0.9, 0.01)).argmax() == 1


@given(probabilities, probabilities)
def test_the_fused_score_rises_with_both(one, other):
    low, high = sorted([one, other])
    scores = np.full((2, 10), 0.1, np.float32)
    scores[:, 3] = low, high
    both = fuse_scores(scores, np.concatenate([recognised(3, 0.9 * low, 0.1), recognised(3, 0.9 * high, 0.1)]))
    assert both[0, 3] <= both[1, 3]
    assert np.isfinite(both).all()
    assert ((both >= 0) & (both <= 1)).all()


def test_no_boxes():
    none = fuse_scores(np.zeros((0, 10), np.float32), np.zeros((0, 11), np.float32))
    assert none.shape == (0, 10)
    assert none.dtype == np.float32
