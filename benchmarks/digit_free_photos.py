"""Measure how many numbers are read in photos without any digit.

    python benchmarks/digit_free_photos.py [--model RUN] [--limit N] [--save DIR] [--json FILE]

Reads the photos in $DIGITDET_DATA/photos alone and, since most have less than half a megapixel, put together to
pictures of 1280 x 960 pixels that show four. `sure` is the mean count per picture of numbers with the status "ok",
`all` that of all numbers. With --save the pictures with a number, marked, are written to DIR.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from shared import data_folder, write_json

from digitdet import NumberReader, draw_reading
from digitdet.common.types import Image
from digitdet.imaging.images import load_image
from digitdet.reading.results import OK

_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
_PART = (640, 480)  # width and height in pixels of a photo in a picture of four


def main() -> None:
    arguments = parse_arguments()
    paths = sorted(path for path in data_folder("photos").rglob("*") if path.suffix.lower() in _ENDINGS)
    if arguments.limit:
        paths = paths[:: max(len(paths) // arguments.limit, 1)][: arguments.limit]
    photos = [load_image(path, 100_000_000) for path in paths]
    reader = NumberReader(arguments.model)
    print(f"{'pictures':12} {'count':>6} {'sure':>7} {'all':>7} {'ms':>6}")
    record = {}
    for name, pictures in (("one photo", iter(photos)), ("four photos", in_fours(photos))):
        record[name] = measure(reader, name, pictures, arguments.save)
    write_json(arguments.json, record)


def in_fours(photos: Sequence[Image]) -> Iterator[Image]:
    """Yield pictures of four photos each, two in a row; photos left over at the end are not used."""
    for start in range(0, len(photos) - 3, 4):
        parts = [cv2.resize(photo, _PART, interpolation=cv2.INTER_AREA) for photo in photos[start : start + 4]]
        yield np.vstack([np.hstack(parts[:2]), np.hstack(parts[2:])]).astype(np.uint8)


def measure(reader: NumberReader, name: str, pictures: Iterator[Image], folder: Path | None) -> dict[str, float]:
    """Read pictures; print a line of the table and return its figures."""
    count = sure = total = 0
    elapsed = 0.0
    for picture in pictures:
        start = time.perf_counter()
        reading = reader.read(picture)
        elapsed += time.perf_counter() - start
        if folder and reading.numbers:
            folder.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / f"{name.replace(' ', '-')}_{count:03}.png"), draw_reading(picture, reading))
        count += 1
        sure += sum(number.status == OK for number in reading.numbers)
        total += len(reading.numbers)
    figures = {"count": count, "sure": sure / count, "all": total / count, "ms": 1000 * elapsed / count}
    print(f"{name:12} {count:6} {figures['sure']:7.3f} {figures['all']:7.3f} {figures['ms']:6.0f}", flush=True)
    return figures


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, help="run folder to measure; default: the shipped model")
    parser.add_argument("--limit", type=int, default=0, help="at most N photos, evenly spaced; 0: all")
    parser.add_argument("--save", type=Path, metavar="DIR", help="save the pictures with a number, marked")
    parser.add_argument("--json", type=Path, help="also write the figures as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    main()
