import sys

import cv2
import numpy as np
import pytest

from digitdet.common.errors import DataError, MissingExtraError
from digitdet.datasets import stats
from digitdet.datasets.formats.numbers import (
    NUMBERS_FILE,
    LineTruth,
    NumberTruth,
    PictureTruth,
    format_truth,
    parse_truth,
)
from digitdet.datasets.formats.yolo import DATA_FILE, write_data_file


@pytest.fixture
def dataset(tmp_path):
    """Four training pictures of 100x50 (a 3 of 20 px and a 7 of 10 px) and a blank one for validation."""
    truths = []
    for split, count in (("train", 4), ("val", 1)):
        (tmp_path / "images" / split).mkdir(parents=True)
        (tmp_path / "labels" / split).mkdir(parents=True)
        for index in range(count):
            image = np.full((50, 100, 3), 200, np.uint8)
            image[10:30, 13:16] = 50
            image[10:20, 53:56] = 120
            name = f"{index}.png"
            (tmp_path / "images" / split / name).write_bytes(cv2.imencode(".png", image)[1].tobytes())
            text = "3 0.15 0.4 0.1 0.4\n7 0.55 0.3 0.1 0.2\n" if split == "train" else ""
            (tmp_path / "labels" / split / f"{index}.txt").write_text(text)
            number = NumberTruth("37", ((10, 10, 20, 30), (50, 10, 60, 20)), source="print" if index else "pen")
            numbers = (number,) if split == "train" else ()
            line = LineTruth("3.7 kg", ((0, 0, 1, 1),) * 5, ((0, 3),))
            truths.append(PictureTruth(f"images/{split}/{name}", split, numbers, "paper", (line,) if numbers else ()))
    write_data_file(tmp_path, ["train", "val"])
    (tmp_path / NUMBERS_FILE).write_text("".join(map(format_truth, truths)))
    return tmp_path


def test_counts_and_measures(dataset):
    found = stats.collect_stats(dataset)
    train, val = found["train"], found["val"]
    assert (train.pictures, train.blank, train.measured) == (4, 0, 4)
    assert (val.pictures, val.blank) == (1, 1)
    assert train.digits == (0, 0, 0, 4, 0, 0, 0, 4, 0, 0)
    assert train.heights == pytest.approx([20, 10] * 4)
    assert train.contrasts == pytest.approx([150, 80] * 4)
    assert train.lengths == {2: 4}
    assert val.numbers_per_picture == {0: 1}
    assert train.characters == {"3": 4, ".": 4, "7": 4, "other": 8}
    assert train.looks == {"paper": 4}
    assert train.sources == {"print": 3, "pen": 1}


def test_large_split_is_measured_in_a_sample(dataset, monkeypatch):
    monkeypatch.setattr(stats, "MEASURE_ALL", 3)
    monkeypatch.setattr(stats, "SAMPLE", 2)
    found = stats.collect_stats(dataset / DATA_FILE)
    assert found["train"].measured == 2
    assert len(found["train"].heights) == 4
    assert sum(found["train"].digits) == 8
    assert "train: heights and contrasts of 2 pictures" in stats.format_stats(found)


@pytest.mark.parametrize(
    ("ink", "background", "expected"), [(0, 255, 255), (255, 0, 255), (100, 140, 40), (90, 90, 0), (0, 0, 0)]
)
def test_contrast_of_light_and_dark_ink(ink, background, expected):
    grey = np.full((20, 12), background, np.uint8)
    grey[3:17, 5:8] = ink
    assert stats.box_contrast(grey) == expected


def test_contrast_is_robust_to_noise():
    rng = np.random.default_rng(0)
    grey = np.full((40, 24), 160.0)
    grey[5:35, 10:15] = 60
    noisy = np.clip(grey + rng.normal(0, 8, grey.shape), 0, 255).astype(np.uint8)
    assert stats.box_contrast(noisy) == pytest.approx(100, abs=4)


def test_table(dataset):
    lines = stats.format_stats(stats.collect_stats(dataset)).splitlines()
    cells = [line.split() for line in lines]
    assert ["train", "val"] in cells
    assert ["pictures", "4", "1"] in cells
    assert ["3", "4", "50.0%", "-"] in cells
    assert ["50%", "below", "15.0", "-"] in cells
    assert ["paper", "4", "100.0%", "1", "100.0%"] in cells
    assert cells.index(["print", "3", "75.0%", "-"]) < cells.index(["pen", "1", "25.0%", "-"])
    assert all(line == line.rstrip() for line in lines)


def test_without_numbers(dataset):
    (dataset / NUMBERS_FILE).unlink()
    text = stats.format_stats(stats.collect_stats(dataset))
    assert "digits per number" not in text
    assert "looks" not in text


def test_plot(dataset, tmp_path):
    pytest.importorskip("matplotlib")
    stats.plot_stats(stats.collect_stats(dataset), tmp_path / "stats.png")
    image = cv2.imread(str(tmp_path / "stats.png"))
    assert image.shape[0] > 500
    assert image.std() > 10


def test_plot_of_a_dataset_without_digits(dataset, tmp_path):
    pytest.importorskip("matplotlib")
    for path in (dataset / "labels").rglob("*.txt"):
        path.write_text("")
    (dataset / NUMBERS_FILE).unlink()
    stats.plot_stats(stats.collect_stats(dataset), tmp_path / "stats.png")
    assert (tmp_path / "stats.png").stat().st_size > 0


def test_plot_without_matplotlib(dataset, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(MissingExtraError, match="matplotlib"):
        stats.plot_stats(stats.collect_stats(dataset), tmp_path / "stats.png")


def test_damaged_picture_is_named(dataset):
    (dataset / "images/train/2.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"2\.png: not a picture"):
        stats.collect_stats(dataset)


def test_look_and_source_are_written_only_where_known():
    plain = PictureTruth("images/val/1.png", "val", (NumberTruth("1", ((0, 0, 1, 1),)),))
    assert "look" not in format_truth(plain)
    assert "source" not in format_truth(plain)
    known = PictureTruth("images/val/1.png", "val", (NumberTruth("1", ((0, 0, 1, 1),), "pen"),), "paper")
    assert parse_truth(format_truth(known), "x") == known
    assert parse_truth(format_truth(plain), "x") == plain
