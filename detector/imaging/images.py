"""Pictures from files, bytes and arrays as (H, W, 3) uint8 BGR."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from digitdet.common.errors import OPENCV_REMEDY, ImageError
from digitdet.common.types import Image

try:
    import cv2
except ImportError as error:  # slim containers lack the window system's libraries that opencv-python needs
    raise ImportError(f"OpenCV cannot be loaded ({error}); {OPENCV_REMEDY}") from error

from digitdet.imaging.headers import is_truncated_jpeg
from digitdet.imaging.inputs import is_url, is_video
from digitdet.imaging.pages import Page, check_size, decode_pages
from digitdet.imaging.pixels import to_bgr, turn_upright

_ORIENTATION_TAG = 0x0112


@runtime_checkable
class PilImage(Protocol):
    """What is used of a `PIL.Image.Image`; Pillow itself is not needed."""

    @property
    def mode(self) -> str: ...  # noqa: D102
    @property
    def size(self) -> tuple[int, int]: ...  # noqa: D102
    def convert(self, mode: str) -> PilImage: ...  # noqa: D102
    def getexif(self) -> Any: ...  # noqa: D102


ImageSource = str | os.PathLike[str] | bytes | npt.NDArray[np.uint8] | PilImage

MAX_PIXELS = 100_000_000
"""Default limit of the pixels of a page; a scan of A3 at 600 dpi has 70 million."""


def load_image(source: ImageSource, max_pixels: int = MAX_PIXELS) -> Image:
    """Load a picture as (H, W, 3) uint8 BGR, the first one of a file with several pages; see `read_pages`.

    Raises:
        ImageError: The picture cannot be loaded; the message begins with its path.
    """
    with named_errors(source):
        return next(read_pages(source, max_pixels)).image


def source_name(source: ImageSource) -> str | None:
    """Return the path or address of a source; None for bytes, arrays and PIL images."""
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else None


@contextlib.contextmanager
def named_errors(source: ImageSource) -> Iterator[None]:
    """Let the messages of ImageErrors begin with the name of the source, if it has one."""
    try:
        yield
    except ImageError as error:
        name = source_name(source)
        raise ImageError(f"{name}: {error}" if name is not None else str(error)) from error


def read_pages(source: ImageSource, max_pixels: int = MAX_PIXELS) -> Iterator[Page]:
    """Decode the pages of a picture file one at a time; most files have one.

    Formats: JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF, JPEG 2000 and PNM; HEIC with the extra `heic`, PDF with the extra
    `pdf`. Every page of a TIFF or PDF, every picture of a HEIC and every frame of an animation (GIF, WebP, PNG) is a
    page; of an AVIF the first picture is read. The EXIF orientation is applied. 16-bit and float values are scaled to 8
    bits by the range they use; CMYK and palettes become BGR; transparent pixels become white, or black where nothing
    would be visible on white. PDF pages are rendered at 200 dpi, or less where the page would exceed the limit.

    Args:
        source: A path; an address (http or https), which is downloaded; the bytes of an image file; a PIL image; or a
            uint8 array, (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA. Reverse the channels of RGB arrays (torchvision,
            imageio): ``array[:, :, ::-1]``.
        max_pixels: Highest width times height of a page. It is checked before the page is decoded.

    Raises:
        ImageError: The next page is missing, damaged, of unknown format or above the limit, or its format needs an
            extra that is not installed.
    """
    if isinstance(source, np.ndarray):
        yield Page(_from_array(source), 1, 1)
        return
    if isinstance(source, PilImage):
        check_size(source.size, max_pixels)
        yield Page(_from_pil(source), 1, 1)
        return
    yield from decode_pages(source if isinstance(source, bytes) else _read_file(source), max_pixels)


def _read_file(path: str | os.PathLike[str]) -> bytes:
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            "a picture is a path, a URL, the bytes of a file, a PIL image or a uint8 array, "
            f"not {type(path).__name__}; of an open file, pass file.read()"
        )
    if isinstance(path, str) and is_url(path):
        from digitdet.imaging.download import download  # here: http.client and ssl take a tenth of the start

        return download(path)
    if is_video(os.fspath(path)):
        raise ImageError("it is a video, not a picture")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        if "://" in os.fspath(path):
            raise ImageError("is not downloaded; only addresses that begin with http:// or https:// are") from error
        raise ImageError(error.strerror or str(error)) from error
    except ValueError as error:  # a name with a zero byte
        raise ImageError(f"not a valid file name ({error})") from error
    except MemoryError as error:
        raise ImageError("too large for the free memory") from error


def _from_array(array: npt.NDArray[np.uint8]) -> Image:
    if array.dtype != np.uint8:
        raise ImageError(f"expected an array of uint8, got {array.dtype}")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)) or 0 in array.shape:
        raise ImageError(f"expected an array of shape (H, W), (H, W, 3) or (H, W, 4), got {array.shape}")
    return to_bgr(array)


def _from_pil(picture: PilImage) -> Image:
    """Convert a PIL image; its EXIF orientation is applied, as that of a file is."""
    try:
        orientation = picture.getexif().get(_ORIENTATION_TAG, 1)
        if picture.mode.startswith(("I", "F")):  # 16 bits and more a pixel, which convert() would cut off
            pixels = np.asarray(picture)
        else:
            pixels = np.asarray(picture.convert("RGBA"))[:, :, [2, 1, 0, 3]]
    except (OSError, ValueError, SyntaxError) as error:  # PIL decodes late
        raise ImageError(f"not a readable picture ({error})") from error
    return turn_upright(to_bgr(pixels), orientation if isinstance(orientation, int) else 1)


def decode_image(content: bytes, flags: int = cv2.IMREAD_COLOR) -> Image | None:
    """Decode a picture with the flags of `cv2.imdecode`, without a size limit; None if it is damaged or cut off."""
    if not content or is_truncated_jpeg(content):
        return None
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except (cv2.error, MemoryError):
        return None
    return None if image is None else np.asarray(image, np.uint8)


def encode_png(image: Image) -> bytes:
    """Encode (H, W, 3) uint8 BGR as a PNG file."""
    return bytes(cv2.imencode(".png", image)[1].tobytes())
