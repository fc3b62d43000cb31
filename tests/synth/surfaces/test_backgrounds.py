"""The user's own pictures as backgrounds: loading, splitting and cutting."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitdet.common.errors import DataError
from digitdet.synth.surfaces.backgrounds import cut_background, load_backgrounds, split_backgrounds


def write_picture(path: Path, colour: tuple[int, int, int] = (10, 200, 30), size: tuple[int, int] = (60, 80)) -> None:
    cv2.imwrite(str(path), np.full((*size, 3), colour, np.uint8))


def test_pictures_are_loaded_in_order_and_shrunk(tmp_path):
    write_picture(tmp_path / "b.jpg", size=(90, 2000))
    write_picture(tmp_path / "a.png", (1, 2, 3))
    cv2.imwrite(str(tmp_path / "c.png"), np.full((50, 40), 99, np.uint8))  # grey
    (tmp_path / "notes.txt").write_text("not a picture")
    images, skipped = load_backgrounds(tmp_path)
    assert [image.shape for image in images] == [(60, 80, 3), (46, 1024, 3), (50, 40, 3)]  # a.png, b.jpg, c.png
    assert all(image.dtype == np.uint8 for image in images)
    assert (images[0] == (1, 2, 3)).all()
    assert skipped == []


@pytest.mark.parametrize("content", [b"", b"not a jpeg", b"\xff\xd8\xff\xe0 cut off"])
def test_broken_picture_is_skipped_and_reported(tmp_path, content):
    write_picture(tmp_path / "good.png")
    (tmp_path / "broken.jpg").write_bytes(content)
    images, skipped = load_backgrounds(tmp_path)
    assert len(images) == 1
    assert skipped == [f"{tmp_path / 'broken.jpg'}: not a picture that can be decoded, or cut off"]


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


@given(st.integers(0, 400))
def test_splits_share_no_picture(count):
    images = [np.full((4, 4, 3), number % 256, np.uint8) for number in range(count)]
    splits = split_backgrounds(images)
    assert list(splits) == ["train", "val", "test"]
    joined = [image for split in splits.values() for image in split]
    assert list(map(id, joined)) == list(map(id, images))  # each once, so none is in two splits
    sizes = [len(split) for split in splits.values()]
    assert sizes[1] == sizes[2] == (max(round(count / 10), 1) if count >= 3 else 0)
    assert sizes[0] >= min(count, 1)


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
