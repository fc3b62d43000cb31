"""Pages of many pictures, loaded lazily and put together into batches for the network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from digitdet.common.errors import ImageError
from digitdet.common.types import Image
from digitdet.imaging.images import ImageSource, read_pages
from digitdet.imaging.inputs import Input

# A batch is full from this many pixels on, 120 MB: decoded pictures wait for each other.
_BATCH_PIXELS = 40_000_000


@dataclass(frozen=True)
class LoadedPage:
    """A page of a picture file, or the reason why it cannot be read.

    `image` is (H, W, 3) uint8 BGR, None where there is an `error`. `source` is the path, where there is one. `number`
    counts from 1 to `count`, the pages of the file.
    """

    source: str | None
    image: Image | None
    number: int = 1
    count: int = 1
    error: str | None = None


def load_batches(
    sources: Iterable[ImageSource | Input], batch_size: int, max_pixels: int
) -> Iterator[list[LoadedPage]]:
    """Load every page of every source, in order, in batches of up to `batch_size` pages.

    A page that cannot be read is one with an error; the others are loaded. See `read_pages` for `max_pixels`.
    """
    batch: list[LoadedPage] = []
    pixels = 0
    for page in _load_pages(sources, max_pixels):
        batch.append(page)
        pixels += page.image.shape[0] * page.image.shape[1] if page.image is not None else 0
        if len(batch) >= batch_size or pixels >= _BATCH_PIXELS:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


def _load_pages(sources: Iterable[ImageSource | Input], max_pixels: int) -> Iterator[LoadedPage]:
    for source in sources:
        name = source.path if isinstance(source, Input) else source_name(source)
        number, count = 1, 1
        try:
            for page in read_pages(_content(source), max_pixels):
                yield LoadedPage(name, page.image, page.number, page.count)
                number, count = page.number + 1, page.count
        except ImageError as error:
            yield LoadedPage(name, None, number, count, str(error))


def source_name(source: ImageSource) -> str | None:
    """Return the path of a source; None for bytes and arrays."""
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else None


def _content(source: ImageSource | Input) -> ImageSource:
    if not isinstance(source, Input):
        return source
    if source.error is not None:
        raise ImageError(source.error)
    return source.source()
