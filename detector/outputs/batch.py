"""Reading of many pictures, with something written about each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from digitdet.common.types import Image
from digitdet.imaging.inputs import Input
from digitdet.reader import NumberReader
from digitdet.reading.regions import Region
from digitdet.reading.results import Reading


class PictureWriter(Protocol):
    """Writes something about each picture into a folder."""

    def add(self, image: Image, reading: Reading) -> None:
        """Write about one picture, (H, W, 3) uint8 BGR."""

    def close(self) -> None:
        """Write what is known only at the end."""


def read_inputs(
    reader: NumberReader, inputs: Iterable[Input], regions: Sequence[Region] = (), writers: Sequence[PictureWriter] = ()
) -> Iterator[Reading]:
    """Yield a reading for every page, and pass those without an error to the writers, which are closed in any case."""
    with contextlib.ExitStack() as stack:
        for writer in writers:
            stack.callback(writer.close)
        for image, reading in reader.scan(inputs, regions):
            if image is not None and reading.error is None:
                for writer in writers:
                    writer.add(image, reading)
            yield reading
