"""From the digits of a page to the lattices of its lines.

Digits form lines, a strip is cut for every line, the line reader reads it, and what it and the detector say about each
place is pooled. A page on which the detector finds no digit may be a strip itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitdet.common.types import Boxes, Image, Indices
from digitdet.detection.postprocess import Detections
from digitdet.reading.ctc import decode
from digitdet.reading.evidence import Evidence, gather_evidence
from digitdet.reading.lattice import Lattice
from digitdet.reading.line_reader import Columns, OnnxLineReader
from digitdet.reading.lines import find_lines
from digitdet.reading.pooling import build_lattice
from digitdet.reading.strips import STRIP_HEIGHT, Strip, cut_strip, line_strip, split_at_wide_gaps, whole_strip

_LINE_SCORE = 0.3  # of digits that form lines; lower ones are evidence on the strip of a line
_HEIGHT_RATIOS = (0.5, 1.6)  # of such a digit and those of the line
_TIGHT = 0.5  # digits of at least this part of the page's height: the whole width belongs to their line


@dataclass(frozen=True, eq=False)
class StripReading:
    """A strip, the rows of the digits on it, and what both networks say about its places."""

    strip: Strip
    rows: Indices
    angle: float
    evidence: Evidence


def transcribe(page: Image, digits: Detections, line_reader: OnnxLineReader) -> list[Lattice]:
    """Return the lattices of the lines of a page (H, W, 3), in reading order."""
    return [
        build_lattice(one.evidence, one.rows.tolist(), one.angle, line_reader.weights)
        for one in read_strips(page, digits, line_reader)
    ]


def read_strips(page: Image, digits: Detections, line_reader: OnnxLineReader) -> list[StripReading]:
    """Read the strips of all lines of a page (H, W, 3), in reading order."""
    height, width = page.shape[:2]
    placed = place_strips(digits, width, height)
    columns = line_reader.read([cut_strip(page, strip) for strip, _, _ in placed])
    return [
        StripReading(strip, rows, angle, _evidence(found, strip, digits, rows))
        for (strip, rows, angle), found in zip(placed, columns, strict=True)
    ]


def place_strips(digits: Detections, width: int, height: int) -> list[tuple[Strip, Indices, float]]:
    """Return the strips of the lines on a page of `width` x `height` pixels, their digits' rows, and their angles."""
    strong = np.flatnonzero(digits.best_scores >= _LINE_SCORE)
    if not len(strong):
        rows = np.argsort(digits.boxes[:, 0], kind="stable")
        return [(whole_strip(width, height), rows, 0.0)]
    boxes = digits.boxes.astype(np.float64)
    weak = np.flatnonzero(digits.best_scores < _LINE_SCORE)
    placed: list[tuple[Strip, Indices, float]] = []
    for line in find_lines(boxes[strong]):
        for part in split_at_wide_gaps(boxes[strong], line.digits):
            rows = strong[part]
            strip = line_strip(boxes[rows], line.angle)
            if np.median(boxes[rows, 3] - boxes[rows, 1]) >= _TIGHT * height:
                strip = strip.widened(width)
            rows = np.concatenate([rows, weak[_on_strip(boxes[weak], strip, boxes[rows])]])
            placed.append((strip, rows, line.angle))
    return placed


def _on_strip(boxes: Boxes, strip: Strip, digits: Boxes) -> Indices:
    """Return the rows of boxes that lie on a strip and are about as high as its digits."""
    height = float(np.median(digits[:, 3] - digits[:, 1]))
    ratios = (boxes[:, 3] - boxes[:, 1]) / height
    middles = strip.points_to_strip((boxes[:, :2] + boxes[:, 2:]) / 2)
    inside = (middles > 0).all(axis=1) & (middles < [strip.width, STRIP_HEIGHT]).all(axis=1)
    return np.flatnonzero(inside & (ratios >= _HEIGHT_RATIOS[0]) & (ratios <= _HEIGHT_RATIOS[1]))


def _evidence(columns: Columns, strip: Strip, digits: Detections, rows: Indices) -> Evidence:
    return gather_evidence(decode(columns.log_probabilities), columns.edges, strip, digits.take(rows))
