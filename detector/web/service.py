"""What the server does with a picture, on a thread of its own; it knows nothing of HTTP."""

from __future__ import annotations

import time
from typing import Any

from digitdet.common.errors import ImageError, TimeLimitError
from digitdet.common.types import Image
from digitdet.detection.detector import OnnxDetector
from digitdet.imaging.images import encode_png, read_pages
from digitdet.reader import NumberReader
from digitdet.web.corrections import CorrectDigit, CorrectionFolder, Saved
from digitdet.web.options import ReadOptions
from digitdet.web.settings import ServeSettings


class Service:
    """Reads pictures and keeps corrections; any number of threads may call it.

    Args:
        detector: The model.
        settings: The limits.

    Raises:
        DataError: The folder of corrections holds something else.
        OSError: It cannot be written.
    """

    def __init__(self, detector: OnnxDetector, settings: ServeSettings) -> None:
        self.settings = settings
        self._detector = detector
        self._corrections = CorrectionFolder(settings.corrections) if settings.corrections else None

    @property
    def keeps_corrections(self) -> bool:
        """Whether `correct` can be called."""
        return self._corrections is not None

    def read(self, content: bytes, options: ReadOptions) -> list[dict[str, Any]]:
        """The readings of a file's pages, as `digitdet read --format json` gives them.

        Raises:
            ImageError: No page can be read.
            TimeLimitError: It takes too long.
        """
        reader = NumberReader(self._detector, None, options.constraints, options.config)
        readings = list(reader.read_many([content], options.regions, self.settings.time_limit))
        errors = [reading.error for reading in readings if reading.error is not None]
        if len(errors) == len(readings):
            raise ImageError(errors[0] if errors else "no page")
        return [reading.to_dict() for reading in readings]

    def page(self, content: bytes, number: int) -> bytes:
        """A page of a file as PNG, as a person sees it: for browsers that do not know the format.

        Raises:
            ImageError: It cannot be read, or there is no such page.
            TimeLimitError: It takes too long.
        """
        return encode_png(self._page(content, number))

    def correct(self, content: bytes, number: int, rotation: int, digits: list[CorrectDigit]) -> Saved:
        """Keep a page of a file with all of its digits.

        Raises:
            ImageError: The page cannot be read.
            ConfigError: A box does not lie in it.
            OSError: The folder cannot be written.
        """
        assert self._corrections is not None  # noqa: S101 (there is no such route without)
        page = self._page(content, number)
        return self._corrections.save(page, content, rotation, digits)

    def _page(self, content: bytes, number: int) -> Image:
        deadline = time.monotonic() + self.settings.time_limit
        for page in read_pages(content, self.settings.max_pixels):
            if page.number == number:
                return page.image
            if time.monotonic() > deadline:
                raise TimeLimitError(f"it takes longer than {self.settings.time_limit:g} s to get to page {number}")
        raise ImageError(f"there is no page {number}")
