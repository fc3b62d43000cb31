"""So many pictures at once, so many more in a queue, and a word for who comes then."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TypeVar

import anyio
from anyio import to_thread
from starlette.exceptions import HTTPException

Result = TypeVar("Result")


class Gate:
    """Lets in as many requests as can be served and can wait; belongs to one event loop.

    Args:
        at_once: Pieces of work that run at the same time, each on a thread.
        queue: Requests beside those that may be on their way in or wait.
    """

    def __init__(self, at_once: int, queue: int) -> None:
        self._at_once = at_once
        self._free = at_once + queue
        self._threads: anyio.CapacityLimiter | None = None

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place, from the first byte of a request to the end of its work.

        Raises:
            HTTPException: All are taken (503).
        """
        if not self._free:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "too many pictures at once; come again in a moment")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def work(self, function: Callable[[], Result]) -> Result:
        """Run a function on a thread, when it is its turn. It is waited for even where nobody is there any more to take
        its result, since a thread cannot be stopped: what counts as free is free.
        """
        if self._threads is None:  # made here: a limiter belongs to the event loop that is running
            self._threads = anyio.CapacityLimiter(self._at_once)
        return await to_thread.run_sync(function, limiter=self._threads)
