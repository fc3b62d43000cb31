"""The limit of concurrent requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TypeVar

import anyio
from anyio import from_thread, to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request

Result = TypeVar("Result")


class RequestLimiter:
    """Limit concurrent requests; reject the rest with 503. Belongs to one event loop.

    Args:
        at_once: Maximum number of functions that run concurrently, each in a thread.
        queue: Maximum number of further requests that upload or wait.
    """

    def __init__(self, at_once: int, queue: int) -> None:
        self._at_once = at_once
        self._free = at_once + queue
        self._threads: anyio.CapacityLimiter | None = None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold a slot, from before the upload until the work is done.

        Raises:
            HTTPException: No slot is free (503).
        """
        if not self._free:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests at once; try again in a moment")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def run(self, function: Callable[[], Result], request: Request | None = None) -> Result:
        """Run a function in a thread as soon as one is free.

        Threads cannot be stopped: the function is awaited even if the client disconnects, so that a free slot really is
        free. With `request`, it does not start if the client has disconnected by then.

        Raises:
            HTTPException: The client has disconnected (400).
        """
        if self._threads is None:  # created here, because it belongs to the running event loop
            self._threads = anyio.CapacityLimiter(self._at_once)

        def run_if_connected() -> Result:
            if request is not None and from_thread.run(request.is_disconnected):
                raise HTTPException(HTTPStatus.BAD_REQUEST, "the client has disconnected")
            return function()

        return await to_thread.run_sync(run_if_connected, limiter=self._threads)
