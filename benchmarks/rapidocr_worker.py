"""Run RapidOCR in its own interpreter: one path a line on stdin, one JSON object a line on stdout.

    python rapidocr_worker.py full|rec

RapidOCR installs an OpenCV package that conflicts with digitdet's, so this file imports nothing from digitdet; real.py
starts it with the interpreter given by --rapidocr-python. `full` runs detection, orientation and recognition; `rec`
treats the picture as one line of text. An answer contains `lines`, a list of [text, left, top, right, bottom] (all
zero for `rec`), and `ms`, the milliseconds from the path to the text.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable

from rapidocr import RapidOCR


def main() -> None:
    whole = sys.argv[1] == "full"
    engine = RapidOCR(params={"Global.log_level": "critical"})
    warm = False
    for line in sys.stdin:
        path = line.rstrip("\n")
        if not warm:  # RapidOCR loads each model when it is first used
            engine(path, use_det=False, use_cls=True, use_rec=True)
            engine(path, use_det=whole, use_cls=whole, use_rec=True)
            warm = True
        start = time.perf_counter()
        found = engine(path, use_det=whole, use_cls=whole, use_rec=True)
        elapsed = 1000 * (time.perf_counter() - start)
        texts = found.txts or ()
        boxes = found.boxes if whole and texts else [[(0, 0)]] * len(texts)
        lines = [_line(text, corners) for text, corners in zip(texts, boxes, strict=True)]
        print(json.dumps({"lines": lines, "ms": elapsed}), flush=True)


def _line(text: str, corners: Iterable[tuple[float, float]]) -> list[str | float]:
    xs, ys = zip(*((float(x), float(y)) for x, y in corners), strict=True)
    return [text, min(xs), min(ys), max(xs), max(ys)]


if __name__ == "__main__":
    main()
