"""Beam search over slots, against counting every possibility."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.reading import beam_search as module
from digitdet.reading.beam_search import beam_search
from digitdet.reading.slots import Option, Slot


def slot(row, **probabilities):
    """A slot in which each digit (d3=0.7) or nothing (none=0.1) may be."""
    options = [
        Option("", probability, ()) if name == "none" else Option(name[1:], probability, ((name[1:], row),))
        for name, probability in probabilities.items()
    ]
    options.sort(key=lambda option: -option.probability)
    return Slot(row, 1 - probabilities.get("none", 0.0), tuple(options))


def texts(found):
    return {hypothesis.text: pytest.approx(hypothesis.probability) for hypothesis in found}


def test_no_slots_give_the_empty_text():
    assert [(one.text, one.probability) for one in beam_search([], 5)] == [("", 1.0)]


def test_two_slots():
    found = beam_search([slot(0, d3=0.6, d8=0.4), slot(1, d1=0.9, none=0.1)], 10)
    assert [one.text for one in found] == ["31", "81", "3", "8"]
    assert texts(found) == {"31": 0.54, "81": 0.36, "3": 0.06, "8": 0.04}
    assert found[0].parts == (("3", 0), ("1", 1))


def test_paths_with_the_same_text_are_merged():
    """One of two weak 1s: whichever it is, the text is 1."""
    found = beam_search([slot(0, d1=0.5, none=0.5), slot(1, d1=0.4, none=0.6)], 10)
    assert texts(found) == {"1": 0.5 * 0.6 + 0.5 * 0.4, "": 0.3, "11": 0.2}
    assert found[0].parts == (("1", 0),)  # the more probable path


def test_a_text_that_cannot_start_a_valid_one_is_dropped():
    found = beam_search([slot(0, d3=0.9, d8=0.1), slot(1, d1=1.0)], 10, can_start=lambda text: "8".startswith(text[:1]))
    assert [one.text for one in found] == ["81"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(1, 20), min_size=2, max_size=4), min_size=1, max_size=5))
def test_a_wide_beam_counts_all(weights):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MIN_RATIO", 0)
        _check_a_wide_beam(weights)


def _check_a_wide_beam(weights):
    slots, tables = [], []
    for row, parts in enumerate(weights):
        names = ["", "1", "7", "4"][: len(parts)]
        probabilities = [part / sum(parts) for part in parts]
        tables.append(list(zip(names, probabilities, strict=True)))
        slots.append(slot(row, **{f"d{name}" if name else "none": probability for name, probability in tables[-1]}))
    expected = {}
    for path in itertools.product(*tables):
        text = "".join(name for name, _ in path)
        expected[text] = expected.get(text, 0) + np.prod([probability for _, probability in path])
    found = beam_search(slots, 10_000)
    assert sum(one.probability for one in found) == pytest.approx(1)
    assert texts(found) == expected
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)
