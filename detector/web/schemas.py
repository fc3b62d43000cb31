"""Models of requests and responses: FastAPI validates with them and describes them in /openapi.json."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Json, create_model

from digitdet.configs.read import READ_OPTIONS, ReadOption
from digitdet.web.corrections import CorrectDigit

_REF = "#/components/schemas/{model}"
_Text = Annotated[str, Field(min_length=1)]
_PageNumber = Annotated[int, Field(ge=1, le=100_000, description="Page or frame, from 1.")]
_PICTURE = {"type": "string", "contentMediaType": "application/octet-stream"}


def _query_field(option: ReadOption) -> tuple[Any, Any]:
    if option.type is bool:
        return bool, Field(option.default, description=option.help)
    if option.choices:
        choices = {str(choice): choice for choice in option.choices}  # a query holds texts
        kind: Any = Annotated[Literal[tuple(choices)], AfterValidator(lambda text: choices[text])]
        return kind, Field(str(option.default) if option.setting else None, description=option.help)
    if option.max_count > 1:
        return list[_Text], Field([], description=option.help, max_length=option.max_count)
    base, limits = option.base_and_limits
    return base, Field(
        option.default,
        description=option.help,
        ge=limits.ge,
        le=limits.le,
        min_length=limits.min_length,
        allow_inf_nan=False if base is float else None,
    )


_STRICT = ConfigDict(extra="forbid")
if TYPE_CHECKING:
    ReadQuery = BaseModel
else:
    ReadQuery = create_model(
        "ReadQuery", __config__=_STRICT, **{option.name: _query_field(option) for option in READ_OPTIONS}
    )


class PageQuery(BaseModel):
    """Which page of a file."""

    model_config = _STRICT

    page: _PageNumber = 1


class CorrectionForm(BaseModel):
    """The fields of a correction beside the picture."""

    model_config = _STRICT

    digits: Json[Annotated[list[CorrectDigit], Field(max_length=2000)]] = Field(
        description='Every digit of the page as JSON: `[{"digit": "7", "box": [left, top, right, bottom]}, ...]`, in '
        "pixels of the picture as a person sees it. The rest is background."
    )
    page: _PageNumber = 1
    rotation: Literal["0", "90", "180", "270"] = Field("0", description="The rotation of the reading.")


class Health(BaseModel):
    """The state of the server."""

    status: Literal["ok"] = "ok"
    version: str
    corrections: bool = Field(description="Whether corrections are saved.")


class Error(BaseModel):
    """Why a request failed."""

    error: str = Field(min_length=1, description="The reason in one line.")


def failures(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the error responses of a route that takes a picture."""
    return {
        status: {"model": Error, "description": _FAILURES[status]}
        for status in (400, 403, 408, 413, 500, 503, *statuses)
    }


_FAILURES = {
    400: "An option is not allowed, there is no picture, or the server does not answer to this host name.",
    403: "The request comes from a page of another site.",
    404: "The server saves no corrections.",
    408: "The upload took too long.",
    413: "The upload is too large.",
    422: "The picture cannot be read, or the page does not exist.",
    500: "A fault of the server, which its log describes.",
    503: "Too many requests at once, or reading takes too long.",
    507: "The folder for corrections cannot be written.",
}

READINGS = {
    "description": "A reading for each page or frame; a page that cannot be read has the status error.",
    "content": {
        "application/json": {
            "schema": {"type": "array", "minItems": 1, "items": {"$ref": _REF.format(model="Reading")}},
        }
    },
}
PNG = {"description": "The page.", "content": {"image/png": {"schema": {"type": "string"}}}}


def picture_body(options: type[BaseModel]) -> dict[str, Any]:
    """Describe a picture as the body of a request, and as a field of a form or of JSON beside the options."""
    properties = options.model_json_schema(ref_template=_REF)["properties"]
    base64 = {"type": "string", "minLength": 1, "contentEncoding": "base64", "description": "May be a data URL."}
    return {
        "required": True,
        "description": "A picture in any format that `digitdet read` takes. Its name and content type are ignored. The "
        "options may be in the query or, with a form or JSON, beside the picture.",
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "minLength": 1}},
            "multipart/form-data": {"schema": _with_picture(_PICTURE, properties)},
            "application/json": {"schema": _with_picture(base64, properties)},
        },
    }


def _with_picture(picture: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    properties = {"picture": picture, **properties}
    return {"type": "object", "required": ["picture"], "properties": properties, "additionalProperties": False}


def correction_body() -> dict[str, Any]:
    """Describe the form of a correction."""
    form = CorrectionForm.model_json_schema(ref_template=_REF)
    form.pop("$defs")
    form["required"].insert(0, "picture")
    form["properties"] = {"picture": _PICTURE, **form["properties"]}
    return {"required": True, "content": {"multipart/form-data": {"schema": form}}}


def shared_schemas() -> dict[str, Any]:
    """The schemas that the others refer to: a reading with its parts, and a corrected digit."""
    text = (files("digitdet.outputs") / "reading.schema.json").read_text(encoding="utf-8")
    reading: dict[str, Any] = json.loads(text.replace("#/$defs/", _REF.format(model="")))
    parts: dict[str, Any] = reading.pop("$defs")
    del reading["$schema"], reading["$id"]
    return {**parts, "Reading": reading, "CorrectDigit": CorrectDigit.model_json_schema()}
