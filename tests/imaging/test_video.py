"""Frames of videos and cameras."""

import cv2
import numpy as np
import pytest

from digitdet.common.errors import ImageError
from digitdet.imaging.batches import batch_frames
from digitdet.imaging.images import load_image
from digitdet.imaging.inputs import find_inputs
from digitdet.imaging.video import read_frames


def write_clip(path, count=20, rate=10, size=(64, 48)):
    """A video whose frames are uniform, each brighter than the one before."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), rate, size)
    for number in range(count):
        writer.write(np.full((size[1], size[0], 3), 10 * number, np.uint8))
    writer.release()
    return path


def test_every_nth_frame_with_its_time(tmp_path):
    clip = write_clip(tmp_path / "a.avi")
    frames = list(read_frames(clip, None, 10_000))
    assert [frame.number for frame in frames] == list(range(1, 20, 2))  # five of ten per second
    assert [frame.time for frame in frames] == pytest.approx(np.arange(0, 2, 0.2))
    assert {frame.count for frame in frames} == {20}
    assert [frame.image.mean() for frame in frames] == pytest.approx(np.arange(0, 200, 20), abs=4)
    assert frames[0].image.shape == (48, 64, 3) and frames[0].image.dtype == np.uint8
    assert [frame.number for frame in read_frames(clip, 7, 10_000)] == [1, 8, 15]


def damaged(folder, name):
    path = folder / name
    if name == "zero.mp4":
        path.touch()
    elif name == "text.mp4":
        path.write_text("not a video")
    elif name != "gone.mp4":
        content = write_clip(folder / "whole.avi").read_bytes()
        path.write_bytes(content[: len(content) * 2 // 3] if name == "cut.avi" else content)
    return path


@pytest.mark.parametrize(
    ("name", "limit", "message"),
    [
        ("gone.mp4", 10_000, "No such file or directory"),
        ("zero.mp4", 10_000, "the file is empty"),
        ("text.mp4", 10_000, "not a video that OpenCV can decode, or damaged or cut off"),
        ("cut.avi", 10_000, r"damaged or cut off: only \d+ of 20 frames can be decoded"),
        ("large.avi", 1_000, "64 x 48 pixels are above the limit of 0.001 million"),
    ],
)
def test_videos_that_cannot_be_read(tmp_path, name, limit, message):
    with pytest.raises(ImageError, match=message):
        list(read_frames(damaged(tmp_path, name), None, limit))


def test_the_frames_before_a_cut_are_read(tmp_path):
    clip = damaged(tmp_path, "cut.avi")
    batches = batch_frames(read_frames(clip, 1, 10_000), "cut.avi", 4)
    sizes = []
    with pytest.raises(ImageError, match="cut off"):
        sizes.extend(len(batch) for batch in batches)
    assert sizes == [4, 2]


def test_names_that_opencv_cannot_take():
    for name in ("a\udcff.mp4", "a\0.mp4"):
        with pytest.raises(ImageError, match="rename it"):
            next(read_frames(name, None, 10_000))


def test_a_name_with_a_colon_is_no_protocol(tmp_path, monkeypatch):
    write_clip(tmp_path / "12:30.avi")
    monkeypatch.chdir(tmp_path)
    assert len(list(read_frames("12:30.avi", 10, 10_000))) == 2


def test_a_camera_ends_with_an_error(tmp_path, monkeypatch):
    clip, opened, capture = write_clip(tmp_path / "a.avi"), [], cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda source: opened.append(source) or capture(str(clip)))
    frames = read_frames(0, 5, 10_000)
    seen = [next(frames) for _ in range(4)]
    assert opened == [0] and [(frame.number, frame.count) for frame in seen] == [(1, 1), (6, 6), (11, 11), (16, 16)]
    assert 0 <= seen[0].time <= seen[3].time
    with pytest.raises(ImageError, match="there are no more frames"):
        next(frames)


def test_a_camera_that_is_missing():
    with pytest.raises(ImageError, match="check that it is connected"):
        next(read_frames(99, None, 10_000))


def test_videos_are_read_when_they_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b.JPG", "c.MOV"):
        (tmp_path / name).write_bytes(b"?")
    found = [(one.path, one.video) for one in find_inputs(["a.mp4", "*.[JM]*", "."])]
    assert found == [("a.mp4", "a.mp4"), ("b.JPG", None), ("c.MOV", "c.MOV"), ("./b.JPG", None)]
    with pytest.raises(ImageError, match=r"a\.mp4: it is a video, not a picture"):
        load_image("a.mp4")
