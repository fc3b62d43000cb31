"""The network's output decoded, and one box kept for each digit: pure NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdet.common.boxes import covering_pairs, near_pairs, pair_iou


@dataclass(frozen=True)
class Detections:
    """Found digits: `boxes` (N, 4) float32 xyxy pixels; `scores` (N, 10) float32, 0 to 1, one for every digit."""

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def best_scores(self) -> npt.NDArray[np.float32]:
        """The best score of each box (N,)."""
        return self.scores.max(axis=1, initial=0)

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """The digit with the best score of each box (N,)."""
        return self.scores.argmax(axis=1)

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Detections:
        """The chosen rows."""
        return Detections(self.boxes[rows], self.scores[rows])


def decode(output: npt.NDArray[np.float32], confidence: float) -> Detections:
    """Candidates with a score of at least `confidence` from the network's output (14, N).

    Returns:
        Boxes in input pixels, in the network's order; many a digit.
    """
    scores = output[4:]
    kept = output[:, scores.max(axis=0, initial=0) >= confidence].T
    kept = kept[np.isfinite(kept).all(axis=1)]  # of a damaged network: nothing further on could do with less
    centres, sizes = kept[:, :2], kept[:, 2:4]
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    return Detections(boxes, kept[:, 4:])


# The network tells digits best at about this height in its input, in pixels; a pass counts the less, the further a
# digit is from it: at half or twice the height, about half as much. Both were chosen on the validation pictures.
_BEST_HEIGHT = 36.0
_HEIGHT_SPREAD = 0.6  # standard deviation of the logarithm of the height


def fuse_passes(passes: Sequence[Detections], scales: Sequence[float], min_iou: float = 0.5) -> Detections:
    """Average the scores of several passes over one picture, each at another scale.

    A box takes the mean, over all passes, of its own scores and those of the box at the same place in each other pass;
    a pass without one there counts as zero. A pass counts by how near the digit's height in its input is to the one at
    which the network is best, since a digit of 150 px is read better made small, one of 20 px enlarged.

    Args:
        passes: Detections in pixels of one picture, each pass suppressed already.
        scales: Pixels of each pass's input for one pixel of the picture.
        min_iou: Two boxes are at the same place from this intersection over union on.

    Returns:
        The boxes of all passes, so that every place has as many boxes as passes found it: suppress them next.
    """
    boxes = np.concatenate([found.boxes for found in passes])
    own = np.concatenate([found.scores for found in passes])
    pass_of = np.repeat(np.arange(len(passes)), [len(found) for found in passes])
    heights = np.maximum(boxes[:, 3] - boxes[:, 1], 1)[:, None]
    weights = np.exp(-((np.log(heights * np.array(scales)) - np.log(_BEST_HEIGHT)) ** 2) / (2 * _HEIGHT_SPREAD**2))
    scores = own * weights[np.arange(len(boxes)), pass_of][:, None]
    rows, partners = _partners(boxes, pass_of, min_iou)
    for other in range(len(passes)):  # a row has one partner a pass at most: no sum is lost
        there = pass_of[partners] == other
        scores[rows[there]] += weights[rows[there], other][:, None] * own[partners[there]]
    # Far from every best height all weights may vanish.
    return Detections(boxes, (scores / (weights.sum(axis=1, keepdims=True) + 1e-12)).astype(np.float32))


def _partners(
    boxes: npt.NDArray[np.float32], pass_of: npt.NDArray[np.int64], min_iou: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of boxes and, for each, the row of the one box at the same place in every other pass that has one."""
    first, second = near_pairs(boxes)
    across = pass_of[first] != pass_of[second]
    first, second = first[across], second[across]
    agreement = pair_iou(boxes, first, second)
    same = agreement >= min_iou
    rows, partners = np.concatenate([first[same], second[same]]), np.concatenate([second[same], first[same]])
    # Of several boxes in one pass the one that agrees best: the first of its kind in this order.
    order = np.lexsort((-np.tile(agreement[same], 2), pass_of[partners], rows))
    rows, partners = rows[order], partners[order]
    _, best = np.unique(rows * (pass_of.max(initial=0) + 1) + pass_of[partners], return_index=True)
    return rows[best], partners[best]


@dataclass(frozen=True)
class NmsResult:
    """Digits found, one a place, and the boxes that lost against them.

    `digits` are the winners, the surest first. `rivals` overlap a winner, too much for both to be digits, and are not
    the same box: half of it, or one around two digits. `winners` (M,) says, for each rival, the row of its winner.
    """

    digits: Detections
    suppressed: Detections
    suppressed_by: npt.NDArray[np.int64]


# Boxes of one place are the same box, found twice, from this intersection over union on.
_SAME_BOX = 0.5


def non_max_suppression(detections: Detections, max_overlap: float) -> NmsResult:
    """Keep the best box of each place, whatever its class: one place, one digit.

    Greedy non-maximum suppression over all classes together. The measure is not IoU, since a box in the hole of an 8,
    or one around two digits, has a low IoU with the right one, but how far two boxes lie on each other along both axes
    (`covering_pairs`): above `max_overlap` one of them goes. A winner takes over the higher scores of its duplicates,
    so that a 7 which was found as 1, too, knows both.

    Returns:
        The winners, the surest first and equally sure ones in their old order, and their rivals.
    """
    order = np.argsort(-detections.best_scores, kind="stable")
    boxes, scores = detections.boxes[order], detections.scores[order]
    winner = _winners(len(boxes), *covering_pairs(boxes, max_overlap))
    rows = np.arange(len(boxes))
    is_same = pair_iou(boxes, rows, winner) >= _SAME_BOX
    kept, rivals = np.flatnonzero(winner == rows), np.flatnonzero(~is_same & (winner != rows))
    return NmsResult(
        Detections(boxes[kept], _best_scores(scores, winner, kept, is_same)),
        Detections(boxes[rivals], scores[rivals]),
        np.searchsorted(kept, winner[rivals]),
    )


def _winners(count: int, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The winner of each of `count` rows, which are in order of their scores, given the pairs that exclude each other:
    itself, or the first winner that meets it.

    The greedy loop of non-maximum suppression in a few rounds for all rows at once: who is met by no open row above it
    wins, and beats all it meets.
    """
    has_won, is_open = np.zeros(count, bool), np.ones(count, bool)
    above, below = first, second
    while len(above):
        is_met = np.zeros(count, bool)
        is_met[below] = True
        wins = is_open & ~is_met
        has_won |= wins
        is_open &= is_met
        is_open[below[wins[above]]] = False
        still = is_open[above] & is_open[below]
        above, below = above[still], below[still]
    has_won |= is_open
    winner = np.where(has_won, np.arange(count), count)
    beaten = has_won[first]
    np.minimum.at(winner, second[beaten], first[beaten])
    return winner


def _best_scores(
    scores: npt.NDArray[np.float32],
    winner: npt.NDArray[np.int64],
    kept: npt.NDArray[np.int64],
    is_same: npt.NDArray[np.bool_],
) -> npt.NDArray[np.float32]:
    """For each row that is kept the highest scores (10,) among it and its duplicates."""
    if not len(kept):
        return scores[:0]
    members = np.flatnonzero(is_same | (winner == np.arange(len(winner))))
    members = members[np.argsort(winner[members], kind="stable")]
    return np.maximum.reduceat(scores[members], np.searchsorted(winner[members], kept), axis=0)
