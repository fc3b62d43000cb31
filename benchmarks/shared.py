"""Helpers shared by the benchmarks."""

from __future__ import annotations

import json
import os
import sys
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from halves import load_rows

from digitdet.datasets.mnist import DATA_VARIABLE


def data_folder(name: str) -> Path:
    """Return the folder `name` in $DIGITDET_DATA; end the program with a message if there is none."""
    root = os.environ.get(DATA_VARIABLE)
    if not root or not (Path(root) / name).is_dir():
        sys.exit(f"set {DATA_VARIABLE} to the folder that contains {name}/")
    return Path(root) / name


def real_sets() -> list[Path]:
    """Return the folders of the real labelled sets, sorted by name."""
    return sorted(path.parent for path in data_folder("real").glob("*/labels.csv"))


def mixed_pictures(count: int) -> list[Path]:
    """Return `count` pictures, taken from all real sets in turn; small sets are repeated."""
    sets = [[folder / row["image"] for row in load_rows(folder)] for folder in real_sets()]
    repeated = [(paths * (count // len(paths) + 1))[:count] for paths in sets]
    return [path for path in chain.from_iterable(zip_longest(*repeated)) if path][:count]


def write_json(path: Path | None, record: Any) -> None:
    """Write the figures as JSON, if a path was given."""
    if path:
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
