"""Frames of video files, cameras and streams, decoded by OpenCV."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from digitdet.common.errors import ImageError
from digitdet.common.types import Image
from digitdet.imaging.inputs import VideoSource, is_live
from digitdet.imaging.pages import check_size

_READ_PER_SECOND = 5  # frames, unless the caller says which
_USUAL_RATES = 1, 240  # frames per second; some files and cameras state none, or their clock
_DEFAULT_RATE = 30.0
_MAX_MISSING = 0.1  # share of the frames of an intact file that its header may count too many


@dataclass(frozen=True)
class Frame:
    """A frame: (H, W, 3) uint8 BGR, its number from 1, the number of frames in the file, and its time in seconds.

    Numbers of frames in files are estimates. A camera has as many frames as were read, and its time begins with the
    first of them.
    """

    image: Image
    number: int
    count: int
    time: float


def read_frames(source: VideoSource, step: int | None, max_pixels: int) -> Iterator[Frame]:
    """Decode every `step`-th frame of a video, beginning with the first; with None, about five per second.

    Videos of phones are turned upright as their files say.

    Raises:
        ImageError: The video cannot be opened, is above the limit, holds no frame, or ends too early.
    """
    capture = _open(source)
    try:
        yield from _frames(capture, is_live(source), step, max_pixels)
    finally:
        capture.release()


def _open(source: VideoSource) -> cv2.VideoCapture:
    if isinstance(source, int) or is_live(source):
        capture = _capture(source if isinstance(source, int) else os.fspath(source))
        if not capture.isOpened():
            raise ImageError("cannot be opened; check that it is connected and that no other program uses it")
        return capture
    path = os.path.abspath(source)  # noqa: PTH100 -- FFmpeg takes the start of a name with a colon as a protocol
    try:
        path.encode()  # OpenCV would crash
        with Path(path).open("rb") as file:
            is_empty = not file.read(1)
    except OSError as error:
        raise ImageError(error.strerror or str(error)) from error
    except ValueError as error:  # UnicodeEncodeError, too
        raise ImageError(f"OpenCV cannot open a video of this name ({error}); rename it") from error
    if is_empty:
        raise ImageError("the file is empty")
    capture = _capture(path)
    if not capture.isOpened():
        raise ImageError("not a video that OpenCV can decode, or damaged or cut off")
    return capture


def _capture(source: str | int) -> cv2.VideoCapture:
    try:
        return cv2.VideoCapture(source)
    except cv2.error as error:
        raise ImageError(f"cannot be opened ({error.err})") from error


def _frames(capture: cv2.VideoCapture, live: bool, step: int | None, max_pixels: int) -> Iterator[Frame]:
    check_size(
        (round(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))), max_pixels
    )
    rate = capture.get(cv2.CAP_PROP_FPS)
    if not _USUAL_RATES[0] <= rate <= _USUAL_RATES[1]:  # NaN, too
        rate = _DEFAULT_RATE
    stated = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    count = 0 if live or not math.isfinite(stated) else max(0, round(stated))
    step = step or max(1, round(rate / _READ_PER_SECOND))
    number, start, seconds = 0, time.monotonic(), -1.0
    while capture.grab():
        number += 1
        if (number - 1) % step:
            continue
        position = time.monotonic() - start if live else capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        seconds = position if position > seconds else (number - 1) / rate  # where the file has no times
        decoded, image = capture.retrieve()
        if decoded:
            yield Frame(np.asarray(image, np.uint8), number, max(count, number), seconds)
    if live:
        raise ImageError("there are no more frames; the camera or stream has ended")
    if number == 0:
        raise ImageError("the video has no frame that can be decoded")
    if number < count * (1 - _MAX_MISSING):
        raise ImageError(f"damaged or cut off: only {number} of {count} frames can be decoded")
