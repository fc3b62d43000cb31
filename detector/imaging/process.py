"""Process-wide settings: the number of threads of OpenCV, and whether decoders write messages to stderr."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

import cv2


def use_one_thread() -> None:
    """Limit OpenCV to one thread, in a process that already uses all cores."""
    cv2.setNumThreads(1)


@contextlib.contextmanager
def quiet_decoders() -> Iterator[None]:
    """Discard what libpng, libjpeg and OpenCV write to stderr inside the context.

    File descriptor 2 is redirected to the null device for the whole process; `sys.stderr` keeps its target.
    """
    sys.stderr.flush()
    saved, stderr = os.dup(2), sys.stderr
    try:
        with open(os.devnull, "wb") as null:  # noqa: PTH123 -- os.devnull is no Path
            os.dup2(null.fileno(), 2)
        if _is_descriptor_2(stderr):
            sys.stderr = os.fdopen(os.dup(saved), "w", 1, stderr.encoding, stderr.errors)
        yield
    finally:
        if sys.stderr is not stderr:
            sys.stderr.close()
            sys.stderr = stderr
        os.dup2(saved, 2)
        os.close(saved)


def _is_descriptor_2(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 2
    except (OSError, AttributeError, ValueError):  # streams of tests and notebooks have none
        return False
