"""The application of `digitdet serve`: a web page, and the HTTP API behind it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from digitdet import __version__
from digitdet.web.api import router
from digitdet.web.errors import HANDLERS
from digitdet.web.metrics import CONTENT_TYPE, Metrics
from digitdet.web.middleware import MonitorMiddleware, SecurityMiddleware
from digitdet.web.schemas import shared_schemas
from digitdet.web.service import Service

_STATIC = Path(str(files("digitdet.web"))) / "static"
_SWAGGER = Path(str(files("swagger_ui"))) / "static"
_DESCRIPTION = """Reads whole numbers in pictures. The options are the same as in `digitdet read`, and the
response is the output of `digitdet read --format json`. Pictures are not stored, except by /api/corrections.

This server accepts uploads up to {megabytes:g} MB in at most {upload_time:g} s, and pages up to {megapixels:g} million
pixels. Reading one upload may take {time_limit:g} s."""


class _App(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI description, with the schemas that no route model defines."""
        schema = super().openapi()
        schema["components"]["schemas"].update(shared_schemas())
        return schema


def create_app(service: Service, hosts: tuple[str, ...] = ()) -> FastAPI:
    """Create the ASGI application.

    Args:
        service: Reads pictures and saves corrections.
        hosts: Host names that the server answers to; none allows any. A local server must allow only its own names:
            another site could let its name point to this machine (DNS rebinding), and its pages would be same-origin.
    """
    settings = service.settings
    metrics = Metrics()
    app = _App(
        title="digitdet",
        version=__version__,
        description=_DESCRIPTION.format(
            megabytes=settings.max_bytes / 1e6,
            upload_time=settings.upload_time,
            megapixels=settings.max_pixels / 1e6,
            time_limit=settings.time_limit,
        ),
        license_info={"name": "MIT AND AGPL-3.0-only AND BSD-3-Clause"},
        docs_url=None,  # FastAPI's page loads Swagger UI from another host
        redoc_url=None,
        middleware=[
            Middleware(MonitorMiddleware, metrics=metrics),
            Middleware(SecurityMiddleware, hosts=hosts),
        ],
        exception_handlers=HANDLERS,
    )
    app.state.service = service
    app.include_router(router)

    @app.get(
        "/metrics", operation_id="metrics", summary="Count requests, for Prometheus", response_class=PlainTextResponse
    )
    async def _metrics() -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    app.add_route("/", _page("index.html"), methods=["GET"])
    app.add_route("/docs", _page("docs.html"), methods=["GET"])
    # In an editable installation the files may be links, which Starlette does not follow by default.
    app.mount("/docs/swagger", StaticFiles(directory=_SWAGGER, follow_symlink=True))
    app.mount("/static", StaticFiles(directory=_STATIC, follow_symlink=True))
    return app


def _page(name: str) -> Any:
    async def page(_request: Request) -> Response:
        return FileResponse(_STATIC / name)

    return page
