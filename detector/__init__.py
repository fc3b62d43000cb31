"""digitdet reads whole multi-digit numbers from photos and scans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Digit", "DigitdetError", "Number", "NumberReader", "Reading", "__version__", "draw_reading"]

if TYPE_CHECKING:
    from digitdet.configs import DigitdetError
    from digitdet.draw import draw_reading
    from digitdet.reader import NumberReader
    from digitdet.results import Digit, Number, Reading

_HOMES = {
    "Digit": "digitdet.results",
    "DigitdetError": "digitdet.configs",
    "Number": "digitdet.results",
    "NumberReader": "digitdet.reader",
    "Reading": "digitdet.results",
    "draw_reading": "digitdet.draw",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use (PEP 562): every module imports this one, and must start fast."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
