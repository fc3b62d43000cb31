"""Ctrl-C as the way to end the reading of a camera."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType
from typing import TypeVar

Item = TypeVar("Item")


def until_interrupted(items: Iterator[Item]) -> Iterator[Item]:
    """Yield items until Ctrl-C, which ends the iteration instead of the program; a second one ends the program."""
    is_interrupted = False

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        nonlocal is_interrupted
        is_interrupted = True
        signal.signal(signal.SIGINT, earlier)

    earlier = signal.signal(signal.SIGINT, interrupt)
    try:
        for item in items:
            yield item
            if is_interrupted:
                return
    finally:
        signal.signal(signal.SIGINT, earlier)
