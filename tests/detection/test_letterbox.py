"""Letterboxing: from the picture to the input of the network, and boxes back."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.detection.letterbox import letterbox


@settings(max_examples=60, deadline=None)
@given(width=st.integers(1, 700), height=st.integers(1, 700), side=st.sampled_from([64, 320, 640]))
def test_letterbox_and_back(width, height, side):
    image = np.zeros((height, width, 3), np.uint8)
    tensor, box = letterbox(image, side)
    assert tensor.dtype == np.float32
    assert tensor.shape[:2] == (1, 3)
    assert all(length % 32 == 0 and length < side + 32 for length in tensor.shape[2:])
    assert max(tensor.shape[2:]) >= side
    boxes = np.float32([[0, 0, width, height], [width * 0.25, height * 0.5, width * 0.75, height]])
    assert np.allclose(
        box.to_picture(boxes * np.float32(box.scale * 2) + np.float32(box.offset * 2)),
        boxes,
        atol=1e-3 * max(width, height),
    )


def test_a_strip_is_not_padded_to_a_square():
    assert letterbox(np.zeros((100, 640, 3), np.uint8), 320)[0].shape == (1, 3, 64, 320)


def test_pixels_land_where_the_boxes_say():
    """A white block on black, found again in the input by its brightness."""
    image = np.zeros((300, 500, 3), np.uint8)
    image[90:150, 200:310] = 255
    tensor, box = letterbox(image, 320)
    ys, xs = np.nonzero(tensor[0, 0] > 0.75)
    found = np.float32([[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]])
    assert np.abs(box.to_picture(found) - [200, 90, 310, 150]).max() <= 1.6  # one input pixel is 1.56 of these


def test_channels_become_rgb():
    tensor, _ = letterbox(np.full((320, 320, 3), (10, 20, 30), np.uint8), 320)
    assert np.allclose(tensor[0, :, 5, 5] * 255, [30, 20, 10])


def test_padding_is_grey():
    tensor, box = letterbox(np.zeros((10, 320, 3), np.uint8), 320)
    assert box.offset == (0, 11)
    assert np.allclose(tensor[0, :, 0, 0] * 255, 114)


def test_boxes_are_cut_at_the_picture():
    _, box = letterbox(np.zeros((100, 200, 3), np.uint8), 320)
    assert box.to_picture(np.float32([[-50, -50, 900, 900]])).tolist() == [[0, 0, 200, 100]]
