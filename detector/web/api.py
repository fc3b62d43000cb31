"""The HTTP API: /api/read, /api/page, /api/corrections and /api/health."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digitdet import __version__
from digitdet.common.errors import ConfigError
from digitdet.configs import ReadConfig
from digitdet.configs.read import READ_OPTIONS
from digitdet.imaging.images import encode_png
from digitdet.reading.options import ReadOptions, parse_read_options
from digitdet.web.corrections import Saved
from digitdet.web.schemas import (
    PICTURE_BODY,
    PNG,
    READINGS,
    CorrectionForm,
    Health,
    PageQuery,
    ReadQuery,
    correction_body,
    failures,
)
from digitdet.web.service import Service
from digitdet.web.uploads import receive_upload


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


async def _reject_repeated(request: Request) -> None:
    """Reject a parameter that is given twice: FastAPI would take the last value."""
    repeatable = {option.name for option in READ_OPTIONS if option.max_count > 1}
    for name in request.query_params:
        count = len(request.query_params.getlist(name))
        if count > 1 and name not in repeatable:
            raise ConfigError(f"{name}: is given {count} times")


ServiceDep = Annotated[Service, Depends(_service)]


async def _read_options(query: Annotated[ReadQuery, Query()], service: ServiceDep) -> ReadOptions:
    return parse_read_options(query.model_dump(exclude_unset=True), ReadConfig(max_pixels=service.settings.max_pixels))


router = APIRouter(prefix="/api")


@router.post(
    "/read",
    operation_id="read",
    summary="Read the numbers in a picture",
    dependencies=[Depends(_reject_repeated)],
    response_class=JSONResponse,
    responses={200: READINGS, **failures(422)},
    openapi_extra={"requestBody": PICTURE_BODY},
)
async def _read(
    request: Request, options: Annotated[ReadOptions, Depends(_read_options)], service: ServiceDep
) -> Response:
    async with service.limiter.slot():
        content, _ = await receive_upload(request, service.settings)
        return JSONResponse(await service.limiter.run(lambda: service.read(content, options)))


@router.post(
    "/page",
    operation_id="page",
    summary="Convert a page of a file to PNG",
    description="For browsers that cannot show the format (TIFF, HEIC, PDF) or ignore its orientation.",
    dependencies=[Depends(_reject_repeated)],
    response_class=Response,
    responses={200: PNG, **failures(422)},
    openapi_extra={"requestBody": PICTURE_BODY},
)
async def _page(request: Request, query: Annotated[PageQuery, Query()], service: ServiceDep) -> Response:
    async with service.limiter.slot():
        content, _ = await receive_upload(request, service.settings)
        png = await service.limiter.run(lambda: encode_png(service.page(content, query.page)))
        return Response(png, media_type="image/png")


@router.post(
    "/corrections",
    operation_id="correct",
    summary="Save a picture with its digits, to train on",
    description="Writes the picture and a YOLO label into the folder of `digitdet serve --corrections DIR`. Sending a "
    "picture again replaces its label.",
    status_code=HTTPStatus.CREATED,
    responses=failures(404, 422, 507),
    openapi_extra={"requestBody": correction_body()},
)
async def _correct(request: Request, service: ServiceDep) -> Saved:
    folder = service.corrections
    if folder is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "corrections are not saved; start the server with --corrections DIR")
    async with service.limiter.slot():
        content, fields = await receive_upload(request, service.settings)
        try:
            form = CorrectionForm.model_validate(fields)
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from error
        return await service.limiter.run(
            lambda: folder.save(service.page(content, form.page), content, int(form.rotation), form.digits)
        )


@router.head("/health", include_in_schema=False)
@router.get("/health", operation_id="health", summary="Check that the server is running")
async def _health(service: ServiceDep) -> Health:
    return Health(version=__version__, corrections=service.corrections is not None)
