"""Uploaded pictures, received in full or up to a limit."""

from __future__ import annotations

from http import HTTPStatus

import anyio
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from digitdet.web.limits import ServeSettings

_MAX_FIELD = 1_000_000  # bytes: the digits of one picture as JSON
_MAX_FIELDS = 8


async def receive_upload(request: Request, settings: ServeSettings) -> tuple[bytes, dict[str, str]]:
    """Receive the picture of a request: its body, or the one file of a form (multipart/form-data).

    FastAPI's own `File` and `Form` would store a body of any size. File names and content types are ignored.

    Returns:
        The content of the file, and the other fields of the form.

    Raises:
        HTTPException: The upload is too large (413) or too slow (408), or holds no picture or several (400).
    """
    limited = _LimitedRequest(request, settings.max_bytes)
    try:
        with anyio.fail_after(settings.upload_time):
            if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
                content, fields = await _receive_form(limited)
            else:
                content, fields = await limited.body(), {}
    except TimeoutError as error:
        reason = f"the upload took longer than {settings.upload_time:g} s"
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, reason) from error
    except ClientDisconnect as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the upload was cancelled") from error
    if not content:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "there is no picture: the upload is empty")
    return content, fields


class _LimitedRequest(Request):
    """A request that raises 413 as soon as its declared or received size is above a limit in bytes."""

    def __init__(self, request: Request, limit: int) -> None:
        super().__init__(request.scope, self._receive_limited)
        self._inner = request.receive
        self._limit = limit
        self._received = 0
        declared = request.headers.get("content-length", "")
        if declared.isdigit():
            self._check(int(declared))

    async def _receive_limited(self) -> Message:
        message = await self._inner()
        self._received += len(message.get("body", b""))
        self._check(self._received)
        return message

    def _check(self, size: int) -> None:
        if size > self._limit:
            reason = f"the upload is above the limit of {self._limit / 1e6:g} MB"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)


async def _receive_form(request: Request) -> tuple[bytes, dict[str, str]]:
    async with request.form(max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD) as form:
        file = next((value for value in form.values() if isinstance(value, UploadFile)), None)
        if file is None:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "the form holds no file; send the picture as one")
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        return await file.read(), fields
