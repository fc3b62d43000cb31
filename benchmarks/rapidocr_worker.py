"""RapidOCR in an interpreter of its own: paths on stdin, one a line; one line of JSON for each on stdout.

    python rapidocr_worker.py full|rec

RapidOCR pulls in an OpenCV package of its own choice, which must not be installed beside digitdet's. So this file
needs nothing of digitdet: `real.py` runs it with the interpreter that it is given. `full` finds, turns and recognises
lines of text; `rec` takes the picture for one line. An answer holds `lines`, a list of [text, left, top, right,
bottom] in the order in which RapidOCR gives them (`rec` knows no place: all 0), and `ms`, the time in milliseconds from
the path to the text.
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
        if not warm:  # its three models are loaded when they are first used
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
