import numpy as np
import pytest

from digitdet.common.characters import SPACE
from digitdet.reading.calibration import LatticeWeights
from digitdet.reading.evidence import Evidence
from digitdet.reading.lattice import NOTHING
from digitdet.reading.pooling import pooled_probabilities
from digitdet.training.lattice_weights import LabelledLine, fit_weights, true_options


def random_evidence(rng, count):
    network = rng.normal(0, 4, (count, NOTHING + 1))
    network -= np.logaddexp.reduce(network, axis=1, keepdims=True)
    has_box = rng.random(count) < 0.5
    scores = np.where(has_box[:, None], rng.random((count, 10)) ** 3, 0).astype(np.float32)
    rows = np.where(has_box, np.arange(count), -1)
    return Evidence(np.zeros((count, 4)), rows, ~has_box, network, scores, rng.uniform(-1, 1, count))


def draw(rng, probabilities):
    return (probabilities.cumsum(axis=1) < rng.random((len(probabilities), 1))).sum(axis=1).clip(0, NOTHING)


def test_the_weights_that_made_the_lines_are_found():
    rng = np.random.default_rng(0)
    truth = LatticeWeights(0.6, 0.9, 1.5, 2.0)
    lines = []
    for count in (4000, 5000):
        evidence = random_evidence(rng, count)
        lines.append(LabelledLine(evidence, draw(rng, pooled_probabilities(evidence, truth))))
    found = fit_weights(lines)
    for name in LatticeWeights.__dataclass_fields__:
        assert getattr(found, name) == pytest.approx(getattr(truth, name), abs=0.2), name


def test_weights_that_the_lines_do_not_determine_stay():
    rng = np.random.default_rng(1)
    evidence = random_evidence(rng, 50)
    evidence.rows[:] = -1  # no boxes
    options = draw(rng, pooled_probabilities(evidence, LatticeWeights()))
    assert fit_weights([LabelledLine(evidence, options)]).detector == LatticeWeights().detector


def place_row(best):
    """Places 20 pixels apart, and the option that seems most likely at each."""
    middles = 20.0 * np.arange(len(best))
    boxes = np.stack([middles - 6, np.zeros(len(best)), middles + 6, np.full(len(best), 24.0)], axis=1)
    network = np.full((len(best), NOTHING + 1), -7.0)
    network[np.arange(len(best)), best] = -0.1
    rows, scores = np.full(len(best), -1), np.zeros((len(best), 10), np.float32)
    return Evidence(boxes, rows, np.array(best) == NOTHING, network, scores, np.zeros(len(boxes)))


@pytest.mark.parametrize(
    ("best", "characters", "expected"),
    [
        ([1, 2, 3], {0: 1, 1: 2, 2: 3}, [1, 2, 3]),
        ([1, 2, 3], {0: 1, 1: 7, 2: 3}, [1, 7, 3]),  # read wrongly
        ([1, NOTHING, 3], {0: 1, 1: 7, 2: 3}, [1, 7, 3]),  # missed, but there is a place for it
        ([1, 2, 3], {0: 1, 2: 3}, [1, NOTHING, 3]),  # seen where nothing is
        ([1, 3], {0: 1, 0.5: 5, 1: 3}, [1, 3]),  # missed, without a place
        ([1, SPACE, 3], {0: 1, 1: SPACE, 2: 3}, [1, SPACE, 3]),
        ([5, 5, 5], {2: 5}, [NOTHING, NOTHING, 5]),
        ([1, 2], {}, [NOTHING, NOTHING]),
    ],
)
def test_true_characters_are_assigned_to_places(best, characters, expected):
    middles = 20.0 * np.array(list(characters))
    height = np.zeros(len(middles))
    boxes = np.stack([middles - 5, height + 1, middles + 5, height + 23], axis=1)
    options = true_options(place_row(best), np.array(list(characters.values()), int), boxes)
    assert options.tolist() == expected
