"""Compose the example pictures, their captions (numbers.txt) and the first picture of the README.

    python examples/compose.py [NAME ...] [--mnist DIR]

Without names, all pictures are composed anew. The digits are from the test split, which is not used in training. When
the generator changes, a seed gives another picture: choose one that shows what the picture is for.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from digitdet import NumberReader, draw_reading
from digitdet.common.types import Image
from digitdet.configs import LookConfig, SynthConfig, load_preset, replace
from digitdet.imaging.images import load_image
from digitdet.synth.scene import Scene, SceneComposer
from digitdet.synth.sources import load_materials

FOLDER = Path(__file__).parent
CAPTIONS = FOLDER / "numbers.txt"
GALLERY = FOLDER.parent / "docs" / "images" / "gallery.jpg"
ROWS = (("meter", "display", "house"), ("cheque", "form", "bib"))  # of the gallery
CUTS = {"display": (95, 50, 445, 320)}  # left, top, right, bottom of what the gallery shows
GALLERY_WIDTH, GAP = 1500, 10  # pixels

# Settings that all pictures share: whole, upright and photographed with a simple camera.
BASE: dict[str, Any] = {
    "blank_share": 0.0,
    "turned_share": 0.0,
    "crop": 0.0,
    "transforms": {},
    "effects": {"illumination": 0.5, "softness": 0.3, "sensor_noise": 0.6, "vignette": 0.3, "shadow": 0.2},
}
# Settings of the three pictures in plain handwriting, whose look is that of MNIST.
PLAIN: dict[str, Any] = {
    "digit_angle": (-3, 3),
    "number_gap": (1.5, 3),  # wide enough to leave no doubt where a number ends
    "effects": {"illumination": 0.5, "softness": 0.5, "sensor_noise": 1.0},
}
# Preset look, seed and settings of each picture.
PICTURES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "number": (
        "mnist",
        3,
        {
            **PLAIN,
            "canvas_sizes": ((640, 240),),
            "layouts": {"single": 1},
            "digits_per_number": (5, 5),
            "digit_height": (90, 130),
            "surfaces": {"paper": 1},
            "inks": {"marker": 1},
            "dark_ink_share": 1.0,
        },
    ),
    "page": (
        "mnist",
        9,
        {
            **PLAIN,
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
    "chalk": (
        "mnist",
        21,
        {
            **PLAIN,
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
    "meter": (
        "meters",
        30,
        {
            "sources": {"fonts": 1},
            "texts": {"digits": 4},
            "layouts": {"counter": 1},
            "surfaces": {"metal": 1, "plastic": 1, "gradient": 1},
            "inks": {"flat": 3, "print": 2},
            "clutter": {"frames": 0.5, "barcode": 0.6},
            "canvas_sizes": ((640, 300),),
            "digits_per_number": (6, 8),
            "digit_height": (64, 84),
            "page_angle": (-5, 5),
            "perspective": 0.08,
            "margin": (0.5, 1.2),
        },
    ),
    "display": (
        "displays",
        13,
        {
            "sources": {"segments": 1},
            "texts": {"decimal": 3, "digits": 2, "negative": 0.5, "time": 1},
            "layouts": {"display": 1},
            "surfaces": {"plain": 1, "plastic": 1, "metal": 1},
            "inks": {"lcd": 3, "glow": 1, "led": 1},
            "clutter": {},
            "effects": {"illumination": 0.5, "glare": 0.3, "sensor_noise": 0.6, "softness": 0.3},
            "canvas_sizes": ((520, 400),),
            "digit_height": (64, 100),
            "page_angle": (-4, 4),
            "perspective": 0.08,
        },
    ),
    "house": (
        "houses",
        14,
        {
            "layouts": {"plate": 2, "staggered": 0.5, "single": 1},
            "surfaces": {"brick": 2, "stucco": 2, "wood": 1},
            "inks": {"shadow": 2, "solid": 2, "flat": 1},
            "canvas_sizes": ((480, 360),),
            "digits_per_number": (2, 3),
            "digit_height": (90, 140),
            "page_angle": (-6, 6),
            "perspective": 0.25,
            "margin": (0.5, 1.2),
            "dark_ink_share": 0.5,
            "min_contrast": 60,
        },
    ),
    "cheque": (
        "cheques",
        8,
        {
            "sources": {"pen": 3, "mnist": 2},
            "texts": {"amount": 1},
            "layouts": {"single": 1},
            "surfaces": {"guilloche": 1},
            "inks": {"ballpoint": 1},
            "clutter": {"fillers": 0.9, "rules": 0.6},
            "effects": {"sensor_noise": 1.0, "softness": 0.3},
            "canvas_sizes": ((640, 260),),
            "digits_per_number": (4, 6),
            "digit_height": (80, 105),
            "page_angle": (-3, 3),
            "slant": (0, 10),
            "margin": (0.4, 0.8),
            "variation": 0.1,
            "min_contrast": 90,
        },
    ),
    "form": (
        "handwritten",
        34,
        {
            "sources": {"mnist": 1},
            "layouts": {"form": 1},
            "surfaces": {"plain": 1, "paper": 2},
            "inks": {"ballpoint": 1},
            "clutter": {},
            "canvas_sizes": ((560, 360),),
            "digits_per_number": (4, 7),
            "digit_height": (52, 64),
            "lines": (3, 4),
            "page_angle": (-3, 3),
            "dark_ink_share": 1.0,
            "min_contrast": 110,
        },
    ),
    "bib": (
        "scenes",
        26,
        {
            "sources": {"fonts": 1},
            "texts": {"digits": 1},
            "objects": {"bib": 1},
            "objects_per_scene": (1, 2),
            "surfaces": {"place": 1},
            "canvas_sizes": ((480, 480),),
            "digits_per_number": (3, 5),
            "digit_height": (80, 110),
            "effects": {"illumination": 0.5, "sensor_noise": 0.5, "softness": 0.2},
        },
    ),
}


def main() -> None:
    """Write the pictures, their captions and the gallery."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"pictures to compose: {', '.join(PICTURES)}")
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    arguments = parser.parse_args()
    captions = dict(line.split(maxsplit=1) for line in CAPTIONS.read_text(encoding="utf-8").splitlines())
    for name in arguments.names or PICTURES:
        look, seed, settings = PICTURES[name]
        config = SynthConfig(looks={name: replace(load_preset(LookConfig, "looks", look), **{**BASE, **settings})})
        composer = SceneComposer(config, load_materials(config, arguments.mnist).sources["test"])
        scene = composer.compose(np.random.default_rng(seed))
        cv2.imwrite(str(FOLDER / f"{name}.jpg"), scene.image, [cv2.IMWRITE_JPEG_QUALITY, 92])
        captions[f"{name}.jpg"] = " ".join(_written_numbers(scene))
    CAPTIONS.write_text("".join(f"{name}.jpg {captions[f'{name}.jpg']}\n" for name in PICTURES), encoding="utf-8")
    cv2.imwrite(str(GALLERY), _draw_gallery(), [cv2.IMWRITE_JPEG_QUALITY, 88])


def _written_numbers(scene: Scene) -> Iterator[str]:
    """The numbers as written, from top to bottom."""
    for line in sorted(scene.lines, key=lambda line: min(box[1] for box in line.boxes)):
        for start, stop in line.numbers:
            yield line.text[start:stop]


def _load_part(name: str) -> Image:
    image = load_image(FOLDER / f"{name}.jpg")
    left, top, right, bottom = CUTS.get(name, (0, 0, image.shape[1], image.shape[0]))
    return image[top:bottom, left:right]


def _draw_gallery() -> Image:
    """Rows of pictures with their readings, each row as wide as the gallery."""
    reader = NumberReader()
    rows = []
    for names in ROWS:
        images = [_load_part(name) for name in names]
        drawn = [draw_reading(image, reader.read(image)) for image in images]
        free = GALLERY_WIDTH - GAP * (len(names) - 1)
        height = round(free / sum(image.shape[1] / image.shape[0] for image in drawn))
        scaled = [
            cv2.resize(one, (round(one.shape[1] * height / one.shape[0]), height), interpolation=cv2.INTER_AREA)
            for one in drawn
        ]
        gap = np.full((height, GAP, 3), 255, np.uint8)
        row = np.hstack([part for one in scaled for part in (one, gap)][:-1])
        rows += [cv2.resize(row, (GALLERY_WIDTH, height)), np.full((GAP, GALLERY_WIDTH, 3), 255, np.uint8)]
    return np.vstack(rows[:-1])


if __name__ == "__main__":
    main()
