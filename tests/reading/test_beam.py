"""Beam search over slots, against counting every possibility."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.reading import beam as module
from digitdet.reading.beam import Beam


def search(*slots, **settings):
    beam = Beam(**settings)
    for number, options in enumerate(slots):
        beam.extend(number, options)
    return beam.hypotheses()


def texts(found):
    return {hypothesis.text: pytest.approx(hypothesis.probability) for hypothesis in found}


def test_no_slots_give_the_empty_text():
    assert search() == [("", 1.0, ())]


def test_two_slots():
    found = search([("3", 0.6), ("8", 0.4)], [("1", 0.9), ("", 0.1)])
    assert [one.text for one in found] == ["31", "81", "3", "8"]
    assert texts(found) == {"31": 0.54, "81": 0.36, "3": 0.06, "8": 0.04}
    assert [one.slots for one in found] == [(0, 1), (0, 1), (0,), (0,)]


def test_paths_with_the_same_text_are_merged():
    """One of two weak 1s: whichever it is, the text is 1."""
    found = search([("1", 0.5), ("", 0.5)], [("", 0.6), ("1", 0.4)])
    assert texts(found) == {"1": 0.5 * 0.6 + 0.5 * 0.4, "": 0.3, "11": 0.2}
    assert found[0].slots == (0,)  # the more probable path


def test_a_text_that_cannot_start_a_valid_one_is_dropped():
    found = search([("3", 0.9), ("8", 0.1)], [("1", 1.0)], can_start=lambda text: "8".startswith(text[:1]))
    assert [one.text for one in found] == ["81"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(1, 20), min_size=2, max_size=4), min_size=1, max_size=5))
def test_a_wide_beam_counts_all(weights):
    slots = [
        [(character, part / sum(parts)) for character, part in zip(("", "1", "7", "4"), parts, strict=False)]
        for parts in weights
    ]
    expected = {}
    for path in itertools.product(*slots):
        text = "".join(character for character, _ in path)
        expected[text] = expected.get(text, 0) + np.prod([probability for _, probability in path])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MIN_RATIO", 0)
        found = search(*slots, width=10_000)
    assert texts(found) == expected
    probabilities = [one.probability for one in found]
    assert sum(probabilities) == pytest.approx(1)
    assert probabilities == sorted(probabilities, reverse=True)
