"""Local and remote files and folders, addressed by path or by URI (s3://, gs://, hdfs://, file://), through Arrow."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from pyarrow import fs

from digitdet.common.errors import DataError, ImageError
from digitdet.common.files import write_atomically
from digitdet.imaging.inputs import STDIN, Input, find_inputs, is_folder_picture

_SEPARATOR = "://"


@dataclass(frozen=True)
class StoredInput(Input):
    """A picture that every machine can open: `location` is a URI or an absolute path, `path` as the user named it."""

    location: str = ""

    def source(self) -> str | bytes:
        """Return the path of a local picture, or the content of a remote one; raise ImageError without access."""
        if _SEPARATOR not in self.location:
            return self.location
        try:
            return read_file(self.location)
        except DataError as error:
            raise ImageError(str(error).removeprefix(f"{self.location}: ")) from error


@dataclass(frozen=True)
class Folder:
    """A folder of results: a path, which must be the same on every machine, or a URI.

    All methods but `write` and `remove` raise DataError if it is not accessible.
    """

    name: str

    def make(self) -> None:
        """Create the folder if it is missing."""
        with _arrow_errors(self.name):
            system, path = resolve(self.name)
            system.create_dir(path, recursive=True)

    def names(self) -> set[str]:
        """Return the names of the files in it."""
        with _arrow_errors(self.name):
            system, path = resolve(self.name)
            return {info.base_name for info in system.get_file_info(fs.FileSelector(path)) if info.is_file}

    def read(self, name: str) -> bytes:
        """Return the content of a file in it."""
        with _arrow_errors(f"{self.name}, {name}"):
            system, path = resolve(self.name)
            return _read(system, f"{path.rstrip('/')}/{name}")

    def write(self, name: str, content: bytes) -> None:
        """Write a file in it, atomically."""
        system, path = resolve(self.name)
        if isinstance(system, fs.LocalFileSystem):
            write_atomically(Path(path) / name, content)
            return
        with system.open_output_stream(f"{path.rstrip('/')}/{name}") as stream:  # visible once it is closed
            stream.write(content)

    def remove(self, name: str) -> None:
        """Remove a file in it."""
        system, path = resolve(self.name)
        system.delete_file(f"{path.rstrip('/')}/{name}")


def find_pictures(names: Iterable[str]) -> Iterator[StoredInput]:
    """Expand names of pictures as `find_inputs` does; the URI of a folder stands for all pictures in it."""
    for name in names:
        if name == STDIN:
            raise DataError("-: standard input is not available on other machines; name files")
        if _SEPARATOR in name:
            yield from _expand(name)
        else:
            for one in find_inputs([name]):
                if one.video is not None:
                    raise DataError(f"{one.path}: a cluster reads pictures only; leave --ray out for videos")
                yield StoredInput(one.path, one.error, location=os.path.abspath(one.path))  # noqa: PTH100


def read_file(name: str) -> bytes:
    """Return the content of a file, by its path or URI; raise DataError if it cannot be read."""
    with _arrow_errors(name):
        return _read(*resolve(name))


def resolve(name: str) -> tuple[Any, str]:
    """Return Arrow's file system for a path or a URI, and the path within it."""
    if _SEPARATOR in name:
        return fs.FileSystem.from_uri(name)
    return fs.LocalFileSystem(), os.path.abspath(name)  # noqa: PTH100 (keeps names that are not UTF-8)


def _read(system: Any, path: str) -> bytes:
    with system.open_input_stream(path) as stream:
        content: bytes = stream.read()
        return content


def _expand(uri: str) -> Iterator[StoredInput]:
    with _arrow_errors(uri):
        system, path = resolve(uri)
        info = system.get_file_info(path)
        if info.type != fs.FileType.Directory:
            yield StoredInput(uri, location=uri)  # a missing file is reported when it is opened
            return
        found = system.get_file_info(fs.FileSelector(path, recursive=True))
    base, mark, query = uri.partition("?")
    inside = [PurePosixPath(one.path).relative_to(PurePosixPath(path)) for one in found if one.is_file]
    visible = (one for one in inside if not any(part.startswith(".") for part in one.parts))
    pictures = sorted(one for one in visible if is_folder_picture(one.name))
    if not pictures:
        yield StoredInput(uri, "the folder holds no pictures", location=uri)
    folder = base.rstrip("/")
    for one in pictures:
        yield StoredInput(f"{folder}/{one}{mark}{query}", location=f"{folder}/{quote(str(one))}{mark}{query}")


@contextlib.contextmanager
def _arrow_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, NotImplementedError) as error:  # what Arrow raises
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise DataError(f"{name}: {reason}") from error
