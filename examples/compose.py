"""Composes the example pictures, writes down what is in them (numbers.txt), and draws the README's picture.

    python examples/compose.py [--mnist DIR]

They are made from digits of the MNIST test set, which no training has seen.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from digitdet import NumberReader, draw_reading
from digitdet.configs import SynthConfig
from digitdet.images import load_image
from digitdet.synth.glyphs import ImageGlyphs
from digitdet.synth.scene import SceneComposer
from digitdet.synth.sources import load_split_digits

FOLDER = Path(__file__).parent
ON_PAPER = {"plain_weight": 0.0, "gradient_weight": 0.0, "blank_share": 0.0, "digit_angle": (-3, 3)}

# Name, seed, and what differs from the settings that the training pictures are composed with.
PICTURES: list[tuple[str, int, dict[str, object]]] = [
    (
        "number",
        2,
        {"canvas_sizes": ((640, 240),), "single_share": 1.0, "digits_per_number": (5, 5), "dark_ink_share": 1.0},
    ),
    (
        "page",
        4,
        {"canvas_sizes": ((640, 640),), "single_share": 0.0, "lines": (5, 5), "digit_height": (48, 80)}
        | {"dark_ink_share": 1.0, "page_angle": (-5, -3)},
    ),
    (
        "chalk",
        5,
        {"canvas_sizes": ((640, 400),), "single_share": 0.0, "lines": (3, 3), "digit_height": (50, 90)}
        | {"dark_ink_share": 0.0, "numbers_per_line": (1, 2), "shadow_share": 1.0},
    ),
]


def main() -> None:
    """Write the pictures and their captions beside this file, and docs/page.jpg."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    source = ImageGlyphs(load_split_digits(parser.parse_args().mnist)["test"])
    captions = []
    for name, seed, changes in PICTURES:
        config = SynthConfig(**{**ON_PAPER, **changes})  # type: ignore[arg-type]
        scene = SceneComposer(config, source).compose(np.random.default_rng(seed))
        cv2.imwrite(str(FOLDER / f"{name}.jpg"), scene.image, [cv2.IMWRITE_JPEG_QUALITY, 92])
        texts = ["".join(str(scene.labels[row]) for row in rows) for rows in scene.numbers]
        captions.append(f"{name}.jpg {' '.join(texts)}\n")
    (FOLDER / "numbers.txt").write_text("".join(captions), encoding="utf-8")
    page = load_image(FOLDER / "page.jpg")
    drawn = draw_reading(page, NumberReader().read(page))
    cv2.imwrite(str(FOLDER.parent / "docs" / "page.jpg"), drawn, [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
