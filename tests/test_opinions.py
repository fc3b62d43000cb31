"""Two opinions on a box made one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitdet.configs import ModelError
from digitdet.reading.opinions import Opinions, parse_opinions

chance = st.floats(0.0, 1.0)


def opinion(digit, probability, nothing):
    """(1, 11): `probability` for one digit, `nothing` for none, the rest spread over the others."""
    row = np.full(11, (1 - probability - nothing) / 9, np.float32)
    row[digit], row[10] = probability, nothing
    return row[None]


def test_by_hand():
    scores = np.full((1, 10), 0.2, np.float32)
    scores[0, 7] = 0.8
    both = Opinions(0.5, 1.0, 0.0).combine(scores, opinion(7, 0.6, 0.3))
    # log-odds: half of log 4, and log 2
    assert both[0, 7] == pytest.approx(1 / (1 + 1 / (2 * 2)), abs=1e-5)
    assert Opinions(0.5, 1.0, np.log(0.25)).combine(scores, opinion(7, 0.6, 0.3))[0, 7] == pytest.approx(0.5, abs=1e-5)


def test_the_detector_alone():
    scores = np.random.default_rng(0).uniform(0.01, 0.99, (20, 10)).astype(np.float32)
    chances = np.full((20, 11), 1 / 11, np.float32)
    assert np.allclose(Opinions(1.0, 0.0, 0.0).combine(scores, chances), scores, atol=1e-5)


@given(chance, chance, st.floats(0.01, 3), st.floats(0.01, 3))
def test_what_both_hold_for_likelier_is_likelier(one, other, detector, recogniser):
    low, high = sorted([one, other])
    opinions = Opinions(detector, recogniser, 0.1)
    scores = np.full((2, 10), 0.1, np.float32)
    scores[:, 3] = low, high
    chances = np.concatenate([opinion(3, 0.9 * low, 0.1), opinion(3, 0.9 * high, 0.1)])
    both = opinions.combine(scores, chances)
    assert both[0, 3] <= both[1, 3]
    assert np.isfinite(both).all()
    assert ((both >= 0) & (both <= 1)).all()


def test_no_boxes():
    none = Opinions(1, 1, 0).combine(np.zeros((0, 10), np.float32), np.zeros((0, 11), np.float32))
    assert none.shape == (0, 10)
    assert none.dtype == np.float32


def test_stored_and_read_back():
    opinions = Opinions(0.53, 0.91, -0.125)
    assert parse_opinions(opinions.to_json(), "x") == opinions


@pytest.mark.parametrize("text", ["", "[]", "{", '{"detector": 1}', '{"detector": 1, "recogniser": "a", "shift": 0}',
                                  '{"detector": 1, "recogniser": NaN, "shift": 0}'])  # fmt: skip
def test_damaged(text):
    with pytest.raises(ModelError, match=r"^x: .*recogniser"):
        parse_opinions(text, "x")
