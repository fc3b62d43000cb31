"""The routes: a page to try it on, and the same over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from digitdet import __version__
from digitdet.web.corrections import parse_digits
from digitdet.web.errors import HANDLERS
from digitdet.web.gate import Gate
from digitdet.web.openapi import describe
from digitdet.web.options import page_number, read_options, whole_field
from digitdet.web.protection import Protection
from digitdet.web.service import Service
from digitdet.web.uploads import receive_upload

_STATIC = Path(str(files("digitdet.web"))) / "static"
_SWAGGER = Path(str(files("swagger_ui"))) / "static"


def create_app(service: Service, hosts: tuple[str, ...] = ("*",)) -> Starlette:
    """The ASGI application.

    Args:
        service: What reads.
        hosts: Names by which the server may be called; ``*`` is any. A server for this machine alone takes its own
            names only: another site's name could be made to point here, and its page would count as ours.
    """
    return Starlette(
        routes=_Api(service).routes() + _pages(),
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts)), Middleware(Protection)],
        exception_handlers=HANDLERS,
    )


class _Api:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings = service.settings
        self._gate = Gate(service.settings.at_once, service.settings.queue)
        self._description = describe(service.settings)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/read", self.read, methods=["POST"]),
            Route("/api/page", self.page, methods=["POST"]),
            Route("/api/corrections", self.correct, methods=["POST"]),
            Route("/api/health", self.health, methods=["GET"]),
            Route("/openapi.json", self.describe, methods=["GET"]),
        ]

    async def read(self, request: Request) -> Response:
        options = read_options(request.query_params, self._settings.max_pixels)
        async with self._gate.place():
            upload = await receive_upload(request, self._settings)
            return JSONResponse(await self._gate.work(lambda: self._service.read(upload.content, options)))

    async def page(self, request: Request) -> Response:
        number = page_number(request.query_params)
        async with self._gate.place():
            upload = await receive_upload(request, self._settings)
            png = await self._gate.work(lambda: self._service.page(upload.content, number))
            return Response(png, media_type="image/png")

    async def correct(self, request: Request) -> Response:
        if not self._service.keeps_corrections:
            raise HTTPException(
                HTTPStatus.NOT_FOUND, "corrections are not kept; start the server with --corrections DIR"
            )
        async with self._gate.place():
            upload = await receive_upload(request, self._settings)
            if "digits" not in upload.fields:
                raise HTTPException(HTTPStatus.BAD_REQUEST, "the field digits is missing")
            digits = parse_digits(upload.fields["digits"])
            page = whole_field(upload.fields, "page", 1)
            rotation = whole_field(upload.fields, "rotation", 0, (0, 90, 180, 270))
            content = upload.content
            saved = await self._gate.work(lambda: self._service.correct(content, page, rotation, digits))
            return JSONResponse(asdict(saved), HTTPStatus.CREATED)

    async def health(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__, "corrections": self._service.keeps_corrections})

    async def describe(self, _request: Request) -> Response:
        return JSONResponse(self._description)


def _pages() -> list[BaseRoute]:
    async def index(_request: Request) -> Response:
        return FileResponse(_STATIC / "index.html")

    async def docs(_request: Request) -> Response:
        return FileResponse(_STATIC / "docs.html")

    # An editable installation is made of links, which Starlette else takes for a way out.
    return [
        Route("/", index, methods=["GET"]),
        Route("/docs", docs, methods=["GET"]),
        Mount("/docs/swagger", StaticFiles(directory=_SWAGGER, follow_symlink=True)),
        Mount("/static", StaticFiles(directory=_STATIC, follow_symlink=True)),
    ]
