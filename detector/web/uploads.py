"""Pictures as they come in: never more of them than allowed, whatever the client says they are."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

import anyio
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from digitdet.web.settings import ServeSettings

_MAX_FIELD = 1_000_000  # bytes: the digits of one picture as JSON
_MAX_FIELDS = 8


@dataclass(frozen=True)
class Upload:
    """A picture file, and the other fields of its form. The name that a client gives a file is never looked at."""

    content: bytes
    fields: dict[str, str]


async def receive_upload(request: Request, settings: ServeSettings) -> Upload:
    """The picture of a request: its body, or the one file in a form (multipart/form-data).

    Raises:
        HTTPException: It is above the limit (413), takes too long (408), or there is no picture or more than one (400).
    """
    limited = _Limited(request, settings)
    try:
        with anyio.fail_after(settings.upload_time):
            if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
                return await _from_form(limited)
            return Upload(_not_empty(await limited.body()), {})
    except TimeoutError as error:
        raise HTTPException(
            HTTPStatus.REQUEST_TIMEOUT, f"the upload took longer than {settings.upload_time:g} s"
        ) from error
    except ClientDisconnect as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the upload was broken off") from error


class _Limited(Request):
    """A request whose body ends with an error where it is above the limit, before it is taken in."""

    def __init__(self, request: Request, settings: ServeSettings) -> None:
        super().__init__(request.scope, self._counted)
        self._inner = request.receive
        self._limit = settings.max_bytes
        self._left = settings.max_bytes
        declared = request.headers.get("content-length", "")
        if declared.isdigit():
            self._require(self._left - int(declared))

    async def _counted(self) -> Message:
        message = await self._inner()
        self._left -= len(message.get("body", b""))
        self._require(self._left)
        return message

    def _require(self, left: int) -> None:
        if left < 0:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the upload is above the limit of {self._limit / 1e6:g} MB"
            )


async def _from_form(request: Request) -> Upload:
    async with request.form(max_files=1, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD) as form:
        files = [value for value in form.values() if isinstance(value, UploadFile)]
        if not files:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "the form holds no file; send the picture as one")
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        return Upload(_not_empty(await files[0].read()), fields)


def _not_empty(content: bytes) -> bytes:
    if not content:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "there is no picture: the upload is empty")
    return content
