"""Many pictures read one after the other, and what is written about each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from digitdet import __version__
from digitdet.common.files import write_atomically
from digitdet.common.types import Image
from digitdet.imaging.images import encode_png
from digitdet.imaging.inputs import Input
from digitdet.models.model_file import SHIPPED_MODEL, shipped_file
from digitdet.outputs.names import FileNames
from digitdet.reader import NumberReader
from digitdet.reading.regions import Region
from digitdet.reading.results import Reading


class PictureWriter(Protocol):
    """Writes something about each picture that was read, into a folder of its own."""

    def add(self, image: Image, reading: Reading) -> None:
        """Write about one picture, (H, W, 3) uint8 BGR."""

    def close(self) -> None:
        """Write what can only be said at the end."""


class DrawingWriter:
    """Pictures with what was read drawn on them, as PNG.

    Their names end in `.read.png`, so that one that is saved beside its picture does not replace it.

    Args:
        folder: Made if it is missing; drawings of an earlier run are replaced.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = FileNames()

    def add(self, image: Image, reading: Reading) -> None:
        """Draw one picture.

        Raises:
            OSError: It cannot be written.
        """
        from digitdet.outputs.draw import draw_reading

        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(
            self._folder / f"{self._names.name(reading)}.read.png", encode_png(draw_reading(image, reading))
        )

    def close(self) -> None:
        """Nothing is left to write."""


def read_inputs(
    reader: NumberReader, inputs: Iterable[Input], regions: Sequence[Region] = (), writers: Sequence[PictureWriter] = ()
) -> Iterator[Reading]:
    """Read pictures in order, and write about each that could be read.

    Yields:
        A reading for every page; one with the status 'error' for a picture that cannot be read.

    Raises:
        OSError: Something cannot be written.
    """
    with contextlib.ExitStack() as finish:  # what was interrupted is usable as far as it got
        for writer in writers:
            finish.callback(writer.close)
        for image, reading in reader.scan(inputs, regions):
            if image is not None and reading.error is None:
                for writer in writers:
                    writer.add(image, reading)
            yield reading


def identify(model: Path | None, options: Mapping[str, Any], inputs: Iterable[Input]) -> dict[str, Any]:
    """What decides the results of a reading, as JSON types: a half of one and a half of another shall not become one.

    Args:
        model: The model's file; None is the one that ships.
        options: Settings by name; a path stands for what the file holds.
        inputs: The pictures, by their names.

    Raises:
        OSError: A file cannot be read.
    """
    model = model or shipped_file(SHIPPED_MODEL)
    settings = {name: _digest(value) if isinstance(value, Path) else value for name, value in options.items()}
    return {
        "digitdet": __version__,
        "model": _digest(model),
        "options": settings,
        "inputs": [[one.path, one.error] for one in inputs],
    }


def _digest(path: Path) -> str:
    import hashlib  # here, as drawing: what few readings need shall not delay all

    return hashlib.sha256(path.read_bytes()).hexdigest()
