"""Commands use no network, and write only the given files and the user's cache."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

# Logs every use of a socket, and every path that is opened for writing, created, moved or removed.
AUDITED = """
import json, os, socket, sys
log = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
busy = False
def below(folder):
    return os.readlink(f"/proc/self/fd/{folder}") + "/" if isinstance(folder, int) and folder >= 0 else ""
def is_local(event, arguments):  # processes of one command communicate by Unix sockets
    if event == "socket.__new__":
        return arguments[1] == socket.AF_UNIX
    if event in ("socket.bind", "socket.connect", "socket.sendmsg", "socket.sendto"):
        return arguments[1] is None or isinstance(arguments[1], (str, bytes))  # None: connected
    return event == "socket.gethostname"
def hear(event, arguments):
    global busy
    what = None
    if event.startswith("socket."):
        what = None if is_local(event, arguments) else ["network", event + " " + repr(arguments[1:])]
    elif event == "open" and isinstance(arguments[0], (str, bytes)) and arguments[2] is not None:
        if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            what = ["write", os.fsdecode(arguments[0])]
    elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.truncate"):
        folder = arguments[-1] if event in ("os.remove", "os.rmdir", "os.mkdir") else -1
        what = ["write", below(folder) + os.fsdecode(arguments[0])]
    elif event in ("os.rename", "os.link", "os.symlink"):
        what = ["write", os.fsdecode(arguments[1])]
    elif event == "subprocess.Popen":
        what = ["program", " ".join(map(str, arguments[1]))]
    if what and not busy:
        busy = True
        if what[0] == "write":
            what[1] = os.path.abspath(what[1])
        os.write(log, (json.dumps(what) + "\\n").encode())
        busy = False
sys.addaudithook(hear)
from digitdet.cli.main import main
main(prog_name="digitdet")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="distinguishes POSIX system paths")
@pytest.mark.parametrize("what", ["read", "synth", "train", "eval", "classify", "predict", "convert", "calibrate"])
def test_only_the_given_files_are_written(command, composing, composed, mnist, tmp_path, what, monkeypatch):
    cache, out, scratch = tmp_path / "cache", tmp_path / "out", tmp_path / "scratch"
    scratch.mkdir()
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setenv("TMPDIR", str(scratch))
    for name in ("MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR", "YOLO_CONFIG_DIR"):  # set by earlier tests
        monkeypatch.delenv(name, raising=False)
    settings = tmp_path / "train.yaml"
    settings.write_text("epochs: 1\nbatch: 32\nimage_size: 96\nline_reader: {epochs: 1}\n")
    photo = EXAMPLES / "number.jpg"
    trained = tmp_path / "out" / "knn"
    commands = {
        "read": [["read", photo, "--save", out / "a", "--crops", out / "b", "--labels", out / "c", "--out", out / "d"]],
        "synth": [[*composing, "--out", out]],
        "train": [["train", "--data", composed, "--config", settings, "--out", out]],
        "eval": [["eval", composed, "--split", "test", "--json", out / "a.json", "--html", out / "a.html"]],
        "classify": [["classify", "train", "--model", "knn", "--mnist", mnist, "--out", out / "knn"]],
        "predict": [
            ["classify", "train", "--model", "knn", "--mnist", mnist, "--out", trained],
            ["classify", "predict", photo, "--model", trained],
        ],
        "convert": [["convert", composed, out, "--to", "coco"]],
        "calibrate": [["calibrate", composed, "--model", _shipped(), "--dry-run"]],
    }[what]
    before = set(tmp_path.rglob("*"))
    if what == "eval":
        out.mkdir()
    for arguments in commands:
        ended = command(tmp_path / "heard.jsonl", *arguments, code=AUDITED, cwd=tmp_path).end()
        assert ended.code in (0, 1), ended.stderr[-2000:]
        assert "Traceback" not in ended.stderr, ended.stderr[-3000:]
    heard = [json.loads(line) for line in (tmp_path / "heard.jsonl").read_text().splitlines()]
    assert not [what for kind, what in heard if kind == "network"]
    allowed = [str(folder) for folder in (out, cache, scratch)]
    if what == "train":  # Ultralytics caches labels there; the caches are removed
        allowed.append(str(composed / "labels"))
    written = {path for kind, path in heard if kind == "write" and not path.startswith(("/dev/", "/proc/"))}
    outside = {path for path in written if not path.startswith(tuple(allowed)) and "__pycache__" not in path}
    assert not outside
    named = {tmp_path / "heard.jsonl", out, cache, *before}
    left = set(tmp_path.rglob("*")) - named
    assert not {path for path in left if not path.is_relative_to(out) and not path.is_relative_to(cache)}


def _shipped() -> Path:
    from digitdet.models.model_file import LINE_READER, shipped_file

    return shipped_file(LINE_READER)
