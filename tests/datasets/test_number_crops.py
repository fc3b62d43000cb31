import numpy as np

from digitdet.datasets.number_crops import crop_number


def test_crop_outside_the_picture_is_empty():
    assert crop_number(np.zeros((10, 10, 3), np.uint8), (20, 20, 30, 30), 0.1).size == 0
