"""Install a wheel with each extra in a new environment, and try what the extra is for.

    python tests/try_extras.py dist/digitdet-*.whl            # all of them; needs 8 GB of disk space
    python tests/try_extras.py dist/digitdet-*.whl web pdf    # some; `read` is the base installation

It needs the package index, but neither MNIST nor other data. The environments are removed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
NUMBER = (ROOT / "examples" / "numbers.txt").read_text(encoding="utf-8").split()[1]
IMAGES_OF_DIGITS = """
import cv2, numpy, pathlib
for row in range(120):
    image = numpy.full((40, 30), 230, numpy.uint8)
    cv2.putText(image, str(row % 10), (4 + row % 3, 32), 0, 1.0, 20, 2)
    pathlib.Path(f"digits/{row % 10}").mkdir(parents=True, exist_ok=True)
    cv2.imwrite(f"digits/{row % 10}/{row}.png", image)
"""
PDF_OF_A_PICTURE = """
import pypdfium2
document = pypdfium2.PdfDocument.new()
image = pypdfium2.PdfImage.new(document)
image.load_jpeg("number.jpg")
width, height = image.get_px_size()
image.set_matrix(pypdfium2.PdfMatrix().scale(width, height))
page = document.new_page(width, height)
page.insert_obj(image)
page.gen_content()
document.save("number.pdf")
"""


class Environment:
    """A virtual environment with digitdet, and a scratch folder with a picture, in which commands are run."""

    def __init__(self, folder: Path, wheel: Path, extra: str) -> None:
        venv.create(folder / "venv", with_pip=True)
        self._bin = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        self._scratch = folder / "scratch"
        self._scratch.mkdir()
        shutil.copy(ROOT / "examples" / "number.jpg", self._scratch)
        shutil.copy(ROOT / "tests" / "imaging" / "turned.heic", self._scratch)
        # No data of this machine, and no import from the clone.
        self._variables = {name: value for name, value in os.environ.items() if name != "DIGITDET_DATA"}
        self._variables["XDG_CACHE_HOME"] = str(folder / "cache")
        wanted = f"digitdet[{extra}] @ {wheel.as_uri()}" if extra != "read" else str(wheel)
        self.python("-m", "pip", "install", "-q", "--no-compile", "-c", str(ROOT / "constraints.txt"), wanted)

    def python(self, *arguments: str) -> str:
        return self._run(self._bin / "python", *arguments)

    def digitdet(self, *arguments: str) -> str:
        return self._run(self._bin / "digitdet", *arguments)

    @contextlib.contextmanager
    def server(self, port: int):
        server = subprocess.Popen(
            [self._bin / "digitdet", "serve", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            server.stderr.readline()
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()

    def _run(self, program: Path, *arguments: str) -> str:
        done = subprocess.run(
            [program, *arguments], cwd=self._scratch, env=self._variables, text=True, capture_output=True, check=False
        )
        if done.returncode:
            sys.exit(f"{program.name} {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout


def try_read(environment: Environment) -> None:
    assert environment.digitdet("read", "number.jpg").strip() == NUMBER
    names = "importlib.metadata.packages_distributions().items() if 'digitdet' in owners"
    claimed = environment.python("-c", f"import importlib.metadata; print([name for name, owners in {names}])")
    assert claimed.strip() == "['digitdet']", f"installing claims {claimed}"
    environment.python("-c", "import digitdet, pathlib; pathlib.Path(digitdet.__file__).with_name('py.typed').stat()")
    environment.python("-m", "digitdet", "--version")


def try_train(environment: Environment) -> None:
    environment.digitdet("synth", "--preset", "displays", "--count", "40", "--out", "data")
    environment.digitdet("train", "--data", "data", "--epochs", "1", "--out", "run", "--from", "shipped")
    environment.digitdet("read", "--model", "run", "number.jpg", "--min-confidence", "0")


def try_classify(environment: Environment) -> None:
    environment.python("-c", IMAGES_OF_DIGITS)
    for model in ("knn", "cnn"):
        environment.digitdet("classify", "train", "--model", model, "--data", "digits", "--out", model)
        environment.digitdet("classify", "predict", "--model", model, "digits/7/7.png")


def try_web(environment: Environment) -> None:
    with environment.server(8765) as address, urllib.request.urlopen(address, timeout=60) as answer:
        assert b"digitdet" in answer.read()
        picture = (ROOT / "examples" / "number.jpg").read_bytes()
        with urllib.request.urlopen(f"{address}/api/read", picture, timeout=60) as reading:
            assert NUMBER.encode() in reading.read()


def try_heic(environment: Environment) -> None:
    environment.digitdet("read", "turned.heic")


def try_pdf(environment: Environment) -> None:
    environment.python("-c", PDF_OF_A_PICTURE)
    assert environment.digitdet("read", "number.pdf").strip() == NUMBER


def try_openvino(environment: Environment) -> None:
    environment.digitdet("export", "--format", "openvino", "--out", "vino", "number.jpg")


def try_ray(environment: Environment) -> None:
    environment.digitdet("read", "--ray", "local", "number.jpg", "--out", "shards")


EXTRAS: dict[str, Callable[[Environment], None]] = {
    "read": try_read,
    "train": try_train,
    "classify": try_classify,
    "web": try_web,
    "heic": try_heic,
    "pdf": try_pdf,
    "openvino": try_openvino,
    "ray": try_ray,
}


def main(wheel: str, *chosen: str) -> None:
    for extra in chosen or (*EXTRAS, "all"):
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            environment = Environment(Path(folder).resolve(), Path(wheel).resolve(), extra)
            state = environment.digitdet("doctor")
            assert ("needs PyTorch" in state) == (extra not in ("train", "classify", "all")), "reading needs no torch"
            for name in EXTRAS if extra == "all" else ("read", extra):
                lacks = name != "read" and f"{name:<9}installed" not in state
                assert not lacks, f"{extra}: the doctor says {state}"
                EXTRAS[name](environment)
            size = sum(file.stat().st_size for file in Path(folder, "venv").rglob("*") if not file.is_symlink())
        print(f"{extra:<9}works, {size / 1e6:,.0f} MB, {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
