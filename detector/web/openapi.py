"""The OpenAPI 3.1 description of what the server answers."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from digitdet import __version__
from digitdet.reading.check_digits import CHECKS
from digitdet.web.options import MAX_ALLOWED, MAX_REGIONS, MAX_STEP, PAGES, ROTATIONS, TILES
from digitdet.web.settings import ServeSettings

Json = dict[str, Any]

_SCHEMA = "#/components/schemas/"


def describe(settings: ServeSettings) -> Json:
    """The whole description, as JSON types."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "digitdet",
            "version": __version__,
            "description": "Reads whole numbers in pictures. The options of a reading are those of `digitdet read`, "
            "its answer is that of `digitdet read --format json`. No picture is kept, but by /api/corrections.",
            "license": {"name": "MIT AND AGPL-3.0-only"},
        },
        "paths": {
            "/api/read": {"post": _read(settings)},
            "/api/page": {"post": _page(settings)},
            "/api/corrections": {"post": _corrections(settings)},
            "/api/health": {"get": _health()},
        },
        "components": {
            "schemas": {
                **_reading_schemas(),
                "correctDigit": _CORRECT_DIGIT,
                "Saved": _SAVED,
                "Health": _HEALTH,
                "Error": _ERROR,
            }
        },
    }


def _read(settings: ServeSettings) -> Json:
    return {
        "operationId": "read",
        "summary": "Read the numbers in a picture",
        "parameters": _READ_PARAMETERS,
        "requestBody": _picture_body(),
        "responses": {
            "200": _answer(
                "A reading for each page or frame; one that could not be read has the status error.",
                {"type": "array", "minItems": 1, "items": {"$ref": f"{_SCHEMA}Reading"}},
            ),
            **_upload_errors(settings),
            "422": _failure("The picture cannot be read; the reason is that which `digitdet read` gives."),
        },
    }


def _page(settings: ServeSettings) -> Json:
    return {
        "operationId": "page",
        "summary": "A page of a file as PNG, as a person sees it",
        "description": "For browsers that do not know the format (TIFF, HEIC, PDF) or its orientation.",
        "parameters": [_query("page", "Which page or frame, from 1.", _PAGE)],
        "requestBody": _picture_body(),
        "responses": {
            "200": {"description": "The page.", "content": {"image/png": {"schema": {"type": "string"}}}},
            **_upload_errors(settings),
            "422": _failure("The picture cannot be read, or has no such page."),
        },
    }


def _corrections(settings: ServeSettings) -> Json:
    form = {
        "type": "object",
        "required": ["picture", "digits"],
        "properties": {
            "picture": {"type": "string", "contentMediaType": "application/octet-stream"},
            "digits": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"type": "array", "items": {"$ref": f"{_SCHEMA}correctDigit"}},
                "description": 'All digits of the page: `[{"digit": "7", "box": [left, top, right, bottom]}, ...]`, in '
                "pixels of the picture as a person sees it. What has no box is held for no digit.",
            },
            "page": _PAGE,
            "rotation": {"type": "integer", "enum": [0, 90, 180, 270], "description": "That of the reading."},
        },
    }
    return {
        "operationId": "correct",
        "summary": "Keep a picture with its digits, to train on",
        "description": "Writes the picture and a YOLO label into the folder that the server was started with "
        "(`--corrections DIR`). A picture that comes again replaces its label.",
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": {
            "201": _answer("It is kept.", {"$ref": f"{_SCHEMA}Saved"}),
            **_upload_errors(settings),
            "404": _failure("The server keeps no corrections."),
            "422": _failure("The picture cannot be read, or has no such page."),
            "507": _failure("The folder cannot be written."),
        },
    }


def _health() -> Json:
    return {
        "operationId": "health",
        "summary": "Whether the server is there",
        "responses": {"200": _answer("It is.", {"$ref": f"{_SCHEMA}Health"})},
    }


def _query(name: str, description: str, schema: Json, most: int = 1) -> Json:
    if most > 1:
        schema = {"type": "array", "items": schema, "minItems": 1, "maxItems": most}
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


_PAGE: Json = {"type": "integer", "minimum": min(PAGES), "maximum": max(PAGES), "default": 1}
_SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
_TEXT: Json = {"type": "string", "minLength": 1}
_READ_PARAMETERS: list[Json] = [
    _query("digits", "A number has so many digits: `5`, `4-6` or `4-`.", _TEXT),
    _query("pattern", r"A number looks like this, separators and all: `\d{4}-\d{2}`.", _TEXT),
    _query("check", "A number has this check digit.", {"type": "string", "enum": sorted(CHECKS)}),
    _query("allowed", "A number is one of these.", _TEXT, MAX_ALLOWED),
    _query("previous", "A meter's last reading: the new one is not lower. Needs `max_step`.", _TEXT),
    _query(
        "max_step",
        "How far the meter can have gone since. Needs `previous`.",
        {"type": "integer", "minimum": 0, "maximum": MAX_STEP},
    ),
    _query(
        "region",
        "Read only this part: `x,y,width,height` in pixels or %, a name and `=` before it if you like.",
        _TEXT,
        MAX_REGIONS,
    ),
    _query(
        "rotate",
        "How far the pages lie turned clockwise, in degrees; `auto` finds out.",
        {"type": "string", "enum": list(ROTATIONS), "default": "0"},
    ),
    _query(
        "tiles",
        "Read parts of large pictures enlarged: those with small print, none, or all.",
        {"type": "string", "enum": list(TILES), "default": "auto"},
    ),
    _query("min_confidence", "Below it a number is unsure.", {**_SHARE, "default": 0.55}),
    _query("conf", "From this probability on a digit is there.", {**_SHARE, "default": 0.5}),
]


def _picture_body() -> Json:
    """The picture as it is, or as a file in a form."""
    form = {
        "type": "object",
        "required": ["picture"],
        "properties": {"picture": {"type": "string", "contentMediaType": "application/octet-stream"}},
    }
    return {
        "required": True,
        "description": "A picture file of any format that `digitdet read` takes; what its content is decides, not its "
        "type or name.",
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "minLength": 1}},
            "multipart/form-data": {"schema": form},
        },
    }


def _answer(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _failure(description: str) -> Json:
    return _answer(description, {"$ref": f"{_SCHEMA}Error"})


def _upload_errors(settings: ServeSettings) -> Json:
    return {
        "400": _failure("An option is not allowed, or there is no picture."),
        "403": _failure("The request comes from a page of another site."),
        "408": _failure(f"The upload took longer than {settings.upload_time:g} s."),
        "413": _failure(f"The upload is above {settings.max_bytes / 1e6:g} MB."),
        "503": _failure(f"Too many pictures at once, or reading took longer than {settings.time_limit:g} s."),
    }


def _reading_schemas() -> Json:
    """The schema of a reading, its parts under names of their own."""
    text = (files("digitdet.outputs") / "reading.schema.json").read_text(encoding="utf-8")
    schema: Json = json.loads(text.replace("#/$defs/", _SCHEMA))
    parts: Json = schema.pop("$defs")
    for key in ("$schema", "$id"):
        schema.pop(key)
    return {**parts, "Reading": schema}


_ERROR: Json = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"description": "The reason, one line.", "type": "string", "minLength": 1}},
}
_SAVED: Json = {
    "type": "object",
    "required": ["picture", "digits", "pictures"],
    "properties": {
        "picture": {"description": "Its name in the folder.", "type": "string"},
        "digits": {"description": "Of the picture.", "type": "integer", "minimum": 0},
        "pictures": {"description": "In the folder by now.", "type": "integer", "minimum": 1},
    },
}
_CORRECT_DIGIT: Json = {
    "type": "object",
    "required": ["digit", "box"],
    "additionalProperties": False,
    "properties": {"digit": {"type": "string", "pattern": "^[0-9]$"}, "box": {"$ref": f"{_SCHEMA}box"}},
}
_HEALTH: Json = {
    "type": "object",
    "required": ["status", "version", "corrections"],
    "properties": {
        "status": {"const": "ok"},
        "version": {"type": "string"},
        "corrections": {"description": "Whether corrections are kept.", "type": "boolean"},
    },
}
