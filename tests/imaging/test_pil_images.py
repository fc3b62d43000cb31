"""PIL images as pictures, and errors that name the file."""

import numpy as np
import pytest

from digitdet.common.errors import ImageError
from digitdet.imaging.images import load_image

pil = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "1", "P", "CMYK", "I;16", "F"])
def test_pil_images_are_loaded_like_their_files(mode, tmp_path):
    pixels = np.linspace(0, 255, 40 * 60 * 3).reshape(40, 60, 3).astype(np.uint8)
    picture = pil.fromarray(pixels)
    picture = pil.fromarray(pixels[:, :, 0].astype(np.uint16) << 8) if mode == "I;16" else picture.convert(mode)
    suffix = "tiff" if mode in ("CMYK", "F") else "png"
    picture.save(tmp_path / f"a.{suffix}")
    expected = load_image(tmp_path / f"a.{suffix}")
    assert np.abs(load_image(picture).astype(int) - expected).max() <= (3 if mode == "CMYK" else 1)


def test_pil_images_are_upright_and_limited():
    picture = pil.new("RGB", (60, 40))
    picture.getexif()[0x0112] = 6
    assert load_image(picture).shape == (60, 40, 3)
    with pytest.raises(ImageError, match="above the limit"):
        load_image(picture, max_pixels=100)


def test_the_error_names_the_file(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no")
    with pytest.raises(ImageError) as error:
        load_image(tmp_path / "a.jpg")
    assert str(error.value).startswith(f"{tmp_path / 'a.jpg'}: ")
