"""The work of the server, independent of HTTP."""

from __future__ import annotations

import time
from typing import Any

from digitdet.common.errors import ImageError, TimeLimitError
from digitdet.common.types import Image
from digitdet.imaging.images import read_pages
from digitdet.reader import NumberReader
from digitdet.reading.model import Model
from digitdet.reading.options import ReadOptions
from digitdet.web.corrections import CorrectionFolder
from digitdet.web.limits import RequestLimiter
from digitdet.web.settings import ServeSettings


class Service:
    """Reads pictures. Thread-safe.

    Attributes:
        settings: The limits of the server.
        limiter: Limits concurrent requests.
        corrections: The folder for corrections; None if they are not saved.

    Raises:
        DataError: The folder for corrections has other contents.
        OSError: The folder for corrections cannot be written.
    """

    def __init__(self, model: Model, settings: ServeSettings) -> None:
        self.settings = settings
        self.limiter = RequestLimiter(settings.at_once, settings.queue)
        self.corrections = CorrectionFolder(settings.corrections) if settings.corrections else None
        self._model = model

    def read(self, content: bytes, options: ReadOptions) -> list[dict[str, Any]]:
        """Read every page of a file; return what `digitdet read --format json` prints.

        Raises:
            ImageError: No page can be read.
            TimeLimitError: Reading takes too long.
        """
        reader = NumberReader(self._model, None, options.constraints, options.config)
        readings = list(reader.read_many([content], options.regions, self.settings.time_limit))
        errors = [reading.error for reading in readings if reading.error is not None]
        if len(errors) == len(readings):
            raise ImageError(errors[0] if errors else "no page")
        return [reading.to_dict() for reading in readings]

    def page(self, content: bytes, number: int) -> Image:
        """Load a page of a file, numbered from 1, with its EXIF orientation applied: (H, W, 3) uint8 BGR.

        Raises:
            ImageError: The page cannot be read or does not exist.
            TimeLimitError: Reaching the page takes too long.
        """
        deadline = time.monotonic() + self.settings.time_limit
        for page in read_pages(content, self.settings.max_pixels):
            if page.number == number:
                return page.image
            if time.monotonic() > deadline:
                raise TimeLimitError(f"reaching page {number} takes longer than {self.settings.time_limit:g} s")
        raise ImageError(f"there is no page {number}")
