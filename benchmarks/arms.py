"""What the benchmarks share that train several models and compare them on the real sets."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from halves import load_rows
from real import measure, read_ours

from digitdet import NumberReader
from digitdet.datasets.mnist import DATA_VARIABLE


def real_sets() -> list[Path]:
    """The folders of the real sets; the program ends where there are none."""
    real = Path(os.environ.get(DATA_VARIABLE, "")) / "real"
    if not real.is_dir():
        sys.exit(f"set {DATA_VARIABLE} to the folder that holds real/")
    return sorted(path.parent for path in real.glob("*/labels.csv"))


def exact_shares(model: Path, sets: Sequence[Path], limit: int) -> dict[str, float]:
    """The part of the numbers of each set that a model reads exactly, on the choose halves: models are compared here.

    At most `limit` pictures of a set are read, evenly spaced.
    """
    reader = NumberReader(model)
    shares = {}
    for folder in sets:
        rows = load_rows(folder, "choose", limit)
        result = read_ours(reader, [folder / row["image"] for row in rows], [row["number"] for row in rows])
        shares[folder.name] = float(measure(folder.name, "digitdet", result)["exact"])
    return shares


def mean_of(shares: Mapping[str, float]) -> float:
    """The mean over the sets."""
    return sum(shares.values()) / len(shares)
