"""Independent pieces of work in threads: results in order, with a time limit."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from digitdet.common.errors import TimeLimitError

Item = TypeVar("Item")
Result = TypeVar("Result")

MapFunction = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""`map`, or the `map` of an executor: applies a function to independent items and returns the results in order."""


class Deadline:
    """A time limit in seconds, counted from the construction; None is no limit."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._end = float("inf") if seconds is None else time.monotonic() + seconds

    def check(self) -> None:
        """Raise TimeLimitError after the deadline."""
        if time.monotonic() > self._end:
            raise TimeLimitError(f"reading takes longer than {self._seconds:g} s; send fewer or smaller pictures")

    def limit(self, map_function: MapFunction) -> MapFunction:
        """Return a map function that raises TimeLimitError for items that would start after the deadline."""

        def call(function: Callable[[Any], Any], item: Any) -> Any:
            self.check()
            return function(item)

        return lambda function, items: map_function(partial(call, function), items)


def process_batches(
    process: Callable[[list[Item], MapFunction], Result], batches: Iterator[list[Item]], workers: int
) -> Iterator[tuple[list[Item], Result]]:
    """Process batches in threads; yield each with its result, in order.

    One batch is prefetched in a thread of its own, and at most `workers` + 1 are in progress. `process` is called with
    a batch and the map function for independent parts of its work: `map` of a thread pool for a batch of one item with
    no other in progress, the built-in `map` for batches that run beside each other. An exception of `batches` is raised
    after the results of the batches before it.
    """
    in_progress: deque[tuple[list[Item], Future[Result]]] = deque()
    with (
        ThreadPoolExecutor(1) as prefetcher,
        ThreadPoolExecutor(workers) as processors,
        ThreadPoolExecutor(workers) as parts,
    ):
        try:
            prefetched: Future[list[Item] | None] | None = prefetcher.submit(next, batches, None)
            while prefetched or in_progress:
                while prefetched and len(in_progress) <= workers and not (in_progress and in_progress[0][1].done()):
                    if in_progress and prefetched.exception() is not None:
                        break
                    batch = prefetched.result()
                    prefetched = prefetcher.submit(next, batches, None) if batch else None
                    if batch:
                        is_alone = len(batch) == 1 and not in_progress
                        map_function: MapFunction = parts.map if is_alone else map
                        in_progress.append((batch, processors.submit(process, batch, map_function)))
                if in_progress:
                    batch, result = in_progress.popleft()
                    yield batch, result.result()
        finally:  # a caller that stops early does not wait for queued batches
            processors.shutdown(wait=False, cancel_futures=True)
