"""Reading the strips of lines, the uncertain ones a second time with a larger network.

The larger network takes more time, so it reads only the lines of which the first one is uncertain. The two were trained
separately and make different mistakes, so the probability of a text is the geometric mean over all readings of the line
(see `digitdet.reading.ctc.decode`). Narrow digits span few columns, and the first or the last of them is easily missed,
so the larger network also reads a horizontally stretched picture of these lines. Lines that are doubtful even then are
read once more, on a strip in which the digits are smaller and a slant to the right is straightened.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from digitdet.common.characters import CHARACTERS
from digitdet.common.parallel import MapFunction
from digitdet.common.types import FloatArray, Image
from digitdet.reading.ctc import Decoding, decode
from digitdet.reading.line_reader import Columns, LineReader
from digitdet.reading.strips import Strip, cut_strip

_GROUP = 8  # strips that are read together
_CERTAIN, _DOUBTFUL = 0.7, 0.5  # probabilities of a text below which a line is read again, and once more
_PART_LENGTH = 8  # characters
_SCALE, _SLANT = 0.9, 0.12  # of the strip that is read once more
_NARROW = 0.7  # width of digits, in their heights, below which a stretched picture is read as well
_STRETCH = 1.4  # of the width of that picture
_WIDE_DIGITS = [CHARACTERS.index(digit) for digit in "023456789"]  # the width of a 1 says little about its typeface


def decode_strips(
    page: Image,
    strips: Sequence[Strip],
    line_reader: LineReader,
    second_reader: LineReader | None = None,
    map_function: MapFunction = map,
) -> list[tuple[Decoding, FloatArray]]:
    """Return the texts of strips of a page (H, W, 3), each with the edges (T, 4) of its columns, see `Columns`.

    Without a second reader, every line is read once. `map_function` runs the groups of strips that are read together.
    """
    groups = [strips[start : start + _GROUP] for start in range(0, len(strips), _GROUP)]
    decoded = map_function(lambda group: _decode_group(page, group, line_reader, second_reader), groups)
    return list(chain.from_iterable(decoded))


def _decode_group(
    page: Image, strips: Sequence[Strip], line_reader: LineReader, second_reader: LineReader | None
) -> list[tuple[Decoding, FloatArray]]:
    """Return the texts and the edges of the columns of strips that are read together; see `decode_strips`."""
    pictures = [cut_strip(page, strip) for strip in strips]
    columns = line_reader.read(pictures)
    decodings = [decode(one.log_probabilities) for one in columns]
    if second_reader is None:
        return [(decoding, one.edges) for decoding, one in zip(decodings, columns, strict=True)]

    readings = [[one.log_probabilities] for one in columns]
    uncertain = [row for row, one in enumerate(decodings) if not _is_likely(one, _CERTAIN)]
    narrow = [row for row in uncertain if _is_narrow(decodings[row], columns[row])]
    stretched = [cut_strip(page, strips[row].stretched(_STRETCH)) for row in narrow]
    again = second_reader.read([pictures[row] for row in uncertain] + stretched)
    _add_readings(uncertain + narrow, again, readings, decodings)

    doubtful = [row for row in uncertain if not _is_likely(decodings[row], _DOUBTFUL)]
    straightened = [cut_strip(page, strips[row].scaled_and_sheared(_SCALE, _SLANT)) for row in doubtful]
    _add_readings(doubtful, second_reader.read(straightened), readings, decodings)
    return [(decoding, one.edges) for decoding, one in zip(decodings, columns, strict=True)]


def _add_readings(
    rows: Sequence[int], columns: Sequence[Columns], readings: list[list[FloatArray]], decodings: list[Decoding]
) -> None:
    """Add further readings of the lines in `rows` to `readings`, and replace their texts in `decodings`."""
    for row, one in zip(rows, columns, strict=True):
        readings[row].append(one.log_probabilities)
    for row in set(rows):
        decodings[row] = decode(*readings[row])


def _is_likely(decoding: Decoding, probability: float) -> bool:
    """Whether a text has this probability; of long texts, the mean over parts of `_PART_LENGTH` characters counts."""
    parts = max(len(decoding.classes) / _PART_LENGTH, 1)
    return bool(decoding.log_probability >= parts * np.log(probability))


def _is_narrow(decoding: Decoding, columns: Columns) -> bool:
    """Whether the digits of a text are narrow; False where there is none whose width tells."""
    tells = np.isin(decoding.classes, _WIDE_DIGITS)
    middles = decoding.columns[tells].mean(axis=1).astype(int).clip(0, len(columns.edges) - 1)
    left, top, right, bottom = columns.edges[middles].T
    return bool(tells.any() and np.median((left + right) / np.maximum(top + bottom, 0.1)) < _NARROW)
