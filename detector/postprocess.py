"""The network's output decoded, and one box kept for each digit: pure NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdet.datasets.boxes import iou, overlap


@dataclass(frozen=True)
class Detections:
    """Found digits: `boxes` (N, 4) float32 xyxy pixels; `scores` (N, 10) float32, 0 to 1, one for every digit."""

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def confidences(self) -> npt.NDArray[np.float32]:
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
    centres, sizes = kept[:, :2], kept[:, 2:4]
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    return Detections(boxes, kept[:, 4:])


# The network tells digits best at about this height in its input, in pixels; a pass counts the less, the further a
# digit is from it: at half or twice the height, about half as much. Both were chosen on the validation pictures.
_BEST_HEIGHT = 36.0
_HEIGHT_SPREAD = 0.6  # standard deviation of the logarithm of the height


def fuse(passes: Sequence[Detections], scales: Sequence[float], min_iou: float = 0.5) -> Detections:
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
    heights = np.maximum(boxes[:, 3] - boxes[:, 1], 1)
    scores = np.zeros((len(boxes), passes[0].scores.shape[1]), np.float64)
    total = np.full((len(boxes), 1), 1e-12)  # far from every best height all weights may vanish
    for found, scale in zip(passes, scales, strict=True):
        weight = np.exp(-(np.log(heights * scale / _BEST_HEIGHT) ** 2) / (2 * _HEIGHT_SPREAD**2))[:, None]
        total += weight
        if len(found):
            places = iou(boxes, found.boxes)
            partner = places.argmax(axis=1)
            agrees = places[np.arange(len(boxes)), partner] >= min_iou
            scores[agrees] += weight[agrees] * found.scores[partner[agrees]]
    return Detections(boxes, (scores / total).astype(np.float32))


def suppress(detections: Detections, max_overlap: float) -> Detections:
    """Keep the best box of each place, whatever its class: one place, one digit.

    Greedy non-maximum suppression over all classes together. The measure is intersection over the smaller box, not
    IoU: a box in the hole of an 8, or one around two digits, has a low IoU with the right one.

    Returns:
        The boxes that are left, the surest first; equally sure ones in their old order.
    """
    order = np.argsort(-detections.confidences, kind="stable")
    boxes = detections.boxes[order]
    kept: list[int] = []
    left = np.arange(len(order))
    while len(left):
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[overlap(boxes[best][None], boxes[left])[0] <= max_overlap]
    return detections.take(order[np.array(kept, np.int64)])
