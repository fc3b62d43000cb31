"""The user's own pictures as backgrounds: loading, splitting and cutting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitdet.common.errors import DataError
from digitdet.synth.surfaces.backgrounds import (
    LIST_FILE,
    Background,
    Backgrounds,
    cut_background,
    load_backgrounds,
    split_backgrounds,
)


def write_picture(path: Path, colour: tuple[int, int, int] = (10, 200, 30), size: tuple[int, int] = (60, 80)) -> None:
    cv2.imwrite(str(path), np.full((*size, 3), colour, np.uint8))


def test_pictures_are_loaded_in_order_and_shrunk(tmp_path):
    write_picture(tmp_path / "b.jpg", size=(90, 2000))
    write_picture(tmp_path / "a.png", (1, 2, 3))
    cv2.imwrite(str(tmp_path / "c.png"), np.full((50, 40), 99, np.uint8))  # grey
    (tmp_path / "notes.txt").write_text("not a picture")
    pictures, skipped = load_backgrounds(tmp_path)
    images = list(Backgrounds(pictures))
    assert [image.shape for image in images] == [(60, 80, 3), (46, 1024, 3), (50, 40, 3)]  # a.png, b.jpg, c.png
    assert all(image.dtype == np.uint8 for image in images)
    assert (images[0] == (1, 2, 3)).all()
    assert skipped == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"not a jpeg", "not a picture in a known format, or damaged"),
        (b"\xff\xd8\xff\xe0 cut off", "the JPEG is damaged or cut off"),
    ],
)
def test_broken_picture_is_skipped_and_reported(tmp_path, content, reason):
    write_picture(tmp_path / "good.png")
    (tmp_path / "broken.jpg").write_bytes(content)
    images, skipped = load_backgrounds(tmp_path)
    assert len(images) == 1
    assert skipped == [f"{tmp_path / 'broken.jpg'}: {reason}"]


def test_copy_of_a_picture_is_skipped(tmp_path):
    for name in ("a.png", "b.png", "c.bmp"):
        write_picture(tmp_path / name)
    images, skipped = load_backgrounds(tmp_path)
    assert len(images) == 1
    assert skipped == [f"{tmp_path / name}: the same picture as a.png" for name in ("b.png", "c.bmp")]


def test_folder_without_a_usable_picture_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DataError, match=r"no pictures to use as backgrounds$"):
            load_backgrounds(folder)
    (tmp_path / "broken.jpg").write_bytes(b"not a jpeg")
    with pytest.raises(DataError, match=r"1 cannot be read, the first is .*broken\.jpg") as error:
        load_backgrounds(tmp_path)
    assert "\n" not in str(error.value)


def numbered(count: int, place: Callable[[int], str] = str, listed: bool = False) -> list[Background]:
    """Pictures of which each has its own level, but for every 256th."""
    return [
        Background(bytes(cv2.imencode(".png", np.full((1, 1), number % 256, np.uint8))[1]), place(number), listed)
        for number in range(count)
    ]


def levels(images: Sequence[np.ndarray]) -> list[int]:
    return [int(image[0, 0, 0]) for image in images]


@settings(max_examples=30)
@given(st.integers(0, 200))
def test_splits_are_runs_of_neighbours(count):
    splits = split_backgrounds(numbered(count))
    assert list(splits) == ["train", "val", "test"]
    assert [level for split in splits.values() for level in levels(split)] == list(range(count))  # each once, in order
    sizes = [len(split) for split in splits.values()]
    assert sizes[1] == sizes[2] == (max(round(count / 10), 1) if count >= 3 else 0)
    assert sizes[0] >= min(count, 1)


@settings(max_examples=30)
@given(st.integers(0, 200), st.integers(1, 9))
def test_no_place_is_in_two_splits(count, views):
    splits = split_backgrounds(numbered(count, place=lambda number: f"place {number // views}", listed=True))
    places = [{level // views for level in levels(split)} for split in splits.values()]
    assert sum(map(len, places)) == len(set().union(*places)) == -(-count // views)
    assert sum(map(len, splits.values())) == count


def test_pictures_of_one_origin_in_the_list_share_a_place(tmp_path):
    (tmp_path / "views").mkdir()
    for number in range(4):
        write_picture(tmp_path / "views" / f"{number}.png", (number, 0, 0))
    (tmp_path / LIST_FILE).write_text("file,origin\nviews/0.png,here\nviews/2.png,here\nviews/9.png,here\n")
    pictures, skipped = load_backgrounds(tmp_path)
    assert [picture.place for picture in pictures] == ["here", "views/1.png", "here", "views/3.png"]
    assert skipped == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name,origin\n0.png,here\n", "the column file is missing"),
        (b"", "the column file is missing"),
        (b"\xff\xfe", "save it as UTF-8"),
    ],
)
def test_a_list_without_places_is_refused(tmp_path, content, message):
    """Without its places, pictures of one place could be in two splits."""
    write_picture(tmp_path / "0.png")
    (tmp_path / LIST_FILE).write_bytes(content)
    with pytest.raises(DataError, match=rf"list\.csv: .*{message}"):
        load_backgrounds(tmp_path)


def test_a_list_may_come_from_a_spreadsheet_and_lack_origins(tmp_path):
    for number in range(2):
        write_picture(tmp_path / f"{number}.png", (number, 0, 0))
    (tmp_path / LIST_FILE).write_text("\ufefffile;origin\n0.png; here\n1.png;\n", encoding="utf-8")
    pictures, _ = load_backgrounds(tmp_path)
    assert [(picture.place, picture.is_listed) for picture in pictures] == [("here", True), ("1.png", False)]


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (1, 1024), (1024, 1), (300, 500)])
@pytest.mark.parametrize("size", [(320, 96), (32, 32), (64, 640)])
def test_any_picture_fills_any_canvas(shape, size):
    picture = np.full((*shape, 3), 77, np.uint8)
    for seed in range(5):
        cut = cut_background(np.random.default_rng(seed), picture, *size)
        assert cut.shape == (size[1], size[0], 3)
        assert cut.dtype == np.uint8
        assert (cut == 77).all()


def test_cut_is_upright_and_varies():
    ramp = np.repeat(np.linspace(0, 255, 400).astype(np.uint8)[None, :, None], 300, axis=0).repeat(3, axis=2)
    cuts = [cut_background(np.random.default_rng(seed), ramp, 100, 80).astype(int) for seed in range(12)]
    assert all((np.diff(cut[40, :, 0]) >= 0).all() for cut in cuts)
    assert len({int(cut[0, 0, 0]) for cut in cuts}) > 5
