"""Exception handlers: every error becomes a status and the body `{"error": "one line"}`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digitdet.common.errors import ConfigError, ImageError, TimeLimitError


def error_response(status: int, reason: str) -> Response:
    """Make the response of an error."""
    headers = {"Retry-After": "2"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse({"error": reason}, status, headers)


async def _handle_http(_request: Request, error: Any) -> Response:
    response = error_response(error.status_code, error.detail)
    response.headers.update(error.headers or {})
    return response


async def _handle_validation(_request: Request, error: Any) -> Response:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"] if part != "query")
    reason = "there is no such option; /docs lists all" if first["type"] == "extra_forbidden" else first["msg"]
    return error_response(HTTPStatus.BAD_REQUEST, " ".join(f"{name}: {reason}".split()))


def _handler(status: int) -> Any:
    async def handle(_request: Request, error: Exception) -> Response:
        return error_response(status, str(error))

    return handle


async def _handle_disk(_request: Request, error: Any) -> Response:
    return error_response(HTTPStatus.INSUFFICIENT_STORAGE, f"the server cannot write: {error.strerror or error}")


HANDLERS: dict[Any, Any] = {
    HTTPException: _handle_http,
    RequestValidationError: _handle_validation,
    ConfigError: _handler(HTTPStatus.BAD_REQUEST),
    ImageError: _handler(HTTPStatus.UNPROCESSABLE_ENTITY),
    TimeLimitError: _handler(HTTPStatus.SERVICE_UNAVAILABLE),
    OSError: _handle_disk,
}
