"""From the bytes of an image file to its pages, one at a time, each checked for its size before it is decoded."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import ImageError, MissingExtraError
from digitdet.common.types import Image
from digitdet.imaging.headers import Header, Size, boxes, is_pdf, read_header
from digitdet.imaging.pixels import to_bgr, turn_upright
from digitdet.imaging.tiff import make_first

PDF_DPI = 200
"""Dots per inch at which pages of a PDF are drawn. Digits in print of 10 points are 20 px high then, in the small print
of 5 points 10 px, which is within what the model is trained on; at 300 a page has more than twice the pixels."""

# Frames of an animation build on those before, so that they come in batches of at most so many pixels (128 MB).
_BATCH_PIXELS = 32_000_000


@dataclass(frozen=True)
class Page:
    """A picture of a file: a page, a frame, or the only one.

    `image` is (H, W, 3) uint8 BGR, the right way up; `number` counts from 1 to `count`.
    """

    image: Image
    number: int
    count: int


def decode_pages(content: bytes, max_pixels: int) -> Iterator[Page]:
    """The pages of an image file; the next one is decoded when it is asked for.

    Raises:
        ImageError: The file, or the page that is next, is damaged, of no known format or above `max_pixels`.
    """
    with _reasons():
        count, pictures = _open(content, max_pixels)
    if count < 1:
        raise ImageError("it has no pages")
    for number in range(1, count + 1):
        with _reasons(f"page {number} of {count}: " if count > 1 else ""):
            image = next(pictures, None)
            if image is None:
                raise ImageError("it is missing")
        yield Page(image, number, count)


def _open(content: bytes, max_pixels: int) -> tuple[int, Iterator[Image]]:
    """How many pages there are, and what decodes them in turn."""
    if is_pdf(content):
        return _open_pdf(content, max_pixels)
    header = read_header(content)
    if header.format == "HEIC":
        _check_size(header.sizes[0], max_pixels)
        return _open_heic(content)
    decode = _decode_tiff if header.format == "TIFF" else _decode_frames
    return len(header.sizes), decode(content, header, max_pixels)


def _decode_frames(content: bytes, header: Header, max_pixels: int) -> Iterator[Image]:
    """Pictures that OpenCV decodes, single ones and animations."""
    size, count = header.sizes[0], len(header.sizes)
    _check_size(size, max_pixels)
    buffer = np.frombuffer(content, np.uint8)
    if count == 1:
        yield turn_upright(_decode(buffer), header.orientation)
        return
    step = max(1, _BATCH_PIXELS // (size[0] * size[1]))
    for first in range(0, count, step):
        _, animation = cv2.imdecodeanimation(buffer, first, step)
        for frame in animation.frames:
            yield turn_upright(to_bgr(frame), header.orientation)


def _decode_tiff(content: bytes, header: Header, max_pixels: int) -> Iterator[Image]:
    """Each page in turn is made the first: OpenCV would walk from the start to each, and decodes what was checked."""
    buffer = np.frombuffer(content, np.uint8).copy()
    for size, directory in zip(header.sizes, header.directories, strict=True):
        _check_size(size, max_pixels)
        make_first(buffer, directory)
        yield _decode(buffer)


def _decode(buffer: npt.NDArray[np.uint8]) -> Image:
    # Unchanged: alpha and depth are dealt with here, and so is orientation, which OpenCV then leaves alone but in TIFF.
    pixels: npt.NDArray[Any] | None = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ImageError("damaged, cut off, or of a kind that OpenCV does not read")
    return to_bgr(pixels)


def _open_heic(content: bytes) -> tuple[int, Iterator[Image]]:
    """Decoded with libheif, which turns pictures itself."""
    try:
        import pi_heif
    except ImportError as error:
        raise ImageError(str(MissingExtraError("reading HEIC", "heic", "pi-heif"))) from error
    pictures = pi_heif.open_heif(_without_metadata(content), bgr_mode=True)
    return len(pictures), (to_bgr(np.asarray(picture)) for picture in pictures)


def _without_metadata(content: bytes) -> bytes:
    """A HEIC whose EXIF and XMP are no longer linked ("cdsc") to its pictures, which do not need them.

    pi-heif 1.4 takes the whole process down over damaged ones; what is not linked it does not look at.
    """
    for kind, start, end in boxes(content, 0, len(content)):
        if kind == b"meta":
            return content[:start] + content[start:end].replace(b"cdsc", b"skip") + content[end:]
    return content


def _open_pdf(content: bytes, max_pixels: int) -> tuple[int, Iterator[Image]]:
    try:
        import pypdfium2
    except ImportError as error:
        raise ImageError(str(MissingExtraError("reading PDF", "pdf", "pypdfium2"))) from error
    document = pypdfium2.PdfDocument(content)
    return len(document), (_draw_page(document, index, max_pixels) for index in range(len(document)))


def _draw_page(document: Any, index: int, max_pixels: int) -> Image:
    """A page of a PDF at `PDF_DPI`, or at fewer dots per inch where it would be above the limit."""
    page = document[index]
    try:
        width, height = page.get_size()  # in points, of which an inch has 72
        if not (0 < width < math.inf and 0 < height < math.inf):
            raise ImageError("the page has no size")
        scale = min(PDF_DPI / 72, math.sqrt(max_pixels / (width * height)), max_pixels / width, max_pixels / height)
        bitmap = page.render(scale=scale)
        image = to_bgr(bitmap.to_numpy()).copy()
        bitmap.close()
    finally:
        page.close()
    return image


def _check_size(size: Size, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise ImageError(
            f"{width} x {height} pixels are above the limit of {max_pixels / 1e6:g} million; shrink the picture, or "
            "raise max_pixels"
        )


@contextlib.contextmanager
def _reasons(where: str = "") -> Iterator[None]:
    """What decoders raise, as ImageError that says where."""
    try:
        yield
    except ImageError as error:
        raise ImageError(f"{where}{error}") from error
    except MemoryError as error:
        raise ImageError(f"{where}too large for the memory that is free") from error
    # OpenCV raises its own error, and IndexError for a frame that is not there; libheif and pdfium the others.
    except (cv2.error, IndexError, ValueError, RuntimeError, OSError, EOFError, SyntaxError) as error:
        reason = error.err if isinstance(error, cv2.error) else str(error)
        raise ImageError(f"{where}not a readable picture ({_one_line(reason) or type(error).__name__})") from error


def _one_line(text: str) -> str:
    return " ".join(text.split())
