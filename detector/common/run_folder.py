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
            if self.path.is_dir() and not all(self._is_leftover(path) for path in self.path.iterdir()):
                raise not_empty(str(self.path), self.kind)
            return
        if self.parse(file.read_text(encoding="utf-8"), str(file)) != self.settings:
            raise other_run(str(self.path), self.kind, "settings", self.settings_file)
        if self.identity_file is None:
            return
        try:
            stored = json.loads((self.path / self.identity_file).read_text(encoding="utf-8"))
            is_same = all(stored[key] == self.identity[key] for key in self.identity_keys)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{self.path / self.identity_file}: missing or damaged; choose another --out") from error
        if not is_same:
            raise other_run(str(self.path), self.kind, "data", self.identity_file)

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

    def _is_leftover(self, path: Path) -> bool:
        """Whether an interrupted `claim` left this file behind."""
        return path.name in (LOCK_FILE, self.identity_file, self.scratch) or path.suffix == ".tmp"


def package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    versions = {}
    for package in packages:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions


def other_run(folder: str, kind: str, what: str, file: str) -> DataError:
    """Return the error for a folder that holds a run of other settings or data."""
    return DataError(f"{folder}: holds a {kind} of other {what} (see {file}); choose another --out")


def not_empty(folder: str, kind: str) -> DataError:
    """Return the error for a folder that holds something other than a run."""
    return DataError(f"{folder}: is not empty and holds no {kind}; choose another --out")
