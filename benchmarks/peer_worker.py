"""Run RapidOCR or EasyOCR in an interpreter of its own: one path a line on stdin, one JSON object a line on stdout.

    python peer_worker.py rapidocr|rapidocr-rec|easyocr

Both install an OpenCV package that conflicts with digitdet's, so this file imports nothing from digitdet; peers.py
starts it with the interpreter given by --peers-python. An answer contains `lines`, a list of [text, left, top, right,
bottom] (all zero for rapidocr-rec, which treats the picture as one line of text), and `ms`, the milliseconds from the
path to the text.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable

Line = list[str | float]


def main() -> None:
    engine = sys.argv[1]
    read = or_nothing(load_easyocr() if engine == "easyocr" else load_rapidocr(whole=engine == "rapidocr"))
    warm = False
    for line in sys.stdin:
        path = line.rstrip("\n")
        if not warm:  # models are loaded when they are first used
            read(path)
            warm = True
        start = time.perf_counter()
        lines = read(path)
        elapsed = 1000 * (time.perf_counter() - start)
        print(json.dumps({"lines": lines, "ms": elapsed}), flush=True)


def or_nothing(read: Callable[[str], list[Line]]) -> Callable[[str], list[Line]]:
    """Return a function that returns no lines, and prints the error, if `read` fails."""

    def read_or_nothing(path: str) -> list[Line]:
        try:
            return read(path)
        except Exception as error:
            print(f"{path}: {type(error).__name__}: {error}", file=sys.stderr)
            return []

    return read_or_nothing


def load_rapidocr(whole: bool) -> Callable[[str], list[Line]]:
    """Return a function that reads a picture with RapidOCR's default models: the full pipeline, or only recognition."""
    from rapidocr import RapidOCR

    engine = RapidOCR(params={"Global.log_level": "critical"})

    def read(path: str) -> list[Line]:
        found = engine(path, use_det=whole, use_cls=whole, use_rec=True)
        texts = found.txts or ()
        boxes = found.boxes if whole and texts else [[(0, 0)]] * len(texts)
        return [to_line(text, corners) for text, corners in zip(texts, boxes, strict=True)]

    return read


def load_easyocr() -> Callable[[str], list[Line]]:
    """Return a function that reads a picture with EasyOCR's English models, restricted to digits.

    EasyOCR downloads its models when it is first used, or takes them from $EASYOCR_MODULE_PATH/model.
    """
    from easyocr import Reader

    engine = Reader(["en"], gpu=False, verbose=False)
    return lambda path: [to_line(text, corners) for corners, text, _ in engine.readtext(path, allowlist="0123456789")]


def to_line(text: str, corners: Iterable[tuple[float, float]]) -> Line:
    """Return a text and the rectangle around its corners."""
    xs, ys = zip(*((float(x), float(y)) for x, y in corners), strict=True)
    return [text, min(xs), min(ys), max(xs), max(ys)]


if __name__ == "__main__":
    main()
