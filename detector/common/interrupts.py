"""What Ctrl-C does for a while."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def ctrl_c(handler: signal.Handlers) -> Iterator[None]:
    """Let Ctrl-C be answered by `handler` meanwhile; on another than the main thread, which alone may set that, nothing
    changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
