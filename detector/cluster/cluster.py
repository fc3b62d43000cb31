"""A Ray cluster for the while: one that is there, or one of this machine's own."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from digitdet.common.errors import DigitdetError

# Ray's own: it would report to its maker, and say so at every start. An existing value is left alone.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

_PATIENCE = 10  # seconds


@contextlib.contextmanager
def joined(address: str | None) -> Iterator[int]:
    """Join a cluster, and leave it at the end.

    Args:
        address: `host:port` of the head node, `ray://host:port`, or 'auto' for the one that this machine belongs to;
            None starts one of this machine alone, which ends with it.

    Yields:
        The number of cores that the cluster has now.

    Raises:
        DigitdetError: There is no cluster.
    """
    import ray

    try:
        _require_reachable(address)
        ray.init(
            address=address or "local",
            include_dashboard=None if address else False,
            logging_level=logging.ERROR,
            log_to_driver=False,
        )
    except UnicodeEncodeError as error:
        raise DigitdetError(
            "Ray takes no command line with a name that is not UTF-8: name its folder, or use --from-file"
        ) from error
    except (ConnectionError, ValueError, RuntimeError, TimeoutError, OSError) as error:
        raise DigitdetError(f"no Ray cluster at {address or 'this machine'}: {_first_line(error)}") from error
    _be_quiet()
    # Ray prints what happens to workers, which it replaces, on stdout.
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        try:
            yield max(int(ray.cluster_resources().get("CPU", 1)), 1)
        finally:
            ray.shutdown()


def _require_reachable(address: str | None) -> None:
    """Ray itself would try for minutes, and then end the process.

    Raises:
        OSError: Nothing listens there.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()


def _be_quiet() -> None:
    """Ray Data's bars and tables would stand among our own lines."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    for name in ("ray.data", "ray"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """What workers raise on purpose, raised here as what it is, without the remote traceback.

    Raises:
        DigitdetError: A worker raised it, could not write, or did not come back.
    """
    import ray.exceptions

    try:
        yield
    except ray.exceptions.RayError as error:
        cause = _cause(error)
        if isinstance(cause, DigitdetError):
            raise type(cause)(str(cause)) from error
        if isinstance(cause, OSError):
            raise DigitdetError(f"{cause.filename or 'a worker'}: {cause.strerror or cause}") from error
        raise DigitdetError(f"a worker failed: {_first_line(cause)}; run the same command again to go on") from error


def _cause(error: BaseException) -> BaseException:
    """What was raised on purpose, or else the error at the bottom, of those that Ray wraps around it."""
    inner = getattr(error, "cause", None) or error.__cause__
    return error if isinstance(error, DigitdetError) or inner is None or inner is error else _cause(inner)
