"""Pixels of other depths and channels become uint8 BGR."""

import cv2
import numpy as np
import pytest

from digitdet.common.errors import ImageError
from digitdet.imaging.images import load_image

BLACK, WHITE, GREY = 0, 255, 128


def encoded(picture, suffix):
    return cv2.imencode(suffix, picture)[1].tobytes()


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((4, 5), 7, np.uint8), (7, 7, 7)),
        (np.full((4, 5, 1), 7, np.uint8), (7, 7, 7)),
        (np.tile(np.uint8([1, 2, 3]), (4, 5, 1)), (1, 2, 3)),
        (np.tile(np.uint8([1, 2, 3, 255]), (4, 5, 1)), (1, 2, 3)),
        (np.tile(np.uint8([1, 2, 3, 0]), (4, 5, 1)), (255, 255, 255)),
    ],
)
def test_arrays_become_bgr(array, expected):
    image = load_image(array)
    assert image.shape == (4, 5, 3)
    assert (image == expected).all()


@pytest.mark.parametrize(
    "array", [np.zeros((4, 5, 3)), np.zeros((4, 5, 2), np.uint8), np.zeros((0, 5, 3), np.uint8), np.zeros(9, np.uint8)]
)
def test_other_arrays_are_rejected(array):
    with pytest.raises(ImageError, match="expected an array"):
        load_image(array)


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".jp2"])
@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3)])
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_16_bits_are_scaled_by_the_bits_in_use(suffix, shape, bits):
    values = np.linspace(0, 2**bits - 1, np.prod(shape)).reshape(shape).astype(np.uint16)
    image = load_image(encoded(values, suffix))
    expected = (values >> (bits - 8)).astype(np.uint8)
    assert np.array_equal(image, expected if expected.ndim == 3 else np.dstack([expected] * 3))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0.5, 1], [0, 128, 255]),
        ([0, 100, 255], [0, 100, 255]),
        ([-1, 0, 1], [0, 128, 255]),
        ([0, 5000, 10000], [0, 128, 255]),
        ([np.nan, 0.5, np.inf], [0, 128, 0]),
        ([0, 0, 0], [0, 0, 0]),
        ([-3, -3, -3], [0, 0, 0]),
    ],
)
def test_float_tiffs(values, expected):
    content = encoded(np.float32([values] * 4), ".tiff")
    assert load_image(content)[0, :, 0].tolist() == expected


@pytest.mark.parametrize(
    ("ink", "background", "ink_alpha", "background_alpha", "shown"),
    [
        (BLACK, WHITE, 255, 255, (BLACK, WHITE)),
        (BLACK, BLACK, 255, 0, (BLACK, WHITE)),  # the digit is in the alpha channel only
        (WHITE, WHITE, 255, 0, (WHITE, BLACK)),  # white ink
        (WHITE, WHITE, 0, 255, (BLACK, WHITE)),  # cut out of white
        (BLACK, WHITE, 0, 0, (BLACK, WHITE)),  # alpha 0 everywhere is ignored
        (GREY, WHITE, 128, 0, (GREY + 63, WHITE)),
        (WHITE, WHITE, 255, 255, (WHITE, WHITE)),
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".webp", None])
def test_transparent_pictures_stay_visible(ink, background, ink_alpha, background_alpha, shown, suffix):
    bgra = np.full((32, 32, 4), background, np.uint8)
    bgra[..., 3] = background_alpha
    bgra[8:24, 8:24] = (ink, ink, ink, ink_alpha)
    flags = [cv2.IMWRITE_WEBP_LOSSLESS_MODE, 2] if suffix == ".webp" else []
    image = load_image(cv2.imencode(suffix, bgra, flags)[1].tobytes() if suffix else bgra)
    assert np.abs(image[16, 16].astype(int) - shown[0]).max() <= 1
    assert np.abs(image[2, 2].astype(int) - shown[1]).max() <= 1
