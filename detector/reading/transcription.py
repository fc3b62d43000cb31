"""From the digits of a page to the lattices of its lines.

Digits form lines, a strip is cut for every line, the line reader reads it, and what it and the detector say about each
place is pooled. Doubtful lines are read first, and those that the line reader does not confirm are left out. A low page
on which the detector finds no digit is read as a strip itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitdet.common.parallel import MapFunction
from digitdet.common.types import Boxes, FloatArray, Image, Indices, Mask
from digitdet.detection.postprocess import Detections
from digitdet.reading.evidence import Evidence, gather_evidence
from digitdet.reading.form_fields import join_form_fields
from digitdet.reading.lattice import Lattice
from digitdet.reading.line_reader import LineReader, OnnxLineReader
from digitdet.reading.lines import find_lines
from digitdet.reading.pooling import build_lattice
from digitdet.reading.second_reading import decode_strips
from digitdet.reading.small_digits import find_small_digits
from digitdet.reading.strips import STRIP_HEIGHT, Strip, line_strip, split_at_wide_gaps, whole_strip

MAX_CROP_HEIGHT = 128
"""Height in pixels up to which a page is probably the crop of a number, read as a strip if no digit is found."""

_LINE_SCORE, _DIGIT_SCORE = 0.2, 0.08  # of the best and of every digit of a line; lower ones are evidence on its strip
# Lines without a digit of this score are doubtful: a digit alone on a page with longer lines (first score), and small
# lines (second score), since a large photo has many places that look like digits. A line is small if the page has more
# than this many times the area of a square as high as its digits.
_ALONE_SCORE, _SMALL_SCORE, _SMALL_PLACES = 0.65, 0.8, 600
# A doubtful line counts if the detector and the line reader, combined as independent evidence, give a digit at least
# the first probability, or a 1 the second, since any vertical stroke looks like a 1.
_CONFIRMED, _CONFIRMED_ONE = 0.97, 0.998
_HEIGHT_RATIOS = (0.5, 1.6)  # of a digit that is evidence on a strip, relative to the digits of its line
_TIGHT = 0.5  # of the page's height; the whole width of the page belongs to a single line of digits as high as this
_MAX_CROP_ASPECT = 250  # of a page that is read as a strip


@dataclass(frozen=True, eq=False)
class PlacedStrip:
    """The strip of a line: `rows` are those of its digits among the page's, `angle` is clockwise in degrees.

    A doubtful one is likely no number, see `without_false_digits`.
    """

    strip: Strip
    rows: Indices
    angle: float
    is_doubtful: bool


@dataclass(frozen=True, eq=False)
class StripReading:
    """The strip of a line, the clockwise angle of the line in degrees, and what the networks say about its places.

    `rows` are those of the digits on the strip among the page's.
    """

    strip: Strip
    rows: Indices
    angle: float
    evidence: Evidence


def transcribe(
    page: Image,
    digits: Detections,
    line_reader: OnnxLineReader,
    second_reader: LineReader | None = None,
    map_function: MapFunction = map,
) -> list[Lattice]:
    """Return the lattices of the lines of a page (H, W, 3), in reading order.

    `map_function` runs the groups of lines that are read together.
    """
    digits, placed = place_confirmed_strips(page, digits, line_reader, map_function)
    readings = read_strips(page, digits, placed, line_reader, second_reader, map_function)
    lattices = [build_lattice(one.evidence, one.angle, line_reader.weights) for one in _without_small_digits(readings)]
    return join_form_fields(page, lattices)


def place_confirmed_strips(
    page: Image, digits: Detections, line_reader: OnnxLineReader, map_function: MapFunction = map
) -> tuple[Detections, list[PlacedStrip]]:
    """Return the digits of a page (H, W, 3) and the strips of their lines, see `place_strips`.

    The digits of doubtful lines that the line reader does not confirm are left out.
    """
    height, width = page.shape[:2]
    placed = place_strips(digits, width, height)
    doubtful = [one for one in placed if one.is_doubtful]
    evidence = _gather(page, digits, doubtful, line_reader, map_function=map_function)
    false_rows = [one.rows for one, seen in zip(doubtful, evidence, strict=True) if not _is_confirmed(seen)]
    if not false_rows:
        return digits, placed
    kept = digits.take(np.setdiff1d(np.arange(len(digits)), np.concatenate(false_rows)))
    return kept, place_strips(kept, width, height)


def read_strips(
    page: Image,
    digits: Detections,
    placed: Sequence[PlacedStrip],
    line_reader: OnnxLineReader,
    second_reader: LineReader | None = None,
    map_function: MapFunction = map,
) -> list[StripReading]:
    """Read the strips of all lines of a page (H, W, 3)."""
    all_rows = np.concatenate([np.zeros(0, np.intp), *(one.rows for one in placed)])
    readings = []
    gathered = _gather(page, digits, placed, line_reader, second_reader, map_function)
    for one, evidence in zip(placed, gathered, strict=True):
        others = digits.boxes[np.setdiff1d(all_rows, one.rows)]
        evidence = evidence.without(_is_in_box(evidence, others))
        readings.append(StripReading(one.strip, one.rows, one.angle, evidence))
    return readings


def _gather(
    page: Image,
    digits: Detections,
    placed: Sequence[PlacedStrip],
    line_reader: OnnxLineReader,
    second_reader: LineReader | None = None,
    map_function: MapFunction = map,
) -> Iterator[Evidence]:
    """Yield what the networks say about the places of each strip."""
    decoded = decode_strips(page, [one.strip for one in placed], line_reader, second_reader, map_function)
    for one, (decoding, edges) in zip(placed, decoded, strict=True):
        yield gather_evidence(decoding, edges, one.strip, digits.take(one.rows))


def _without_small_digits(readings: list[StripReading]) -> list[StripReading]:
    """Leave out the raised and lowered digits, which belong to no number, and lines of such a digit alone."""
    places = [np.flatnonzero(one.evidence.is_digit) for one in readings]
    digits = [(one.evidence.boxes[rows], one.evidence.labels[rows]) for one, rows in zip(readings, places, strict=True)]
    boxes = np.concatenate([np.zeros((0, 4)), *(boxes for boxes, _ in digits)])
    labels = np.concatenate([np.zeros(0, np.intp), *(labels for _, labels in digits)])
    lines = np.split(np.arange(len(boxes)), np.cumsum([len(rows) for rows in places])[:-1])
    small = find_small_digits(boxes, labels, lines)
    if not len(small):
        return readings
    kept = []
    for one, rows, line in zip(readings, places, lines, strict=True):
        is_small = np.isin(line, small)
        evidence = one.evidence.without(np.isin(np.arange(len(one.evidence.rows)), rows[is_small]))
        if not len(rows) or not is_small.all():
            kept.append(replace(one, evidence=evidence))
    return kept


def place_strips(digits: Detections, width: int, height: int) -> list[PlacedStrip]:
    """Return the strips of the lines on a page of `width` x `height` pixels, in reading order.

    Digits with scores that are too low for a line of their own extend one. Others that lie on a strip are evidence.
    """
    scores, boxes = digits.best_scores, digits.boxes.astype(np.float64)
    found = np.flatnonzero(scores >= _DIGIT_SCORE)
    parts = [
        (found[part], line.angle)
        for line in find_lines(boxes[found])
        for part in split_at_wide_gaps(boxes[found], line.digits)
        if scores[found[part]].max() >= _LINE_SCORE
    ]
    placed: list[PlacedStrip] = []
    for rows, angle in parts:
        digit_height = float(np.median(boxes[rows, 3] - boxes[rows, 1]))
        is_tight = len(parts) == 1 and digit_height >= _TIGHT * height
        strip = line_strip(boxes[rows], angle).within(width, is_widened=is_tight)
        is_small = digit_height**2 * _SMALL_PLACES < width * height
        is_doubtful = is_small and bool(scores[rows].max() < _SMALL_SCORE)
        placed.append(PlacedStrip(strip, rows, angle, is_doubtful))
    if placed:
        others = np.setdiff1d(np.arange(len(boxes)), np.concatenate([one.rows for one in placed]))
        return _with_evidence(placed, others, boxes, scores)
    if height > MAX_CROP_HEIGHT or width > _MAX_CROP_ASPECT * height:
        return []
    return [PlacedStrip(whole_strip(width, height), np.argsort(boxes[:, 0], kind="stable"), 0.0, is_doubtful=False)]


def _with_evidence(placed: list[PlacedStrip], others: Indices, boxes: Boxes, scores: FloatArray) -> list[PlacedStrip]:
    """Add the other digits that lie on a strip as evidence, and those on it that would be lines of their own.

    Such a digit is often a part of one, for example of the next digit on a counter drum. On a page with longer lines, a
    digit that is alone, or has weak ones beside it only, is doubtful below a higher score: a letter g looks like a 9. A
    doubtful one on the strip of another line is left out, whatever its height: raised cents are read with their price.
    """
    is_long = [np.count_nonzero(scores[one.rows] >= _LINE_SCORE) > 1 for one in placed]
    free = np.concatenate([others, *(one.rows for one, long in zip(placed, is_long, strict=True) if not long)])
    inside = {row: free[_is_on_strip(boxes[free], one.strip)] for row, one in enumerate(placed) if is_long[row]}
    on_strips = {row: part[_is_as_high(boxes[part], boxes[placed[row].rows])] for row, part in inside.items()}
    taken = np.concatenate([others[:0], *on_strips.values()])
    covered = np.concatenate([others[:0], *inside.values()])
    kept = []
    for row, one in enumerate(placed):
        is_doubtful = one.is_doubtful or (bool(inside) and bool(scores[one.rows].max() < _ALONE_SCORE))
        if row in on_strips:
            kept.append(replace(one, rows=np.concatenate([one.rows, on_strips[row]])))
        elif not np.isin(one.rows, covered if is_doubtful else taken).any():
            kept.append(replace(one, is_doubtful=is_doubtful))
    return kept


def _is_confirmed(evidence: Evidence) -> bool:
    """Whether the networks together are sure of a digit: the sum of the log odds of what they say about it."""
    rows = np.flatnonzero(evidence.rows >= 0)
    labels = evidence.scores[rows].argmax(axis=1)
    agreed = _log_odds(evidence.scores[rows, labels]) + _log_odds(np.exp(evidence.network[rows, labels]))
    return bool(np.any(agreed >= _log_odds(np.where(labels == 1, _CONFIRMED_ONE, _CONFIRMED))))


def _log_odds(probability: FloatArray | float) -> FloatArray:
    probability = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(probability / (1 - probability)))


def _is_on_strip(boxes: Boxes, strip: Strip) -> Mask:
    """Whether the middles of boxes lie on a strip."""
    middles = strip.points_to_strip((boxes[:, :2] + boxes[:, 2:]) / 2)
    return np.asarray((middles > 0).all(axis=1) & (middles < [strip.width, STRIP_HEIGHT]).all(axis=1))


def _is_as_high(boxes: Boxes, digits: Boxes) -> Mask:
    """Whether boxes are about as high as the digits of a line."""
    low, high = np.array(_HEIGHT_RATIOS) * np.median(digits[:, 3] - digits[:, 1])
    heights = boxes[:, 3] - boxes[:, 1]
    return np.asarray((heights >= low) & (heights <= high))


def _is_in_box(evidence: Evidence, boxes: Boxes) -> Mask:
    """Whether places that only the line reader sees have their middle in one of the boxes (N, 4)."""
    middles = (evidence.boxes[:, None, :2] + evidence.boxes[:, None, 2:]) / 2
    inside = np.any(np.all((middles > boxes[:, :2]) & (middles < boxes[:, 2:]), axis=2), axis=1)
    return np.asarray(inside & (evidence.rows < 0))
