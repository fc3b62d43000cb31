"""Many pictures read one after the other: a bad one is reported, and the batch goes on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from digitdet.configs import ImageError
from digitdet.datasets.files import write_atomically
from digitdet.draw import draw_reading
from digitdet.images import Image, encode_png, load_image, quiet_decoders
from digitdet.inputs import Input
from digitdet.reader import NumberReader
from digitdet.results import Reading


def read_pictures(
    reader: NumberReader, inputs: Iterable[Input], save: Path | None = None
) -> Iterator[tuple[str, Reading | ImageError]]:
    """Read pictures in order.

    Args:
        reader: What reads them.
        inputs: The pictures, see `digitdet.inputs.find_inputs`.
        save: A folder for the pictures with what was read drawn on them; made if it is missing.

    Yields:
        The path as given, and the reading or the reason why there is none.

    Raises:
        OSError: A drawn picture cannot be written.
    """
    taken: set[str] = set()
    for picture in inputs:
        try:
            if picture.error:
                raise ImageError(picture.error)
            with quiet_decoders():
                image = load_image(picture.path)
            reading = reader.read(image)
        except ImageError as error:
            yield picture.path, error
            continue
        if save is not None:
            _save_drawing(save / _free_name(Path(picture.path).stem, taken), image, reading)
        yield picture.path, reading


def _free_name(stem: str, taken: set[str]) -> str:
    """A file name for a drawing that no picture before it has: pictures of one name can lie in several folders.

    It ends in `.read.png`, so that a drawing saved beside its picture does not replace it. Names that differ in case
    only count as one, as they do on some systems.
    """
    name, number = stem, 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name.casefold())
    return f"{name}.read.png"


def _save_drawing(path: Path, image: Image, reading: Reading) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, encode_png(draw_reading(image, reading)))
