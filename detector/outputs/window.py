"""A window that shows pictures and frames with their readings, by OpenCV."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import cv2

from digitdet.common.errors import DigitdetError
from digitdet.common.types import Image
from digitdet.outputs.draw import draw_reading
from digitdet.reading.results import Reading

_TITLE = "digitdet (any key continues, q quits)"
_MAX_SIZE = 1280, 800  # pixels, when a picture of another size is shown; users may resize the window
_QUIT = (ord("q"), 27)  # 27 is Escape
_NO_GUI = "this OpenCV has no windows; replace opencv-python-headless by opencv-python of the same version"
_NO_DISPLAY = "no window can be opened: there is no display"


class Window:
    """A window; opened by the first picture. Frames of a video follow each other, other pictures wait for a key.

    Attributes:
        is_closed: Whether the user closed it.

    Raises:
        DigitdetError: There is no display, or OpenCV was built without windows.
    """

    def __init__(self) -> None:
        # Tried in another process: where the display cannot be reached, Qt ends the process.
        command = f"import cv2; cv2.namedWindow({_TITLE!r}, cv2.WINDOW_NORMAL); cv2.destroyAllWindows()"
        tried = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)  # noqa: S603
        if tried.returncode:
            raise DigitdetError(_NO_GUI if "not implemented" in tried.stderr else _NO_DISPLAY)
        self.is_closed = False
        self._size: tuple[int, int] | None = None  # width and height of the last picture; None: the window is not open

    def watch(self, pairs: Iterator[tuple[Image | None, Reading]]) -> Iterator[tuple[Image | None, Reading]]:
        """Show each picture and yield it, until the user closes the window."""
        while not self.is_closed and (pair := next(pairs, None)) is not None:
            image, reading = pair
            if image is not None:
                self.show(image, reading)
            yield pair

    def show(self, image: Image, reading: Reading) -> None:
        """Show a picture (H, W, 3) uint8 BGR, and wait for a key unless it is a frame of a video."""
        drawing = draw_reading(image, reading)
        height, width = drawing.shape[:2]
        if self._size is None:
            cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
        if self._size != (width, height):
            scale = min(1.0, _MAX_SIZE[0] / width, _MAX_SIZE[1] / height)
            cv2.resizeWindow(_TITLE, round(width * scale), round(height * scale))
            self._size = width, height
        cv2.imshow(_TITLE, drawing)
        key = cv2.waitKey(1 if reading.time is not None else 50)
        while reading.time is None and key < 0 and self._is_visible():
            key = cv2.waitKey(50)
        self.is_closed = key in _QUIT or not self._is_visible()
        if self.is_closed:
            self.close()

    def close(self) -> None:
        """Close the window; nothing if it is closed."""
        if self._size is not None:
            cv2.destroyAllWindows()
            self._size = None

    def _is_visible(self) -> bool:
        return cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) >= 1
