"""Measure the pictures per second of `digitdet synth` on one core and with two workers, and the share of each stage.

    python benchmarks/synth_speed.py [--count 1000] [--turns 3] [--mnist DIR] [--backgrounds DIR]

`plain` composes MNIST digits on 300 x 300 pixels, `mixed` and `scenes` are the presets. The rates of one core count the
processor time of this process, so that other work on the machine has little influence. Two workers are measured by the
wall clock and need a quiet machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import cv2

from digitdet.configs import SynthConfig, load_preset, replace
from digitdet.configs.look import LookConfig
from digitdet.configs.synth import add_materials
from digitdet.synth import layers, scene, writer
from digitdet.synth.effects.effects import CameraEffects
from digitdet.synth.scene import SceneComposer
from digitdet.synth.sources import Materials, load_materials

_WARM_UP = 50  # pictures
# The name of each stage and the function whose time it counts.
_STAGES: Sequence[tuple[str, Any, str]] = (
    ("sampling", SceneComposer, "sample_plan"),
    ("surface", SceneComposer, "_draw_background"),
    ("light", scene, "measure_light"),
    ("shapes", layers, "draw_shape"),
    ("ink", layers, "draw_line"),
    ("relighting", layers, "relight"),
    ("effects", CameraEffects, "apply"),
    ("legibility", scene, "find_illegible"),
    ("JPEG", writer, "_encode"),
    ("files", writer, "_write_file"),
)

Write = Callable[[int, int], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="pictures per turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--mnist", type=Path, help="folder with the four MNIST files")
    parser.add_argument("--backgrounds", type=Path, help="folder with photos without digits")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    looks = {
        "plain": SynthConfig(looks={"plain": LookConfig(canvas_sizes=((300, 300),))}),
        **{name: load_preset(SynthConfig, "synth", name) for name in ("mixed", "scenes")},
    }
    for name, look in looks.items():
        config = replace(look, count=arguments.count, val_share=0.01, test_share=0.0)
        if arguments.backgrounds and name != "plain":
            config = add_materials(config, backgrounds=arguments.backgrounds)
        materials = load_materials(config, arguments.mnist)
        with tempfile.TemporaryDirectory() as scratch:
            rates = [
                _rate(_chunk_writer(config, materials, Path(scratch) / f"{turn}"), config.count)
                for turn in range(arguments.turns)
            ]
            turns = ", ".join(f"{rate:.0f}" for rate in rates)
            print(f"\n{name}: {median(rates):.0f} pictures per second of one core ({turns})")
            _print_workers(config, materials, Path(scratch))
            _print_stages(_chunk_writer(config, materials, Path(scratch) / "stages"), config.count)


def _chunk_writer(config: SynthConfig, materials: Materials, out: Path) -> Write:
    """Return a function that composes and writes a range of pictures, as one worker does."""
    for folder in ("images/train", "labels/train", ".parts"):
        (out / folder).mkdir(parents=True)
    worker = writer.ChunkWriter(config, materials, out)
    return lambda start, stop: worker.write(writer.Chunk("train", start, stop))


def _rate(write: Write, count: int) -> float:
    """Return pictures per second of processor time, after a warm-up."""
    write(0, _WARM_UP)
    start = time.process_time()
    write(_WARM_UP, _WARM_UP + count)
    return count / (time.process_time() - start)


def _print_workers(config: SynthConfig, materials: Materials, scratch: Path) -> None:
    """Print the wall-clock rates of one and of two workers, from the first finished chunk to the last."""
    rates, starts = [], []
    for workers in (1, 2):
        ticks: list[tuple[float, int]] = []
        begin = time.perf_counter()

        def note(count: int, ticks: list[tuple[float, int]] = ticks) -> None:
            ticks.append((time.perf_counter(), count))

        writer.write_dataset(config, materials, scratch / f"workers-{workers}", workers, note)
        first = ticks[1]  # the call before it reports the pictures of an earlier run: none
        starts.append(first[0] - begin)
        rates.append(sum(count for _, count in ticks[2:]) / (ticks[-1][0] - first[0]))
    print(f"  one worker {rates[0]:.0f} per second, two {rates[1]:.0f} ({rates[1] / rates[0]:.2f} times);")
    print(f"  until the first {writer._CHUNK} pictures {starts[0]:.1f} s and {starts[1]:.1f} s")


def _print_stages(write: Write, count: int) -> None:
    """Print the share of each stage in one worker's processor time."""
    write(0, _WARM_UP)
    start = time.process_time()
    with _stopwatches() as seconds:
        write(_WARM_UP, _WARM_UP + count)
    whole = time.process_time() - start
    print(f"  {whole / count * 1000:.2f} ms per picture")
    for stage, spent in {**seconds, "other": whole - sum(seconds.values())}.items():
        print(f"    {stage:12} {spent / count * 1000:6.2f} ms  {spent / whole:4.0%}")


@contextmanager
def _stopwatches() -> Iterator[dict[str, float]]:
    """Measure the processor seconds of each stage while the block runs, by wrapping its function."""
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


if __name__ == "__main__":
    main()
