from itertools import pairwise

import numpy as np
import pytest

from digitdet.common.characters import BLANK, CHARACTERS, SPACE, class_of
from digitdet.detection.postprocess import Detections
from digitdet.reading.calibration import LatticeWeights
from digitdet.reading.ctc import decode
from digitdet.reading.evidence import gather_evidence
from digitdet.reading.lattice import NOTHING
from digitdet.reading.pooling import build_lattice
from digitdet.reading.strips import Strip

COLUMN, PITCH, HEIGHT = 4, 20, 32
WEIGHTS = LatticeWeights()


def network_output(text, certainty=14.0, second=None, second_certainty=0.0):
    """Output for a text, and for a second one, whose characters are 12 pixels wide, every `PITCH` pixels."""
    columns = (len(text) + 1) * PITCH // COLUMN
    scores = np.zeros((columns, BLANK + 1))
    scores[:, BLANK] = certainty
    for at, character in enumerate(text):
        scores[column_of(at), class_of(character)] = 2 * certainty
        if second:
            scores[column_of(at), class_of(second[at])] = 2 * certainty + second_certainty
    edges = np.tile(np.array([6, 12, 6, 12], np.float32) / HEIGHT, (columns, 1))
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True), edges


def column_of(at):
    return (at + 1) * PITCH // COLUMN


def box_at(at):
    x = (column_of(at) + 0.5) * COLUMN
    return [x - 6, 4, x + 6, 28]


def strip_of(edges, page_scale=1.0):
    """The strip of an output, whose page is `page_scale` times as large."""
    return Strip(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]) / page_scale, len(edges) * COLUMN)


def detections(digits):
    """Digits by position: pairs of class and score."""
    scores = np.full((len(digits), 10), 0.001, np.float32)
    for row, (digit, score) in enumerate(digits.values()):
        scores[row, digit] = score
    return Detections(np.array([box_at(at) for at in digits], np.float32).reshape(-1, 4), scores)


def lattice_of(text, digits, weights=WEIGHTS, page_scale=1.0, **network):
    log_probabilities, edges = network_output(text, **network)
    strip = strip_of(edges, page_scale)
    found = detections(digits)
    found = Detections(found.boxes * page_scale, found.scores)
    evidence = gather_evidence(decode(log_probabilities), edges, strip, found)
    return build_lattice(evidence, 1.5, weights)


def best(lattice):
    options = [int(slot.probabilities.argmax()) for slot in lattice.slots]
    return "".join(CHARACTERS[option] for option in options if option != NOTHING)


@pytest.mark.parametrize("page_scale", [1, 3])
def test_characters_have_the_detectors_boxes_or_their_own(page_scale):
    lattice = lattice_of("3.14", {0: (3, 0.9), 3: (4, 0.9)}, page_scale=page_scale)
    assert best(lattice) == "3.14"
    assert lattice.angle == 1.5
    for at, slot in enumerate(lattice.slots):
        np.testing.assert_allclose(slot.box, np.array(box_at(at)) * page_scale, atol=0.01)
        assert slot.probabilities.shape == (18,)
        assert slot.probabilities.sum() == pytest.approx(1)


def test_a_space_reaches_from_its_left_to_its_right_neighbour():
    lattice = lattice_of("1 2", {0: (1, 0.9), 2: (2, 0.9)})
    left, space, right = lattice.slots
    assert int(space.probabilities.argmax()) == SPACE
    assert (space.box[0], space.box[2]) == pytest.approx((left.box[2], right.box[0]))


def test_slots_are_in_order():
    lattice = lattice_of("12:4/6 78", {0: (1, 0.9), 3: (4, 0.9), 4: (1, 0.6), 7: (7, 0.8)})
    assert all(a.box[0] < b.box[0] for a, b in pairwise(lattice.slots))


def test_a_digit_that_only_the_detector_sees_gets_a_slot():
    # The line reader's columns are nearly blank where the last digit is.
    log_probabilities, edges = network_output("123")
    log_probabilities[column_of(2)] = log_probabilities[0]
    strip = strip_of(edges)
    digits = detections({0: (1, 0.9), 1: (2, 0.9), 2: (3, 0.9)})
    lattice = build_lattice(gather_evidence(decode(log_probabilities), edges, strip, digits), 0, WEIGHTS)
    assert [slot.box for slot in lattice.slots] == [tuple(box) for box in digits.boxes.tolist()]
    options = lattice.slots[2].probabilities
    assert sorted(np.argsort(options)[-2:].tolist()) == [3, NOTHING]


def test_evidence_moves_the_probabilities():
    def probability(option, digits, **network):
        return lattice_of("17", digits, **network).slots[0].probabilities[option]

    unsure = {"second": "77", "second_certainty": -0.5}  # 1 rather than 7
    seven, one = {0: (7, 0.9)}, {0: (1, 0.9)}
    assert probability(1, one, **unsure) > probability(1, {}, **unsure) > probability(1, seven, **unsure)
    assert probability(7, seven, **unsure) > 0.5
    assert probability(1, {0: (7, 0.3)}, **unsure) > probability(1, seven, **unsure)
    assert probability(NOTHING, {}) > probability(NOTHING, one)


def test_a_slash_is_not_read_as_the_detectors_1():
    slash = {0: (1, 0.9), 1: (1, 0.8), 2: (2, 0.9)}
    assert best(lattice_of("1/2", slash)) == "1/2"
    doubted = lattice_of("1/2", slash, second="112", second_certainty=-1.0)
    assert doubted.slots[1].probabilities[1] > 0.1


def test_a_gap_gets_a_slot_where_a_character_may_be():
    log_probabilities, edges = network_output("1 2")
    log_probabilities[column_of(1), SPACE] = log_probabilities[column_of(1), BLANK] - 1  # less likely than no space
    strip, digits = strip_of(edges), detections({0: (1, 0.9), 2: (2, 0.9)})
    evidence = gather_evidence(decode(log_probabilities), edges, strip, digits)
    lattice = build_lattice(evidence, 0, WEIGHTS)
    assert best(lattice) == "12"
    assert lattice.slots[1].probabilities[SPACE] > 0.1
    assert len(lattice_of("12", {}).slots) == 2


@pytest.mark.parametrize("nothing", [0.0, 1.0])
def test_the_weight_of_nothing_decides_on_characters_and_not_on_spaces(nothing):
    log_probabilities, edges = network_output("1 2 4")
    for at, option in ((1, SPACE), (3, 7)):  # a little more likely than nothing
        log_probabilities[column_of(at)] = log_probabilities[0]
        log_probabilities[column_of(at), option] = log_probabilities[0, BLANK] + 0.5
    digits = detections({0: (1, 0.9), 2: (2, 0.9), 4: (4, 0.9)})
    evidence = gather_evidence(decode(log_probabilities), edges, strip_of(edges), digits)
    lattice = build_lattice(evidence, 0, LatticeWeights(nothing=nothing))
    assert best(lattice) == ("1 24" if nothing else "1 274")


@pytest.mark.parametrize(
    ("places", "weight", "expected"),
    [((0, 1, 2, 4), 0, "1234"), ((0, 1, 2, 4), 3, "123 4"), ((0, 2, 4, 6), 3, "1234"), ((0, 2), 3, "12")],
)
def test_a_gap_that_is_wider_than_the_others_is_a_space(places, weight, expected):
    text = [" "] * (max(places) + 1)
    for digit, place in enumerate(places, start=1):
        text[place] = str(digit)
    log_probabilities, edges = network_output("".join(text))
    for place in set(range(max(places))) - set(places):  # a little less likely than nothing
        log_probabilities[column_of(place)] = log_probabilities[0]
        log_probabilities[column_of(place), SPACE] = log_probabilities[0, BLANK] - 0.5
    digits = detections({place: (digit, 0.9) for digit, place in enumerate(places, start=1)})
    evidence = gather_evidence(decode(log_probabilities), edges, strip_of(edges), digits)
    lattice = build_lattice(evidence, 0, LatticeWeights(nothing=0, space=weight))
    assert best(lattice) == expected


@pytest.mark.parametrize("digits", [{}, {0: (5, 0.8), 1: (6, 0.9)}])
def test_a_line_without_any_text(digits):
    lattice = lattice_of("", digits) if not digits else lattice_of("  ", digits, certainty=0.01)
    boxes = [tuple(box) for box in detections(digits).boxes.tolist()]
    assert [slot.box for slot in lattice.slots if slot.box in boxes] == boxes
