"""Processing items on a Ray cluster, or on one that is started on this machine."""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from digitdet.common.errors import DigitdetError

# Ray would report usage, and print a note about it at every start. A value that the user set is kept.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

_TIMEOUT = 10  # seconds

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_on_cluster(
    items: Sequence[Item],
    make_worker: Callable[..., Callable[[Item], Result]],
    arguments: tuple[Any, ...],
    address: str | None,
) -> Iterator[Result]:
    """Process items on a Ray cluster, see `ray_session`, and yield the results as they are finished.

    `make_worker(*arguments)` is called once in each worker process and returns the function that processes an item.
    Ray replaces a worker process that dies, and processes its item again. Raises DigitdetError if a worker fails.
    """
    import ray.data

    # As bytes: Arrow does not accept file names that are not UTF-8.
    rows = [{"item": pickle.dumps(item)} for item in items]
    with ray_session(address) as cores, reraised_worker_errors():
        results = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            _Worker,
            fn_constructor_args=(make_worker, arguments),
            num_cpus=1,
            concurrency=(1, min(cores, len(rows))),
        )
        for row in results.iter_rows():
            yield pickle.loads(row["result"])  # noqa: S301 (sent by a worker)


class _Worker:
    def __init__(self, make_worker: Callable[..., Callable[[Any], Any]], arguments: tuple[Any, ...]) -> None:
        self._process = make_worker(*arguments)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"result": pickle.dumps(self._process(pickle.loads(row["item"])))}  # noqa: S301 (sent by the driver)


@contextlib.contextmanager
def ray_session(address: str | None) -> Iterator[int]:
    """Connect to a Ray cluster, yield its number of cores, and disconnect at the end.

    Args:
        address: `host:port` of the head node, `ray://host:port`, or 'auto' for the cluster that this machine belongs
            to; None starts a cluster on this machine, and stops it at the end.

    Raises:
        DigitdetError: There is no such cluster.
    """
    import ray.data

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
            "Ray accepts no command line with names that are not UTF-8: name their folder, or use --from-file"
        ) from error
    except (ConnectionError, ValueError, RuntimeError, TimeoutError, OSError) as error:
        raise DigitdetError(f"no Ray cluster at {address or 'this machine'}: {_first_line(error)}") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    for name in ("ray.data", "ray"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # Ray prints on stdout when it replaces workers.
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        try:
            yield max(int(ray.cluster_resources().get("CPU", 1)), 1)
        finally:
            ray.shutdown()


def _require_reachable(address: str | None) -> None:
    """Raise OSError if nothing listens at the address: Ray would try for minutes, and then exit."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=_TIMEOUT).close()


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextlib.contextmanager
def reraised_worker_errors() -> Iterator[None]:
    """Raise errors of workers as DigitdetError of one line, without the remote traceback."""
    import ray.exceptions

    try:
        yield
    except ray.exceptions.RayError as error:
        cause = _cause(error)
        if isinstance(cause, DigitdetError):
            raise type(cause)(str(cause)) from error
        if isinstance(cause, OSError):
            raise DigitdetError(f"{cause.filename or 'a worker'}: {cause.strerror or cause}") from error
        raise DigitdetError(f"a worker failed: {_first_line(cause)}; run the same command again to resume") from error


def _cause(error: BaseException) -> BaseException:
    """Return the innermost of the errors that Ray has wrapped, or the first DigitdetError."""
    inner = getattr(error, "cause", None) or error.__cause__
    return error if isinstance(error, DigitdetError) or inner is None or inner is error else _cause(inner)
