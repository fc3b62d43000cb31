"""Reading of many pictures and videos, with something written about each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Protocol

from digitdet.common.types import Image
from digitdet.imaging.inputs import Input
from digitdet.reader import NumberReader
from digitdet.reading.regions import Region
from digitdet.reading.results import Reading
from digitdet.reading.stability import stable_readings

Pairs = Iterator[tuple[Image | None, Reading]]
"""Pictures, pages or frames (H, W, 3) uint8 BGR with their readings; None for one that could not be read."""


class PictureWriter(Protocol):
    """Writes something about each picture into a folder."""

    @property
    def skipped(self) -> Sequence[str]:
        """A line of text for every picture about which nothing was written."""

    def add(self, image: Image, reading: Reading) -> None:
        """Write about one picture, (H, W, 3) uint8 BGR."""

    def close(self) -> None:
        """Write what is known only at the end."""


def read_inputs(
    reader: NumberReader,
    inputs: Iterable[Input],
    regions: Sequence[Region] = (),
    writers: Sequence[PictureWriter] = (),
    watch: Callable[[Pairs], Pairs] = iter,
) -> Iterator[Reading]:
    """Yield a reading for every page, and for every frame of a video with new stable numbers.

    Those without an error are passed to the writers, which are closed when all is read. `watch` is a generator that
    yields what it is given: successive pictures, or all frames of one video, the ones without stable numbers too.
    Ending it ends the reading of these.
    """
    for image, reading in _scan(reader, inputs, regions, watch):
        if image is not None and reading.error is None:
            for writer in writers:
                writer.add(image, reading)
        yield reading
    for writer in writers:
        writer.close()


def _scan(
    reader: NumberReader, inputs: Iterable[Input], regions: Sequence[Region], watch: Callable[[Pairs], Pairs]
) -> Pairs:
    for video, group in groupby(inputs, key=lambda one: one.video):
        if video is None:
            yield from watch(reader.scan(group, regions))
        else:
            for _ in group:  # a video may be given several times
                yield from stable_readings(watch(reader.scan_frames(video, regions)), reader.config.stable_frames)
