"""Decoding of an image file page by page; the size of each page is checked before it is decoded."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import ImageError, MissingExtraError
from digitdet.common.types import Image
from digitdet.imaging.headers import Header, Size, is_pdf, iso_boxes, read_header
from digitdet.imaging.pixels import to_bgr, turn_upright
from digitdet.imaging.tiff import make_first

PDF_DPI = 200
"""Dots per inch at which PDF pages are rendered: digits in 10-point print are 20 px high, in 5-point print 10 px."""

# Frames of an animation build on earlier ones and are decoded in batches of at most this many pixels (128 MB).
_BATCH_PIXELS = 32_000_000

_PDFIUM_LOCK = threading.RLock()  # PDFium is not thread-safe; reentrant, since garbage collection may close a document


@dataclass(frozen=True)
class Page:
    """A page or frame of a file: (H, W, 3) uint8 BGR, upright, and its number from 1 to `count`."""

    image: Image
    number: int
    count: int


def decode_pages(content: bytes, max_pixels: int) -> Iterator[Page]:
    """Decode the pages of an image file, each when it is requested; see `images.read_pages`."""
    with _image_errors():
        count, pictures = _open(content, max_pixels)
    if count < 1:
        raise ImageError("it has no pages")
    for number in range(1, count + 1):
        with _image_errors():
            image = next(pictures, None)
            if image is None:
                raise ImageError("the page is missing")
        yield Page(image, number, count)


def _open(content: bytes, max_pixels: int) -> tuple[int, Iterator[Image]]:
    """Return the number of pages and an iterator that decodes them."""
    if is_pdf(content):
        return _open_pdf(content, max_pixels)
    header = read_header(content)
    if header.format == "HEIC":
        check_size(header.sizes[0], max_pixels)
        return _open_heic(content)
    decode = _decode_tiff if header.format == "TIFF" else _decode_frames
    return len(header.sizes), decode(content, header, max_pixels)


def _decode_frames(content: bytes, header: Header, max_pixels: int) -> Iterator[Image]:
    """Decode single pictures and animations with OpenCV."""
    size, count = header.sizes[0], len(header.sizes)
    check_size(size, max_pixels)
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
    """Decode every page as the first one of the file: OpenCV then decodes exactly the page whose size was checked."""
    buffer = np.frombuffer(content, np.uint8).copy()
    for size, directory in zip(header.sizes, header.directories, strict=True):
        check_size(size, max_pixels)
        make_first(buffer, directory)
        yield _decode(buffer)


def _decode(buffer: npt.NDArray[np.uint8]) -> Image:
    # UNCHANGED keeps alpha and depth for `to_bgr`, and applies the orientation of TIFF files only.
    pixels: npt.NDArray[Any] | None = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ImageError("damaged, cut off, or of a variant that OpenCV does not read")
    return to_bgr(pixels)


def _open_heic(content: bytes) -> tuple[int, Iterator[Image]]:
    """Open a HEIC with libheif, which applies the orientation."""
    try:
        import pi_heif
    except ImportError as error:
        raise ImageError(str(MissingExtraError("reading HEIC", "heic", "pi-heif"))) from error
    pictures = pi_heif.open_heif(_without_metadata(content), bgr_mode=True)
    # np.array copies: pi-heif frees the pixels when the file goes out of use.
    return len(pictures), (to_bgr(np.array(picture)) for picture in pictures)


def _without_metadata(content: bytes) -> bytes:
    """Return a HEIC without the references ("cdsc") from EXIF and XMP to the pictures, which do not need them.

    pi-heif 1.4 crashes the process on damaged metadata, and does not read metadata without a reference.
    """
    for box_type, start, end in iso_boxes(content, 0, len(content)):
        if box_type == b"meta":
            return content[:start] + content[start:end].replace(b"cdsc", b"skip") + content[end:]
    return content


def _open_pdf(content: bytes, max_pixels: int) -> tuple[int, Iterator[Image]]:
    try:
        import pypdfium2
    except ImportError as error:
        raise ImageError(str(MissingExtraError("reading PDF", "pdf", "pypdfium2"))) from error
    with _PDFIUM_LOCK:
        document = pypdfium2.PdfDocument(content)
        count = len(document)
        if not count:
            document.close()
    return count, _render_pages(document, count, max_pixels)


def _render_pages(document: Any, count: int, max_pixels: int) -> Iterator[Image]:
    """Render the pages of a PDF one at a time; other threads may render other documents in between."""
    try:
        for index in range(count):
            with _PDFIUM_LOCK:
                image = _render_page(document, index, max_pixels)
            yield image
    finally:
        with _PDFIUM_LOCK:
            document.close()


def _render_page(document: Any, index: int, max_pixels: int) -> Image:
    """Render a PDF page at `PDF_DPI`, or less where it would exceed the limit."""
    page = document[index]
    try:
        width, height = page.get_size()  # in points, 72 per inch
        if not (0 < width < math.inf and 0 < height < math.inf):
            raise ImageError("the page has no size")
        scale = min(PDF_DPI / 72, math.sqrt(max_pixels / (width * height)), max_pixels / width, max_pixels / height)
        bitmap = page.render(scale=scale)
        image = to_bgr(bitmap.to_numpy()).copy()
        bitmap.close()
    finally:
        page.close()
    return image


def check_size(size: Size, max_pixels: int) -> None:
    """Raise ImageError if a picture of this width and height has too many pixels."""
    width, height = size
    if width * height > max_pixels:
        raise ImageError(
            f"{width} x {height} pixels are above the limit of {max_pixels / 1e6:g} million; shrink the picture, or "
            "raise max_pixels in the file of --config (of a server: --max-pixels)"
        )


@contextlib.contextmanager
def _image_errors() -> Iterator[None]:
    """Turn the exceptions of decoders into ImageError."""
    try:
        yield
    except MemoryError as error:
        raise ImageError("too large for the free memory") from error
    # cv2.error and IndexError (missing frame) are from OpenCV, the others from libheif and pdfium.
    except (cv2.error, IndexError, ValueError, RuntimeError, OSError, EOFError, SyntaxError) as error:
        reason = error.err if isinstance(error, cv2.error) else str(error)
        reason = " ".join(reason.split()) or type(error).__name__
        raise ImageError(f"not a readable picture ({reason})") from error
