"""Compose the example pictures, their captions (numbers.txt) and the picture of the README.

    python examples/compose.py [--mnist DIR]

The digits are from the test set of MNIST, which is not used in training.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from digitdet import NumberReader, draw_reading
from digitdet.configs import LookConfig, SynthConfig
from digitdet.imaging.images import load_image
from digitdet.synth.scene import SceneComposer
from digitdet.synth.sources import load_materials

FOLDER = Path(__file__).parent

# Settings that all pictures share: handwriting, photographed with a simple camera.
BASE: dict[str, Any] = {
    "blank_share": 0.0,
    "digit_angle": (-3, 3),
    "number_gap": (1.5, 3),  # wide enough to leave no doubt where a number ends
    "effects": {"illumination": 0.5, "softness": 0.5, "sensor_noise": 1.0},
}
# Name, seed and settings of each picture.
PICTURES: list[tuple[str, int, dict[str, Any]]] = [
    (
        "number",
        3,
        {
            "canvas_sizes": ((640, 240),),
            "layouts": {"single": 1},
            "digits_per_number": (5, 5),
            "digit_height": (90, 130),
            "surfaces": {"paper": 1},
            "inks": {"marker": 1},
            "dark_ink_share": 1.0,
        },
    ),
    (
        "page",
        9,
        {
            "canvas_sizes": ((640, 640),),
            "layouts": {"page": 1},
            "lines": (5, 5),
            "digit_height": (48, 80),
            "surfaces": {"ruled": 1},
            "inks": {"ballpoint": 1},
            "dark_ink_share": 1.0,
            "page_angle": (-5, -3),
        },
    ),
    (
        "chalk",
        21,
        {
            "canvas_sizes": ((640, 400),),
            "layouts": {"page": 1},
            "lines": (3, 3),
            "digit_height": (50, 90),
            "surfaces": {"blackboard": 1},
            "inks": {"chalk": 1},
            "dark_ink_share": 0.0,
            "numbers_per_line": (1, 2),
        },
    ),
]


def main() -> None:
    """Write the pictures and captions to this folder, and docs/images/page.jpg."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    mnist = parser.parse_args().mnist
    captions = []
    for name, seed, settings in PICTURES:
        config = SynthConfig(looks={name: LookConfig(**BASE, **settings)})
        composer = SceneComposer(config, load_materials(config, mnist).sources["test"])
        scene = composer.compose(np.random.default_rng(seed))
        cv2.imwrite(str(FOLDER / f"{name}.jpg"), scene.image, [cv2.IMWRITE_JPEG_QUALITY, 92])
        texts = ["".join(str(scene.labels[row]) for row in rows) for rows in scene.numbers]
        captions.append(f"{name}.jpg {' '.join(texts)}\n")
    (FOLDER / "numbers.txt").write_text("".join(captions), encoding="utf-8")
    page = load_image(FOLDER / "page.jpg")
    drawn = draw_reading(page, NumberReader().read(page))
    cv2.imwrite(str(FOLDER.parent / "docs" / "images" / "page.jpg"), drawn, [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
