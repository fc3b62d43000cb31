"""Names of the files that are written about pictures."""

from __future__ import annotations

import re
from pathlib import Path

from digitdet.reading.results import Reading

_FORBIDDEN = re.compile('[\x00-\x1f\x7f<>:"/\\\\|?*\ud800-\udfff]')  # by one system or another, or in UTF-8
_MAX_BYTES = 150  # of the 255 that a file name may have: suffixes and a counter come behind it


class FileNames:
    """Gives every picture a name without a suffix that no other picture has.

    It is the picture's own; `-p2` follows for the second page of a file with several, and a counter where pictures
    of one name lie in several folders. Names that differ in case only count as one, as they do on some systems.
    Characters that some system forbids become `_`.
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, reading: Reading) -> str:
        """The name for the picture of a reading; one without a path is `picture`."""
        own = _FORBIDDEN.sub("_", Path(reading.source or "").stem).encode()[:_MAX_BYTES].decode(errors="ignore")
        stem = own.strip(" .") or "picture"
        if stem == "-":
            stem = "stdin"
        if reading.pages > 1:
            stem += f"-p{reading.page}"
        name, count = stem, 1
        while name.casefold() in self._taken:
            count += 1
            name = f"{stem}-{count}"
        self._taken.add(name.casefold())
        return name
