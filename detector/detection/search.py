"""Coarse to fine: passes over the whole picture, then enlarged tiles where the proposal network sees small digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from digitdet.common.boxes import largest_iou
from digitdet.common.parallel import MapFunction
from digitdet.common.types import Image
from digitdet.configs import ReadConfig
from digitdet.detection.detector import OnnxDetector
from digitdet.detection.fusion import fuse_passes
from digitdet.detection.letterbox import letterbox
from digitdet.detection.postprocess import Detections, decode, non_max_suppression
from digitdet.detection.proposals import ProposalNetwork, proposal_scale
from digitdet.detection.tiles import merge_tiles, plan_tiles, read_tiles

MIN_SCORE = 0.05
"""Boxes with lower scores are dropped."""

# The largest pass is left out where the others leave no box with a score between these two.
_DOUBTFUL_SCORE, _SETTLED_SCORE = 0.1, 0.5
_MIN_PASSES = 3  # that can make the largest one unnecessary

# Where the median digit is below the first height in the largest pass, in input pixels, one more pass brings it to the
# second, within these limits of the longer side and of the enlargement.
_SMALL_HEIGHT, _TARGET_HEIGHT = 18.0, 26.0
_MAX_SIDE, _MAX_ENLARGEMENT = 1280, 1.5
_SURE_SCORE = 0.25  # of digits that count for the median
# A box of that pass that matches none before must have this score: enlarged, letters of small print look like digits.
_MIN_NEW_SCORE = 0.2
_MATCH_IOU = 0.4

# Small digits are searched in pictures that the proposal network sees at so many times the scale of the passes before,
# unless they are crops of a number: pictures with a digit of at least this share of their height and this score. Pages
# of print, with so many sure digits, get the pass for small digits first.
_MIN_GAIN = 1.5
_CROP_SHARE = 0.2
_CROP_SCORE = 0.7
_PRINT_DIGITS = 6


class _Pass(NamedTuple):
    """The digits of one pass in pixels of the picture, and its input pixels per picture pixel."""

    digits: Detections
    scale: float


@dataclass
class _PictureSearch:
    """A picture and the passes over it so far."""

    image: Image
    passes: list[_Pass] = field(default_factory=list)

    def is_settled(self) -> bool:
        """Whether there are digits and no score is doubtful."""
        scores = self._fused().best_scores
        scores = scores[scores >= _DOUBTFUL_SCORE]
        return bool(len(scores)) and float(scores.min()) >= _SETTLED_SCORE

    def is_number_crop(self) -> bool:
        """Whether a sure digit fills much of the picture's height."""
        found = self._fused()
        heights = (found.boxes[:, 3] - found.boxes[:, 1])[found.best_scores >= _CROP_SCORE]
        return bool(heights.max(initial=0) >= _CROP_SHARE * self.image.shape[0])

    def is_print(self) -> bool:
        """Whether there are many digits."""
        return int(np.count_nonzero(self.passes[-1].digits.best_scores >= _SURE_SCORE)) >= _PRINT_DIGITS

    def enlarged_side(self) -> int | None:
        """Return the longer side in pixels for one more pass over small digits; None if it would gain nothing."""
        found, scale, longer = self.passes[-1].digits, self.passes[-1].scale, max(self.image.shape[:2])
        sure = found.boxes[found.best_scores >= _SURE_SCORE]
        if scale >= 1 or not len(sure):
            return None
        height = max(float(np.median(sure[:, 3] - sure[:, 1])), 1.0)
        if height * scale >= _SMALL_HEIGHT:
            return None
        return round(min(longer * _TARGET_HEIGHT / height, longer * _MAX_ENLARGEMENT, _MAX_SIDE))

    def fused(self, regular_passes: int) -> Detections:
        """Fuse all passes; boxes without a match in the first `regular_passes` need a higher score."""
        found = self._fused()
        found = found.take(found.best_scores >= MIN_SCORE)
        if len(self.passes) <= regular_passes or not len(found):
            return found
        before = np.concatenate([one.digits.boxes for one in self.passes[:regular_passes]])
        is_new = largest_iou(found.boxes, before) < _MATCH_IOU
        return found.take(~is_new | (found.best_scores >= _MIN_NEW_SCORE))

    def _fused(self) -> Detections:
        return fuse_passes(*zip(*self.passes, strict=True))


class MultiScaleDetector:
    """Detects digits in pictures at several scales."""

    def __init__(self, detector: OnnxDetector, proposals: ProposalNetwork, config: ReadConfig) -> None:
        self.detector, self.proposals = detector, proposals
        self._config = config
        self._size = config.image_size or self.detector.image_size

    def detect(self, images: Sequence[Image], quick: bool = False, map_function: MapFunction = map) -> list[Detections]:
        """Detect the digits of each picture (H, W, 3); several threads may call this at the same time.

        `quick` runs at most two passes, and not the largest of several, which suffices to see the rotation.
        `map_function` runs the first passes, the parts of a picture for the proposals, and the tiles.
        """
        searches = [_PictureSearch(image) for image in images]
        sides = [round(self._size * factor) for factor in self._config.scales]
        if quick:
            self._add_passes(searches, sides[-3:-1] or sides, map_function)
            found = [one.fused(len(one.passes)) for one in searches]
        else:
            self._add_regular_passes(searches, sides, map_function)
            found = self._search_small_digits(searches, map_function)
        return [non_max_suppression(digits, self._config.max_overlap) for digits in found]

    def _add_regular_passes(
        self, searches: Sequence[_PictureSearch], sides: list[int], map_function: MapFunction
    ) -> None:
        """Add a pass for each longer side in pixels, the largest only where the others leave doubts."""
        others, largest = (sides[:-1], sides[-1:]) if len(sides) > _MIN_PASSES else (sides, [])
        self._add_passes(searches, others, map_function)
        for side in largest:
            self._add_pass([(one, side) for one in searches if not one.is_settled()])

    def _search_small_digits(self, searches: Sequence[_PictureSearch], map_function: MapFunction) -> list[Detections]:
        """Return the digits of the passes so far, and of tiles around proposed ones or of one more pass."""
        regular_passes = [len(one.passes) for one in searches]
        unsearched = [one for one in searches if one.is_print() or not self._is_searched(one)]
        self._add_pass([(one, side) for one in unsearched if (side := one.enlarged_side()) is not None])
        found = [one.fused(count) for one, count in zip(searches, regular_passes, strict=True)]
        return [
            self._add_tiles(one, whole, map_function) if self._is_searched(one) else whole
            for one, whole in zip(searches, found, strict=True)
        ]

    def _add_passes(self, searches: Sequence[_PictureSearch], sides: list[int], map_function: MapFunction) -> None:
        """Add one pass over every picture for each longer side in pixels."""
        images = [one.image for one in searches]
        # Largest first: side by side with the others, it takes as long as all of them together.
        passes = list(map_function(lambda side: self._run_pass([(image, side) for image in images]), reversed(sides)))
        for one, of_one in zip(searches, zip(*reversed(passes), strict=True), strict=True):
            one.passes += of_one

    def _add_pass(self, wanted: Sequence[tuple[_PictureSearch, int]]) -> None:
        passes = self._run_pass([(search.image, side) for search, side in wanted])
        for (search, _), result in zip(wanted, passes, strict=True):
            search.passes.append(result)

    def _run_pass(self, wanted: Sequence[tuple[Image, int]]) -> list[_Pass]:
        """Run one pass over each picture, with its longer side scaled to so many pixels."""
        inputs = [letterbox(image, side) for image, side in wanted]
        rows_by_shape: dict[tuple[int, ...], list[int]] = {}
        for row, (tensor, _) in enumerate(inputs):
            rows_by_shape.setdefault(tensor.shape, []).append(row)
        passes: dict[int, _Pass] = {}
        for rows in rows_by_shape.values():
            output = self.detector.detect(np.concatenate([inputs[row][0] for row in rows]))
            for row, found in zip(rows, output, strict=True):
                box = inputs[row][1]
                digits = non_max_suppression(decode(found, MIN_SCORE), self._config.max_overlap)
                passes[row] = _Pass(Detections(box.to_picture(digits.boxes), digits.scores), box.scale[1])
        return [passes[row] for row in range(len(wanted))]

    def _is_searched(self, search: _PictureSearch) -> bool:
        """Whether small digits are searched: the picture is large, and not the crop of a number."""
        height, width = search.image.shape[:2]
        scale = max(*(one.scale for one in search.passes), self._size * max(self._config.scales) / max(height, width))
        return proposal_scale(width, height) >= _MIN_GAIN * scale and not search.is_number_crop()

    def _add_tiles(self, search: _PictureSearch, whole: Detections, map_function: MapFunction) -> Detections:
        """Return the digits of the whole picture and of tiles around small ones."""
        image, scale = search.image, max(one.scale for one in search.passes)
        tiles = plan_tiles(image.shape[:2], whole, scale, self.proposals.propose(image, map_function))
        tiled = read_tiles(self._run_part, image, tiles, map_function)
        return merge_tiles(whole, tiled, tiles, scale) if tiles else whole

    def _run_part(self, part: Image, scale: float) -> Detections:
        """Return the digits of a part of a picture, in its pixels; `scale` is input pixels per picture pixel."""
        return self._run_pass([(part, max(round(max(part.shape[:2]) * scale), 1))])[0].digits
