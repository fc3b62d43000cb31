"""Measure a cold reading of one photo, in seconds and memory, beside other programs, and by stage.

    python benchmarks/read_speed.py [PHOTO] [--model RUN] [--turns 7] [--psm 11] [--peers-python PYTHON] [--json FILE]

Every turn starts each tool once, in a new process, on the same photo, after one turn that is not counted. `bare` is the
lower limit: a process that imports OpenCV and ONNX Runtime, loads the detector and runs it once on 320 x 320 pixels.
tesseract (Debian: tesseract-ocr) is restricted to digits; `yolo predict` runs the same weights in PyTorch and in ONNX
and returns boxes, not numbers. RapidOCR and EasyOCR are the commands beside the interpreter given by --peers-python.
Tools that are not installed are skipped. Compare medians on a quiet machine, minima on a busy one.
"""

# Only light modules here: on Linux a process inherits the peak memory of the one that starts it.
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module, resources
from pathlib import Path
from statistics import median

_EXAMPLE = Path(__file__).parents[1] / "examples" / "page.jpg"
_BARE = """
import os, sys
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import cv2, numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
session.run(None, {session.get_inputs()[0].name: numpy.zeros((1, 3, 320, 320), numpy.float32)})
"""


@dataclass(frozen=True)
class Run:
    """One process: wall seconds, peak resident memory in MB, and its output."""

    seconds: float
    megabytes: float
    output: str


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photo", nargs="?", type=Path, default=_EXAMPLE)
    parser.add_argument("--model", type=Path, help="run folder of digitdet train; default: the shipped model")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument(
        "--peers-python", type=Path, default=Path(sys.executable), help="interpreter that has RapidOCR and EasyOCR"
    )
    parser.add_argument("--psm", type=int, default=11, help="tesseract's page segmentation mode; 11: sparse text")
    parser.add_argument("--json", type=Path, help="also write the figures as JSON")
    parser.add_argument("--stages", action="store_true", help=argparse.SUPPRESS)  # used by run_stages
    arguments = parser.parse_args()
    model = arguments.model.resolve() if arguments.model else None
    photo = arguments.photo.resolve()
    if arguments.stages:
        print(json.dumps(time_stages(photo, model)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        tools = find_tools(photo, model, arguments.psm, arguments.peers_python.absolute().parent)
        runs = run_tools(tools, arguments.turns, Path(scratch))
        print_runs(runs)
        stages = [run_stages(photo, model, Path(scratch)) for _ in range(arguments.turns)]
    print_stages(stages)
    if arguments.json:
        tools = {name: [asdict(run) for run in of_tool] for name, of_tool in runs.items()}
        arguments.json.write_text(json.dumps({"tools": tools, "stages": stages}, indent=2) + "\n", encoding="utf-8")


# --- cold processes ---


def find_tools(photo: Path, given: Path | None, psm: int, peers: Path) -> dict[str, list[str]]:
    """Return the command of each tool that is installed; `peers` is the folder of RapidOCR's and EasyOCR's commands."""
    detector = (given or Path(str(resources.files("digitdet"))) / "models") / "detector.onnx"
    tools = {
        "digitdet": [sys.executable, "-m", "digitdet", "read", str(photo), *(["--model", str(given)] if given else [])],
        "bare": [sys.executable, "-c", _BARE, str(detector)],
    }
    digits = "tessedit_char_whitelist=0123456789"
    others = {
        "tesseract": [shutil.which("tesseract"), photo, "-", "--psm", psm, "-c", digits],
        "rapidocr": [shutil.which("rapidocr", path=str(peers)), "-img", photo],
        "easyocr": [shutil.which("easyocr", path=str(peers)), "-l", "en", "--gpu", "False", "-f", photo],
    }
    for name, command in others.items():
        if command[0]:
            tools[name] = [str(part) for part in command]
        else:
            print(f"{name} is not installed: skipped")
    if yolo := shutil.which("yolo", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"):
        for name, weights in (("yolo, .pt", detector.with_suffix(".pt")), ("yolo, .onnx", detector)):
            if weights.is_file():
                tools[name] = [yolo, "detect", "predict", f"model={weights}", f"source={photo}", "imgsz=320"]
                tools[name] += ["device=cpu", "save=False"]
    else:
        print("yolo is not installed: skipped")
    return tools


def run_tools(tools: Mapping[str, Sequence[str]], turns: int, scratch: Path) -> dict[str, list[Run]]:
    """Run all tools in turns; the first turn, which fills the file caches, is not counted."""
    runs: dict[str, list[Run]] = defaultdict(list)
    for turn in range(turns + 1):
        for name, command in tools.items():
            run = run_cold(command, scratch)
            if turn:
                runs[name].append(run)
    return dict(runs)


def run_cold(command: Sequence[str], scratch: Path) -> Run:
    """Run a command in the folder `scratch`.

    Raises:
        SystemExit: The command failed.
    """
    offline = {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_CONFIG_DIR": str(scratch)}
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors, cwd=scratch, env={**os.environ, **offline})
        _, status, usage = os.wait4(process.pid, 0)  # unlike getrusage, counts this child alone
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            sys.exit(f"{' '.join(command)}: exit code {process.returncode}\n{errors.read()}")
        peak = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
        return Run(seconds, peak / 1e6, output.read())


def print_runs(runs: Mapping[str, Sequence[Run]]) -> None:
    print(f"{'cold process':12} {'median':>8} {'minimum':>8} {'x digitdet':>10} {'peak':>8}")
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
    """Return the milliseconds of each stage in a new process."""
    command = [sys.executable, str(Path(__file__).resolve()), str(photo), "--stages"]
    command += ["--model", str(model)] if model else []
    empty = run_cold([sys.executable, "-c", "pass"], scratch).seconds
    stages: dict[str, float] = json.loads(run_cold(command, scratch).output)
    return {"Python": 1000 * empty, **stages}


def time_stages(photo: Path, model: Path | None) -> dict[str, float]:
    """Return the milliseconds of each stage in this process, one stage after the other."""
    stages: dict[str, float] = {}
    for module in ("numpy", "cv2", "onnxruntime", "digitdet.cli.main", "digitdet.reader"):
        with timed(stages, f"import {module}"):
            import_module(module)
    from digitdet.imaging.images import load_image
    from digitdet.reader import NumberReader
    from digitdet.reading.model import load_model

    with timed(stages, "load model"):
        reader = NumberReader(load_model(model, is_short_lived=True))
    with timed(stages, "decode picture"):
        image = load_image(photo)
    with timed(stages, "read"):
        reader.read(image)
    return stages


@contextmanager
def timed(stages: dict[str, float], name: str) -> Iterator[None]:
    """Store the milliseconds that the block takes."""
    start = time.perf_counter()
    yield
    stages[name] = 1000 * (time.perf_counter() - start)


def print_stages(stages: Sequence[Mapping[str, float]]) -> None:
    print(f"\n{'digitdet, cold':28} {'median':>9} {'minimum':>9}   (the command loads the model while it imports)")
    for name in stages[0]:
        values = [run[name] for run in stages]
        print(f"{name:28} {median(values):6.1f} ms {min(values):6.1f} ms")
    totals = [sum(run.values()) for run in stages]
    print(f"{'total':28} {median(totals):6.1f} ms {min(totals):6.1f} ms")


if __name__ == "__main__":
    main()
