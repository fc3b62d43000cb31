"""Pictures of counter drums: reading a folder or a ZIP file, damaged ones, and the division into splits."""

import shutil
import zipfile

import cv2
import numpy as np
import pytest

from digitdet.common.errors import DataError
from digitdet.datasets.drums import is_between_digits, load_drums, nearest_digits, split_drums
from digitdet.datasets.formats.yolo import SPLITS

READINGS = np.arange(100, dtype=np.uint8)


def test_drums_are_read_from_a_folder_a_zip_file_and_a_folder_with_one(drum_folder, tmp_path):
    (tmp_path / "zipped").mkdir()
    archive = tmp_path / "zipped" / "drums.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(drum_folder.iterdir()):
            file.write(path, path.name)
    expected = load_drums(drum_folder)
    assert len(expected) == 600
    assert expected.skipped == ()
    for path in (archive.parent, archive):
        drums = load_drums(path)
        assert drums.names == expected.names
        assert np.array_equal(drums.readings, expected.readings)
        assert np.array_equal(drums.groups, expected.groups)
        assert all(np.array_equal(a, b) for a, b in zip(drums.images, expected.images, strict=True))


def test_drums_of_one_meter_are_in_one_split(drum_folder):
    """The meters of the folder have different colours; the first part of a name is the meter."""
    drums = load_drums(drum_folder)
    parts = split_drums(drums)
    meters = {split: {name.split("_")[0] for name in part.names} for split, part in parts.items()}
    assert sum(len(part) for part in parts.values()) == len(drums)
    assert sorted(name for part in parts.values() for name in part.names) == sorted(drums.names)
    assert not meters["train"] & meters["val"]
    assert not meters["train"] & meters["test"]
    assert not meters["val"] & meters["test"]
    assert len(parts["train"]) > len(parts["val"]) + len(parts["test"])
    for part in parts.values():
        assert set(nearest_digits(part.readings[~is_between_digits(part.readings)]).tolist()) == set(range(10))
        assert len(part.images) == len(part.readings) == len(part.groups) == len(part.appearance)


def test_splits_are_the_same_each_time(drum_folder):
    first, second = (split_drums(load_drums(drum_folder)) for _ in range(2))
    assert all(first[split].names == second[split].names for split in SPLITS)


def test_the_nearest_digit_of_a_reading():
    expected = {30: 3, 32: 3, 33: 3, 35: 3, 36: 4, 37: 4, 38: 4, 95: 9, 96: 0, 98: 0, 0: 0, 4: 0, 6: 1}
    assert {reading: int(nearest_digits(READINGS)[reading]) for reading in expected} == expected
    assert READINGS[is_between_digits(READINGS)].tolist() == [r for r in range(100) if 3 <= r % 10 <= 7]


def test_unusable_pictures_are_skipped_with_the_reason(drum_folder, tmp_path):
    folder = shutil.copytree(drum_folder, tmp_path / "drums")
    cv2.imwrite(str(folder / "large.png"), np.random.default_rng(0).integers(0, 255, (300, 200, 3)))
    cv2.imwrite(str(folder / "blank.png"), np.full((32, 20, 3), 90, np.uint8))
    cv2.imwrite(str(folder / "small.png"), np.eye(4) * 255)
    (folder / "broken.png").write_bytes(b"no picture")
    shutil.copy(folder / "0_00.png", folder / "copy.png")
    with (folder / "labels.csv").open("a") as file:
        file.writelines(f"{name}.png,1.0\n" for name in ("large", "blank", "small", "broken", "copy", "absent"))
    drums = load_drums(folder)
    assert len(drums) == 600
    assert len(drums.skipped) == 6
    for name, reason in (
        ("large.png", "200x300 pixels"),
        ("blank.png", "blank"),
        ("small.png", "4x4 pixels"),
        ("broken.png", "not a picture"),
        ("copy.png", "the same picture as 0_00.png"),
        ("absent.png", "No such file"),
    ):
        line = next(line for line in drums.skipped if name in line.split(": ")[1])
        assert reason in line and "\n" not in line
    assert split_drums(drums)["train"].skipped == drums.skipped


def test_large_pictures_keep_more_pixels(drum_folder, tmp_path):
    folder = shutil.copytree(drum_folder, tmp_path / "drums")
    image = cv2.imread(str(folder / "0_00.png"))
    cv2.imwrite(str(folder / "0_00.png"), cv2.resize(image, (120, 192)))
    drums = load_drums(folder)
    assert drums.images[drums.names.index("0_00.png")].shape == (96, 60, 3)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "neither drums.zip nor labels.csv"),
        ("file,label\na.png,1.0\n", "the column image is missing in the first line"),
        ("", "the column image is missing in the first line"),
        ("image,reading\na.png,10.0\n", "line 2: expected a picture and a reading 0.0 to 9.9, got a.png,10.0"),
        ("image,reading\na.png,3.65\n", "line 2"),
        ("image,reading\na.png\n", "line 2"),
        ("image,reading\n,3.6\n", "line 2"),
        ("image,reading\n", "no usable picture"),
        ("image,reading\na.png,3.6\n", "no usable picture.*1 skipped, the first: .*a.png"),
    ],
)
def test_invalid_folders_are_refused(tmp_path, labels, message):
    if labels is not None:
        (tmp_path / "labels.csv").write_text(labels)
    with pytest.raises(DataError, match=message) as caught:
        load_drums(tmp_path)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_damaged_zip_files_are_refused_and_their_damaged_pictures_skipped(drum_folder, tmp_path):
    archive = tmp_path / "drums.zip"
    archive.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(DataError, match=r"drums.zip: not a readable ZIP file .*; copy or download it again"):
        load_drums(tmp_path)
    with zipfile.ZipFile(archive, "w") as file:
        file.write(drum_folder / "0_00.png", "0_00.png")
    with pytest.raises(DataError, match=r"labels.csv is missing"):
        load_drums(tmp_path)
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(drum_folder.iterdir()):
            file.write(path, path.name)
        offset = file.getinfo("0_00.png").header_offset
    content = bytearray(archive.read_bytes())
    content[offset + 60] ^= 255
    archive.write_bytes(content)
    drums = load_drums(tmp_path)
    assert len(drums) == 599
    assert "0_00.png: damaged in the ZIP file" in drums.skipped[0]


def test_a_digit_without_a_standing_drum_and_too_few_drums_are_refused(drum_folder, tmp_path):
    folder = shutil.copytree(drum_folder, tmp_path / "drums")
    rows = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join(row for row in rows if ",6." not in row and ",5." not in row))
    with pytest.raises(DataError, match="no usable drum that stands still on 5"):
        load_drums(folder)
    (folder / "labels.csv").write_text("\n".join(row for row in rows[:1] + rows[1:] if row[:2] in ("im", "0_")))
    with pytest.raises(DataError, match=r"too few for three splits.*add pictures of more meters"):
        split_drums(load_drums(folder))
