"""The errors that digitdet raises on purpose: each message names the thing at fault and the remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable

# All that Python or a terminal takes for the end of a line.
_BREAKS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


class DigitdetError(Exception):
    """Anything a user can put right; the command line prints the message and exits with 1.

    It is one line, even where it quotes a file's name or an option with line breaks in it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_BREAKS.sub(lambda found: repr(found[0])[1:-1], message))


class ConfigError(DigitdetError):
    """A configuration file or value that is not allowed."""


class DataError(DigitdetError):
    """Training data that is missing, damaged or inconsistent."""


class ImageError(DigitdetError):
    """A picture that cannot be read."""


class TimeLimitError(DigitdetError):
    """Work that takes longer than it may."""


class ModelError(DigitdetError):
    """A model file that is missing, damaged or not a digit detector."""


OPENCV_REMEDY = "where there is no display, replace opencv-python by opencv-python-headless of the same version"


class MissingExtraError(DigitdetError):
    """A command needs packages that the base installation leaves out."""

    def __init__(self, command: str, extra: str, missing: str) -> None:
        super().__init__(
            f"{command} needs the package {missing!r}: install the extra with  pip install 'digitdet[{extra}]'"
            f"  (from a checkout: pip install '.[{extra}]')"
        )


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a complaint about an unknown name: what was meant, or all names there are."""
    import difflib  # here: a command starts without it

    names = list(known)
    match = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    return f"; did you mean {match[0]!r}?" if match else f"; the keys are {', '.join(names)}"
