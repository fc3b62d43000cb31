"""Middleware that protects users of a local server from other web sites."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digitdet.web.errors import error_response

# The page loads everything from this server, and pictures also from its own memory. Swagger UI sets inline styles.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class SecurityMiddleware:
    """Add a strict Content-Security-Policy, and reject cross-site requests that change something (CSRF).

    Any web page can send a form to a server on the visitor's machine. It cannot read the response, but it could add
    pictures to the corrections. Browsers state the source of a request in the headers Origin and Sec-Fetch-Site.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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

        if scope["method"] in _CHANGING and _is_cross_site(Headers(scope=scope)):
            response = error_response(HTTPStatus.FORBIDDEN, "the request comes from a page of another site")
            await response(scope, receive, send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)


def _is_cross_site(headers: Headers) -> bool:
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")
