"""Reading the strips of lines, the uncertain ones a second time with a larger network.

Most lines are easy. The others are worth the time of a larger network, and two networks that were trained separately
make different mistakes: the texts are compared by their probabilities in both (see `digitdet.reading.ctc.decode`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitdet.common.types import FloatArray, Image
from digitdet.reading.ctc import Decoding, decode
from digitdet.reading.line_reader import OnnxLineReader
from digitdet.reading.strips import Strip, cut_strip

_CERTAIN = 0.9  # probability from which a text is not read again


def decode_strips(
    page: Image, strips: Sequence[Strip], line_reader: OnnxLineReader, second_reader: OnnxLineReader | None = None
) -> list[tuple[Decoding, FloatArray]]:
    """Return the texts of strips of a page (H, W, 3), each with the edges (T, 4) of its columns, see `Columns`.

    Without a second reader, every line is read once.
    """
    pictures = [cut_strip(page, strip) for strip in strips]
    columns = line_reader.read(pictures)
    decodings = [decode(one.log_probabilities) for one in columns]
    if second_reader is not None:
        uncertain = [row for row, one in enumerate(decodings) if one.log_probability < np.log(_CERTAIN)]
        again = second_reader.read([pictures[row] for row in uncertain])
        for row, second in zip(uncertain, again, strict=True):
            decodings[row] = decode(columns[row].log_probabilities, second.log_probabilities)
    return [(decoding, one.edges) for decoding, one in zip(decodings, columns, strict=True)]
