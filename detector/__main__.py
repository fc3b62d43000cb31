"""The program `digitdet`, also as `python -m digitdet`."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from digitdet.common.interrupts import INTERRUPTED

_EXIT_TIMEOUT = 1.2  # seconds from Ctrl-C to the end of the process, at most


def _interrupt(_signal: int, frame: FrameType | None) -> None:
    """Handle Ctrl-C: raise KeyboardInterrupt, and end the process if a library swallows it or takes too long.

    Files are written atomically, and workers end with their parent.
    """
    if _is_importing(frame):  # a module would turn the exception into another one, and nothing is being written
        _abort()
    timer = threading.Timer(_EXIT_TIMEOUT, _abort)
    timer.daemon = True
    timer.start()
    raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    """Whether a frame belongs to the import of a module."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _abort() -> None:
    # Descriptor 2 may be redirected to silence libraries.
    os.write(sys.stderr.fileno(), b"\nAborted!\n")
    os._exit(INTERRUPTED)


def _describe(error: OSError) -> int:
    """Print why stdout cannot be written, and return the exit code."""
    sys.stderr.write(f"Error: stdout: {error.strerror}\n")
    return 1


def run() -> None:
    """Run the command line and exit without delay."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    from digitdet.cli.main import main  # here: Ctrl-C is handled by now

    code: object = 0
    try:
        main(prog_name="digitdet")
    except SystemExit as end:
        code = end.code or 0
    except OSError as error:  # while writing the help text
        code = _describe(error)
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left in the buffer
        code = code or _describe(error)
    if "torch" in sys.modules or not isinstance(code, int):
        sys.exit(code)  # type: ignore[arg-type]
    # Without this, freeing memory would take a tenth of the time of `digitdet read`.
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
