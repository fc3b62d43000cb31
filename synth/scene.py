"""One composed picture: a ground, numbers in ink, and the camera, with a tight box for every digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from digitdet.configs.synth import SynthConfig
from digitdet.synth.backgrounds import Image, sample_background
from digitdet.synth.effects import CameraEffects
from digitdet.synth.glyphs import GlyphSource
from digitdet.synth.handwriting import InkPatch, render_digit
from digitdet.synth.layout import PlacedDigit, sample_layout

# Weights of blue, green and red in perceived brightness (ITU-R BT.601).
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)


@dataclass(frozen=True)
class Scene:
    """A picture and what is written in it.

    `image` (H, W, 3) uint8 BGR; `boxes` (N, 4) float64 xyxy pixels, tight around the visible ink; `labels` (N,) int64;
    `numbers`: for each number, in reading order, the rows of its digits in reading order.
    """

    image: Image
    boxes: npt.NDArray[np.float64]
    labels: npt.NDArray[np.int64]
    numbers: tuple[tuple[int, ...], ...]


class SceneComposer:
    """Composes scenes by the settings; the same `rng` state gives the same scene."""

    def __init__(self, config: SynthConfig, source: GlyphSource, backgrounds: Sequence[Image] = ()) -> None:
        self._config = config
        self._source = source
        self._backgrounds = backgrounds
        self._effects = CameraEffects(config)

    def compose(self, rng: np.random.Generator) -> Scene:
        """Draw one scene with `rng` alone."""
        config = self._config
        width, height = config.canvas_sizes[int(rng.integers(len(config.canvas_sizes)))]
        dark_ink = bool(rng.random() < config.dark_ink_share)
        canvas = sample_background(rng, config, self._backgrounds, width, height, light=dark_ink).astype(np.float32)
        blank = rng.random() < config.blank_share
        layout = [] if blank else sample_layout(rng, config, self._source, width, height)

        boxes: list[tuple[int, int, int, int]] = []
        labels: list[int] = []
        numbers: list[tuple[int, ...]] = []
        page_ink = rng.uniform(0, 1, 3)
        same_ink = rng.random() < 0.7
        for number in layout:
            patches = [_clip(_render(digit), width, height) for digit in number.digits]
            colour = _ink_colour(page_ink if same_ink else rng.uniform(0, 1, 3), canvas, patches, config, dark_ink)
            rows = []
            for digit, patch in zip(number.digits, patches, strict=True):
                box = patch.visible_box()
                if box is None:
                    continue
                _blend(canvas, patch, colour)
                rows.append(len(boxes))
                boxes.append(box)
                labels.append(digit.glyph.label)
            if rows:
                numbers.append(tuple(rows))
        image = self._effects.apply(np.clip(canvas, 0, 255).astype(np.uint8), int(rng.integers(2**31)))
        return Scene(image, np.array(boxes, np.float64).reshape(-1, 4), np.array(labels, np.int64), tuple(numbers))


def _render(digit: PlacedDigit) -> InkPatch:
    return render_digit(digit.glyph, digit.matrix, digit.centre, digit.threshold)


def _clip(patch: InkPatch, width: int, height: int) -> InkPatch:
    """The part of a patch that lies on the canvas."""
    left, top = max(-patch.left, 0), max(-patch.top, 0)
    right, bottom = max(width - patch.left, 0), max(height - patch.top, 0)
    return InkPatch(patch.alpha[top:bottom, left:right], patch.left + left, patch.top + top)


def _window(patch: InkPatch) -> tuple[slice, slice]:
    height, width = patch.alpha.shape
    return slice(patch.top, patch.top + height), slice(patch.left, patch.left + width)


def _ink_colour(
    draw: npt.NDArray[np.float64],
    canvas: npt.NDArray[np.float32],
    patches: Sequence[InkPatch],
    config: SynthConfig,
    dark: bool,
) -> npt.NDArray[np.float32]:
    """An ink colour (3,) BGR from three draws of 0 to 1, at least `min_contrast` from the ground under the number.

    The ground's extremes count, not its mean: on a gradient or a texture the whole number must stand out. Where a
    cut background has no room on the wanted side, the ink goes to the other.
    """
    under = np.concatenate([(canvas[_window(patch)] @ _LUMA).ravel() for patch in patches])
    low, high = (float(v) for v in np.percentile(under, (5, 95))) if under.size else (0.0, 255.0)
    if dark and low < config.min_contrast:
        dark = False
    elif not dark and 255 - high < config.min_contrast:
        dark = True
    if dark:
        level = draw[0] * max(low - config.min_contrast, 0)
    else:
        level = 255 - draw[0] * max(255 - high - config.min_contrast, 0)
    tint = (draw - draw.mean()) * 60
    return np.clip(level + tint - tint @ _LUMA, 0, 255).astype(np.float32)


def _blend(canvas: npt.NDArray[np.float32], patch: InkPatch, colour: npt.NDArray[np.float32]) -> None:
    """Lay ink of one colour over the canvas, in place."""
    window = _window(patch)
    alpha = patch.alpha[..., None]
    canvas[window] += alpha * (colour - canvas[window])
