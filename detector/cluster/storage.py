"""Folders here and elsewhere: local ones, and those that Arrow reaches by a URI (s3://, gs://, hdfs://, file://)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pyarrow import fs

from digitdet.common.errors import DataError, ImageError
from digitdet.common.files import write_atomically
from digitdet.imaging.inputs import PICTURE_SUFFIXES, STDIN, Input, find_inputs

_SEPARATOR = "://"


@dataclass(frozen=True)
class StoredInput(Input):
    """A picture that any machine can open: `location` is a URI or an absolute path, `path` what the user wrote."""

    location: str = ""

    def source(self) -> str | bytes:
        """A local path, or the content of what is elsewhere.

        Raises:
            ImageError: It cannot be fetched.
        """
        if _SEPARATOR not in self.location:
            return self.location
        try:
            return read_file(self.location)
        except DataError as error:
            raise ImageError(str(error).removeprefix(f"{self.location}: ")) from error


@dataclass(frozen=True)
class Folder:
    """A folder that results are written into; it can be sent to other machines, where a local path must mean the same.

    Args:
        name: A path or a URI.
    """

    name: str

    def make(self) -> None:
        """Make it if it is missing.

        Raises:
            DataError: There is no such place, or it cannot be written.
        """
        with _reasons(self.name):
            system, path = resolve(self.name)
            system.create_dir(path, recursive=True)

    def names(self) -> set[str]:
        """The names of the files in it.

        Raises:
            DataError: It cannot be read.
        """
        with _reasons(self.name):
            system, path = resolve(self.name)
            return {info.base_name for info in system.get_file_info(fs.FileSelector(path)) if info.is_file}

    def read(self, name: str) -> bytes:
        """The content of a file in it.

        Raises:
            DataError: It cannot be read.
        """
        with _reasons(f"{self.name}, {name}"):
            system, path = resolve(self.name)
            return _read(system, f"{path.rstrip('/')}/{name}")

    def write(self, name: str, content: bytes) -> None:
        """Write a file that is either whole or not there, whatever happens.

        Raises:
            OSError: It cannot be written.
        """
        system, path = resolve(self.name)
        if isinstance(system, fs.LocalFileSystem):
            write_atomically(Path(path) / name, content)
            return
        with system.open_output_stream(f"{path.rstrip('/')}/{name}") as stream:  # object stores show it when closed
            stream.write(content)

    def remove(self, name: str) -> None:
        """Remove a file in it."""
        system, path = resolve(self.name)
        system.delete_file(f"{path.rstrip('/')}/{name}")


def find_pictures(names: Iterable[str]) -> Iterator[StoredInput]:
    """Expand what the user named, as `find_inputs` does; a URI is a picture, or a folder with its subfolders.

    Raises:
        DataError: A URI cannot be looked into, or stdin is named.
    """
    for name in names:
        if name == STDIN:
            raise DataError("-: other machines have not this standard input; name files")
        if _SEPARATOR in name:
            yield from (StoredInput(one.path, one.error, one.path) for one in _expand(name))
        else:
            yield from (StoredInput(one.path, one.error, os.path.abspath(one.path)) for one in find_inputs([name]))  # noqa: PTH100


def read_file(name: str) -> bytes:
    """The content of a file, by its path or URI.

    Raises:
        DataError: It cannot be read.
    """
    with _reasons(name):
        return _read(*resolve(name))


def resolve(name: str) -> tuple[Any, str]:
    """Arrow's file system for a path or a URI, and the path within it."""
    if _SEPARATOR in name:
        return fs.FileSystem.from_uri(name)
    return fs.LocalFileSystem(), os.path.abspath(name)  # noqa: PTH100 (a name may be no text)


def _read(system: Any, path: str) -> bytes:
    with system.open_input_stream(path) as stream:
        content: bytes = stream.read()
        return content


def _expand(uri: str) -> Iterator[Input]:
    with _reasons(uri):
        system, path = resolve(uri)
        info = system.get_file_info(path)
        if info.type != fs.FileType.Directory:
            yield Input(uri)  # a missing file is reported when it is opened
            return
        found = system.get_file_info(fs.FileSelector(path, recursive=True))
    base = uri.partition("?")[0].rstrip("/")
    query = uri[len(uri.partition("?")[0]) :]
    inside = [PurePosixPath(one.path).relative_to(PurePosixPath(path)) for one in found if one.is_file]
    pictures = sorted(one for one in inside if one.suffix.lower() in PICTURE_SUFFIXES and not _is_hidden(one))
    if not pictures:
        yield Input(uri, "the folder holds no pictures")
    yield from (Input(f"{base}/{one}{query}") for one in pictures)


def _is_hidden(path: PurePosixPath) -> bool:
    return any(part.startswith(".") for part in path.parts)


@contextlib.contextmanager
def _reasons(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, NotImplementedError) as error:  # Arrow's own errors are these
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise DataError(f"{name}: {reason}") from error
