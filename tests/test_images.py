import struct

import cv2
import numpy as np
import pytest

from digitdet.configs import ImageError
from digitdet.images import load_image


@pytest.fixture(scope="module")
def picture():
    """Smooth, so that lossy formats keep it: red grows to the right, green downwards; 40 high, 60 wide."""
    y, x = np.mgrid[0:40, 0:60]
    return np.dstack([np.full((40, 60), 90), y * 6, x * 4]).astype(np.uint8)


def encoded(picture, suffix):
    return cv2.imencode(suffix, picture)[1].tobytes()


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".jpg", ".webp"])
def test_path_bytes_and_array_are_the_same(tmp_path, picture, suffix):
    content = encoded(picture, suffix)
    path = tmp_path / f"a picture ü{suffix}"
    path.write_bytes(content)
    image = load_image(path)
    assert image.shape == picture.shape
    assert image.dtype == np.uint8
    assert np.array_equal(load_image(str(path)), image)
    assert np.array_equal(load_image(content), image)
    assert np.array_equal(load_image(image), image)
    assert np.abs(image.astype(int) - picture).mean() < 4


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full((4, 5), 7, np.uint8), (7, 7, 7)),
        (np.full((4, 5, 1), 7, np.uint8), (7, 7, 7)),
        (np.tile(np.uint8([1, 2, 3]), (4, 5, 1)), (1, 2, 3)),
        (np.tile(np.uint8([1, 2, 3, 4]), (4, 5, 1)), (1, 2, 3)),
    ],
)
def test_arrays_become_bgr(array, expected):
    image = load_image(array)
    assert image.shape == (4, 5, 3)
    assert (image == expected).all()


@pytest.mark.parametrize(
    "array", [np.zeros((4, 5, 3)), np.zeros((4, 5, 2), np.uint8), np.zeros((0, 5, 3), np.uint8), np.zeros(9, np.uint8)]
)
def test_other_arrays_are_refused(array):
    with pytest.raises(ImageError, match="expected an array"):
        load_image(array)


def with_orientation(jpeg, value):
    """A JPEG with an EXIF segment (TIFF header, one tag 0x0112) right after its start."""
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, value, 0, 0)
    exif = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


@pytest.mark.parametrize(("value", "turns"), [(1, 0), (8, 1), (3, 2), (6, 3)])
def test_exif_orientation_is_applied(picture, value, turns):
    stored = np.rot90(picture, -turns)
    image = load_image(with_orientation(encoded(np.ascontiguousarray(stored), ".jpg"), value))
    assert image.shape == picture.shape
    assert np.abs(image.astype(int) - picture).mean() < 4


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(ImageError, match="No such file"):
        load_image(tmp_path / "gone.jpg")
    with pytest.raises(ImageError):
        load_image(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"just text", "not a picture"),
        (b"\xff\xd8\xff", "cut off"),
        (b"\x89PNG\r\n", "not a picture"),
    ],
)
def test_what_is_no_picture(content, reason):
    with pytest.raises(ImageError, match=reason):
        load_image(content)


@pytest.mark.parametrize("part", [0.5, 0.8, 0.95])
def test_cut_jpeg_is_refused(picture, part):
    noisy = np.random.default_rng(0).integers(0, 256, picture.shape).astype(np.uint8)
    content = encoded(noisy, ".jpg")
    with pytest.raises(ImageError, match="cut off"):
        load_image(content[: int(len(content) * part)])


def test_cut_jpeg_with_a_whole_thumbnail_is_refused(picture):
    """The thumbnail inside EXIF ends with the very marker that the picture itself lacks."""
    thumbnail = encoded(picture, ".jpg")
    exif = b"Exif\0\0" + thumbnail
    content = encoded(picture, ".jpg")
    content = content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]
    assert load_image(content).shape == picture.shape
    with pytest.raises(ImageError, match="cut off"):
        load_image(content[:-40])


@pytest.mark.parametrize("seed", range(5))
def test_bytes_after_a_jpeg_do_no_harm(picture, seed):
    """Phones append a film behind the end of the image, in which every marker occurs by chance."""
    film = np.random.default_rng(seed).bytes(300_000)
    assert b"\xff\xda" in film
    assert load_image(encoded(picture, ".jpg") + film).shape == picture.shape


def test_progressive_jpeg_with_several_scans(picture):
    flags = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    content = cv2.imencode(".jpg", picture, flags)[1].tobytes()
    assert content.count(b"\xff\xda") > 3
    assert load_image(content).shape == picture.shape
    with pytest.raises(ImageError, match="cut off"):
        load_image(content[:-2])


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff"])
def test_other_cut_formats_are_refused(suffix):
    noisy = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    content = encoded(noisy, suffix)
    with pytest.raises(ImageError):
        load_image(content[: len(content) // 2])
