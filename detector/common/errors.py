"""Exceptions of digitdet. Every message is one line that names what is wrong and how to fix it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable

from digitdet.common.text import one_line

OPENCV_REMEDY = "where there is no display, replace opencv-python by opencv-python-headless of the same version"


class DigitdetError(Exception):
    """Base of all errors that a user can fix; line breaks in the message, and bytes that are not UTF-8, are escaped."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class ConfigError(DigitdetError):
    """A configuration file or value is not allowed."""


class DataError(DigitdetError):
    """Training or evaluation data are missing, damaged or inconsistent."""


class ImageError(DigitdetError):
    """A picture cannot be read."""


class TimeLimitError(DigitdetError):
    """Reading took longer than its time limit."""


class ModelError(DigitdetError):
    """A model file is missing, damaged, or holds another network than expected."""


class MissingExtraError(DigitdetError):
    """A command needs packages that are not part of the base installation: of an extra, or with None by itself."""

    def __init__(self, command: str, extra: str | None, missing: str) -> None:
        remedy = f"pip install {missing}" if extra is None else install_command(extra)
        super().__init__(f"{command} needs the package {missing!r}: {remedy}")


def install_command(extra: str) -> str:
    """Return the command that adds an extra to this installation: from the folder or address that it came from."""
    import json  # here, as the next ones: only errors need them, and `digitdet read` starts faster
    from importlib import metadata
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    try:
        origin = json.loads(metadata.distribution("digitdet").read_text("direct_url.json") or "{}")
        url = urlsplit(origin.get("url", ""))
    except (metadata.PackageNotFoundError, ValueError):
        origin, url = {}, urlsplit("")
    folder = url2pathname(url.path)
    if "dir_info" in origin and os.path.isdir(folder):  # an image of a container may be without it
        editable = "-e " if origin["dir_info"].get("editable") else ""
        return f"pip install {editable}{shlex.quote(f'{folder}[{extra}]')}"
    if "vcs_info" in origin:
        return f"pip install 'digitdet[{extra}] @ {origin['vcs_info']['vcs']}+{origin['url']}'"
    return f"pip install 'digitdet[{extra}]'"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the most similar known name, or all of them."""
    import difflib  # here: the command line starts faster without it

    names = list(known)
    match = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    return f"; did you mean {match[0]!r}?" if match else f"; there are {', '.join(names)}"
