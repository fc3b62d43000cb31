"""Pictures a second of `digitdet synth`, beside a straightforward generator, and where the time goes.

    python benchmarks/synth_speed.py [--count 1000] [--turns 3] [--mnist DIR]

The straightforward one does what the public generators of MNIST detection data do: digits of random size at random
places of a black 300x300 canvas, placed again while they overlap too much, a PNG and a text file with tight boxes. It
gets the numbers and the heights of the digits that digitdet's plain look drew. All take turns, each on one core; their
rates count the seconds of that core, so that other work on the machine disturbs little. Two workers are measured by the
clock and need a quiet machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from digitdet.configs import SynthConfig, load_preset, replace
from digitdet.configs.look import LookConfig
from digitdet.datasets.mnist import Digits, load_split_digits
from digitdet.synth import scene, writer
from digitdet.synth.effects.effects import CameraEffects
from digitdet.synth.scene import SceneComposer
from digitdet.synth.sources import Materials, load_materials

_SIDE = 300
_TRIES, _MAX_IOU = 100, 0.25
_WARM_UP = 50  # pictures
_GLYPH_SHARE = 20 / 28  # of the height of an MNIST picture, its digit's

_PLAIN = SynthConfig(looks={"plain": LookConfig(canvas_sizes=((_SIDE, _SIDE),))})

# What the table of stages counts: a name, and the function that does it.
_STAGES: Sequence[tuple[str, Any, str]] = (
    ("sampling", SceneComposer, "sample_plan"),
    ("surface", SceneComposer, "_ground"),
    ("shapes", scene, "draw_shape"),
    ("ink", scene, "draw_inscription"),
    ("effects", CameraEffects, "apply"),
    ("legibility", scene, "illegible"),
    ("JPEG", writer, "_encode"),
    ("files", writer, "_write_file"),
)

Box = tuple[int, int, int, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="pictures a turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    looks = {"plain": _PLAIN, "mixed": load_preset(SynthConfig, "synth", "mixed")}
    configs = {
        name: replace(config, count=arguments.count, val_share=0.0, test_share=0.0) for name, config in looks.items()
    }
    materials = {name: load_materials(config, arguments.mnist) for name, config in configs.items()}
    digits = load_split_digits(arguments.mnist)["train"]
    rates: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        heights = _digit_heights(configs["plain"], materials["plain"])
        for turn in range(arguments.turns):
            out = Path(scratch) / f"simple-{turn}"
            rates["straightforward"].append(_rate(_straightforward_writer(digits, heights, out), arguments.count))
            for name, config in configs.items():
                write = _chunk_writer(config, materials[name], Path(scratch) / f"{name}-{turn}")
                rates[name].append(_rate(write, arguments.count))
        _print_rates(rates, fmean(map(len, heights)))
        for name, config in configs.items():
            _print_workers(name, config, materials[name], Path(scratch))
            _print_stages(name, _chunk_writer(config, materials[name], Path(scratch) / f"{name}-stages"), config.count)


# --- rates ---


def _rate(write: Callable[[int, int], object], count: int) -> float:
    """Pictures a second of a core, of a function that writes the pictures from a first to a last."""
    write(0, _WARM_UP)
    start = time.process_time()
    write(_WARM_UP, _WARM_UP + count)
    return count / (time.process_time() - start)


def _chunk_writer(config: SynthConfig, materials: Materials, out: Path) -> Callable[[int, int], object]:
    """What one worker does."""
    for folder in ("images/train", "labels/train", ".parts"):
        (out / folder).mkdir(parents=True)
    worker = writer.ChunkWriter(config, materials, out)
    return lambda start, stop: worker.write(writer.Chunk("train", start, stop))


def _print_rates(rates: Mapping[str, Sequence[float]], digits: float) -> None:
    print(f"plain and straightforward: {digits:.1f} digits a picture; pictures a second of one core:")
    for name, values in rates.items():
        print(f"{name:16} {median(values):6.0f}  ({', '.join(f'{value:.0f}' for value in values)})")
    ratios = [ours / theirs for ours, theirs in zip(rates["plain"], rates["straightforward"], strict=True)]
    print(f"plain is {median(ratios):.2f} times as fast as straightforward")


def _print_workers(name: str, config: SynthConfig, materials: Materials, scratch: Path) -> None:
    """Pictures a second by the clock of one and of two workers, from the first chunk that is done to the last."""
    rates, starts = [], []
    for workers in (1, 2):
        ticks: list[tuple[float, int]] = []
        begin = time.perf_counter()

        def note(count: int, ticks: list[tuple[float, int]] = ticks) -> None:
            ticks.append((time.perf_counter(), count))

        writer.write_dataset(config, materials, scratch / f"{name}-workers-{workers}", workers, note)
        first = ticks[1]  # before it there is the report of what was there already: nothing
        starts.append(first[0] - begin)
        rates.append(sum(count for _, count in ticks[2:]) / (ticks[-1][0] - first[0]))
    print(
        f"\n{name}: one worker {rates[0]:.0f} a second, two {rates[1]:.0f}, which is {rates[1] / rates[0]:.2f} times;"
    )
    print(f"  until the first {writer._CHUNK} pictures {starts[0]:.1f} s and {starts[1]:.1f} s")


# --- stages ---


def _print_stages(name: str, write: Callable[[int, int], object], count: int) -> None:
    """The shares of the stages in one worker's time."""
    write(0, _WARM_UP)
    start = time.process_time()
    with _stopwatches() as seconds:
        write(_WARM_UP, _WARM_UP + count)
    whole = time.process_time() - start
    print(f"{name}: {whole / count * 1000:.2f} ms a picture")
    for stage, spent in {**seconds, "the rest": whole - sum(seconds.values())}.items():
        print(f"  {stage:12} {spent / count * 1000:6.2f} ms  {spent / whole:4.0%}")


@contextmanager
def _stopwatches() -> Iterator[dict[str, float]]:
    """Seconds spent in each stage while the block runs; the functions are replaced by ones that take the time."""
    seconds = dict.fromkeys([name for name, _, _ in _STAGES], 0.0)
    originals = [(owner, function, getattr(owner, function)) for _, owner, function in _STAGES]
    for (name, owner, function), (_, _, original) in zip(_STAGES, originals, strict=True):

        def timed(*arguments: Any, name: str = name, original: Any = original) -> Any:
            start = time.process_time()
            result = original(*arguments)
            seconds[name] += time.process_time() - start
            return result

        setattr(owner, function, timed)
    try:
        yield seconds
    finally:
        for owner, function, original in originals:
            setattr(owner, function, original)


# --- the straightforward generator ---


def _digit_heights(config: SynthConfig, materials: Materials) -> list[list[float]]:
    """The heights in pixels of the digits of each picture."""
    composer = SceneComposer(config, materials.sources["train"])
    scenes = [composer.compose(writer.picture_rng(config.seed, "train", i)) for i in range(_WARM_UP + config.count)]
    return [(scene.boxes[:, 3] - scene.boxes[:, 1]).tolist() for scene in scenes]


def _straightforward_writer(
    digits: Digits, heights: Sequence[Sequence[float]], out: Path
) -> Callable[[int, int], object]:
    for folder in ("images", "labels"):
        (out / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)

    def write(start: int, stop: int) -> None:
        for index in range(start, stop):
            image, rows = _straightforward_picture(rng, digits, heights[index])
            cv2.imwrite(str(out / "images" / f"{index}.png"), image)
            with (out / "labels" / f"{index}.txt").open("w") as file:
                for label, box in rows:
                    file.write(f"{label} {' '.join(map(str, box))}\n")

    return write


def _straightforward_picture(
    rng: np.random.Generator, digits: Digits, heights: Sequence[float]
) -> tuple[npt.NDArray[np.uint8], list[tuple[int, Box]]]:
    image = np.zeros((_SIDE, _SIDE), np.float32)
    boxes: list[Box] = []
    rows = []
    for height in heights:
        side = min(round(height / _GLYPH_SHARE), _SIDE - 1)
        for _ in range(_TRIES):
            x, y = int(rng.integers(0, _SIDE - side)), int(rng.integers(0, _SIDE - side))
            if all(_iou((x, y, x + side, y + side), other) < _MAX_IOU for other in boxes):
                break
        boxes.append((x, y, x + side, y + side))
        choice = int(rng.integers(len(digits)))
        digit = cv2.resize(digits.images[choice].astype(np.float32), (side, side))
        inked = digit > 0
        columns, lines = np.flatnonzero(inked.any(axis=0)), np.flatnonzero(inked.any(axis=1))
        box = (x + int(columns[0]), y + int(lines[0]), x + int(columns[-1]) + 1, y + int(lines[-1]) + 1)
        rows.append((int(digits.labels[choice]), box))
        part = image[y : y + side, x : x + side]
        part[:] = np.maximum(part, digit)
    return image.astype(np.uint8), rows


def _iou(first: Box, second: Box) -> float:
    across = min(first[2], second[2]) - max(first[0], second[0])
    down = min(first[3], second[3]) - max(first[1], second[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / (sum(areas) - shared)


if __name__ == "__main__":
    main()
