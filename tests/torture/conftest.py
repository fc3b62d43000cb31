"""Runs commands in separate processes that tests kill, interrupt and deprive of disk space."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

TORTURE = Path(__file__).parent
EXAMPLES = Path(__file__).parents[2] / "examples"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if TORTURE in item.path.parents:
            item.add_marker(pytest.mark.torture)


@dataclass(frozen=True)
class Ended:
    """The result of a command."""

    code: int
    stdout: str
    stderr: str
    seconds: float  # since the signal that ended it, otherwise since its start

    def lines(self) -> list[str]:
        """The lines of stderr without progress bars, which contain carriage returns."""
        return [line for line in self.stderr.splitlines() if line.strip() and "\r" not in line and "it/s" not in line]


def _restore_sigint() -> None:
    """Undo that a background job of a shell ignores SIGINT, which its child processes inherit."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Command:
    """A running `digitdet` command in its own process group."""

    def __init__(self, *arguments: object, code: str = "", cwd: Path | None = None) -> None:
        program = ["-c", code] if code else ["-m", "digitdet"]
        self.process = subprocess.Popen(
            [sys.executable, *program, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_restore_sigint,
        )
        self._start = time.monotonic()

    def end(self, timeout: float = 600) -> Ended:
        """Wait for its end."""
        stdout, stderr = self.process.communicate(timeout=timeout)
        return Ended(self.process.returncode, stdout, stderr, time.monotonic() - self._start)

    def end_by(self, number: int, after: float) -> Ended | None:
        """Send a signal to all its processes after `after` seconds and wait for the end; None if it ended before."""
        try:
            stdout, stderr = self.process.communicate(timeout=after)
            return None
        except subprocess.TimeoutExpired:
            pass
        self._start = time.monotonic()
        os.killpg(self.process.pid, number)
        stdout, stderr = self.process.communicate(timeout=60)
        return Ended(self.process.returncode, stdout, stderr, time.monotonic() - self._start)

    def has_orphans(self, within: float = 10.0) -> bool:
        """Return whether one of its processes still runs after `within` seconds."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return False
            time.sleep(0.05)
        return True


@pytest.fixture(scope="session")
def command() -> type[Command]:
    return Command


@pytest.fixture(scope="session")
def tree() -> Callable[[Path], str]:
    """Returns a function that hashes all names and contents in a folder."""

    def hash_tree(folder: Path) -> str:
        total = hashlib.sha256()
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            total.update(f"{path.relative_to(folder)}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()

    return hash_tree


@pytest.fixture(scope="session")
def mnist() -> Path:
    folder = Path(os.environ.get("DIGITDET_DATA", "")) / "mnist"
    if not os.environ.get("DIGITDET_DATA") or not folder.is_dir():
        pytest.skip("needs MNIST: set DIGITDET_DATA")
    return folder


@pytest.fixture(scope="session")
def composing(tmp_path_factory: pytest.TempPathFactory, mnist: Path) -> list[str]:
    """Arguments of a `digitdet synth` that composes 600 small pictures, without --out."""
    settings = tmp_path_factory.mktemp("settings") / "synth.yaml"
    look = "{canvas_sizes: [[96, 96]], digit_height: [20, 40]}"
    settings.write_text(f"count: 600\nval_share: 0.1\ntest_share: 0.1\nlooks:\n  plain: {look}\n")
    return ["synth", "--config", str(settings), "--mnist", str(mnist), "--workers", "2"]


@pytest.fixture(scope="session")
def composed(tmp_path_factory: pytest.TempPathFactory, composing: list[str]) -> Path:
    """The dataset that the arguments in `composing` give."""
    out = tmp_path_factory.mktemp("composed") / "data"
    ended = Command(*composing, "--out", out).end()
    assert ended.code == 0, ended.stderr
    return out


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Returns a function that mounts a file system of so many kilobytes; skips where mounting is not allowed."""
    mounted: list[Path] = []

    def mount(kilobytes: int) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("a small file system cannot be mounted here")
        mounted.append(folder)
        return folder

    try:
        yield mount
    finally:
        for folder in mounted:
            subprocess.run(["umount", folder], check=True)


@pytest.fixture(scope="session")
def kill() -> int:
    return signal.SIGKILL
