"""Commands that are killed, interrupted, out of disk space or started twice can be resumed; no file is half-written."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and mounts are POSIX")

EXAMPLES = Path(__file__).parents[2] / "examples"
KILLS = 20
TRAIN = "epochs: 3\nbatch: 32\nimage_size: 96\nline_reader: {epochs: 1}\n"

# Kills the process when it has written half of the n-th file that is written atomically.
HALF_WRITTEN = """
import os, pathlib, signal, sys
left = int(sys.argv.pop(1))
write = pathlib.Path.write_bytes
def write_half(path, content):
    global left
    left -= path.suffix == ".tmp"
    if left == 0:
        write(path, content[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(path, content)
pathlib.Path.write_bytes = write_half
from digitdet.cli.main import main
main(prog_name="digitdet")
"""


@pytest.fixture(scope="module")
def thousand(tmp_path_factory, composed):
    """1,000 pictures to read, some of them damaged, one with several pages."""
    folder = tmp_path_factory.mktemp("thousand")
    pictures = sorted((composed / "images").rglob("*.jpg"))
    for index in range(997):
        shutil.copy(pictures[index % len(pictures)], folder / f"{index:04d}.jpg")
    (folder / "0100a.jpg").write_bytes(b"no picture")
    (folder / "0500a.jpg").write_bytes(pictures[0].read_bytes()[:700])
    (folder / "0600a.gif").write_bytes((EXAMPLES / "number.jpg").read_bytes())
    return folder


def kill_until_done(command, arguments, longest, whole, after_kill):
    """Kill a command at random moments until it was killed 20 times, then let it end."""
    rng, kills = random.Random(0), 0
    for _ in range(10 * KILLS):
        if kills == KILLS:
            break
        running = command(*arguments)
        if running.end_by(signal.SIGKILL, rng.uniform(0.1, longest)) is None:
            assert running.process.returncode in (0, 1)
            whole()
            continue
        kills += 1
        assert not running.has_orphans(), "a child process outlived its parent"
        after_kill()
    assert kills == KILLS
    ended = command(*arguments).end()
    assert "Traceback" not in ended.stderr
    assert ended.code in (0, 1), ended.stderr


def test_synth_is_killed(command, composing, composed, tree, tmp_path):
    out = tmp_path / "data"

    def after_kill():
        if (out / "data.yaml").exists() and not (out / ".parts").exists():
            assert tree(out) == tree(composed)

    def whole():
        assert tree(out) == tree(composed)
        shutil.rmtree(out)

    kill_until_done(command, [*composing, "--out", out], 8, whole, after_kill)
    assert tree(out) == tree(composed)


def test_a_long_reading_is_killed(command, thousand, tmp_path):
    once, out = tmp_path / "once.jsonl", tmp_path / "out.jsonl"
    arguments = ["read", thousand, "--format", "jsonl", "--out"]
    ended = command(*arguments, once).end()
    assert ended.code == 1  # some pictures are damaged
    assert len(once.read_text().splitlines()) == 1000

    def whole():
        assert out.read_bytes() == once.read_bytes()
        out.unlink()

    kill_until_done(
        command, [*arguments, out], 0.4 * ended.seconds, whole, lambda: None if not out.exists() else whole()
    )
    assert out.read_bytes() == once.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["once.jsonl", "out.jsonl"]


def test_a_training_is_killed(command, composed, tmp_path):
    from digitdet.reading.model import load_model
    from digitdet.training import yolo

    settings, out = tmp_path / "train.yaml", tmp_path / "run"
    settings.write_text(TRAIN)

    def after_kill():
        for name in ("checkpoint.pt", "best.pt", "detector.pt"):
            if (out / name).exists():
                yolo.require_loadable(out / name)
        for name in ("detector.onnx", "line_reader.onnx"):
            if (out / name).exists():
                load_model(out / name)

    def whole():
        assert (out / "metrics.json").exists()
        shutil.rmtree(out)

    kill_until_done(command, ["train", "--data", composed, "--config", settings, "--out", out], 14, whole, after_kill)
    assert json.loads((out / "metrics.json").read_text())["split"] == "test"
    assert not [path for path in out.iterdir() if path.suffix == ".tmp"]
    assert command("read", "--model", out, EXAMPLES / "number.jpg").end().code in (0, 1)


def test_a_training_is_killed_while_it_writes(command, composed, tmp_path):
    """Each of its files in turn is half-written under a temporary name; the training can always be resumed."""
    from digitdet.training import yolo

    settings, out = tmp_path / "train.yaml", tmp_path / "run"
    settings.write_text("epochs: 2\nbatch: 32\nimage_size: 96\nline_reader: {epochs: 1}\n")
    arguments = ["train", "--data", composed, "--config", settings, "--out", out]
    killed = 0
    for number in range(1, 14):  # a resumed training writes fewer files, so each kill comes later
        ended = command(number, *arguments, code=HALF_WRITTEN).end()
        assert ended.code in (0, -signal.SIGKILL), ended.stderr[-2000:]
        killed += ended.code == -signal.SIGKILL
        for name in ("checkpoint.pt", "best.pt", "detector.pt"):
            if (out / name).exists():
                yolo.require_loadable(out / name)
    assert killed >= 4
    assert command(*arguments).end().code == 0
    assert (out / "metrics.json").exists()


@pytest.mark.parametrize(
    "what", ["synth", "train", "read", "read with ray", "classify knn", "classify fcn", "classify svm"]
)
def test_ctrl_c(command, composing, composed, thousand, mnist, tmp_path, what):
    """The command stops within two seconds with one line, and leaves no process behind."""
    settings = tmp_path / "train.yaml"
    settings.write_text(TRAIN)
    out = tmp_path / "out"
    arguments = {
        "synth": [*composing, "--out", out],
        "train": ["train", "--data", composed, "--config", settings, "--out", out],
        "read": ["read", thousand],
        "read with ray": ["read", thousand, "--ray", "local", "--shard", "50", "--out", out],
    }.get(what, ["classify", "train", "--model", what.split()[-1], "--mnist", mnist, "--out", out])
    times, patience = (2, 90) if what == "read with ray" else (6, 2)  # Ray's processes end within a minute
    rng, stopped = random.Random(1), 0
    for _ in range(30):
        if stopped == times:
            break
        running = command(*arguments)
        ended = running.end_by(signal.SIGINT, rng.uniform(0.3, 9))
        if ended is None:
            shutil.rmtree(out, ignore_errors=True)
            continue
        stopped += 1
        assert "Traceback" not in ended.stderr, ended.stderr[-3000:]
        assert ended.code != 0
        assert ended.seconds < 2
        assert not running.has_orphans(patience)
    assert stopped == times


@pytest.mark.parametrize("what", ["synth", "train", "read", "save", "classify"])
def test_disk_full(command, composing, composed, thousand, mnist, small_disk, tmp_path, what):
    settings = tmp_path / "train.yaml"
    settings.write_text(TRAIN)
    disk = small_disk(400)
    (disk / "precious.txt").write_text("mine")
    arguments = {
        "synth": [*composing, "--out", disk / "out"],
        "train": ["train", "--data", composed, "--config", settings, "--out", disk / "out"],
        "read": ["read", thousand, "--format", "jsonl", "--out", disk / "out.jsonl"],
        "save": ["read", thousand, "--save", disk / "out"],
        "classify": ["classify", "train", "--model", "knn", "--mnist", mnist, "--out", disk / "out"],
    }[what]
    ended = command(*arguments).end()
    assert ended.code == 1, ended.stderr[-2000:]
    assert "Traceback" not in ended.stderr, ended.stderr[-3000:]
    assert [line for line in ended.lines() if "No space left on device" in line], ended.stderr[-2000:]
    assert (disk / "precious.txt").read_text() == "mine"
    # With more disk space the same command resumes.
    subprocess.run(["mount", "-o", "remount,size=400m", disk], check=True)
    ended = command(*arguments).end()
    assert ended.code in (0, 1), ended.stderr[-2000:]
    assert "No space" not in ended.stderr


@pytest.mark.parametrize("what", ["synth", "train", "read", "save", "crops", "labels", "classify", "eval"])
def test_read_only_output(command, composing, composed, mnist, small_disk, tmp_path, what):
    settings = tmp_path / "train.yaml"
    settings.write_text(TRAIN)
    disk = small_disk(4000)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    photo = EXAMPLES / "number.jpg"
    arguments = {
        "synth": [*composing, "--out", disk / "out"],
        "train": ["train", "--data", composed, "--config", settings, "--out", disk / "out"],
        "read": ["read", photo, "--out", disk / "out.jsonl"],
        "save": ["read", photo, "--save", disk / "out"],
        "crops": ["read", photo, "--crops", disk / "out"],
        "labels": ["read", photo, "--labels", disk / "out"],
        "classify": ["classify", "train", "--model", "knn", "--mnist", mnist, "--out", disk / "out"],
        "eval": ["eval", composed, "--json", disk / "out.json"],
    }[what]
    ended = command(*arguments).end()
    assert ended.code == 1
    assert "Traceback" not in ended.stderr
    assert [line for line in ended.lines() if "Read-only file system" in line], ended.stderr


def test_a_full_standard_output(command):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "digitdet", "read", EXAMPLES / "number.jpg"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "No space left on device" in done.stderr


def test_a_worker_dies(command, composing, composed, tree, tmp_path):
    out = tmp_path / "data"
    running = command(*composing, "--out", out)
    until = time.monotonic() + 60
    while not (parts := list((out / ".parts").glob("*.jsonl"))) and time.monotonic() < until:
        time.sleep(0.01)
    assert parts
    children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
    workers = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(workers) == 2
    subprocess.run(["kill", "-9", workers[0]], check=True)
    ended = running.end()
    assert ended.code == 1
    assert "Traceback" not in ended.stderr
    assert [line for line in ended.lines() if "a worker died" in line], ended.stderr
    assert not running.has_orphans()
    assert command(*composing, "--out", out).end().code == 0
    assert tree(out) == tree(composed)


@pytest.mark.parametrize("what", ["synth", "train", "read", "classify"])
def test_two_commands_with_one_folder(command, composing, composed, thousand, mnist, tmp_path, what):
    settings = tmp_path / "train.yaml"
    settings.write_text("epochs: 1\nbatch: 32\nimage_size: 96\nonly: detector\n")
    out = tmp_path / "out"
    arguments = {
        "synth": [*composing, "--out", out],
        "train": ["train", "--data", composed, "--config", settings, "--out", out],
        "read": ["read", thousand, "--format", "jsonl", "--out", out / "out.jsonl"],
        "classify": ["classify", "train", "--model", "fcn", "--mnist", mnist, "--out", out],
    }[what]
    first = command(*arguments)
    lock = out / {"read": ".out.jsonl.lock"}.get(what, ".lock")
    until = time.monotonic() + 60
    while not lock.exists() and time.monotonic() < until:
        time.sleep(0.01)
    second = command(*arguments).end()
    assert second.code == 2
    assert [line for line in second.lines() if "another digitdet is writing" in line], second.stderr
    assert "Traceback" not in second.stderr
    if what == "classify":  # no need to train to the end
        first.end_by(signal.SIGINT, 0)
        return
    assert first.end().code in (0, 1)
    assert not lock.exists()


def test_a_folder_with_other_files(command, composing, composed, mnist, tmp_path):
    (tmp_path / "diary.txt").write_text("mine")
    for arguments in (
        composing,
        ["train", "--data", composed],
        ["classify", "train", "--model", "knn", "--mnist", mnist],
    ):
        ended = command(*arguments, "--out", tmp_path).end()
        assert ended.code == 2
        assert "is not empty" in ended.lines()[-1]
        assert "Traceback" not in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]
