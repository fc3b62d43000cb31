"""The order of training samples."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: pip install '.[train]'")

from digitdet.training.hardware import Machine
from digitdet.training.sampling import draw_in_workers, shuffled


def test_every_item_comes_once_before_any_comes_again():
    order = shuffled(7, seed=3, start=0, stop=21)
    turns = order.reshape(3, 7)
    assert np.array_equal(np.sort(turns, axis=1), np.tile(np.arange(7), (3, 1)))
    assert len({tuple(turn) for turn in turns.tolist()}) == 3
    assert shuffled(7, seed=4, start=0, stop=21).tolist() != order.tolist()


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (5, 9), (7, 14), (13, 14), (2, 20)])
def test_parts_are_those_of_the_whole(start, stop):
    assert shuffled(7, 3, start, stop).tolist() == shuffled(7, 3, 0, 21)[start:stop].tolist()


def square(number):
    return number**2


def test_samples_are_drawn_in_order():
    assert list(draw_in_workers(square, 5, 4, Machine("cpu", in_bf16=False, workers=0))) == [25, 36, 49, 64]
