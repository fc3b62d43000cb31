"""Pictures of the drums of mechanical counters: a folder, or drums.zip in it, with the pictures and labels.csv."""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.common.errors import DataError
from digitdet.common.splits import name_hash
from digitdet.common.tables import read_rows
from digitdet.common.types import FloatArray, Image
from digitdet.datasets.formats.yolo import SPLITS
from digitdet.imaging.images import decode_image

ZIP_FILE = "drums.zip"
LABELS_FILE = "labels.csv"

_READING = re.compile(r"([0-9])(?:\.([0-9]))?")
_MAX_SIDE = 256  # pixels; a larger picture does not show a single drum
_HEIGHT = 96  # pixels; higher pictures are shrunk
_MIN_SIDE = 8
_MIN_CONTRAST = 16  # a picture whose values span less (of 255) is blank
_MAX_BYTES = 4 << 20  # of one picture
_ALIKE = 10.0  # grey levels: groups whose colours deviate more (standard deviation) are divided
_HELD_OUT_SHARE = 0.08  # of the pictures, for 'val' and for 'test'


@dataclass(frozen=True)
class Drums:
    """Pictures of one drum each, in groups that look alike."""

    images: tuple[Image, ...]  # (H, W, 3) uint8 BGR each, of different sizes
    readings: npt.NDArray[np.uint8]  # (N,) tenths, 0 to 99: 30 stands still on 3, 36 is between 3 and 4
    appearance: FloatArray  # (N, 9) colours at the sides, of dark and of light parts, BGR each
    groups: npt.NDArray[np.int64]  # (N,) pictures of one group have similar colours, as those of one meter
    names: tuple[str, ...]  # of each picture in labels.csv
    skipped: tuple[str, ...] = ()  # "path: reason" for each picture that could not be used

    def __len__(self) -> int:
        return len(self.images)


def load_drums(path: Path) -> Drums:
    """Read a folder that holds drums.zip, or labels.csv and the pictures; or a ZIP file with both.

    labels.csv has the columns `image` and `reading`, in digits and tenths such as 3.6. Pictures that are missing,
    damaged, blank, a copy of an earlier one, or more than 256 px wide or high are skipped.

    Raises:
        DataError: The folder or the ZIP file cannot be read, labels.csv is missing or invalid, or no drum that stands
            still on some digit is usable.
    """
    archive = path / ZIP_FILE if path.is_dir() else path
    if not archive.is_file():
        if not (path / LABELS_FILE).is_file():
            raise DataError(
                f"{path}: neither {ZIP_FILE} nor {LABELS_FILE} is there; expected a folder with one of them"
            )
        return _collect(path, lambda name: (path / name).read_bytes())
    try:
        with zipfile.ZipFile(archive) as members:
            return _collect(archive, lambda name: _read_member(members, name))
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(f"{archive}: not a readable ZIP file ({error}); copy or download it again") from error


def split_drums(drums: Drums) -> dict[str, Drums]:
    """Divide drums into 'train', 'val' and 'test', the last two about 8% each, by group.

    No group is in two splits, as drums that look alike are mostly from one meter. The hashes of the names
    decide. `skipped` goes to 'train'.

    Raises:
        DataError: There are too few drums for three splits with all digits.
    """
    hashes = [name_hash(name) for name in drums.names]
    groups = [np.flatnonzero(drums.groups == group).tolist() for group in np.unique(drums.groups)]
    wanted = round(_HELD_OUT_SHARE * len(drums))
    # A large group is held out only if no other is left.
    groups.sort(key=lambda group: (len(group) > 2 * wanted, min(hashes[row] for row in group)))
    rows: dict[str, list[int]] = {split: [] for split in SPLITS}
    for group in groups:
        open_splits = (
            split
            for split in ("val", "test")
            if len(rows[split]) < wanted or _missing_digit(drums.readings[rows[split]]) is not None
        )
        rows[next(open_splits, "train")] += group
    for split, chosen in rows.items():
        missing = _missing_digit(drums.readings[chosen])
        if missing is not None:
            raise DataError(
                f"the drums are too few for three splits: '{split}' would have no {missing} that stands still; add "
                "pictures of more meters"
            )
    return {split: _part(drums, chosen, split == "train") for split, chosen in rows.items()}


def nearest_digits(readings: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return the digit (N,) of which most is visible, from readings (N,) in tenths.

    From 2.6 to 3.5 it is 3: halfway, the smaller digit is the one that a meter reader takes.
    """
    return (readings.astype(np.int64) + 4) // 10 % 10


def is_between_digits(readings: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return which drums (N,) clearly show two digits: tenths 3 to 7. The others stand still, or nearly so."""
    tenths = readings % 10
    return (tenths >= 3) & (tenths <= 7)


def _collect(source: Path, read: Callable[[str], bytes]) -> Drums:
    """Read labels.csv and the pictures by `read(name)`."""
    images, readings, names, skipped = [], [], [], []
    seen: dict[bytes, str] = {}
    for name, reading in _read_labels(source, read):
        try:
            content = read(name)
            first = seen.setdefault(hashlib.sha256(content).digest(), name)
            if first != name:
                raise ValueError(f"the same picture as {first}")
            images.append(_decode_drum(content))
        except KeyError:
            skipped.append(f"{source}: {name}: no such file")
        except OSError as error:
            skipped.append(f"{source}: {name}: {error.strerror or error}")
        except ValueError as error:
            skipped.append(f"{source}: {name}: {error}")
        else:
            readings.append(reading)
            names.append(name)
    tenths = np.array(readings, np.uint8)
    missing = _missing_digit(tenths)
    if missing is not None:
        what = f"no usable drum that stands still on {missing}" if images else "no usable picture of a drum"
        raise DataError(
            f"{source}: {what}" + (f" ({len(skipped)} skipped, the first: {skipped[0]})" if skipped else "")
        )
    appearance = np.array([_appearance(image) for image in images])
    return Drums(tuple(images), tenths, appearance, _group(appearance), tuple(names), tuple(skipped))


def _read_labels(source: Path, read: Callable[[str], bytes]) -> list[tuple[str, int]]:
    """Return the name and the reading in tenths of each picture."""
    try:
        content = read(LABELS_FILE)
    except KeyError as error:
        raise DataError(f"{source}: {LABELS_FILE} is missing; expected the columns image and reading") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{source}: {LABELS_FILE} cannot be read ({error}); copy or download it again") from error
    labels = []
    for line, row in read_rows(content, f"{source}: {LABELS_FILE}", ("image", "reading")):
        image, text = row["image"], row["reading"]
        reading = _READING.fullmatch(text)
        if not image or reading is None:
            raise DataError(
                f"{source}: {LABELS_FILE}, line {line}: expected a picture and a reading 0.0 to 9.9, got {image},{text}"
            )
        labels.append((image, 10 * int(reading[1]) + int(reading[2] or 0)))
    return labels


def _read_member(members: zipfile.ZipFile, name: str) -> bytes:
    """Read a file of the archive; KeyError if there is none, ValueError if it is damaged."""
    try:
        if members.getinfo(name).file_size > _MAX_BYTES:
            raise ValueError("too large for the picture of a drum")
        return members.read(name)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise ValueError(f"damaged in the ZIP file ({error})") from error


def _decode_drum(content: bytes) -> Image:
    """Decode a picture as BGR, at most `_HEIGHT` pixels high; ValueError if it cannot be a picture of a drum."""
    image = decode_image(content)
    if image is None:
        raise ValueError("damaged, cut off or not a picture in a known format")
    height, width = image.shape[:2]
    if not _MIN_SIDE <= min(height, width) <= max(height, width) <= _MAX_SIDE:
        raise ValueError(f"{width}x{height} pixels; expected {_MIN_SIDE} to {_MAX_SIDE}")
    if int(np.ptp(image, axis=(0, 1)).max()) < _MIN_CONTRAST:
        raise ValueError("blank")
    if height > _HEIGHT:
        size = max(round(width * _HEIGHT / height), 1), _HEIGHT
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return image


def _missing_digit(readings: npt.NDArray[np.uint8]) -> int | None:
    """Return the first digit on which no drum stands still."""
    standing = set(nearest_digits(readings[~is_between_digits(readings)]).tolist())
    return next((digit for digit in range(10) if digit not in standing), None)


def _group(appearance: FloatArray) -> npt.NDArray[np.int64]:
    """Return the number (N,) of each picture's group; the pictures of a group look alike."""
    groups = np.zeros(len(appearance), np.int64)
    left, count = [np.arange(len(appearance))], 0
    while left:
        rows = left.pop()
        if appearance[rows].std(axis=0).max() > _ALIKE:
            left.extend(_divide(appearance, rows))
        else:
            groups[rows] = count
            count += 1
    return groups


def _appearance(image: Image) -> FloatArray:
    """Return the mean colour at both sides, a dark and a light colour (9,), BGR each; the digit matters little."""
    side = max(image.shape[1] // 6, 1)
    sides = np.concatenate([image[:, :side], image[:, -side:]], axis=1).mean((0, 1))
    ordered = np.sort(image.reshape(-1, 3), axis=0)
    return np.concatenate([sides, ordered[len(ordered) // 20], ordered[-len(ordered) // 20]])


def _divide(features: FloatArray, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Divide rows at the threshold of their most varied feature that leaves the least variance (Otsu's method)."""
    feature = int(features[rows].var(axis=0).argmax())
    order = rows[np.argsort(features[rows, feature], kind="stable")]
    values = features[order, feature]
    below = np.arange(1, len(values))
    sums = np.cumsum(values)[:-1]
    between = np.square(sums / below - (values.sum() - sums) / (len(values) - below)) * below * (len(values) - below)
    between[values[1:] == values[:-1]] = -1
    cut = int(between.argmax()) + 1
    return order[:cut], order[cut:]


def _part(drums: Drums, rows: Sequence[int], with_skipped: bool) -> Drums:
    """Return some of the drums, in the order of the file."""
    ordered = sorted(rows)
    return Drums(
        tuple(drums.images[row] for row in ordered),
        drums.readings[ordered],
        drums.appearance[ordered],
        drums.groups[ordered],
        tuple(drums.names[row] for row in ordered),
        drums.skipped if with_skipped else (),
    )
