"""From scores to probabilities."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.common.errors import ModelError
from digitdet.reading.calibration import Calibration, log_odds, parse_calibration

SCORES = st.lists(st.floats(0, 1, width=32), min_size=10, max_size=10)


def test_by_hand():
    """Odds of 4 and 1 against no digit: 4/6, 1/6, 1/6."""
    scores = np.zeros((1, 10), np.float32)
    scores[0, [3, 8]] = 0.8, 0.5
    probabilities = Calibration().digit_probabilities(scores)
    assert probabilities.shape == (1, 11)
    assert probabilities[0, [3, 8, 10]] == pytest.approx([4 / 6, 1 / 6, 1 / 6], abs=1e-4)


def test_no_boxes():
    assert Calibration(1.4, 1.2, 1.3).digit_probabilities(np.zeros((0, 10), np.float32)).shape == (0, 11)


@settings(max_examples=80, deadline=None)
@given(SCORES, st.floats(0.2, 3), st.floats(0, 3), st.floats(-3, 3), st.floats(0.01, 0.99))
def test_probabilities_sum_to_one_and_keep_the_order_of_scores(scores, high, low, shift, threshold):
    row = np.float32([scores])
    probabilities = Calibration(high, low, shift).digit_probabilities(row, threshold)[0]
    assert probabilities.sum() == pytest.approx(1)
    assert (probabilities >= 0).all()
    order = np.argsort(row[0], kind="stable")
    assert (np.diff(probabilities[:10][order]) >= -1e-9).all()


def test_the_threshold_moves_the_border_between_a_digit_and_none():
    scores = np.zeros((1, 10), np.float32)
    scores[0, 4] = 0.3
    present = [1 - Calibration().digit_probabilities(scores, threshold)[0, 10] for threshold in (0.2, 0.3, 0.5)]
    assert present[0] > 0.5
    assert present[1] == pytest.approx(0.5, abs=1e-3)
    assert present[2] < 0.5


@pytest.mark.parametrize("probability", [0.0, 1e-9, 0.3, 1.0])
def test_numbers(probability):
    assert Calibration().number_confidence(probability) == pytest.approx(probability, abs=2e-6)
    assert 0 < Calibration(number_scale=0.5, number_shift=-0.4).number_confidence(probability) < 1
    assert Calibration().number_confidence(probability, is_single_digit=True) <= Calibration().number_confidence(
        probability
    )


def test_log_odds_are_finite():
    assert log_odds([0, 0.5, 1]).tolist() == pytest.approx([-13.8155, 0, 13.8155], abs=1e-3)


def test_stored_and_read_back():
    calibration = Calibration(1.4, 1.2, 1.3, 0.5, -0.4)
    assert parse_calibration(calibration.to_json(), "x") == calibration


@pytest.mark.parametrize("text", ["", "[]", "{", '{"digit_low": "a"}', '{"other": 1}', '{"digit_low": NaN}', "3"])
def test_damaged_calibration_is_named(text):
    with pytest.raises(ModelError, match=r"m\.onnx: its calibration is damaged"):
        parse_calibration(text, "m.onnx")


def test_unknown_entries_do_not_pass():
    with pytest.raises(ModelError):
        parse_calibration(json.dumps({"digit_low": 1, "exec": 2}), "m")
