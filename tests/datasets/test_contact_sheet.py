import cv2
import numpy as np
import pytest

from digitdet.common.errors import DataError
from digitdet.datasets.contact_sheet import contact_sheet, sheet_of_dataset
from digitdet.datasets.formats.yolo import DATA_FILE, write_data_file

GREY = 64  # of the gaps


def picture(width, height, value=200):
    return np.full((height, width, 3), value, np.uint8)


def test_size_and_places():
    sheet = contact_sheet([picture(40, 40, k) for k in (90, 120, 150)], [np.zeros((0, 4))] * 3, None, 2, 50)
    assert sheet.shape == (2 * 54 + 4, 2 * 54 + 4, 3)
    assert sheet.dtype == np.uint8
    assert [int(sheet[y, x, 0]) for y, x in ((29, 29), (29, 83), (83, 29), (83, 83))] == [90, 120, 150, GREY]


def test_fewer_pictures_than_columns():
    assert contact_sheet([picture(10, 10)], [[]], [[]], 6, 32).shape == (40, 40, 3)


@pytest.mark.parametrize(("width", "height"), [(200, 50), (50, 200), (7, 3), (1, 400), (64, 64)])
def test_every_picture_fits_its_cell(width, height):
    sheet = contact_sheet([picture(width, height)], [[]], None, 1, 64)
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


def test_label_stands_on_no_digit():
    boxes = np.array(
        [[10.0, 40.0, 30.0, 70.0], [30.0, 42.0, 50.0, 72.0], [10.0, 75.0, 30.0, 105.0], [60.0, 0.0, 80.0, 30.0]]
    )
    sheet = contact_sheet([picture(128, 128)], [boxes], [[1, 2, 3, 4]], 1, 128)
    changed = (sheet[4:132, 4:132] != 200).any(axis=2)
    for left, top, right, bottom in boxes.astype(int):
        assert not changed[top + 2 : bottom - 2, left + 2 : right - 2].any()
    assert changed[33:43, 65:75].any()  # at the upper edge it goes below its box


def test_classes_have_their_own_colours():
    sheet = contact_sheet([picture(64, 64, 0)] * 10, [[[10, 20, 40, 60]]] * 10, [[k] for k in range(10)], 10, 64)
    corners = {tuple(sheet[4 + 40, 4 + 68 * k + 10].tolist()) for k in range(10)}
    assert len(corners) == 10


def test_pictures_are_not_changed():
    image = picture(64, 64)
    contact_sheet([image], [[[5, 5, 30, 30]]], [[1]], 1, 64)
    assert (image == 200).all()


def test_labels_none_leaves_pictures_bare():
    sheet = contact_sheet([picture(64, 64)], [[[5, 5, 30, 30]]], None, 1, 64)
    assert (sheet[4:68, 4:68] == 200).all()


def test_nothing_to_show():
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([], [], [])


@pytest.fixture
def dataset(tmp_path):
    for split, count in (("train", 10), ("val", 0)):
        (tmp_path / "images" / split).mkdir(parents=True)
        (tmp_path / "labels" / split).mkdir(parents=True)
        for index in range(count):
            content = cv2.imencode(".png", picture(30, 30, 100 + index))[1].tobytes()
            (tmp_path / "images" / split / f"{index}.png").write_bytes(content)
            (tmp_path / "labels" / split / f"{index}.txt").write_text("3 0.5 0.5 0.4 0.4\n")
    write_data_file(tmp_path, ["train", "val"])
    return tmp_path


def test_pictures_of_a_dataset_are_evenly_spaced(dataset):
    sheet = sheet_of_dataset(dataset, count=5, columns=5, cell=30, marked=False)
    assert [int(sheet[10, 19 + 34 * k, 0]) for k in range(5)] == [100, 102, 104, 106, 108]
    marked = sheet_of_dataset(dataset / DATA_FILE, "train", 5, 5, 30)
    assert marked.shape == sheet.shape
    assert (marked != sheet).any()


def test_dataset_without_such_pictures(dataset):
    with pytest.raises(DataError, match="no pictures"):
        sheet_of_dataset(dataset, "val")
    with pytest.raises(DataError, match="has no split 'test', but train, val"):
        sheet_of_dataset(dataset, "test")
