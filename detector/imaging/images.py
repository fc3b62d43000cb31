"""Pictures from files, bytes and arrays, as (H, W, 3) uint8 BGR; anything else is refused with a reason."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt

from digitdet.common.errors import OPENCV_REMEDY, ImageError
from digitdet.common.types import Image

try:
    import cv2
except ImportError as error:  # slim containers lack the libraries that the desktop build draws windows with
    raise ImportError(f"OpenCV cannot be loaded ({error}); {OPENCV_REMEDY}") from error

from digitdet.imaging.pages import Page, decode_pages
from digitdet.imaging.pixels import to_bgr

ImageSource = str | os.PathLike[str] | bytes | npt.NDArray[np.uint8]

MAX_PIXELS = 100_000_000
"""Pages of more pixels are refused unless the caller sets another limit: a scan of A3 at 600 dpi has 70 million."""


def load_image(source: ImageSource, max_pixels: int = MAX_PIXELS) -> Image:
    """A picture as (H, W, 3) uint8 BGR; of a file with several pages or frames the first. See `read_pages`."""
    return next(read_pages(source, max_pixels)).image


def read_pages(source: ImageSource, max_pixels: int = MAX_PIXELS) -> Iterator[Page]:
    """The pages of a picture file, decoded one at a time; most have one.

    JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF, JPEG 2000 and PNM; with the extra `heic` HEIC, with the extra `pdf` PDF. The
    format is told by the content. Every page of a TIFF or PDF, every picture of a HEIC and every frame of an animation
    (GIF, WebP, PNG) is a page; an AVIF gives its first picture.

    EXIF orientation is applied. 16-bit and float values are scaled to 8 bits by the range they use; CMYK and palettes
    become BGR; what is transparent becomes white, or black where nothing showed on white. PDF pages are drawn at 200
    dpi, or at fewer where the page would be above the limit.

    Args:
        source: A path; the bytes of an image file; or an array, uint8, (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA.
            From RGB (PIL, torchvision) turn the last axis round: ``array[:, :, ::-1]``.
        max_pixels: Width times height above which a page is refused, from the file's header, before it is decoded.

    Raises:
        ImageError: There is no such file; it is not a whole picture in a known format; it is above the limit; or its
            format needs an extra that is not installed. For a later page that is raised when its turn comes.
    """
    if isinstance(source, np.ndarray):
        yield Page(_from_array(source), 1, 1)
        return
    yield from decode_pages(source if isinstance(source, bytes) else _read_file(source), max_pixels)


def _read_file(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ImageError(error.strerror or str(error)) from error
    except ValueError as error:  # a name with a zero byte
        raise ImageError(f"not the name of a file ({error})") from error
    except MemoryError as error:
        raise ImageError("too large for the memory that is free") from error


def _from_array(array: npt.NDArray[np.uint8]) -> Image:
    if array.dtype != np.uint8:
        raise ImageError(f"expected an array of uint8, got {array.dtype}")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)) or 0 in array.shape:
        raise ImageError(f"expected an array of shape (H, W), (H, W, 3) or (H, W, 4), got {array.shape}")
    return to_bgr(array)


def encode_png(image: Image) -> bytes:
    """The bytes of a PNG file of (H, W, 3) uint8 BGR."""
    return bytes(cv2.imencode(".png", image)[1].tobytes())


@contextlib.contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep libpng, libjpeg and OpenCV from writing their own complaints to the process's stderr for the while.

    They write to the file descriptor itself, so that it is pointed elsewhere, and Python's own `sys.stderr` to where it
    was: for a command line, not for a library in somebody else's process.
    """
    sys.stderr.flush()
    saved, ours = os.dup(2), sys.stderr
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 -- its descriptor is wanted
            os.dup2(nowhere.fileno(), 2)
        if _is_descriptor_2(ours):
            sys.stderr = os.fdopen(os.dup(saved), "w", 1, ours.encoding, ours.errors)
        yield
    finally:
        if sys.stderr is not ours:
            sys.stderr.close()
            sys.stderr = ours
        os.dup2(saved, 2)
        os.close(saved)


def use_one_thread() -> None:
    """Keep OpenCV from sharing out small pieces of work to all cores: for a process that keeps them busy by itself."""
    cv2.setNumThreads(1)


def _is_descriptor_2(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 2
    except (OSError, AttributeError, ValueError):  # a stream of a test or of a notebook has none
        return False
