"""Coverage-guided fuzzing: `python tests/torture/guided.py [-runs=20000] [-max_total_time=60]`

Atheris (`pip install atheris`, Linux) keeps the inputs that reach new branches of digitdet's own code. The kinds are
those that digitdet parses in Python; the options are libFuzzer's.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["digitdet"]):
    import digitdet.datasets.convert
    import digitdet.datasets.crops
    import digitdet.datasets.formats.numbers
    import digitdet.evaluation.sets
    import digitdet.imaging.images
    import digitdet.outputs.result_file
    import digitdet.reading.constraints
    import digitdet.reading.regions  # noqa: F401
from seeds import SEEDS
from targets import judge

_KINDS = (
    *("picture", "labels", "truths", "dataset", "labelled", "crops"),
    *("options", "mnist", "coco", "voc", "interrupted"),
)
_FOLDER = Path(tempfile.mkdtemp())


def try_one(content: bytes) -> None:
    """Run one input, whose first byte chooses the kind."""
    if not content:
        return
    kind = _KINDS[content[0] % len(_KINDS)]
    outcome, why = judge(kind, content[1:], _FOLDER)
    if outcome == "failed":
        raise RuntimeError(f"{kind}: {why}")


def main() -> None:
    with tempfile.TemporaryDirectory() as corpus:
        for row, kind in enumerate(_KINDS):
            for index, content in enumerate(SEEDS[kind]()):
                (Path(corpus) / f"{kind}-{index}").write_bytes(bytes([row]) + content)
        atheris.Setup([*sys.argv, "-timeout=2", "-rss_limit_mb=4096", corpus], try_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
