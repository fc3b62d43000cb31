"""What a server allows."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServeSettings:
    """The limits of a server, and where it keeps corrections."""

    max_bytes: int = 20_000_000
    """Of one upload: a photo of a telephone has 2 to 12 MB."""

    max_pixels: int = 50_000_000
    """Of one page: telephones make up to 50 million, and each takes some 7 bytes of memory while it is read."""

    at_once: int = os.cpu_count() or 1
    """Pictures that are read at the same time: a core each."""

    queue: int = 32
    """Pictures that may be on their way or wait beside those; who comes then is told to come again."""

    time_limit: float = 30.0
    """Seconds for one reading: an ordinary picture takes less than a tenth of one, a scan of 50 megapixels three."""

    upload_time: float = 120.0
    """Seconds for one upload: who sends nothing keeps no place for ever."""

    corrections: Path | None = None
    """The folder of corrected pictures; None keeps none."""
