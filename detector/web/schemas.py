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
        status: {"model": Error, "description": _FAILURES[status]} for status in (400, 403, 408, 413, 503, *statuses)
    }


_FAILURES = {
    400: "An option is not allowed, or there is no picture.",
    403: "The request comes from a page of another site.",
    404: "The server saves no corrections.",
    408: "The upload took too long.",
    413: "The upload is too large.",
    422: "The picture cannot be read, or the page does not exist.",
    503: "Too many requests at once, or reading takes too long.",
    507: "The folder for corrections cannot be written.",
}

PICTURE_BODY = {
    "required": True,
    "description": "A picture file in any format that `digitdet read` takes. Its name and content type are ignored.",
    "content": {
        "application/octet-stream": {"schema": {"type": "string", "minLength": 1}},
        "multipart/form-data": {
            "schema": {"type": "object", "required": ["picture"], "properties": {"picture": _PICTURE}}
        },
    },
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
