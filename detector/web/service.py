"""The work of the server, independent of HTTP."""

from __future__ import annotations

import time
from typing import Any

from digitdet.common.errors import ImageError, TimeLimitError
from digitdet.common.types import Image
from digitdet.detection.detector import OnnxDetector
from digitdet.imaging.images import encode_png, read_pages
from digitdet.reader import NumberReader
from digitdet.reading.options import ReadOptions
from digitdet.web.corrections import CorrectDigit, CorrectionFolder, Saved
from digitdet.web.limits import ServeSettings


class Service:
    """Reads pictures and saves corrections. Thread-safe.

    Raises:
        DataError: The folder for corrections holds something else.
        OSError: The folder for corrections cannot be written.
    """

    def __init__(self, detector: OnnxDetector, settings: ServeSettings) -> None:
        self.settings = settings
        self._detector = detector
        self._corrections = CorrectionFolder(settings.corrections) if settings.corrections else None

    @property
    def saves_corrections(self) -> bool:
        """Whether the server has a folder for corrections."""
        return self._corrections is not None

    def read(self, content: bytes, options: ReadOptions) -> list[dict[str, Any]]:
        """Read every page of a file; returns what `digitdet read --format json` prints.

        Raises:
            ImageError: No page can be read.
            TimeLimitError: Reading takes too long.
        """
        reader = NumberReader(self._detector, None, options.constraints, options.config)
        readings = list(reader.read_many([content], options.regions, self.settings.time_limit))
        errors = [reading.error for reading in readings if reading.error is not None]
        if len(errors) == len(readings):
            raise ImageError(errors[0] if errors else "no page")
        return [reading.to_dict() for reading in readings]

    def page(self, content: bytes, number: int) -> bytes:
        """Convert a page of a file, with its EXIF orientation applied, to PNG.

        Raises:
            ImageError: The page cannot be read or does not exist.
            TimeLimitError: Reaching the page takes too long.
        """
        return encode_png(self._page(content, number))

    def correct(self, content: bytes, number: int, rotation: int, digits: list[CorrectDigit]) -> Saved:
        """Save a page of a file with all of its digits.

        Raises:
            ImageError: The page cannot be read or does not exist.
            ConfigError: A box lies outside the page.
            OSError: The folder cannot be written.
        """
        assert self._corrections is not None  # noqa: S101 (the route checks it)
        return self._corrections.save(self._page(content, number), content, rotation, digits)

    def _page(self, content: bytes, number: int) -> Image:
        deadline = time.monotonic() + self.settings.time_limit
        for page in read_pages(content, self.settings.max_pixels):
            if page.number == number:
                return page.image
            if time.monotonic() > deadline:
                raise TimeLimitError(f"reaching page {number} takes longer than {self.settings.time_limit:g} s")
        raise ImageError(f"there is no page {number}")
