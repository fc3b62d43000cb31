"""Write a contact sheet of the first pictures of a dataset, to check the settings before composing all."""

from __future__ import annotations

from pathlib import Path

import cv2

from digitdet.common.errors import DataError
from digitdet.configs import SynthConfig
from digitdet.datasets.contact_sheet import contact_sheet
from digitdet.synth.scene import SceneComposer
from digitdet.synth.sources import Materials
from digitdet.synth.writer import picture_rng

_PICTURES = 24


def write_preview(config: SynthConfig, materials: Materials, path: Path) -> int:
    """Write a contact sheet of the first 24 training pictures that `write_dataset` would compose, with their boxes.

    Args:
        config: The settings.
        materials: Digit sources and backgrounds, see `digitdet.synth.sources.load_materials`.
        path: The picture file to write.

    Returns:
        The number of pictures on the sheet.

    Raises:
        ConfigError: A look names an unknown ingredient.
        DataError: OpenCV cannot write pictures with the suffix of `path`.
        OSError: `path` cannot be written.
    """
    if not path.suffix or not cv2.haveImageWriter(path.name):
        raise DataError(f"{path}: cannot write a picture with this suffix; use .jpg or .png")
    composer = SceneComposer(config, materials.sources["train"], materials.backgrounds["train"])
    count = min(_PICTURES, config.split_counts()["train"])
    scenes = [composer.compose(picture_rng(config.seed, "train", index)) for index in range(count)]
    sheet = contact_sheet(
        [scene.image for scene in scenes], [scene.boxes for scene in scenes], [scene.labels for scene in scenes]
    )
    path.write_bytes(cv2.imencode(path.suffix, sheet)[1].tobytes())
    return count
