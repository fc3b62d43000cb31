"""Readings shown to people who work in Python: in a notebook, in a window, as a table of pandas."""

from __future__ import annotations

import base64
import html
import os
import sys
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

import cv2
import numpy as np

from digitdet.common.errors import ImageError, MissingExtraError
from digitdet.common.types import Image
from digitdet.imaging.images import MAX_PIXELS, ImageSource, named_errors, read_pages
from digitdet.outputs.draw import draw_reading
from digitdet.outputs.formats import CSV_COLUMNS, reading_rows
from digitdet.outputs.window import Window
from digitdet.reading.results import Alternative, Reading

if TYPE_CHECKING:
    import pandas

_MAX_SIDE = 1000  # pixels, of a drawing in a notebook, which is stored with it
_JPEG_QUALITY = 85
_HEADER = ("number", "status", "confidence", "other readings")


def picture_of(reading: Reading, picture: ImageSource | None = None) -> Image:
    """Return the picture of a reading, (H, W, 3) uint8 BGR: the one given, or the page of its file, decoded again.

    Raises:
        ImageError: The file is gone or has changed, or the reading is not of a file and no picture is given. A frame
            of a video must be given.
    """
    source = reading.source if picture is None else picture
    if source is None or (picture is None and (reading.time is not None or not os.path.isfile(str(source)))):
        raise ImageError("the picture was not kept: pass it, as in reading.show(picture)")
    with named_errors(source):
        pages = [page.image for page in islice(read_pages(source, MAX_PIXELS), reading.page - 1, reading.page)]
        # Of a picture that is given, there may be the page or frame alone.
        image = pages[0] if pages else next(read_pages(source, MAX_PIXELS)).image
        if image.shape[:2] != (reading.height, reading.width):
            raise ImageError(
                f"it has {image.shape[1]} x {image.shape[0]} pixels, the picture that was read "
                f"{reading.width} x {reading.height}: it is another one, or was changed"
            )
    return image


def show_reading(reading: Reading, picture: ImageSource | None = None) -> None:
    """Show a reading drawn onto its picture: below the cell of a notebook, or in a window until a key is pressed.

    Args:
        reading: Of a file, or of the picture that is given.
        picture: As in `picture_of`.

    Raises:
        ImageError: There is no picture, see `picture_of`.
        DigitdetError: There is neither a notebook nor a display, or OpenCV was built without windows.
    """
    image = picture_of(reading, picture)
    if _is_notebook():
        notebook = sys.modules["IPython"].display
        notebook.display(notebook.HTML(_page(reading, image)))
        return
    window = Window()
    window.show(image, reading)
    window.close()


def reading_html(reading: Reading) -> str:
    """Return a reading as HTML: its drawing, if its file can be read again, and a table of its numbers."""
    try:
        image = picture_of(reading) if reading.numbers else None
    except ImageError:
        image = None
    return _page(reading, image)


def to_pandas(readings: Iterable[Reading]) -> pandas.DataFrame:
    """Return a table with the columns of CSV and a row for each number, or one for a picture without.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingExtraError("to_pandas", None, "pandas") from error
    rows = [row for reading in readings for row in reading_rows(reading)]
    return pandas.DataFrame(rows, columns=list(CSV_COLUMNS))


def _is_notebook() -> bool:
    """Whether this process is the kernel of a notebook; a terminal with IPython is none."""
    python = sys.modules.get("IPython")
    shell = python.get_ipython() if python else None
    return shell is not None and hasattr(shell, "kernel")


def _page(reading: Reading, image: Image | None) -> str:
    parts = [f"<div>{html.escape(repr(reading)[1:-1])}</div>"]
    if image is not None:
        parts.append(f'<img src="data:image/jpeg;base64,{_jpeg(draw_reading(image, reading))}">')
    if reading.numbers:
        rows = [
            (number.text, number.status, f"{number.confidence:.0%}", _others(number.alternatives))
            for number in reading.numbers
        ]
        head = "".join(f"<th>{name}</th>" for name in _HEADER)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    return "\n".join(parts)


def _others(alternatives: Iterable[Alternative]) -> str:
    return ", ".join(f"{other.text} ({other.confidence:.0%})" for other in alternatives)


def _jpeg(image: Image) -> str:
    """Encode a drawing, scaled down to `_MAX_SIDE`, as JPEG in base64."""
    scale = _MAX_SIDE / max(image.shape[:2])
    if scale < 1:
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
    return base64.b64encode(content.tobytes()).decode()
