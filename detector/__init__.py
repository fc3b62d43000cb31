"""Read whole multi-digit numbers from photos and scans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "1.0.0"
__all__ = [
    "Alternative",
    "Constraints",
    "Digit",
    "DigitdetError",
    "ImageSource",
    "Mark",
    "Number",
    "NumberReader",
    "ReadConfig",
    "Reading",
    "Region",
    "__version__",
    "draw_reading",
    "parse_region",
    "reading_html",
    "show_reading",
    "to_pandas",
]

if TYPE_CHECKING:
    from digitdet.common.errors import DigitdetError
    from digitdet.configs import ReadConfig
    from digitdet.imaging.images import ImageSource
    from digitdet.outputs.display import reading_html, show_reading, to_pandas
    from digitdet.outputs.draw import draw_reading
    from digitdet.reader import NumberReader
    from digitdet.reading.constraints import Constraints
    from digitdet.reading.regions import Region, parse_region
    from digitdet.reading.results import Alternative, Digit, Mark, Number, Reading

_MODULES = {
    "Alternative": "digitdet.reading.results",
    "Constraints": "digitdet.reading.constraints",
    "Digit": "digitdet.reading.results",
    "DigitdetError": "digitdet.common.errors",
    "ImageSource": "digitdet.imaging.images",
    "Mark": "digitdet.reading.results",
    "Number": "digitdet.reading.results",
    "NumberReader": "digitdet.reader",
    "ReadConfig": "digitdet.configs",
    "Reading": "digitdet.reading.results",
    "Region": "digitdet.reading.regions",
    "draw_reading": "digitdet.outputs.draw",
    "parse_region": "digitdet.reading.regions",
    "reading_html": "digitdet.outputs.display",
    "show_reading": "digitdet.outputs.display",
    "to_pandas": "digitdet.outputs.display",
}


def __getattr__(name: str) -> Any:
    """Import public names on first use (PEP 562), so that `import digitdet` is fast."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_MODULES[name]), name)
