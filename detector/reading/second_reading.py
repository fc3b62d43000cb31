"""Reading the strips of lines, the uncertain ones a second time in other framings.

What the line reader misses in one framing of a line it often sees in another one: test-time augmentation. The texts are
compared by their probabilities in all framings (see `digitdet.reading.ctc.decode`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitdet.common.types import FloatArray, Image
from digitdet.reading.ctc import Decoding, decode
from digitdet.reading.line_reader import OnnxLineReader
from digitdet.reading.strips import Strip, cut_strip

_CERTAIN = 0.9  # probability from which a text is not read again
_FRAMINGS = ((0.9, 0.0), (1.0, -0.15))  # (size, slant) of the second readings, see `Strip.reframed`


def decode_strips(
    page: Image, strips: Sequence[Strip], line_reader: OnnxLineReader
) -> list[tuple[Decoding, FloatArray]]:
    """Return the texts of strips of a page (H, W, 3), each with the edges (T, 4) of its columns, see `Columns`."""
    columns = line_reader.read([cut_strip(page, strip) for strip in strips])
    decodings = [decode(one.log_probabilities) for one in columns]
    uncertain = [row for row, one in enumerate(decodings) if one.log_probability < np.log(_CERTAIN)]
    framings = [strips[row].reframed(*framing) for row in uncertain for framing in _FRAMINGS]
    again = iter(line_reader.read([cut_strip(page, strip) for strip in framings]))
    for row in uncertain:
        others = [next(again).log_probabilities for _ in _FRAMINGS]
        decodings[row] = decode(columns[row].log_probabilities, *others)
    return [(decoding, one.edges) for decoding, one in zip(decodings, columns, strict=True)]
