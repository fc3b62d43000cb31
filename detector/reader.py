"""Reading a picture from end to end: prepare, detect, decode, fuse, suppress, group."""

from __future__ import annotations

import os
from pathlib import Path

from digitdet.configs import ReadConfig, replace
from digitdet.images import Image, ImageSource, load_image
from digitdet.inference import OnnxDetector
from digitdet.lines import group_digits
from digitdet.postprocess import Detections, decode, fuse, suppress
from digitdet.preprocess import letterbox
from digitdet.results import Digit, Number, Reading


class NumberReader:
    """Reads the numbers in pictures.

    The model is loaded once; a reader can be used for any number of pictures.

    Args:
        model: Path of an .onnx file from `digitdet train`; None is the model that ships with the package.
        conf: Digits the network is less sure of (0 to 1) are left out; None keeps that of `config`.
        config: All settings; None is the defaults.

    Raises:
        ModelError: The model is missing, damaged, or not a digit detector.
        ConfigError: `conf` is not within 0 to 1.

    Example:
        >>> from digitdet import NumberReader
        >>> reading = NumberReader().read("examples/chalk.jpg")  # doctest: +SKIP
        >>> [number.text for number in reading.numbers]  # doctest: +SKIP
        ['34', '7135', '8', '859532']
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        conf: float | None = None,
        config: ReadConfig | None = None,
    ) -> None:
        self.config = replace(config or ReadConfig(), confidence=conf)
        self._detector = OnnxDetector(Path(model) if model is not None else None)

    def read(self, source: ImageSource) -> Reading:
        """Read one picture.

        Args:
            source: A path, the bytes of an image file, or a uint8 array: (H, W), (H, W, 3) BGR or (H, W, 4) BGRA.

        Returns:
            The numbers with their digits and boxes; none if there is no digit.

        Raises:
            ImageError: The picture cannot be read.
        """
        detections = self.detect(source)
        labels, confidences = detections.labels, detections.confidences
        digits = [
            Digit(str(label), float(confidence), (float(x0), float(y0), float(x1), float(y1)))
            for label, confidence, (x0, y0, x1, y1) in zip(labels, confidences, detections.boxes, strict=True)
        ]
        groups = group_digits(detections.boxes, self.config.max_number_gap)
        return Reading(tuple(Number(tuple(digits[row] for row in group)) for group in groups))

    def detect(self, source: ImageSource) -> Detections:
        """The digits of one picture before they are put together: boxes in pixels of the picture, the surest first.

        Raises:
            ImageError: The picture cannot be read.
        """
        image = load_image(source)
        passes, scales = zip(*(self._detect_at(image, factor) for factor in self.config.scales), strict=True)
        found = fuse(passes, scales)
        return suppress(found.take(found.confidences >= self.config.confidence), self.config.max_overlap)

    def _detect_at(self, image: Image, factor: float) -> tuple[Detections, float]:
        """One pass, and its scale: pixels of the network's input for one of the picture."""
        size = self.config.image_size or self._detector.image_size
        tensor, box = letterbox(image, round(size * factor))
        # Where one pass is unsure another may be sure: only their mean is held against the setting.
        candidates = decode(self._detector.detect(tensor), self.config.confidence / 2)
        found = suppress(candidates, self.config.max_overlap)
        return Detections(box.to_picture(found.boxes), found.scores), box.scale[1]
