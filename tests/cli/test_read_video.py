"""`digitdet read` on videos and cameras."""

import csv
import io
import json
import os
import re
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from digitdet import DigitdetError, NumberReader
from digitdet.cli.main import main
from digitdet.outputs import window

EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE = EXAMPLES / "number.jpg"
NUMBER = (EXAMPLES / "numbers.txt").read_text(encoding="utf-8").split()[1]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Two seconds: an empty wall, then the number of the example, held by an unsteady hand."""
    path = tmp_path_factory.mktemp("clips") / "clip.avi"
    image = cv2.imread(str(EXAMPLE))
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 5, image.shape[1::-1])
    for row in range(10):
        writer.write(np.full_like(image, 200) if row < 4 else np.roll(image, row % 3, axis=0))
    writer.release()
    return path


def run(*arguments):
    return CliRunner().invoke(main, ["read", *map(str, arguments)])


def test_pictures_and_videos_in_one_command(clip, tmp_path):
    (tmp_path / "bad.mp4").write_text("no video")
    result = run(clip, EXAMPLE, tmp_path / "bad.mp4", "--save", tmp_path / "drawn")
    (reading,) = NumberReader().read_video(clip)
    assert result.stdout.splitlines() == [f"{clip}:{reading.time:.1f}s: {NUMBER}", f"{EXAMPLE}: {NUMBER}"]
    assert (reading.texts, reading.source, reading.pages) == ([NUMBER], str(clip), 10)
    assert 0.8 <= reading.time < 2 and reading.time == pytest.approx((reading.page - 1) / 5, abs=0.01)
    error, summary = result.stderr.splitlines()
    assert error == f"Error: {tmp_path / 'bad.mp4'}: not a video that OpenCV can decode, or damaged or cut off"
    assert re.fullmatch(r"1 picture, 2 videos, 2 numbers \(0 uncertain\), 1 error in \d+\.\d s", summary)
    assert result.exit_code == 1
    drawings = sorted(path.name for path in (tmp_path / "drawn").iterdir())
    assert drawings[1] == "number.read.png" and re.fullmatch(r"clip-p\d+\.read\.png", drawings[0])


def test_times_in_csv_and_json_lines(clip, tmp_path):
    (row,) = csv.DictReader(io.StringIO(run(clip, "--format", "csv", "--stable", "1").stdout))
    assert (row["text"], row["page"], row["time"]) == (NUMBER, "5", "0.8")
    result = run(clip, EXAMPLE, "--format", "jsonl", "--every", "2", "--out", tmp_path / "out.jsonl")
    records = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [record["numbers"][0]["text"] for record in records] == [NUMBER, NUMBER]
    assert records[0]["time"] in (0.8, 1.2, 1.6) and records[1]["time"] is None
    assert result.exit_code == 0


def test_a_video_without_stable_numbers(clip):
    result = run(clip, "--stable", "9")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith(f"{clip}: no number was stable\n1 video, 0 numbers")


class Camera:
    """A camera that shows the example, until Ctrl-C is pressed in its seventh frame."""

    def __init__(self, source):
        assert source == 0
        self.frames, self.image = 0, cv2.imread(str(EXAMPLE))

    def isOpened(self):  # noqa: N802
        return True

    def get(self, prop):
        return 0.0

    def grab(self):
        self.frames += 1
        if self.frames == 7:
            os.kill(os.getpid(), signal.SIGINT)
        return self.frames < 20

    def retrieve(self):
        return True, self.image

    def release(self):
        self.frames = 99


def test_a_camera_is_read_until_it_is_interrupted(monkeypatch, tmp_path):
    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    before = signal.getsignal(signal.SIGINT)
    result = run("--camera", "0", "--every", "1", "--format", "csv", "--out", tmp_path / "log.csv")
    assert (result.exit_code, signal.getsignal(signal.SIGINT)) == (0, before)
    assert re.fullmatch(r"1 video, 1 number \(0 uncertain\), 0 errors in \d+\.\d s\n", result.stderr)
    (row,) = csv.DictReader((tmp_path / "log.csv").open())
    assert (row["image"], row["text"]) == ("camera 0", NUMBER)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--camera", "front"], "expected the number of a camera"),
        (["--camera", "0", "a.jpg"], "read pictures with another command"),
    ],
)
def test_wrong_usage_of_a_camera(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2 and message in result.stderr


def test_without_a_display_one_line_says_so_and_reading_goes_on(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)

    def fail():
        raise DigitdetError("there is no display")

    monkeypatch.setattr(window, "Window", fail)
    result = run("--show", EXAMPLE)
    assert (result.exit_code, result.stdout) == (0, f"{NUMBER}\n")
    assert result.stderr == "--show: there is no display\n"


@pytest.fixture
def window_calls(monkeypatch):
    """The arguments of all calls of OpenCV's window functions, by the name of the function."""
    calls = {name: [] for name in ("namedWindow", "resizeWindow", "imshow", "destroyAllWindows")}
    monkeypatch.setattr(window.subprocess, "run", lambda *_, **__: window.subprocess.CompletedProcess([], 0))
    for name, of_name in calls.items():
        monkeypatch.setattr(cv2, name, lambda *arguments, to=of_name: to.append(arguments[1:]))
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1)
    return calls


def test_the_window_shows_every_frame_until_it_is_closed(clip, monkeypatch, window_calls):
    keys = iter([-1, -1, ord("q")])
    monkeypatch.setattr(cv2, "waitKey", lambda _delay: next(keys))
    result = run("--show", clip, EXAMPLE)
    assert [len(window_calls[name]) for name in window_calls] == [1, 1, 3, 1]
    assert (result.exit_code, result.stdout) == (0, "")
    assert "1 video, 0 numbers" in result.stderr


def test_the_window_takes_the_size_of_each_picture_and_a_key_shows_the_next(monkeypatch, window_calls):
    keys = iter([-1, ord(" "), ord(" ")])
    monkeypatch.setattr(cv2, "waitKey", lambda _delay: next(keys))
    result = run("--show", EXAMPLE, EXAMPLE.with_name("page.jpg"))
    assert window_calls["resizeWindow"] == [(640, 240), (640, 640)]
    assert len(window_calls["imshow"]) == 2
    assert "2 pictures" in result.stderr
