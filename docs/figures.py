"""Draw the figures of the explanations, docs/images/how-*.jpg, and form.jpg. Needs the extra train.

python docs/figures.py
"""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, Rectangle

import digitdet
from digitdet import NumberReader
from digitdet.common.characters import CHARACTERS
from digitdet.common.types import Image
from digitdet.configs import LookConfig, ReadConfig, SynthConfig, load_preset
from digitdet.configs import replace as with_settings
from digitdet.detection.detector import OnnxDetector
from digitdet.detection.postprocess import Detections
from digitdet.detection.proposals import ProposalNetwork
from digitdet.detection.search import MultiScaleDetector, _PictureSearch
from digitdet.detection.tiles import plan_tiles
from digitdet.imaging.images import load_image
from digitdet.reading.lattice import Lattice
from digitdet.reading.model import load_model
from digitdet.reading.pooling import build_lattice
from digitdet.reading.strips import COLUMN_WIDTH, STRIP_HEIGHT, cut_strip
from digitdet.reading.transcription import place_strips, read_strips
from digitdet.synth.scene import SceneComposer
from digitdet.synth.sources import load_materials

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
sys.path.insert(0, str(ROOT / "examples"))

from compose import BASE, PICTURES  # noqa: E402 -- a script beside the example pictures

BLUE, GREEN, ORANGE = "#0072b2", "#009e73", "#e69f00"
LABEL = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}


def main() -> None:
    """Draw all figures."""
    plt.rcParams.update({"font.size": 10, "figure.dpi": 110, "savefig.bbox": "tight"})
    draw_overview()
    draw_composing()
    draw_detecting()
    draw_searching()
    draw_reading()
    draw_confidence()
    form = ROOT / "examples" / "form.jpg"
    cv2.imwrite(str(IMAGES / "form.jpg"), digitdet.draw_reading(load_image(form), NumberReader().read(form)))


def draw_overview() -> None:
    """A picture on its way from the page to its numbers."""
    image = load_image(ROOT / "examples" / "chalk.jpg")
    model, reader = load_model(None), NumberReader()
    digits = reader.find(image)
    placed = place_strips(digits, image.shape[1], image.shape[0])
    readings = read_strips(image, digits, placed, model.line_reader, model.second_reader)
    lattices = [build_lattice(one.evidence, one.angle, model.line_reader.weights) for one in readings]
    figure, axes = plt.subplots(2, 3, figsize=(12, 6.6))
    page, boxes, lines, strips, slots, numbers = axes.flat
    _show(page, image, "1. the page")
    _draw_scores(boxes, image, digits, "2. digits, found by the detector")
    _show(lines, image, "3. lines of digits")
    for one in readings:
        corners = one.strip.points_to_page(np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * [one.strip.width, STRIP_HEIGHT])
        lines.add_patch(Polygon(corners, fill=False, color=BLUE, linewidth=1.5))
    _show(strips, _stacked([cut_strip(image, one.strip) for one in readings]), "4. a strip of each line")
    _draw_slots(slots, lattices[-1])
    _show(numbers, digitdet.draw_reading(image, reader.read(image)), "6. numbers with their confidences")
    _save(figure, "overview")


def _stacked(strips: list[Image]) -> Image:
    """Strips one below the other on white."""
    width, gap = max(strip.shape[1] for strip in strips), 12
    canvas = np.full((len(strips) * (STRIP_HEIGHT + gap), width, 3), 255, np.uint8)
    for row, strip in enumerate(strips):
        top = row * (STRIP_HEIGHT + gap)
        canvas[top : top + STRIP_HEIGHT, : strip.shape[1]] = strip
    return canvas


def _draw_slots(axis: Axes, lattice: Lattice) -> None:
    """The options with at least 1% of the slots of a line that probably hold a character."""
    names = [*CHARACTERS[:-2], "space", "other", "nothing"]
    shown = [slot.probabilities for slot in lattice.slots if slot.probabilities[-1] < 0.9]
    axis.set(title="5. slots of the last line", xlim=(0, len(shown)), ylim=(4.5, -1))
    axis.axis("off")
    for column, probabilities in enumerate(shown):
        likely = [option for option in np.argsort(-probabilities)[:2] if probabilities[option] >= 0.01]
        axis.add_patch(Rectangle((column + 0.05, 0.4), 0.9, 2.2, fill=False, color=BLUE, linewidth=1))
        for row, option in enumerate(likely):
            text = f"{names[option]}\n{probabilities[option]:.0%}"
            axis.text(
                column + 0.5, 1 + row, text, ha="center", va="center", fontsize=8, color="black" if row == 0 else "#666"
            )


def draw_composing() -> None:
    """One picture in four steps: background, shapes and ink, effects, boxes."""
    look, seed, settings = PICTURES["meter"]
    config = SynthConfig(looks={look: with_settings(load_preset(LookConfig, "looks", look), **{**BASE, **settings})})
    composer = SceneComposer(config, load_materials(config).sources["test"])
    plan = composer.sample_plan(np.random.default_rng(seed))
    bare = replace(plan, effects=(), transforms=())
    scene = composer.render_plan(plan)[0]
    steps = {
        "1. surface": composer.render_plan(replace(bare, layers=()))[0].image,
        "2. shapes and ink": composer.render_plan(bare)[0].image,
        "3. light and camera": scene.image,
        "4. boxes": scene.image,
    }
    figure, axes = plt.subplots(2, 2, figsize=(9, 4.7))
    for (title, image), axis in zip(steps.items(), axes.flat, strict=True):
        _show(axis, image, title)
    for box, label in zip(scene.boxes, scene.labels, strict=True):
        _draw_box(axes.flat[3], box, GREEN, str(label))
    _save(figure, "composing")


def draw_detecting() -> None:
    """The boxes of three passes, and those that are left after score fusion and non-maximum suppression."""
    image = load_image(ROOT / "examples" / "page.jpg")[:420]
    detector = MultiScaleDetector(OnnxDetector(), ProposalNetwork(), ReadConfig())
    figure, axes = plt.subplots(1, 4, figsize=(13, 3))
    for factor, axis in zip((0.3, 0.6, 1.1), axes, strict=False):
        side = round(factor * detector.detector.image_size)
        _draw_scores(axis, image, detector._run_pass([(image, side)])[0].digits, f"pass at {side} px")
    _draw_scores(axes[3], image, detector.detect([image])[0], "fused, one box a digit")
    _save(figure, "detecting")


def draw_searching() -> None:
    """A scene with the places that may be digits and the tiles around them, and the numbers that are read."""
    settings = {**BASE, "canvas_sizes": ((1152, 768),), "digit_height": (11, 16), "objects_per_scene": (3, 3)}
    look = with_settings(load_preset(LookConfig, "looks", "scenes"), **settings)
    config = SynthConfig(looks={"scenes": look})
    composer = SceneComposer(config, load_materials(config).sources["test"])
    image = composer.render_plan(composer.sample_plan(np.random.default_rng(9)))[0].image
    detector = MultiScaleDetector(OnnxDetector(), ProposalNetwork(), ReadConfig())
    sides = [round(factor * detector.detector.image_size) for factor in ReadConfig().scales]
    search = _PictureSearch(image, [detector._run_pass([(image, side)])[0] for side in sides])
    proposals = detector.proposals.propose(image)
    scale = max(one.scale for one in search.passes)
    tiles = plan_tiles(image.shape[:2], search.fused(len(sides)), scale, proposals)
    numbers = NumberReader().read(image).numbers
    figure = plt.figure(figsize=(11, 4.6))
    whole, *parts = (figure.add_subplot(*place) for place in ((1, 3, (1, 2)), (3, 3, 3), (3, 3, 6), (3, 3, 9)))
    _show(whole, image, "places that may be digits (orange), tiles (blue)")
    for box in proposals:
        _draw_box(whole, box, ORANGE, "")
    for tile in tiles:
        _draw_box(whole, np.array([tile.x0, tile.y0, tile.x1, tile.y1]), BLUE, "")
    for number, axis in zip(numbers, parts, strict=False):
        left, top, right, bottom = np.round(number.box).astype(int)
        x, y = max((left + right) // 2 - 80, 0), max((top + bottom) // 2 - 35, 0)
        _show(axis, image[y : y + 70, x : x + 160], f"read as {number.text}")
        for digit in number.digits:
            _draw_box(axis, np.array(digit.box) - [x, y, x, y], GREEN, "")
    _save(figure, "searching")


def draw_reading() -> None:
    """A strip, the probabilities of the characters in its columns, and the numbers that follow."""
    image = load_image(ROOT / "examples" / "cheque.jpg")
    model, reader = load_model(None), NumberReader()
    placed = place_strips(reader.find(image), image.shape[1], image.shape[0])[0]
    strip = cut_strip(image, placed.strip)
    columns = model.line_reader.read([strip])[0]
    probabilities = np.exp(columns.log_probabilities[:, : len(CHARACTERS)]).T
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(9, 4.6), height_ratios=(1, 2.2), sharex=True)
    extent = (0, strip.shape[1], strip.shape[0], 0)
    top.imshow(strip[:, :, ::-1], extent=extent, aspect="auto")
    top.set(yticks=[], title="the strip of the line, 32 px high")
    width = probabilities.shape[1] * COLUMN_WIDTH
    bottom.imshow(probabilities, extent=(0, width, len(CHARACTERS), 0), aspect="auto", cmap="Blues", vmin=0, vmax=1)
    names = [*CHARACTERS[:-2], "space", "other"]
    bottom.set(yticks=np.arange(len(names)) + 0.5, xlim=(0, strip.shape[1]), xlabel="pixels of the strip")
    bottom.set_yticklabels(names, fontsize=8)
    number = reader.read(image).numbers[0]
    texts = [number, *number.alternatives[:2]]
    bottom.set_title(
        "characters in columns of 4 px:  " + ",  ".join(f"{one_text(one)} {one.confidence:.0%}" for one in texts)
    )
    _save(figure, "reading")


def one_text(found: object) -> str:
    """The text of a number or of an alternative."""
    return str(getattr(found, "best", None) or getattr(found, "text", ""))


def draw_confidence() -> None:
    """The table of confidence.md as a reliability diagram."""
    page = (ROOT / "docs" / "explanation" / "confidence.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [\d.]+ to [\d.]+ \| (\d+) \| ([\d.]+)% \| ([\d.]+)% \|$", page, re.MULTILINE)
    lines, right, mean = np.array(rows, float).T
    figure, axis = plt.subplots(figsize=(4.6, 4.4))
    axis.plot([0, 100], [0, 100], "--", color="#888", label="calibrated")
    axis.scatter(mean, right, s=12 + 300 * lines / lines.max(), color=BLUE, alpha=0.75, label="lines of real pictures")
    axis.set(xlabel="mean confidence, %", ylabel="right, %", xlim=(0, 102), ylim=(0, 102), aspect="equal")
    axis.legend(loc="upper left", frameon=False)
    _save(figure, "confidence")


def _show(axis: Axes, image: Image, title: str) -> None:
    axis.imshow(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    axis.set_title(title)
    axis.axis("off")


def _draw_scores(axis: Axes, image: Image, found: Detections, title: str) -> None:
    """Boxes with scores of at least 0.2: green ones are sure of their digit."""
    _show(axis, image, title)
    for box, score, label in zip(found.boxes, found.best_scores, found.labels, strict=True):
        if score >= 0.2:
            _draw_box(axis, box, GREEN if score >= 0.5 else ORANGE, str(label))


def _draw_box(axis: Axes, box: np.ndarray, colour: str, text: str) -> None:
    left, top, right, bottom = box
    axis.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, color=colour, linewidth=1.5))
    axis.text(left, top - 5, text, color=colour, fontsize=8, fontweight="bold", va="bottom", bbox=LABEL)


def _save(figure: plt.Figure, name: str) -> None:
    figure.tight_layout()
    figure.savefig(IMAGES / f"how-{name}.jpg", pil_kwargs={"quality": 88})
    plt.close(figure)


if __name__ == "__main__":
    main()
