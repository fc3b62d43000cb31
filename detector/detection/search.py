"""Digits found in pictures: scale, detect, decode, fuse, recognise, suppress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from digitdet.common.boxes import iou
from digitdet.common.types import Image
from digitdet.configs import ReadConfig
from digitdet.detection.detector import OnnxDetector
from digitdet.detection.fusion import fuse_scores
from digitdet.detection.letterbox import letterbox
from digitdet.detection.postprocess import Detections, NmsResult, decode, fuse_passes, non_max_suppression
from digitdet.detection.recogniser import OnnxRecogniser
from digitdet.detection.tiles import Run, cover_picture, merge_tiles, plan_tiles, read_tiles

# Boxes with lower scores are not even kept as what a digit might be, too: nearly all of them are nothing.
MIN_SCORE = 0.05
# Lower ones yet are shown to the recogniser: of the handwritten digits in ORAND's cheques it finds 99.7% among these.
_PROPOSAL_SCORE = 0.015
# and boxes that would beat each other are left to it up to this overlap.
_PROPOSAL_OVERLAP = 0.7
# Two boxes that lie on each other this much, along both axes, are one proposal.
_SAME_PROPOSAL = 0.85

# Digits that are less than this high in the largest pass are small: the picture is read once more, so large that the
# usual digit has the second height, as far as the last one goes. On composed pages of 1200 px, with digits from 16 px
# on, that took the exact numbers from 56% to 86%.
_SMALL_HEIGHT, _GOOD_HEIGHT = 18.0, 26.0
_MAX_SIDE, _MAX_ENLARGEMENT = 1280, 1.5
_SURE_SCORE = 0.25  # of digits that tell how large digits are
# The largest pass is half of the network's time. Where nothing that the others see has a score between these, it is
# left out: on the choose halves of the real sets (150 pictures each) half of the pictures are settled, and the mean of
# the sets stays (84.2 and 84.1%).
_DOUBTFUL_SCORE, _SETTLED_SCORE = 0.1, 0.5
_MIN_PASSES = 3  # that settle
# What no smaller pass saw at all is a digit only if it is this sure: enlarged, letters of small print look like some.
_NEW_SCORE = 0.65
_SAME_PLACE = 0.4  # intersection over union


@dataclass(frozen=True)
class _Pass:
    """What one picture showed at one scale: boxes in its pixels, and input pixels for one of them."""

    digits: Detections
    scale: float


@dataclass
class _Looks:
    """What the passes over one whole picture found so far."""

    image: Image
    least: float  # scores below it are dropped
    max_overlap: float  # boxes of one pass that lie on each other by more are one
    passes: list[_Pass] = field(default_factory=list)

    def is_settled(self) -> bool:
        """Whether the passes so far agree on all that they see, so that another would only confirm it."""
        sure = self._fused().best_scores
        sure = sure[sure >= _DOUBTFUL_SCORE]
        return bool(len(sure)) and float(sure.min()) >= _SETTLED_SCORE

    def _fused(self) -> Detections:
        return fuse_passes([one.digits for one in self.passes], [one.scale for one in self.passes])

    def closer_side(self) -> int | None:
        """The longer side in pixels at which small digits are read well; None where there are none, or no more pixels
        to see.
        """
        found, scale, longer = self.passes[-1].digits, self.passes[-1].scale, max(self.image.shape[:2])
        sure = found.boxes[found.best_scores >= _SURE_SCORE]
        if scale >= 1 or not len(sure):
            return None
        height = max(float(np.median(sure[:, 3] - sure[:, 1])), 1.0)
        if height * scale >= _SMALL_HEIGHT:
            return None
        return round(min(longer * _GOOD_HEIGHT / height, longer * _MAX_ENLARGEMENT, _MAX_SIDE))

    def fused(self, known: int) -> Detections:
        """All passes as one, not suppressed; the first `known` passes say where a digit may be without being sure."""
        found = self._fused()
        found = found.take(found.best_scores >= self.least)
        if len(self.passes) <= known or not len(found):
            return found
        before = np.concatenate([one.digits.boxes for one in self.passes[:known]])
        is_new = iou(found.boxes, before).max(axis=1, initial=0) < _SAME_PLACE
        return found.take(~is_new | (found.best_scores >= _NEW_SCORE))


class MultiScaleDetector:
    """Finds digits with a model; it knows nothing of numbers.

    Args:
        model: Path of an .onnx file, or one that is loaded; None is the model that ships with the package.
        config: The settings of reading.

    Raises:
        ModelError: The model is missing, damaged, or not a digit detector.
    """

    def __init__(self, model: Path | OnnxDetector | None, config: ReadConfig) -> None:
        self.detector = model if isinstance(model, OnnxDetector) else OnnxDetector(model)
        self._config = config
        self._size = config.image_size or self.detector.image_size

    def detect(self, images: Sequence[Image], quick: bool = False, run: Run = map) -> list[NmsResult]:
        """The digits of pictures, each (H, W, 3) uint8 BGR: boxes in its pixels.

        The network runs on the thread that calls; any number may call at the same time. `quick` is the two passes
        before the largest, and no recogniser: enough to see how a page lies. `run` does the passes.
        """
        recogniser = None if quick else self.detector.recogniser
        if recogniser is None:
            found = self._run_passes(images, quick, MIN_SCORE, self._config.max_overlap, run)
        else:
            proposals = self.propose(images, run=run)
            found = [_judge(image, one, recogniser) for image, one in zip(images, proposals, strict=True)]
        return [non_max_suppression(digits, self._config.max_overlap) for digits in found]

    def propose(self, images: Sequence[Image], quick: bool = False, run: Run = map) -> list[Detections]:
        """All boxes of pictures that the detector holds for anything, with its scores: what the recogniser is shown."""
        found = self._run_passes(images, quick, _PROPOSAL_SCORE, _PROPOSAL_OVERLAP, run)
        return [non_max_suppression(proposals, _SAME_PROPOSAL).digits for proposals in found]

    def _run_passes(
        self, images: Sequence[Image], quick: bool, least: float, max_overlap: float, run: Run
    ) -> list[Detections]:
        """The boxes of all passes, down to a score of `least`, those of each pass suppressed from `max_overlap` on."""
        sides = [round(self._size * factor) for factor in self._config.scales]
        sides = (sides[-3:-1] or sides) if quick else sides
        looks = [_Looks(image, least, max_overlap) for image in images]
        first, largest = (sides, None) if quick or len(sides) < _MIN_PASSES + 1 else (sides[:-1], sides[-1])
        # The largest first: where passes run side by side, it takes as long as all others together.
        passes = list(run(lambda side: self._look([(one, side) for one in looks]), reversed(first)))
        for one, of_one in zip(looks, zip(*reversed(passes), strict=True), strict=True):
            one.passes += of_one
        if largest is not None:
            self._look_again([(one, largest) for one in looks if not one.is_settled()])
        known = [len(one.passes) for one in looks]
        if not quick:
            self._look_again([(one, closer) for one in looks if (closer := one.closer_side()) is not None])
        found = [one.fused(count) for one, count in zip(looks, known, strict=True)]
        if not quick and self._config.tiles != "never":
            found = [self._look_closer(one, whole, run) for one, whole in zip(looks, found, strict=True)]
        return found

    def _look_again(self, wanted: Sequence[tuple[_Looks, int]]) -> None:
        for (looks, _), closer_look in zip(wanted, self._look(wanted), strict=True):
            looks.passes.append(closer_look)

    def _look(self, wanted: Sequence[tuple[_Looks, int]]) -> list[_Pass]:
        """One pass over each picture, with its longer side scaled to so many pixels."""
        inputs = [letterbox(looks.image, side) for looks, side in wanted]
        groups: dict[tuple[int, ...], list[int]] = {}
        for row, (tensor, _) in enumerate(inputs):
            groups.setdefault(tensor.shape, []).append(row)
        passes: dict[int, _Pass] = {}
        for rows in groups.values():
            output = self.detector.detect(np.concatenate([inputs[row][0] for row in rows]))
            for row, found in zip(rows, output, strict=True):
                looks, box = wanted[row][0], inputs[row][1]
                digits = non_max_suppression(decode(found, looks.least), looks.max_overlap).digits
                passes[row] = _Pass(Detections(box.to_picture(digits.boxes), digits.scores), box.scale[1])
        return [passes[row] for row in range(len(wanted))]

    def _look_closer(self, looks: _Looks, whole: Detections, run: Run) -> Detections:
        """The digits of the whole picture, and those of its parts with small print."""
        image = looks.image
        height, width = image.shape[:2]
        scale = self._size * max(self._config.scales) / max(height, width)

        def look_at(tile: Image, tile_scale: float) -> Detections:
            part = _Looks(tile, looks.least, looks.max_overlap)
            return self._look([(part, max(round(max(tile.shape[:2]) * tile_scale), 1))])[0].digits

        if self._config.tiles == "always":
            tiles = cover_picture(width, height, scale)
            tiled = read_tiles(look_at, image, tiles, patience=None, run=run)
        else:
            tiles = plan_tiles(image, whole, scale)
            tiled = read_tiles(look_at, image, tiles, run=run)
        return merge_tiles(whole, tiled, tiles, scale) if tiles else whole


def _judge(image: Image, proposals: Detections, recogniser: OnnxRecogniser) -> Detections:
    """What is left of the detector's proposals when the recogniser has looked at each."""
    judged = Detections(proposals.boxes, fuse_scores(proposals.scores, recogniser.recognise(image, proposals.boxes)))
    return judged.take(judged.best_scores >= MIN_SCORE)
