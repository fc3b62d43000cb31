"""The folder that a resumable command writes into: claimed once, locked while in use, and marked when finished."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from digitdet.common.errors import DataError
from digitdet.common.files import LOCK_FILE, folder_lock, write_atomically


@dataclass(frozen=True)
class RunFolder:
    """The folder of a resumable run.

    A run claims the folder by writing the identity file and then the settings file. The finished file is written last.
    The same settings and identity resume an unfinished run; any others are refused.
    """

    path: Path
    kind: str  # what error messages call the content, such as 'run'
    settings: Any  # a configuration with `to_yaml()`
    parse: Callable[[str, str], object]  # makes settings from YAML and the name for error messages
    settings_file: str
    finished_file: str
    identity: Mapping[str, Any] = field(default_factory=dict)  # what the run is made from, as JSON types
    identity_file: str | None = None
    identity_keys: tuple[str, ...] = ()  # the keys that must be the same to resume
    scratch: str | None = None  # subfolder for partial results, removed at the end
    temporary: tuple[str, ...] = ()  # glob patterns of files that are removed at the end

    def locked(self) -> AbstractContextManager[None]:
        """Create the folder and keep other processes from writing into it; see `folder_lock`."""
        return folder_lock(self.path)

    @property
    def is_finished(self) -> bool:
        """Whether the run is complete."""
        unfinished = self.scratch is not None and (self.path / self.scratch).exists()
        return (self.path / self.finished_file).is_file() and not unfinished

    def require_free_or_same(self) -> None:
        """Raise DataError unless the folder is empty or holds this run."""
        file = self.path / self.settings_file
        if not file.is_file():
            leftovers = (LOCK_FILE, self.identity_file, self.scratch)  # of an interrupted `claim`
            found = self.path.iterdir() if self.path.is_dir() else ()
            if any(path.name not in leftovers and path.suffix != ".tmp" for path in found):
                raise DataError(f"{self.path}: is not empty and holds no {self.kind}; choose another --out")
            return
        if self.parse(file.read_text(encoding="utf-8"), str(file)) != self.settings:
            raise self._other("settings", self.settings_file)
        if self.identity_file is None:
            return
        try:
            stored = json.loads((self.path / self.identity_file).read_text(encoding="utf-8"))
            is_same = all(stored[key] == self.identity[key] for key in self.identity_keys)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{self.path / self.identity_file}: missing or damaged; choose another --out") from error
        if not is_same:
            raise self._other("data", self.identity_file)

    def _other(self, what: str, file: str) -> DataError:
        return DataError(f"{self.path}: holds a {self.kind} of other {what} (see {file}); choose another --out")

    def claim(self) -> None:
        """Write the settings into the folder, unless it holds this run, and remove half-written files."""
        self.require_free_or_same()
        self.scratch_path.mkdir(parents=True, exist_ok=True)
        for stale in self.scratch_path.glob(".*.tmp"):
            stale.unlink()
        if (self.path / self.settings_file).is_file():
            return
        if self.identity_file is not None:
            self.write(self.identity_file, json.dumps(self.identity, indent=2) + "\n")
        self.write(self.settings_file, self.settings.to_yaml())

    @property
    def scratch_path(self) -> Path:
        """The folder for temporary files."""
        return self.path / self.scratch if self.scratch else self.path

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file of the run atomically."""
        write_atomically(self.path / name, content, scratch=self.scratch_path)

    def finish(self, content: str | None) -> None:
        """Remove temporary files and write the finished file; with None, the caller has written it."""
        for pattern in self.temporary:
            for path in self.path.glob(pattern):
                path.unlink()
        if content is not None:
            self.write(self.finished_file, content)
        if self.scratch:
            shutil.rmtree(self.scratch_path)


def package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    versions = {}
    for package in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions
