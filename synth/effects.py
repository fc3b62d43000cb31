"""What the camera does to a page: blur, shadow, light, noise and JPEG, through albumentations."""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from digitdet.configs.errors import MissingExtraError
from digitdet.configs.synth import SynthConfig

# Without this albumentations asks the package index for a newer release when it is imported.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

try:
    import albumentations as A
except ImportError as error:
    raise MissingExtraError("digitdet synth", "train", "albumentations") from error

Image = npt.NDArray[np.uint8]


class CameraEffects:
    """A chain of effects that leave every digit where it is, so that boxes stay true.

    Strengths are for canvases of about 320 px with digits from 18 px: the smallest stay legible.
    """

    def __init__(self, config: SynthConfig) -> None:
        blurs = [
            A.GaussianBlur(sigma_limit=(0.4, 1.3), blur_limit=0),
            A.MotionBlur(blur_limit=(3, 5), allow_shifted=False),
            A.Downscale(scale_range=(0.55, 0.85)),
        ]
        shadows = [  # soft ones: RandomShadow's sharp spikes look like no shadow on paper
            A.PlasmaShadow(shadow_intensity_range=(0.2, 0.5), roughness=0.5),
            A.Illumination(mode="linear", intensity_range=(0.1, 0.2)),
            A.Illumination(mode="corner", intensity_range=(0.1, 0.2)),
        ]
        self._chain = A.Compose(
            [
                A.OneOf(shadows, p=config.shadow_share),
                A.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=0.2, p=config.light_share),
                A.OneOf(blurs, p=config.blur_share),
                A.GaussNoise(std_range=(0.01, 0.06), per_channel=False, p=config.noise_share),
                A.ImageCompression(quality_range=(35, 90), p=config.jpeg_share),
            ]
        )

    def apply(self, image: Image, seed: int) -> Image:
        """A changed copy of (H, W, 3) uint8; the same picture and seed (0 to 2**31 - 1) give the same bytes."""
        self._chain.set_random_seed(seed)
        return np.asarray(self._chain(image=image)["image"], np.uint8)
