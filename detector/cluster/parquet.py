"""Readings as a Parquet table with the fields of the JSON output and a row for every page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_ALTERNATIVES = pa.list_(pa.struct({"text": pa.string(), "confidence": pa.float64()}))
_BOX = pa.list_(pa.float64(), 4)
_DIGIT = pa.struct({"text": pa.string(), "confidence": pa.float64(), "box": _BOX, "alternatives": _ALTERNATIVES})
_MARK = pa.struct({"text": pa.string(), "confidence": pa.float64(), "box": _BOX, "place": pa.int32()})
_NUMBER = pa.struct(
    [
        ("text", pa.string()),
        ("status", pa.string()),
        ("confidence", pa.float64()),
        ("best", pa.string()),
        ("digit_text", pa.string()),
        ("alternatives", _ALTERNATIVES),
        ("box", _BOX),
        ("angle", pa.float64()),
        ("height", pa.float64()),
        ("region", pa.string()),
        ("upside_down", pa.string()),
        ("doubtful", pa.list_(pa.int32())),
        ("digits", pa.list_(_DIGIT)),
        ("marks", pa.list_(_MARK)),
    ]
)
SCHEMA = pa.schema(
    [
        ("schema", pa.int16()),
        ("image", pa.string()),
        ("page", pa.int32()),
        ("pages", pa.int32()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("status", pa.string()),
        ("error", pa.string()),
        ("time", pa.float64()),
        ("rotation", pa.int16()),
        ("numbers", pa.list_(_NUMBER)),
    ]
)
"""The fields of outputs/reading.schema.json."""


def to_parquet(records: Sequence[dict[str, Any]]) -> bytes:
    """Return a Parquet file with a row for every record of `Reading.to_dict`."""
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(records), schema=SCHEMA), stream, compression="zstd")
    return stream.getvalue()
