"""Digits found in pictures: scale, detect, decode, fuse, suppress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digitdet.configs import ReadConfig
from digitdet.imaging.images import Image
from digitdet.inference import OnnxDetector
from digitdet.preprocess import Letterbox, letterbox
from digitdet.reading.calibration import Calibration
from digitdet.reading.postprocess import Detections, Places, decode, fuse, suppress
from digitdet.tiles import cover_picture, merge_tiles, plan_tiles, read_tiles

# Boxes with lower scores are not even kept as what a digit might be, too: nearly all of them are nothing.
MIN_SCORE = 0.05


@dataclass(frozen=True)
class _Pass:
    """One picture on its way through the network at one scale."""

    picture: int
    tensor: npt.NDArray[np.float32]
    box: Letterbox


class DigitFinder:
    """Finds digits with a model; it knows nothing of numbers.

    Args:
        model: Path of an .onnx file; None is the model that ships with the package.
        config: The settings of reading.

    Raises:
        ModelError: The model is missing, damaged, or not a digit detector.
    """

    def __init__(self, model: Path | None, config: ReadConfig) -> None:
        self._detector = OnnxDetector(model)
        self._config = config
        self._size = config.image_size or self._detector.image_size

    @property
    def calibration(self) -> Calibration:
        """That of the model."""
        return self._detector.calibration

    def find(self, images: Sequence[Image], quick: bool = False) -> list[Places]:
        """The digits of pictures, each (H, W, 3) uint8 BGR: boxes in its pixels.

        `quick` is the first two passes over the whole of each picture: enough to see how it lies.
        """
        factors = self._config.scales[:2] if quick else self._config.scales
        wholes = self._look(images, factors)
        if quick or self._config.tiles == "never":
            found = wholes
        else:
            found = [self._look_closer(image, whole) for image, whole in zip(images, wholes, strict=True)]
        return [suppress(digits, self._config.max_overlap) for digits in found]

    def _look(self, images: Sequence[Image], factors: Sequence[float]) -> list[Detections]:
        """Each picture as a whole, at every factor on the model's size; the passes fused, not suppressed."""
        passes: list[list[Detections]] = [[] for _ in images]
        scales: list[list[float]] = [[] for _ in images]
        for factor in factors:
            for picture, found, scale in self._run(images, [round(self._size * factor)] * len(images)):
                passes[picture].append(found)
                scales[picture].append(scale)
        fused = [fuse(found, scale) for found, scale in zip(passes, scales, strict=True)]
        return [found.take(found.confidences >= MIN_SCORE) for found in fused]

    def _run(self, images: Sequence[Image], sides: Sequence[int]) -> list[tuple[int, Detections, float]]:
        """One pass over each picture with its longer side scaled to `sides` pixels.

        Returns:
            For each, in any order, its row, its digits, and the network's pixels for one of the picture's.
        """
        groups: dict[tuple[int, ...], list[_Pass]] = {}
        for row, (image, side) in enumerate(zip(images, sides, strict=True)):
            tensor, box = letterbox(image, side)
            groups.setdefault(tensor.shape, []).append(_Pass(row, tensor, box))
        results = []
        for group in groups.values():
            output = self._detector.detect(np.concatenate([one.tensor for one in group]))
            for one, found in zip(group, output, strict=True):
                digits = suppress(decode(found, MIN_SCORE), self._config.max_overlap).digits
                boxes = one.box.to_picture(digits.boxes)
                results.append((one.picture, Detections(boxes, digits.scores), one.box.scale[1]))
        return results

    def _look_closer(self, image: Image, whole: Detections) -> Detections:
        """The digits of the whole picture, and those of its parts with small print."""
        height, width = image.shape[:2]
        scale = self._size * max(self._config.scales) / max(height, width)
        if self._config.tiles == "always":
            tiles = cover_picture(width, height, scale)
            tiled = read_tiles(self._look_at_tile, image, tiles, patience=None)
        else:
            tiles = plan_tiles(image, whole, scale)
            tiled = read_tiles(self._look_at_tile, image, tiles)
        return merge_tiles(whole, tiled, tiles, scale) if tiles else whole

    def _look_at_tile(self, tile: Image, scale: float) -> Detections:
        return self._run([tile], [max(round(max(tile.shape[:2]) * scale), 1)])[0][1]
