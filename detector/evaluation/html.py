"""Self-contained HTML reports, rendered with Jinja2."""

from __future__ import annotations

import base64
import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(package: str, template: str, **values: Any) -> bytes:
    """Render a template in the `templates` folder of a package, such as 'digitdet.classifiers', to HTML in UTF-8.

    The template may extend base.html.j2 and import macros.html.j2 of this package. All text in `values` is escaped.
    """
    return _environment(package).get_template(template).render(values).encode("utf-8", "backslashreplace")


def data_uri(content: bytes, media_type: str = "image/png") -> str:
    """Return a file as a data URI, to embed it in a page."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


@functools.cache
def _environment(package: str) -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(__package__)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
