"""Pixel transforms of albumentations, named in the settings of a look and applied after the effects of this package."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from digitdet.common.errors import ConfigError, MissingExtraError
from digitdet.common.registry import check_names
from digitdet.common.types import Image
from digitdet.synth.effects.effects import Steps

# Otherwise albumentations asks the package index for a newer release when it is imported.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

try:
    import albumentations
    from albumentations.core.transforms_interface import BasicTransform, ImageOnlyTransform
except ImportError as error:
    raise MissingExtraError("digitdet synth", "train", "albumentations") from error

_BASES = {BasicTransform, ImageOnlyTransform, albumentations.DualTransform}
_TRANSFORMS: Mapping[str, Any] = {
    name: kind
    for name, kind in vars(albumentations).items()
    if inspect.isclass(kind) and issubclass(kind, BasicTransform) and kind not in _BASES
}
_PIXEL_TRANSFORMS = sorted(
    name
    for name, kind in _TRANSFORMS.items()
    if issubclass(kind, ImageOnlyTransform) and name != "ZoomBlur"  # it moves what is far from the middle
)
# With albumentations' own defaults, these two move the picture by several pixels.
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "Downscale": {"interpolation_pair": {"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR}},
    "MotionBlur": {"allow_shifted": False, "direction_range": (0, 0)},
}
_TRIAL_SHAPE = (64, 96, 3)


class PixelTransforms:
    """Draws transforms of albumentations with their probability `p` and applies them. None moves a pixel.

    Args:
        settings: The parameters of each transform by its name in albumentations, in the order of application.
        where: Begins the messages of errors.

    Raises:
        ConfigError: A transform is unknown, moves pixels or needs more than the picture, or a parameter is not allowed.
    """

    def __init__(self, settings: Mapping[str, Mapping[str, Any]], where: str = "transforms") -> None:
        self._where = where
        self._transforms = {name: _make_transform(name, parameters, where) for name, parameters in settings.items()}
        self._shares = np.array([transform.p for transform in self._transforms.values()], np.float64)

    def sample(self, rng: np.random.Generator) -> Steps:
        """Draw the transforms of one picture; without any, `rng` is left as it is."""
        if not self._transforms:
            return ()
        drawn = rng.random(len(self._shares)) < self._shares
        seeds = rng.integers(2**31, size=len(self._shares)).tolist()
        return tuple((name, seed) for name, seed, chosen in zip(self._transforms, seeds, drawn, strict=True) if chosen)

    def apply(self, image: Image, steps: Steps) -> Image:
        """Return (H, W, 3) uint8 BGR changed by the transforms of `steps`; the same arguments give the same bytes.

        Raises:
            ConfigError: A transform fails on this picture.
        """
        if not steps:
            return image
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
        for name, seed in steps:
            try:
                image = _apply(self._transforms[name], image, seed)
            except Exception as error:  # whatever albumentations raises
                raise ConfigError(f"{self._where}: {name}: {_reason(error)}") from error
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), np.uint8)


def _make_transform(name: str, parameters: Mapping[str, Any], where: str) -> Any:
    """Return a transform that was tried out on a small picture."""
    if name not in _TRANSFORMS:
        check_names([name], _PIXEL_TRANSFORMS, where)
    where = f"{where}: {name}"
    if name not in _PIXEL_TRANSFORMS:
        raise ConfigError(
            f"{where}: not a pixel transform: it may move or erase digits, and their boxes would be wrong; "
            "to move digits, use page_angle, perspective, stretch, slant, curve or crop of the look"
        )
    kind = _TRANSFORMS[name]
    # Albumentations only warns of unknown parameters, and replaces some values that are not allowed.
    check_names(parameters, [key for key in inspect.signature(kind.__init__).parameters if key != "self"], where)
    picture = np.random.default_rng(0).integers(0, 256, _TRIAL_SHAPE, np.uint8)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            transform = kind(**{**_DEFAULTS.get(name, {}), **parameters})
            result = _apply(transform, picture, 0)
    except Exception as error:  # whatever albumentations raises
        raise ConfigError(f"{where}: {_reason(error)}") from error
    if (result.shape, result.dtype) != (picture.shape, picture.dtype):
        raise ConfigError(f"{where}: returns {result.dtype} {result.shape} of uint8 {picture.shape}; expected the same")
    return transform


def _apply(transform: Any, image: Image, seed: int) -> Image:
    """Apply a transform to (H, W, 3) uint8 RGB, whatever its probability."""
    transform.set_random_seed(seed)
    return np.asarray(transform(image=image, force_apply=True)["image"])


def _reason(error: Exception) -> str:
    """Return the message of an error in one line; of a long one of pydantic, the parameter and what is expected."""
    cause = error.__cause__
    if cause is not None and hasattr(cause, "errors"):
        found = cause.errors()[0]
        return f"{found['loc'][0]}: {found['msg']}"
    return " ".join(str(error).split()) or type(error).__name__
