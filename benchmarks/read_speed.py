"""Seconds and memory of reading one photo from a cold start, beside tesseract and `yolo predict`, and where they go.

    python benchmarks/read_speed.py [PHOTO] [--model FILE.onnx] [--turns 7] [--psm 11] [--json FILE]

Every turn starts each tool once, in a new process, on the same photo; files are in the system's cache from a turn that
is not counted. `bare` is the limit: a process that imports OpenCV and ONNX Runtime, loads the detector and runs it once
on a square of 320 pixels. tesseract (Debian: tesseract-ocr) is told that there are digits only; `yolo predict` runs the
same weights, in PyTorch and in ONNX, at the size they were trained on, and gives boxes, not numbers. A tool that is not
installed is left out. Compare the medians on a quiet machine, the least on a busy one. Post-processing is timed on
made-up outputs of the network, with as many candidates a digit as a trained model gives on examples/page.jpg; it runs
on one core, and the seconds of that core are counted.
"""

# Only light modules at the top: on Linux a process starts with the peak memory of the one that starts it.
from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module, resources
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_EXAMPLE = Path(__file__).parents[1] / "examples" / "page.jpg"
_CANDIDATES = (2, 5, 10, 10)  # boxes a digit, at each of the reader's scales
_POST_TURNS = 100
# The limit: OpenCV, ONNX Runtime, the detector alone, run once on a square of grey.
_BARE = """
import os, sys
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import cv2, numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
session.run(None, {session.get_inputs()[0].name: numpy.zeros((1, 3, 320, 320), numpy.float32)})
"""


@dataclass(frozen=True)
class Run:
    """One process: wall seconds from its start to its end, peak resident memory in MB, and what it printed."""

    seconds: float
    megabytes: float
    output: str


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photo", nargs="?", type=Path, default=_EXAMPLE)
    parser.add_argument("--model", type=Path, help="a model.onnx with its .pt beside it; else the shipped one")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--psm", type=int, default=11, help="tesseract's page segmentation mode; 11: sparse text")
    parser.add_argument("--json", type=Path, help="write all figures as JSON, too")
    parser.add_argument("--stages", action="store_true", help=argparse.SUPPRESS)  # how this file starts itself
    arguments = parser.parse_args()
    model = arguments.model.resolve() if arguments.model else None
    photo = arguments.photo.resolve()
    if arguments.stages:
        print(json.dumps(time_stages(photo, model)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        runs = run_tools(find_tools(photo, model, arguments.psm), arguments.turns, Path(scratch))
        print_runs(runs)
        stages = [run_stages(photo, model, Path(scratch)) for _ in range(arguments.turns)]
    print_stages(stages)
    post = {count: time_post_processing(count) for count in (20, 500)}
    print_post_processing(post)
    if arguments.json:
        every = {name: [asdict(run) for run in of_tool] for name, of_tool in runs.items()}
        record = {"tools": every, "stages": stages, "post_processing": post}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


# --- cold processes ---


def find_tools(photo: Path, given: Path | None, psm: int) -> dict[str, list[str]]:
    """The command of each tool that is installed."""
    model = given or Path(str(resources.files("digitdet"))) / "models" / "digitdet.onnx"
    tools = {
        "digitdet": [sys.executable, "-m", "digitdet", "read", str(photo), *(["--model", str(given)] if given else [])],
        "bare": [sys.executable, "-c", _BARE, str(model)],
    }
    if tesseract := shutil.which("tesseract"):
        digits = "tessedit_char_whitelist=0123456789"
        tools["tesseract"] = [tesseract, str(photo), "-", "--psm", str(psm), "-c", digits]
    else:
        print("tesseract is not installed: left out")
    if yolo := shutil.which("yolo", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"):
        for name, weights in (("yolo, .pt", model.with_suffix(".pt")), ("yolo, .onnx", model)):
            if weights.is_file():
                tools[name] = [yolo, "detect", "predict", f"model={weights}", f"source={photo}", "imgsz=320"]
                tools[name] += ["device=cpu", "save=False"]
    else:
        print("yolo is not installed: left out")
    return tools


def run_tools(tools: Mapping[str, Sequence[str]], turns: int, scratch: Path) -> dict[str, list[Run]]:
    """All tools in turns; the first turn, which fills caches, is left out."""
    runs: dict[str, list[Run]] = defaultdict(list)
    for turn in range(turns + 1):
        for name, command in tools.items():
            run = run_cold(command, scratch)
            if turn:
                runs[name].append(run)
    return dict(runs)


def run_cold(command: Sequence[str], scratch: Path) -> Run:
    """Run a command in a folder where it may leave files.

    Raises:
        SystemExit: It failed; digitdet's 1, for a number it is unsure of, is no failure.
    """
    offline = {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_CONFIG_DIR": str(scratch)}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors, cwd=scratch, env={**os.environ, **offline})
        _, status, usage = os.wait4(process.pid, 0)  # unlike getrusage, of this child alone
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode not in (0, 1) or (process.returncode and "digitdet" not in command):
            sys.exit(f"{' '.join(command)}: exit code {process.returncode}\n{errors.read()}")
        peak = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
        return Run(seconds, peak / 1e6, output.read())


def print_runs(runs: Mapping[str, Sequence[Run]]) -> None:
    print(f"{'cold process':12} {'median':>8} {'least':>8} {'x digitdet':>10} {'peak':>8}")
    for name, of_tool in runs.items():
        ratios = [theirs.seconds / ours.seconds for ours, theirs in zip(runs["digitdet"], of_tool, strict=True)]
        print(
            f"{name:12} {median(run.seconds for run in of_tool):6.2f} s {min(run.seconds for run in of_tool):6.2f} s "
            f"{median(ratios):10.2f} {max(run.megabytes for run in of_tool):5.0f} MB"
        )
    for name in ("digitdet", "tesseract"):
        if name in runs:
            print(f"{name} read: {' '.join(runs[name][-1].output.split())}")


# --- stages of digitdet ---


def run_stages(photo: Path, model: Path | None, scratch: Path) -> dict[str, float]:
    """Milliseconds of each stage in a cold process."""
    command = [sys.executable, str(Path(__file__).resolve()), str(photo), "--stages"]
    command += ["--model", str(model)] if model else []
    empty = run_cold([sys.executable, "-c", "pass"], scratch).seconds
    stages: dict[str, float] = json.loads(run_cold(command, scratch).output)
    return {"Python": 1000 * empty, **stages}


def time_stages(photo: Path, model: Path | None) -> dict[str, float]:
    """Milliseconds of each stage in this process, which has read nothing yet, one stage after the other."""
    stages: dict[str, float] = {}
    for module in ("numpy", "cv2", "onnxruntime", "digitdet.cli.main", "digitdet.reader"):
        with timed(stages, f"import {module}"):
            import_module(module)
    from digitdet.detection.detector import OnnxDetector
    from digitdet.imaging.images import load_image
    from digitdet.reader import NumberReader

    with timed(stages, "load model"):
        reader = NumberReader(OnnxDetector(model, is_short_lived=True))
    with timed(stages, "decode picture"):
        image = load_image(photo)
    with timed(stages, "read"):
        reader.read(image)
    return stages


@contextmanager
def timed(stages: dict[str, float], name: str, clock: Callable[[], float] = time.perf_counter) -> Iterator[None]:
    """Add the milliseconds that the block takes to a stage."""
    start = clock()
    yield
    stages[name] = stages.get(name, 0.0) + 1000 * (clock() - start)


def print_stages(stages: Sequence[Mapping[str, float]]) -> None:
    print(f"\n{'digitdet, cold':20} {'median':>9} {'least':>9}   one by one; the command loads while it imports")
    for name in stages[0]:
        values = [run[name] for run in stages]
        print(f"{name:20} {median(values):6.1f} ms {min(values):6.1f} ms")
    totals = [sum(run.values()) for run in stages]
    print(f"{'total':20} {median(totals):6.1f} ms {min(totals):6.1f} ms")


# --- post-processing ---


def time_post_processing(count: int) -> dict[str, list[float]]:
    """Milliseconds of each stage after the network on a page with `count` digits, again and again."""
    import numpy as np

    from digitdet.configs import ReadConfig
    from digitdet.detection.postprocess import Detections, decode, fuse_passes, non_max_suppression
    from digitdet.detection.search import MIN_SCORE
    from digitdet.reading.calibration import Calibration
    from digitdet.reading.numbers import NumberBuilder

    config = ReadConfig()
    builder = NumberBuilder.of_config(Calibration(), config)
    outputs = make_outputs(count, config.scales, np.random.default_rng(count))
    turns: dict[str, list[float]] = defaultdict(list)
    for _ in range(_POST_TURNS):
        stages: dict[str, float] = {}
        stage = partial(timed, stages, clock=time.process_time)
        passes = []
        for output, scale in zip(outputs, config.scales, strict=True):
            with stage("decode"):
                candidates = decode(output, MIN_SCORE)
            with stage("suppress each"):
                found = non_max_suppression(candidates, config.max_overlap).digits
                passes.append(Detections(found.boxes / np.float32(scale), found.scores))
        with stage("fuse"):
            fused = fuse_passes(passes, config.scales)
            fused = fused.take(fused.best_scores >= MIN_SCORE)
        with stage("suppress all"):
            places = non_max_suppression(fused, config.max_overlap)
        with stage("build numbers"):
            numbers = builder.build(places)
        if sum(len(number.best) for number in numbers) != count:
            sys.exit(f"the made-up page of {count} digits was not read as such")
        for name, milliseconds in {**stages, "total": sum(stages.values())}.items():
            turns[name].append(milliseconds)
    return dict(turns)


def make_outputs(count: int, scales: Sequence[float], random: np.random.Generator) -> list[npt.NDArray[np.float32]]:
    """The network's outputs (14, N) at the reader's scales, for a page with numbers of five digits, 24 pixels high."""
    import numpy as np

    side = 32 * int(np.ceil(np.sqrt(count * 22 * 48) / 32))  # a digit takes 18 x 48 pixels, a gap between numbers 20
    columns = max((side - 20) // 110, 1)
    number, digit = np.divmod(np.arange(count), 5)
    line, column = np.divmod(number, columns)
    centres = np.stack([30 + 110 * column + 18 * digit, 24 + 48 * line], axis=1) + random.normal(0, 0.5, (count, 2))
    sizes = np.stack([random.uniform(9, 16, count), random.uniform(22, 26, count)], axis=1)
    classes = random.integers(10, size=count)
    outputs = []
    for scale, candidates in zip(scales, _CANDIDATES, strict=True):
        anchors = sum((round(side * scale) // stride) ** 2 for stride in (8, 16, 32))
        of_digit = np.repeat(np.arange(count), candidates)
        boxes = np.concatenate([centres, sizes], axis=1)[of_digit] * scale
        boxes += random.normal(0, 0.5, boxes.shape) * scale
        scores = random.exponential(0.004, (len(of_digit), 10))
        scores[np.arange(len(of_digit)), classes[of_digit]] = random.uniform(0.3, 0.95, len(of_digit))
        doubtful = random.random(count)[of_digit] < 0.2  # a fifth of the digits may be another one
        scores[doubtful, (classes[of_digit][doubtful] + 3) % 10] = random.uniform(0.05, 0.25, doubtful.sum())
        output = np.zeros((14, max(anchors, len(of_digit))), np.float32)
        output[4:] = random.uniform(0, 0.01, output[4:].shape)
        places = np.sort(random.choice(output.shape[1], len(of_digit), replace=False))
        output[:, places] = np.concatenate([boxes, scores], axis=1).T
        outputs.append(output)
    return outputs


def print_post_processing(post: Mapping[int, Mapping[str, Sequence[float]]]) -> None:
    print(f"\npost-processing, processor time, median (least) of {_POST_TURNS} turns")
    print(f"{'':14}" + "".join(f" {f'{count} digits':>20}" for count in post))
    for name in next(iter(post.values())):
        cells = [f"{median(times[name]):.2f} ({min(times[name]):.2f}) ms" for times in post.values()]
        print(f"{name:14}" + "".join(f" {cell:>20}" for cell in cells))


if __name__ == "__main__":
    main()
