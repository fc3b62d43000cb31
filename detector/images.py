"""Pictures from files, bytes and arrays, as (H, W, 3) uint8 BGR; anything else is refused with a reason."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitdet.configs import ImageError
from digitdet.configs.errors import OPENCV_REMEDY
from digitdet.datasets.jpeg import is_cut_jpeg

try:
    import cv2
except ImportError as error:  # slim containers lack the libraries that the desktop build draws windows with
    raise ImportError(f"OpenCV cannot be loaded ({error}); {OPENCV_REMEDY}") from error

Image = npt.NDArray[np.uint8]
ImageSource = str | os.PathLike[str] | bytes | npt.NDArray[np.uint8]


def load_image(source: ImageSource) -> Image:
    """A picture as (H, W, 3) uint8 BGR.

    Args:
        source: A path; the bytes of an image file; or an array, uint8, (H, W) grey, (H, W, 3) BGR or (H, W, 4) BGRA.
            From RGB (PIL, torchvision) turn the last axis round: ``array[:, :, ::-1]``.

    Raises:
        ImageError: There is no such file, or it is not a whole picture in a known format.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, bytes):
        return decode_image(source)
    path = Path(source)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(error.strerror or str(error)) from error
    return decode_image(content)


def decode_image(content: bytes) -> Image:
    """Decode the bytes of an image file; a photo is turned as its EXIF orientation says.

    Raises:
        ImageError: The bytes are empty, cut off, or not a picture in a format that OpenCV reads.
    """
    if not content:
        raise ImageError("the file is empty")
    if is_cut_jpeg(content):
        raise ImageError("the JPEG is cut off")
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageError(f"not a readable picture ({str(error.err).strip() or 'OpenCV refused it'})") from error
    except MemoryError as error:
        raise ImageError("too large for the memory that is free") from error
    if image is None:
        raise ImageError("not a picture in a known format, or damaged")
    return np.asarray(image, np.uint8)


@contextlib.contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep libpng, libjpeg and OpenCV from writing their own complaints to the process's stderr for the while.

    They write to the file descriptor itself, so that it is pointed elsewhere: for a command line with one thread, not
    for a library in somebody else's process.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(nowhere)
        os.close(saved)


def _from_array(array: npt.NDArray[np.uint8]) -> Image:
    if array.dtype != np.uint8:
        raise ImageError(f"expected an array of uint8, got {array.dtype}")
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise ImageError(f"expected an array of shape (H, W), (H, W, 3) or (H, W, 4), got {array.shape}")
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    return np.ascontiguousarray(array[:, :, :3])


def encode_png(image: Image) -> bytes:
    """The bytes of a PNG file of (H, W, 3) uint8 BGR."""
    return bytes(cv2.imencode(".png", image)[1].tobytes())
