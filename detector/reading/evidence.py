"""The evidence for each place of a line: what the line reader and the detector say about its options.

Places are the characters of the line reader's best text, the detector's boxes that none of them matches, and the gaps
between. The line reader's evidence is the exact probability of the text with another character at this place.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np

from digitdet.common.characters import SPACE
from digitdet.common.types import CLASS_NAMES, Boxes, FloatArray, Indices, Mask, Scores
from digitdet.detection.postprocess import Detections
from digitdet.reading.ctc import Decoding
from digitdet.reading.lattice import NOTHING
from digitdet.reading.strips import COLUMN_WIDTH, MARGIN, STRIP_HEIGHT, Strip

_DIGIT_HEIGHT = STRIP_HEIGHT / (1 + 2 * MARGIN)  # in strip pixels
_EDGE = 1e-6  # added to the probabilities of the line reader: it may be wrong
# In digit heights. A gap that exceeds the median gap by this much is evidence neither for nor against a space; the
# evidence for a space is largest at twice this.
_WIDE = 0.3
_MIN_OVERLAP = 0.4  # of a character and its box along the line, relative to the narrower one


@dataclass(frozen=True, eq=False)
class Evidence:
    """The places of a line from left to right.

    Attributes:
        boxes: Their boxes (P, 4) on the page, xyxy in pixels.
        rows: The rows (P,) of the detector's boxes there, -1 without one.
        is_empty: Which places (P,) are gaps between the characters and boxes, where most likely nothing is.
        network: The line reader's log probabilities (P, 18) of the classes of `CHARACTERS` and of `NOTHING` there.
        scores: The detector's scores (P, 10) of the digits there, 0 without a box.
        wideness: Evidence (P,) for a space from the gap between two digits in which the place lies: its width minus the
            median of the line's other gaps within numbers, minus 0.3, in digit heights, clipped to -0.3 and 0.3. It is
            0 if the line has no other gap.
    """

    boxes: Boxes
    rows: Indices
    is_empty: Mask
    network: FloatArray
    scores: Scores
    wideness: FloatArray

    @property
    def is_digit(self) -> Mask:
        """At which places (P,) there is a box of the detector, or most likely a digit by the line reader."""
        return _is_digit(self.rows, self.is_empty, self.network)

    @property
    def labels(self) -> Indices:
        """The most likely digits (P,) of the places, 0 to 9, by the detector where it found one."""
        by_network = self.network[:, : len(CLASS_NAMES)].argmax(axis=1)
        return np.where(self.rows >= 0, self.scores.argmax(axis=1), by_network)

    def without(self, places: Mask) -> Evidence:
        """Return the evidence without some of the places (P,)."""
        return Evidence(*(getattr(self, one.name)[~places] for one in fields(self)))


def gather_evidence(decoding: Decoding, edges: FloatArray, strip: Strip, digits: Detections) -> Evidence:
    """Gather what the detector and the line readers say about a line.

    Args:
        decoding: The line reader's texts of the strip.
        edges: The distances (T, 4) from the middle of each column of the strip to the left, top, right and bottom edge
            of its character, in strip heights.
        strip: Where the strip is on the page.
        digits: The detector's digits of this line, with boxes on the page.
    """
    found = strip.boxes_to_strip(digits.boxes)
    characters, rows = _characters(decoding, edges, found, strip.width)
    boxes, rows, positions = _places(characters, rows, found, strip.width)
    has_box = rows >= 0
    is_empty = ~has_box & (positions % 2 == 0)
    on_page, scores = strip.boxes_to_page(boxes), np.zeros((len(boxes), len(CLASS_NAMES)), np.float32)
    on_page[has_box], scores[has_box] = digits.boxes[rows[has_box]], digits.scores[rows[has_box]]
    network = _options(decoding)[positions]
    wideness = _wideness(boxes, np.flatnonzero(_is_digit(rows, is_empty, network)), network[:, SPACE])
    return Evidence(on_page, rows, is_empty, network, scores, wideness)


def _is_digit(rows: Indices, is_empty: Mask, network: FloatArray) -> Mask:
    digits = np.exp(network[:, : len(CLASS_NAMES)]).sum(axis=1)
    return np.asarray((rows >= 0) | (~is_empty & (digits > 0.5)))


def _wideness(boxes: Boxes, digits: Indices, spaces: FloatArray) -> FloatArray:
    """Return the wideness (P,) of places with boxes (P, 4) on the strip.

    `digits` are the places of digits, and `spaces` (P,) the log probabilities of a space.
    """
    wideness = np.zeros(len(boxes))
    if len(digits) < 3:
        return wideness
    between = [slice(left + 1, right) for left, right in pairwise(digits.tolist())]
    height = np.median(boxes[digits, 3] - boxes[digits, 1])
    gaps = (boxes[digits[1:], 0] - boxes[digits[:-1], 2]) / max(height, 1)
    is_in_number = np.array([np.exp(spaces[places]).sum() < 0.5 for places in between])
    for row, places in enumerate(between):
        others = np.delete(gaps, row)[np.delete(is_in_number, row)]
        if len(others):
            wideness[places] = np.clip(gaps[row] - np.median(others), 0, 2 * _WIDE) - _WIDE
    return wideness


def _options(decoding: Decoding) -> FloatArray:
    """Return the log probabilities (2L + 1, 18) of the options in gap 0, at character 0, in gap 1 and so on."""
    count = len(decoding.classes)
    options = np.empty((2 * count + 1, NOTHING + 1))
    options[::2, :NOTHING], options[1::2, :NOTHING] = decoding.inserted, decoding.substituted
    options[::2, NOTHING], options[1::2, NOTHING] = decoding.log_probability, decoding.deleted
    options -= np.logaddexp.reduce(options, axis=1, keepdims=True)
    return np.asarray(np.logaddexp(options, np.log(_EDGE)))


def _characters(decoding: Decoding, edges: FloatArray, found: Boxes, width: int) -> tuple[Boxes, Indices]:
    """Return the boxes (L, 4) of the characters of the best text, and the rows (L,) of those that the detector found.

    The others have the line reader's box; spaces reach from one neighbour to the other.
    """
    columns = decoding.columns.mean(axis=1).astype(int).clip(0, len(edges) - 1)
    middles = np.stack([(columns + 0.5) * COLUMN_WIDTH, np.full(len(columns), STRIP_HEIGHT / 2)], axis=1)
    distances = edges[columns] * STRIP_HEIGHT
    boxes = np.concatenate([middles - distances[:, :2], middles + distances[:, 2:]], axis=1)
    rows, is_space = np.full(len(boxes), -1), decoding.classes == SPACE
    rows[~is_space] = _matching_rows(boxes[~is_space], found)
    boxes[rows >= 0] = found[rows[rows >= 0]]
    boxes[is_space] = _gap_boxes(boxes[~is_space], width)[np.cumsum(~is_space)[is_space]]
    return boxes, rows


def _places(characters: Boxes, rows: Indices, found: Boxes, width: int) -> tuple[Boxes, Indices, Indices]:
    """Return the boxes (P, 4), rows (P,) and positions (P,) of all places from left to right.

    Position 0 is the first gap, 1 the first character, 2 the second gap and so on. In a gap are the boxes (N, 4) of the
    detector that match no character, or one place without a box.
    """
    gaps = _gap_boxes(characters, width)
    others = np.delete(np.arange(len(found)), rows[rows >= 0])
    gap_of = np.searchsorted(np.maximum.accumulate(_middles(characters)), _middles(found[others]))
    empty = np.delete(np.arange(len(gaps)), gap_of)
    boxes = np.concatenate([characters, found[others], gaps[empty]])
    rows = np.concatenate([rows, others, np.full(len(empty), -1)])
    positions = np.concatenate([2 * np.arange(len(characters)) + 1, 2 * gap_of, 2 * empty])
    order = np.lexsort([_middles(boxes), positions])
    return boxes[order], rows[order], positions[order]


def _matching_rows(characters: Boxes, found: Boxes) -> Indices:
    """Return the rows (L,) of the detector's boxes (N, 4) that match characters (L, 4), -1 where none does.

    They match if each is the nearest to the other, and they overlap along the line.
    """
    if not len(found) or not len(characters):
        return np.full(len(characters), -1)
    shared = np.minimum(characters[:, None, 2], found[:, 2]) - np.maximum(characters[:, None, 0], found[:, 0])
    narrower = np.minimum((characters[:, 2] - characters[:, 0])[:, None], found[:, 2] - found[:, 0])
    overlap = shared / np.maximum(narrower, 1)
    nearness = overlap - np.abs(_middles(characters)[:, None] - _middles(found)) / _DIGIT_HEIGHT
    rows, numbers = nearness.argmax(axis=1), np.arange(len(characters))
    is_match = (nearness.argmax(axis=0)[rows] == numbers) & (overlap[numbers, rows] >= _MIN_OVERLAP)
    return np.where(is_match, rows, -1)


def _gap_boxes(characters: Boxes, width: int) -> Boxes:
    """Return the boxes (L + 1, 4) of the gaps around characters (L, 4) in a strip, without width at the ends."""
    first, last = (characters[:1, 0], characters[-1:, 2]) if len(characters) else ([0], [width])
    left, right = np.concatenate([first, characters[:, 2]]), np.concatenate([characters[:, 0], last])
    top = np.full(len(left), MARGIN * _DIGIT_HEIGHT)
    return np.stack([left, top, right, STRIP_HEIGHT - top], axis=1)


def _middles(boxes: Boxes) -> FloatArray:
    return (boxes[:, 0] + boxes[:, 2]) / 2
