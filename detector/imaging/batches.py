"""Pages of many pictures, loaded lazily and put together into batches for the network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from digitdet.common.errors import ImageError
from digitdet.common.types import Image
from digitdet.imaging.images import ImageSource, read_pages, source_name
from digitdet.imaging.inputs import Input
from digitdet.imaging.video import Frame

# A batch is full from this many pixels on, 120 MB: decoded pictures wait for each other.
_BATCH_PIXELS = 40_000_000


@dataclass(frozen=True)
class LoadedPage:
    """A page of a picture file, or the reason why it cannot be read."""

    source: str | None  # the path
    image: Image | None  # (H, W, 3); None if there is an error
    number: int = 1  # from 1 to count, the pages of the file
    count: int = 1
    error: str | None = None
    time: float | None = None  # seconds, of a frame of a video


def load_batches(
    sources: Iterable[ImageSource | Input], batch_size: int, max_pixels: int
) -> Iterator[list[LoadedPage]]:
    """Load every page of every source, in order, in batches of up to `batch_size` pages."""
    is_one_image = isinstance(sources, np.ndarray) and sources.ndim < 4
    if is_one_image or isinstance(sources, (str, bytes, os.PathLike)):
        raise TypeError("expected many pictures, such as [name] or Path(folder).glob('*.jpg'), not one")
    return _in_batches(_load_pages(sources, max_pixels), batch_size)


def batch_frames(frames: Iterable[Frame], name: str, batch_size: int) -> Iterator[list[LoadedPage]]:
    """Put the frames of the video `name` together into batches of up to `batch_size` frames."""
    pages = (LoadedPage(name, frame.image, frame.number, frame.count, time=frame.time) for frame in frames)
    return _in_batches(pages, batch_size)


def _in_batches(pages: Iterable[LoadedPage], batch_size: int) -> Iterator[list[LoadedPage]]:
    batch: list[LoadedPage] = []
    pixels = 0
    try:
        for page in pages:
            batch.append(page)
            pixels += page.image[:, :, 0].size if page.image is not None else 0
            if len(batch) >= batch_size or pixels >= _BATCH_PIXELS:
                yield batch
                batch, pixels = [], 0
    except ImageError:  # a video that is cut off: the frames before are read
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _load_pages(sources: Iterable[ImageSource | Input], max_pixels: int) -> Iterator[LoadedPage]:
    for source in sources:
        name = source.path if isinstance(source, Input) else source_name(source)
        number, count = 1, 1
        try:
            if isinstance(source, Input) and source.error is not None:
                raise ImageError(source.error)
            content = source.source() if isinstance(source, Input) else source
            for page in read_pages(content, max_pixels):
                yield LoadedPage(name, page.image, page.number, page.count)
                number, count = page.number + 1, page.count
        except ImageError as error:
            yield LoadedPage(name, None, number, count, str(error))
