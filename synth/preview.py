"""The first pictures of a dataset as one, to look at the settings before thousands are composed."""

from __future__ import annotations

from pathlib import Path

import cv2

from digitdet.common.errors import DataError
from digitdet.configs import SynthConfig
from digitdet.datasets.contact_sheet import contact_sheet
from digitdet.synth.scene import SceneComposer
from digitdet.synth.sources import Materials
from digitdet.synth.writer import picture_rng

PICTURES = 24


def write_preview(config: SynthConfig, materials: Materials, path: Path) -> int:
    """Write a contact sheet of the first training pictures, the same that `write_dataset` composes, with their boxes.

    Args:
        config: What to compose.
        materials: What the pictures are composed from, see `digitdet.synth.sources.load_materials`.
        path: The file to write; its suffix is that of a picture format.

    Returns:
        The number of pictures on the sheet: `PICTURES`, or as many as there are to train on.

    Raises:
        ConfigError: A look names something that there is not.
        DataError: OpenCV writes no pictures with that suffix.
        OSError: `path` cannot be written.
    """
    if not path.suffix or not cv2.haveImageWriter(path.name):
        raise DataError(f"{path}: not a picture by its suffix; call it .jpg or .png")
    composer = SceneComposer(config, materials.sources["train"], materials.backgrounds["train"])
    count = min(PICTURES, config.split_counts()["train"])
    scenes = [composer.compose(picture_rng(config.seed, "train", index)) for index in range(count)]
    sheet = contact_sheet(
        [scene.image for scene in scenes], [scene.boxes for scene in scenes], [scene.labels for scene in scenes]
    )
    path.write_bytes(cv2.imencode(path.suffix, sheet)[1].tobytes())
    return count
