"""Middleware: a log and metrics of requests, errors as JSON, and protection from other web sites."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digitdet.web.errors import error_response
from digitdet.web.metrics import Metrics

REQUEST_LOG = logging.getLogger("digitdet.web.requests")
_ERROR_LOG = logging.getLogger("digitdet.web.errors")

# The page loads everything from this server, and pictures also from its own memory. Swagger UI sets inline styles.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class MonitorMiddleware:
    """Log and count every request, and answer every error with JSON, also those of other middleware and of bugs."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 0  # until the response starts

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._metrics.in_progress += 1
        try:
            await self._app(scope, receive, _errors_as_json(scope, receive, send_noting_status))
        except Exception:
            _ERROR_LOG.exception("%s %s failed", scope["method"], quote(scope["path"]))
            if not status:
                response = error_response(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error; the server's log has it")
                await response(scope, receive, send_noting_status)
        finally:
            self._metrics.in_progress -= 1
            seconds = time.perf_counter() - start
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.add(scope["method"], route, status, seconds)
            # Quoted, because a path may contain line breaks; without the query, which may contain expected numbers.
            REQUEST_LOG.info("%s %s %d %.0f ms", scope["method"], quote(scope["path"]), status, seconds * 1000)


def _errors_as_json(scope: Scope, receive: Receive, send: Send) -> Send:
    """Replace errors in plain text, which Starlette's own middleware sends."""
    status = 0  # of the error that is being replaced

    async def send_json(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start" and message["status"] >= HTTPStatus.BAD_REQUEST:
            if Headers(raw=message["headers"]).get("content-type", "").startswith("text/plain"):
                status = message["status"]
                return
        elif status:
            await error_response(status, message.get("body", b"").decode())(scope, receive, send)
            return
        await send(message)

    return send_json


class SecurityMiddleware:
    """Add a strict Content-Security-Policy, and reject requests to other hosts and cross-site changes (CSRF).

    Any web page can send a form to a server on the visitor's machine. It cannot read the response, but it could add
    pictures to the corrections. Browsers state the source of a request in the headers Origin and Sec-Fetch-Site.
    `hosts` are the names that the server answers to; none allows any.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        styles = " 'unsafe-inline'" if scope["path"].startswith("/docs") else ""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = _POLICY.format(styles=styles)
                headers.update({"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"})
            await send(message)

        headers = Headers(scope=scope)
        if self._hosts and _host_name(headers.get("host", "")) not in self._hosts:
            response = error_response(HTTPStatus.BAD_REQUEST, "the server does not answer to this host name")
            await response(scope, receive, send_with_headers)
        elif scope["method"] in _CHANGING and _is_cross_site(headers):
            response = error_response(HTTPStatus.FORBIDDEN, "the request comes from a page of another site")
            await response(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)


def _is_cross_site(headers: Headers) -> bool:
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")


def _host_name(host: str) -> str | None:
    """Return the name in a Host header without its port, in lower case; None if there is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:  # such as an unclosed bracket
        return None
