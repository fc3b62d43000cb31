"""What a row of digits may say, against counting every possibility."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.detection.postprocess import Detections, NmsResult
from digitdet.reading.hypotheses import Option, Slot, make_slots, search


def slot(row, **chances):
    """A slot in which each digit (d3=0.7) or nothing (none=0.1) may stand."""
    options = [
        Option("", chance, ()) if name == "none" else Option(name[1:], chance, ((name[1:], row),))
        for name, chance in chances.items()
    ]
    options.sort(key=lambda option: -option.chance)
    return Slot(row, 1 - chances.get("none", 0.0), tuple(options))


def texts(found):
    return {hypothesis.text: pytest.approx(hypothesis.chance) for hypothesis in found}


def test_no_slots_say_nothing_for_sure():
    assert [(one.text, one.chance) for one in search([], 5)] == [("", 1.0)]


def test_two_slots():
    found = search([slot(0, d3=0.6, d8=0.4), slot(1, d1=0.9, none=0.1)], 10)
    assert [one.text for one in found] == ["31", "81", "3", "8"]
    assert texts(found) == {"31": 0.54, "81": 0.36, "3": 0.06, "8": 0.04}
    assert found[0].parts == (("3", 0), ("1", 1))


def test_paths_with_one_text_count_together():
    """One of two weak 1s: whichever it is, the text is 1."""
    found = search([slot(0, d1=0.5, none=0.5), slot(1, d1=0.4, none=0.6)], 10)
    assert texts(found) == {"1": 0.5 * 0.6 + 0.5 * 0.4, "": 0.3, "11": 0.2}
    assert found[0].parts == (("1", 0),)  # where it more likely is


def test_what_cannot_start_a_wanted_text_is_dropped():
    found = search([slot(0, d3=0.9, d8=0.1), slot(1, d1=1.0)], 10, can_start=lambda text: "8".startswith(text[:1]))
    assert [one.text for one in found] == ["81"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(1, 20), min_size=2, max_size=4), min_size=1, max_size=5))
def test_a_wide_beam_counts_all(weights):
    slots, tables = [], []
    for row, parts in enumerate(weights):
        names = ["", "1", "7", "4"][: len(parts)]
        chances = [part / sum(parts) for part in parts]
        tables.append(list(zip(names, chances, strict=True)))
        slots.append(slot(row, **{f"d{name}" if name else "none": chance for name, chance in tables[-1]}))
    expected = {}
    for path in itertools.product(*tables):
        text = "".join(name for name, _ in path)
        expected[text] = expected.get(text, 0) + np.prod([chance for _, chance in path])
    found = search(slots, 10_000, min_state=0)
    assert sum(one.chance for one in found) == pytest.approx(1)
    assert texts(found) == expected
    assert [one.chance for one in found] == sorted((one.chance for one in found), reverse=True)


def chances(*rows):
    """(N, 11) probabilities from {digit: p}; what lacks to 1 is nothing."""
    table = np.zeros((len(rows), 11))
    for row, values in enumerate(rows):
        for digit, chance in values.items():
            table[row, digit] = chance
        table[row, 10] = 1 - sum(values.values())
    return table


def places(winners, rivals, winner_of):
    def found(boxes):
        return Detections(np.float32(boxes).reshape(-1, 4), np.zeros((len(boxes), 10), np.float32))

    return NmsResult(found(winners), found(rivals), np.array(winner_of, np.int64))


def test_slots_of_plain_digits():
    made = make_slots(places([[0, 0, 9, 9], [9, 0, 18, 9]], [], []), chances({3: 0.7, 8: 0.2}, {1: 0.999}), chances())
    assert [one.presence for one in made] == pytest.approx([0.9, 0.999])
    assert [(option.text, pytest.approx(option.chance)) for option in made[0].options] == [
        ("3", 0.7),
        ("8", 0.2),
        ("", 0.1),
    ]
    assert [option.text for option in made[1].options] == ["1"]  # next to nothing else is possible


def test_two_thin_digits_in_the_place_of_a_broad_one():
    """A broad 4 that is no digit half of the time; both 1s inside it then nearly always are."""
    made = make_slots(
        places([[0, 0, 30, 30]], [[16, 0, 28, 30], [1, 0, 13, 30]], [0, 0]),
        chances({4: 0.5}),
        chances({1: 0.9}, {1: 0.8}),
    )
    options = {option.text: option for option in made[0].options}
    assert options["11"].chance == pytest.approx(0.5 * 0.9 * 0.8)
    assert options["11"].parts == (("1", 2), ("1", 1))  # from left to right
    assert options["4"].chance == pytest.approx(0.5)
    assert options[""].chance == pytest.approx(0.5 * 0.1 * 0.2)
    assert sum(option.chance for option in made[0].options) == pytest.approx(1)


def test_overlapping_rivals_do_not_stand_together():
    made = make_slots(
        places([[0, 0, 30, 30]], [[0, 0, 20, 30], [4, 0, 24, 30]], [0, 0]),
        chances({4: 0.5}),
        chances({7: 0.9}, {1: 0.9}),
    )
    assert {option.text for option in made[0].options} == {"4", "7", "1", ""}
