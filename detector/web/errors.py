"""What goes wrong with a request, as its status and one line of JSON."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digitdet.common.errors import ConfigError, ImageError, TimeLimitError

_RETRY_AFTER = "2"  # seconds


def error_response(status: int, reason: str) -> Response:
    """`{"error": reason}` with a status; where it is worth it, when to come again."""
    headers = {"Retry-After": _RETRY_AFTER} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse({"error": reason}, status, headers)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (the table below says so)
    response = error_response(error.status_code, error.detail)
    response.headers.update(error.headers or {})
    return response


async def _options(_request: Request, error: Exception) -> Response:
    return error_response(HTTPStatus.BAD_REQUEST, str(error))


async def _picture(_request: Request, error: Exception) -> Response:
    return error_response(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))


async def _time(_request: Request, error: Exception) -> Response:
    return error_response(HTTPStatus.SERVICE_UNAVAILABLE, str(error))


async def _disk(_request: Request, error: Exception) -> Response:
    assert isinstance(error, OSError)  # noqa: S101
    return error_response(HTTPStatus.INSUFFICIENT_STORAGE, f"the server cannot write: {error.strerror or error}")


HANDLERS: dict[Any, Any] = {  # of Starlette: types of errors and what answers them
    HTTPException: _http,
    ConfigError: _options,
    ImageError: _picture,
    TimeLimitError: _time,
    OSError: _disk,
}
