"""The build backend: that of setuptools, with the same bytes in every build of the same files.

`SOURCE_DATE_EPOCH` is the time that the files get; a wheel that `python -m build` makes of the archive has it, too.
"""

import gzip
import io
import os
import tarfile
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403 -- the other hooks of PEP 517 and PEP 660


def build_wheel(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    """Build the wheel and return its name."""
    os.umask(0o022)  # the permissions of the files that setuptools writes
    return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Any = None) -> str:
    """Build the source distribution and return its name."""
    name = build_meta.build_sdist(sdist_directory, config_settings)
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        archive = Path(sdist_directory) / name
        archive.write_bytes(_normalised(archive.read_bytes(), int(epoch)))
    return name


def _normalised(archive: bytes, epoch: int) -> bytes:
    """Return a .tar.gz without the times, owners and permissions of this machine's files."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as source,
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=epoch) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in sorted(source.getmembers(), key=lambda member: member.name):
            member.pax_headers = {}
            member.mtime, member.mode = epoch, 0o755 if member.isdir() else 0o644
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            target.addfile(member, source.extractfile(member))
    return packed.getvalue()
