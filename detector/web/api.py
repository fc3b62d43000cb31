"""The HTTP API: /api/read, /api/page, /api/corrections and /api/health."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from digitdet import __version__
from digitdet.common.errors import ConfigError
from digitdet.configs import ReadConfig
from digitdet.configs.read import READ_OPTIONS
from digitdet.imaging.images import encode_png
from digitdet.reading.options import parse_read_options
from digitdet.web.corrections import Saved
from digitdet.web.schemas import (
    PNG,
    READINGS,
    CorrectionForm,
    Health,
    PageQuery,
    ReadQuery,
    correction_body,
    failures,
    picture_body,
)
from digitdet.web.service import Service
from digitdet.web.uploads import receive_upload


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


_REPEATABLE = {option.name for option in READ_OPTIONS if option.max_count > 1}
_Form = TypeVar("_Form", bound=BaseModel)


def _parse(form: type[_Form], request: Request, fields: Iterable[tuple[str, str]] = ()) -> _Form:
    """Validate the values of a request: those of its query, and the fields of its body.

    Raises:
        ConfigError: A value is given twice; FastAPI would take the last one.
        RequestValidationError: A value is not allowed.
    """
    values: dict[str, Any] = {}
    for name, text in (*request.query_params.multi_items(), *fields):
        if name in _REPEATABLE:
            values.setdefault(name, []).append(text)
        elif name in values:
            raise ConfigError(f"{name}: expected one value, got several")
        else:
            values[name] = text
    try:
        return form.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


ServiceDep = Annotated[Service, Depends(_service)]

router = APIRouter(prefix="/api")


@router.post(
    "/read",
    operation_id="read",
    summary="Read the numbers in a picture",
    response_class=JSONResponse,
    responses={200: READINGS, **failures(422)},
    openapi_extra={"requestBody": picture_body(ReadQuery)},
)
async def _read(request: Request, _query: Annotated[ReadQuery, Query()], service: ServiceDep) -> Response:
    async with service.limiter.slot():
        content, fields = await receive_upload(request, service.settings)
        values = _parse(ReadQuery, request, fields).model_dump(exclude_unset=True)
        options = parse_read_options(values, ReadConfig(max_pixels=service.settings.max_pixels))
        return JSONResponse(await service.limiter.run(lambda: service.read(content, options), request))


@router.post(
    "/page",
    operation_id="page",
    summary="Convert a page of a file to PNG",
    description="For browsers that cannot show the format (TIFF, HEIC, PDF) or ignore its orientation.",
    response_class=Response,
    responses={200: PNG, **failures(422)},
    openapi_extra={"requestBody": picture_body(PageQuery)},
)
async def _page(request: Request, _query: Annotated[PageQuery, Query()], service: ServiceDep) -> Response:
    async with service.limiter.slot():
        content, fields = await receive_upload(request, service.settings)
        number = _parse(PageQuery, request, fields).page
        png = await service.limiter.run(lambda: encode_png(service.page(content, number)), request)
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
        form = _parse(CorrectionForm, request, fields)
        return await service.limiter.run(
            lambda: folder.save(service.page(content, form.page), content, int(form.rotation), form.digits)
        )


@router.head("/health", include_in_schema=False)
@router.get("/health", operation_id="health", summary="Check that the server is running")
async def _health(service: ServiceDep) -> Health:
    return Health(version=__version__, corrections=service.corrections is not None)
