"""Settings of the server; needs no package of the extra `web`, so that the command line can show the defaults."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServeSettings:
    """Limits of a server, and where it saves corrections."""

    max_bytes: int = 20_000_000
    """Maximum size of one upload in bytes."""

    max_pixels: int = 50_000_000
    """Maximum number of pixels of one page. Each takes about 7 bytes of memory while it is read, and more on pages full
    of digits."""

    at_once: int = os.cpu_count() or 1
    """Number of pictures read concurrently."""

    queue: int = 32
    """Requests that may upload or wait beside those; further ones are rejected with 503."""

    time_limit: float = 30.0
    """Maximum seconds to read one upload."""

    upload_time: float = 120.0
    """Maximum seconds to receive one upload."""

    corrections: Path | None = None
    """Dataset folder for corrected pictures; None saves none."""
