"""From probabilities in a lattice to confidences, and the parameters that a model stores."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitdet.common.errors import ModelError
from digitdet.reading.calibration import Calibration, LatticeWeights, from_json, to_json

PROBABILITY = st.floats(0, 1)
CALIBRATION = st.builds(Calibration, st.floats(0, 5), *[st.floats(-9, 9)] * 2)


@pytest.mark.parametrize("probability", [0.01, 0.3, 0.5, 0.99])
@pytest.mark.parametrize("characters", [1, 2, 9])
def test_the_default_changes_nothing(probability, characters):
    assert Calibration().confidence(probability, characters) == pytest.approx(probability)


def test_by_hand():
    """Odds of 4 squared, halved, are 8, and every doubling of the length doubles them."""
    calibration = Calibration(scale=2, shift=math.log(1 / 2), length=math.log(2))
    confidences = [calibration.confidence(0.8, characters) for characters in (1, 2, 4)]
    assert confidences == pytest.approx([8 / 9, 16 / 17, 32 / 33])


@given(PROBABILITY, PROBABILITY, st.integers(1, 40), CALIBRATION)
def test_confidences_keep_the_order_of_probabilities(first, second, characters, calibration):
    low, high = (calibration.confidence(one, characters) for one in sorted((first, second)))
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize("parameters", [Calibration(0.7, -0.2, 0.1), LatticeWeights(network=0.5, nothing=2)])
def test_stored_and_read_back(parameters):
    assert from_json(type(parameters), to_json(parameters), "model") == parameters


@pytest.mark.parametrize("kind", [Calibration, LatticeWeights])
def test_a_model_without_any_has_the_defaults(kind):
    assert from_json(kind, None, "model") == kind()


@pytest.mark.parametrize("text", ["", "[1]", "3", "{" * 10_000, "%s", '{"%s": "x"}', '{"%s": NaN}', '{"%s": 1e999}'])
@pytest.mark.parametrize(("kind", "name"), [(Calibration, "scale"), (LatticeWeights, "network")])
def test_damage_is_named(kind, name, text):
    with pytest.raises(ModelError, match=r"m\.onnx: its calibration is damaged; run digitdet calibrate"):
        from_json(kind, text.replace("%s", name), "m.onnx")
