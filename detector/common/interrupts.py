"""The exit code after Ctrl-C, and temporary handlers for it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TypeVar

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it: 128 and the number of the signal."""

Item = TypeVar("Item")


@contextlib.contextmanager
def sigint_handler(handler: signal.Handlers | Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Set the handler of SIGINT (Ctrl-C) inside the context; does nothing outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def until_interrupted(items: Iterator[Item]) -> Iterator[Item]:
    """Yield items until Ctrl-C, which ends the iteration instead of the program; a second one ends the program."""
    is_interrupted = False
    before = signal.getsignal(signal.SIGINT)

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        nonlocal is_interrupted
        is_interrupted = True
        signal.signal(signal.SIGINT, before)

    with sigint_handler(interrupt):
        for item in items:
            yield item
            if is_interrupted:
                return
