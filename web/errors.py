"""What goes wrong with a request, as its status and one line of JSON."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digitdet.configs.errors import ConfigError, DataError, ImageError, TimeLimitError

BAD_REQUEST, FORBIDDEN, NOT_FOUND, REQUEST_TIMEOUT, CONFLICT, TOO_LARGE, UNPROCESSABLE, UNAVAILABLE, FULL = (
    400, 403, 404, 408, 409, 413, 422, 503, 507,
)  # fmt: skip

_RETRY_AFTER = "2"  # seconds


def error_response(status: int, reason: str) -> Response:
    """`{"error": reason}` with a status; where it is worth it, when to come again."""
    headers = {"Retry-After": _RETRY_AFTER} if status == UNAVAILABLE else None
    return JSONResponse({"error": reason}, status, headers)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (the table below says so)
    response = error_response(error.status_code, error.detail)
    response.headers.update(error.headers or {})
    return response


async def _options(_request: Request, error: Exception) -> Response:
    return error_response(BAD_REQUEST, str(error))


async def _picture(_request: Request, error: Exception) -> Response:
    return error_response(UNPROCESSABLE, str(error))


async def _time(_request: Request, error: Exception) -> Response:
    return error_response(UNAVAILABLE, str(error))


async def _data(_request: Request, error: Exception) -> Response:
    return error_response(CONFLICT, str(error))


async def _disk(_request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)  # noqa: S101
    return error_response(FULL, f"the server cannot write: {error.strerror or error}")


HANDLERS: dict[Any, Any] = {  # of Starlette: types of errors and what answers them
    HTTPException: _http,
    ConfigError: _options,
    ImageError: _picture,
    TimeLimitError: _time,
    DataError: _data,
    OSError: _disk,
}
