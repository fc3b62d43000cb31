"""Coarse to fine: passes over the whole picture, then enlarged tiles where one more pass suspects small digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from digitdet.common.boxes import iou
from digitdet.common.parallel import MapFunction
from digitdet.common.types import Image
from digitdet.configs import ReadConfig
from digitdet.detection.detector import OnnxDetector
from digitdet.detection.fusion import fuse_passes
from digitdet.detection.letterbox import letterbox
from digitdet.detection.postprocess import Detections, decode, non_max_suppression
from digitdet.detection.tiles import Proposals, merge_tiles, plan_tiles, read_tiles

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
_MIN_NEW_SCORE = 0.65
_MATCH_IOU = 0.4

# One pass of at most `_MAX_SIDE` pixels proposes places of small digits, in two halves with this overlap in pixels. It
# is left out if its scale is less than this many times that of the passes before, and in crops of a number: pictures
# with a digit that has at least this share of their height and this score.
_HALF_OVERLAP = 64
_MIN_PROPOSAL_GAIN = 1.5
_CROP_SHARE = 0.2
_CROP_SCORE = 0.7


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
        """Fuse all passes; boxes without a match in the first `regular_passes` need a high score."""
        found = self._fused()
        found = found.take(found.best_scores >= MIN_SCORE)
        if len(self.passes) <= regular_passes or not len(found):
            return found
        before = np.concatenate([one.digits.boxes for one in self.passes[:regular_passes]])
        is_new = iou(found.boxes, before).max(axis=1, initial=0) < _MATCH_IOU
        return found.take(~is_new | (found.best_scores >= _MIN_NEW_SCORE))

    def _fused(self) -> Detections:
        return fuse_passes(*zip(*self.passes, strict=True))


class MultiScaleDetector:
    """Detects digits in pictures at several scales.

    `model` is the path of an .onnx file or a loaded model; None is the model that ships with the package.
    """

    def __init__(self, model: Path | OnnxDetector | None, config: ReadConfig) -> None:
        self.detector = model if isinstance(model, OnnxDetector) else OnnxDetector(model)
        self._config = config
        self._size = config.image_size or self.detector.image_size

    def detect(self, images: Sequence[Image], quick: bool = False, map_function: MapFunction = map) -> list[Detections]:
        """Detect the digits of each picture (H, W, 3); several threads may call this at the same time.

        `quick` runs only the two passes before the largest, which suffices to see the rotation. `map_function` runs the
        passes and tiles.
        """
        found = self._run_passes(images, quick, map_function)
        return [non_max_suppression(digits, self._config.max_overlap) for digits in found]

    def _run_passes(self, images: Sequence[Image], quick: bool, map_function: MapFunction) -> list[Detections]:
        """Return the fused boxes of all passes; NMS has been applied within each pass only."""
        sides = [round(self._size * factor) for factor in self._config.scales]
        sides = (sides[-3:-1] or sides) if quick else sides
        searches = [_PictureSearch(image) for image in images]
        first, largest = (sides, None) if quick or len(sides) < _MIN_PASSES + 1 else (sides[:-1], sides[-1])
        # Largest first: side by side with the others, it takes as long as all of them together.
        passes = list(map_function(lambda side: self._run_pass([(image, side) for image in images]), reversed(first)))
        for one, of_one in zip(searches, zip(*reversed(passes), strict=True), strict=True):
            one.passes += of_one
        if largest is not None:
            self._add_pass([(one, largest) for one in searches if not one.is_settled()])
        regular_passes = [len(one.passes) for one in searches]
        if not quick:
            self._add_pass([(one, side) for one in searches if (side := one.enlarged_side()) is not None])
        found = [one.fused(count) for one, count in zip(searches, regular_passes, strict=True)]
        if not quick:
            found = [self._add_tiles(one, whole, map_function) for one, whole in zip(searches, found, strict=True)]
        return found

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

    def _add_tiles(self, search: _PictureSearch, whole: Detections, map_function: MapFunction) -> Detections:
        """Return the digits of the whole picture and of tiles around small ones."""
        image = search.image
        longer = max(image.shape[:2])
        proposal_scale = min(_MAX_SIDE / longer, 1.0)
        scale = max(*(one.scale for one in search.passes), self._size * max(self._config.scales) / longer)
        if proposal_scale < _MIN_PROPOSAL_GAIN * scale or _is_number_crop(image, whole):
            return whole
        proposals = self._propose(image, proposal_scale, map_function)

        def detect_in_tile(tile: Image, tile_scale: float) -> Detections:
            return self._run_pass([(tile, max(round(max(tile.shape[:2]) * tile_scale), 1))])[0].digits

        tiles = plan_tiles(image, whole, scale, proposals)
        tiled = read_tiles(detect_in_tile, image, tiles, map_function)
        return merge_tiles(whole, tiled, tiles, scale) if tiles else whole

    def _propose(self, image: Image, scale: float, map_function: MapFunction) -> Proposals:
        """Return places that may be small digits, from one pass with `scale` input pixels per picture pixel."""
        height, width = image.shape[:2]
        along_x, middle, margin = width >= height, max(width, height) // 2, round(_HALF_OVERLAP / 2 / scale)
        starts = (0, max(middle - margin, 0))
        rows = (slice(0, middle + margin), slice(starts[1], None))
        halves = [image[:, part] if along_x else image[part] for part in rows]

        def detect_in_half(half: Image) -> Detections:
            return self._run_pass([(half, max(round(max(half.shape[:2]) * scale), 1))])[0].digits

        boxes = []
        for start, found in zip(starts, map_function(detect_in_half, halves), strict=True):
            offset = np.array([start, 0] * 2 if along_x else [0, start] * 2, np.float32)
            boxes.append(found.boxes + offset)
        return Proposals(np.concatenate(boxes), scale)


def _is_number_crop(image: Image, found: Detections) -> bool:
    heights = (found.boxes[:, 3] - found.boxes[:, 1])[found.best_scores >= _CROP_SCORE]
    return bool(heights.max(initial=0) >= _CROP_SHARE * image.shape[0])
