"""`digitdet doctor`."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import click

from digitdet import __version__
from digitdet.cli.options import model_option
from digitdet.common.errors import OPENCV_REMEDY, DigitdetError, install_command

_VARIABLES = ("DIGITDET_DATA", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "XDG_CACHE_HOME")
_EXTRAS = ("train", "classify", "web", "heic", "pdf", "openvino", "ray")  # those of pyproject.toml that a user needs
_REQUIREMENT = re.compile(r"([\w.-]+)[^;]*?(?:; *extra *== *['\"](\w+)['\"])?$")

Lines = Iterator[str]


@click.command()
@model_option
def doctor(model: Path | None) -> None:
    """Show versions, the processor, the model and the data, and how to install what is missing.

    The exit code is 0 if pictures can be read with the model, otherwise 1. A missing extra is no fault.
    """
    is_sound = True
    sections: dict[str, Callable[[], Lines]] = {
        "digitdet": _describe_installation,
        "packages": _describe_packages,
        "processor": _describe_processor,
        "model": lambda: _describe_model(model),
        "training": _describe_training,
        "MNIST": _describe_mnist,
        "extras": _describe_extras,
    }
    for name, describe in sections.items():
        try:
            lines = list(describe())
        except (ImportError, OSError, DigitdetError) as error:  # OSError: a library that cannot be loaded
            lines = [f"Error: {error}" + (f"; {OPENCV_REMEDY}" if "shared object" in str(error) else "")]
            is_sound = is_sound and name in ("training", "MNIST")  # reading needs neither
        for row, line in enumerate(lines):
            click.echo(f"{name if row == 0 else '':<11}{line}")
    sys.exit(0 if is_sound else 1)


def _describe_installation() -> Lines:
    yield f"{__version__} in {Path(__file__).parents[1]}"
    yield f"Python {platform.python_version()} on {platform.platform()}"
    for name in _VARIABLES:
        if name in os.environ:
            yield f"{name}={os.environ[name]}"


def _describe_packages() -> Lines:
    """Yield the versions of the packages of the base installation, and what is wrong with them."""
    found = {package: _version(package) for package in _required_packages()[""]}
    yield ", ".join(f"{package} {version}" for package, version in found.items() if version)
    # The headless build of OpenCV may stand in for the other one; of both, the files of the last installed one remain.
    opencv, headless = found.pop("opencv-python", None), _version("opencv-python-headless")
    if headless:
        yield f"opencv-python-headless {headless}"
        if opencv and opencv != headless:
            yield f"opencv-python {opencv} and its headless build differ: install both in one version"
    if missing := [package for package, version in found.items() if not version]:
        raise ImportError(f"missing: {', '.join(missing)}; install digitdet again")


def _describe_processor() -> Lines:
    import cv2

    # OpenCV marks what it selects at run time with *, and what the processor lacks with ?.
    features = [name.lstrip("*") for name in cv2.getCPUFeaturesLine().split() if not name.endswith("?")]
    yield f"{platform.machine()}, {os.cpu_count()} cores, {', '.join(features[-4:])}"


def _describe_model(model: Path | None) -> Lines:
    """Yield the files of the model, after a blank picture was read with them."""
    import numpy as np

    from digitdet.models.model_file import find_model, read_entries
    from digitdet.reader import NumberReader

    files = find_model(model)
    NumberReader(model).read(np.full((64, 64, 3), 255, np.uint8))
    for file in files.all:
        content = file.read_bytes()
        entries = read_entries(content, str(file))
        made_by = f", made by digitdet {entries['digitdet']}" if "digitdet" in entries else ""
        yield f"{file}: {len(content) / 1e6:.1f} MB, {entries.get('license', 'licence unknown')}{made_by}"


def _describe_training() -> Lines:
    if _version("torch") is None:
        yield "needs PyTorch, of the extras train and classify"
        return
    from digitdet.training.hardware import CpuThreads, computes_in_bf16, describe_machine, pick_device

    device = pick_device("auto")
    CpuThreads(0)  # with which a training begins
    yield f"on {describe_machine(device, computes_in_bf16('auto', device))}"


def _describe_mnist() -> Lines:
    from digitdet.datasets.mnist import DATA_VARIABLE, is_complete, search_folders

    for folder in search_folders():
        yield f"{folder}: {'found' if is_complete(folder) else 'not there'}"
    if DATA_VARIABLE not in os.environ:
        yield f"${DATA_VARIABLE}/mnist: the variable is not set"


def _describe_extras() -> Lines:
    packages = _required_packages()
    for extra in _EXTRAS:
        missing = [package for package in packages[extra] if _version(package) is None]
        state = f"lacks {', '.join(missing)}: {install_command(extra)}" if missing else "installed"
        yield f"{extra:<9}{state}"


def _required_packages() -> dict[str, list[str]]:
    """Return the names of the packages that digitdet requires by extra; '' are those of the base installation."""
    packages: dict[str, list[str]] = {extra: [] for extra in ("", *_EXTRAS)}
    for requirement in metadata.requires("digitdet") or ():
        if (found := _REQUIREMENT.match(requirement)) and (found[2] or "") in packages:
            packages[found[2] or ""].append(found[1])
    return packages


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
