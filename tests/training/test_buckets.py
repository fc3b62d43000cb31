"""Batches of pictures of similar shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitdet.training.buckets import BucketSampler, batch_shapes

SIZES = st.lists(st.tuples(st.integers(1, 4000), st.integers(1, 4000)), min_size=1, max_size=60)


@given(sizes=SIZES, batch=st.integers(1, 16), image_size=st.sampled_from([64, 320, 416]))
def test_each_picture_fits_its_shape(sizes, batch, image_size):
    shapes, which = batch_shapes(np.array(sizes), image_size, batch)
    assert which.shape == (len(sizes),)
    assert set(which.tolist()) == set(range(len(shapes)))
    scaled = np.array([np.rint(np.array(size) / max(size) * image_size) for size in sizes])
    assert (shapes[which] >= scaled).all()
    assert (shapes <= image_size).all()
    assert ((shapes % 32 == 0) | (shapes == image_size)).all()


def test_a_strip_is_not_padded_to_a_square():
    shapes, which = batch_shapes(np.array([(80, 320)] * 4 + [(640, 160)] * 4 + [(300, 300)]), 320, 4)
    assert shapes[which].tolist() == [[128, 320]] * 4 + [[320, 128]] * 4 + [[320, 320]]


def test_rare_shapes_go_into_squares():
    shapes, which = batch_shapes(np.array([(80, 320)] * 3 + [(320, 320)]), 320, 4)
    assert shapes.tolist() == [[320, 320]]
    assert which.tolist() == [0] * 4


@given(which=st.lists(st.integers(0, 3), min_size=1, max_size=50), batch=st.integers(1, 8), seed=st.integers(0, 99))
def test_every_picture_is_drawn_and_every_batch_has_one_shape(which, batch, seed):
    which = np.array(which)
    sampler = BucketSampler(which, batch, seed)
    order = np.array(list(sampler))
    assert len(order) == len(sampler)
    assert set(order.tolist()) == set(range(len(which)))
    for rows in order.reshape(-1, batch):
        assert len(set(which[rows].tolist())) == 1
    assert len(order) - len(which) < batch * len(set(which.tolist()))


def test_the_order_changes_every_epoch_and_is_reproducible():
    which = np.arange(64) % 2
    first, second = BucketSampler(which, 8, 3), BucketSampler(which, 8, 3)
    epochs = [list(first), list(first)]
    assert epochs == [list(second), list(second)]
    assert epochs[0] != epochs[1]
    shapes = which[np.array(epochs[0])].reshape(-1, 8)[:, 0]
    assert 0 < np.abs(np.diff(shapes)).sum() < len(shapes)  # neither sorted by shape nor in turns


@pytest.mark.parametrize("batch", [1, 16])
def test_one_picture(batch):
    assert list(BucketSampler(np.array([0]), batch, 0)) == [0] * batch
