import numpy as np
import pytest

from digitdet.datasets.contact_sheet import contact_sheet

GREY = 64  # level of the gaps


def picture(width, height, value=200):
    return np.full((height, width, 3), value, np.uint8)


def test_size_and_places():
    sheet = contact_sheet([picture(40, 40, k) for k in (90, 120, 150)], [[]] * 3, [[]] * 3, 2, 50)
    assert sheet.shape == (2 * 54 + 4, 2 * 54 + 4, 3)
    assert sheet.dtype == np.uint8
    assert [int(sheet[y, x, 0]) for y, x in ((29, 29), (29, 83), (83, 29), (83, 83))] == [90, 120, 150, GREY]


def test_fewer_pictures_than_columns():
    assert contact_sheet([picture(10, 10)], [[]], [[]], 6, 32).shape == (40, 40, 3)


@pytest.mark.parametrize(("width", "height"), [(200, 50), (50, 200), (7, 3), (1, 400), (64, 64)])
def test_every_picture_fits_its_cell(width, height):
    sheet = contact_sheet([picture(width, height)], [[]], [[]], 1, 64)
    rows, columns = np.nonzero((sheet != GREY).all(axis=2))
    assert sheet.shape == (72, 72, 3)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 64  # as large as the cell allows
    assert rows.min() >= 4
    assert columns.min() >= 4


def test_boxes_are_scaled_and_thin():
    sheet = contact_sheet([picture(32, 32)], [[[8, 16, 16, 28]]], [[5]], 1, 128)
    changed = (sheet[4:132, 4:132] != 200).any(axis=2)
    assert changed[64, 32:64].all()  # the upper edge at four times its place
    assert changed[64:112, 32].all()
    assert not changed[66:110, 34:62].any()  # nothing inside


def test_labels_are_on_no_digit():
    boxes = np.array(
        [[10.0, 40.0, 30.0, 70.0], [30.0, 42.0, 50.0, 72.0], [10.0, 75.0, 30.0, 105.0], [60.0, 0.0, 80.0, 30.0]]
    )
    sheet = contact_sheet([picture(128, 128)], [boxes], [[1, 2, 3, 4]], 1, 128)
    changed = (sheet[4:132, 4:132] != 200).any(axis=2)
    for left, top, right, bottom in boxes.astype(int):
        assert not changed[top + 2 : bottom - 2, left + 2 : right - 2].any()
    assert changed[33:43, 65:75].any()  # at the upper edge the label is below its box


def test_every_class_has_its_own_colour():
    sheet = contact_sheet([picture(64, 64, 0)] * 10, [[[10, 20, 40, 60]]] * 10, [[k] for k in range(10)], 10, 64)
    corners = {tuple(sheet[4 + 40, 4 + 68 * k + 10].tolist()) for k in range(10)}
    assert len(corners) == 10


def test_pictures_are_not_changed():
    image = picture(64, 64)
    contact_sheet([image], [[[5, 5, 30, 30]]], [[1]], 1, 64)
    assert (image == 200).all()


def test_no_pictures_are_rejected():
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([], [], [])
