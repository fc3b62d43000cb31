"""Uploaded pictures, received in full or up to a limit."""

from __future__ import annotations

import base64
from http import HTTPStatus

import anyio
import msgspec
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from digitdet.web.settings import ServeSettings

_MAX_FIELD = 1_000_000  # bytes: the digits of one picture as JSON
_MAX_FIELDS = 6000  # `allowed` may be repeated 5,000 times
_Scalar = bool | int | float | str
Fields = list[tuple[str, str]]


async def receive_upload(request: Request, settings: ServeSettings) -> tuple[bytes, Fields]:
    """Receive the picture of a request: its body, the one file of a form (multipart/form-data), or base64 in JSON.

    FastAPI's own `File` and `Form` would store a body of any size. File names and other content types are ignored.

    Returns:
        The content of the file, and the names and values of the other fields as a query has them.

    Raises:
        HTTPException: The upload is too large (413) or too slow (408), or holds no picture or several (400).
    """
    limited = _LimitedRequest(request, settings.max_bytes)
    try:
        with anyio.fail_after(settings.upload_time):
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "multipart/form-data":
                content, fields = await _receive_form(limited)
            elif kind == "application/json":
                content, fields = _parse_json(await limited.body())
            else:
                content, fields = await limited.body(), []
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


async def _receive_form(request: Request) -> tuple[bytes, Fields]:
    async with request.form(max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD) as form:
        file = next((value for value in form.values() if isinstance(value, UploadFile)), None)
        if file is None:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "the form holds no file; send the picture as one")
        fields = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        return await file.read(), fields


def _parse_json(body: bytes) -> tuple[bytes, Fields]:
    try:
        values = msgspec.json.decode(body, type=dict[str, _Scalar | list[_Scalar] | None])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"the body is not a JSON object of options: {error}") from error
    picture = values.pop("picture", None)
    if not isinstance(picture, str):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "picture: is missing; send the content of the file in base64")
    start = picture.find(",") + 1 if picture.startswith("data:") else 0  # a data URL, as browsers make them
    try:
        content = base64.b64decode("".join(picture[start:].split()), validate=True)  # `base64` breaks lines
    except ValueError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"picture: is not base64: {error}") from error
    fields: Fields = []
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                fields.append((name, str(one).lower() if isinstance(one, bool) else str(one)))
    return content, fields
