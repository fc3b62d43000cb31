"""Download of a picture whose address was given as its name."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from typing import Any

from digitdet.common.errors import ImageError
from digitdet.imaging.inputs import is_url

MAX_BYTES = 100_000_000
"""Largest download; nothing beyond it is received."""

_TIMEOUT = 20  # seconds without a byte
_TIME_LIMIT = 120  # seconds for the whole download
_BLOCK = 1 << 16


class _OnlyWeb(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https alone; urllib would also follow one to ftp."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not is_url(newurl):
            raise ImageError(f"it redirects to {newurl}, which is no web address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(url: str, max_bytes: int = MAX_BYTES) -> bytes:
    """Return the content of a web address.

    Raises:
        ImageError: There is no answer or an error, the content is larger than `max_bytes`, or it takes too long.
    """
    opener = urllib.request.build_opener(_OnlyWeb)
    opener.addheaders = [("User-Agent", "digitdet")]
    end = time.monotonic() + _TIME_LIMIT
    content = bytearray()
    try:
        with opener.open(url, timeout=_TIMEOUT) as response:
            while block := response.read1(_BLOCK):
                content += block
                if len(content) > max_bytes:
                    raise ImageError(f"the download is above the limit of {max_bytes / 1e6:g} MB; save a smaller copy")
                if time.monotonic() > end:
                    raise ImageError(f"the download takes longer than {_TIME_LIMIT} s; download it yourself")
    except urllib.error.HTTPError as error:
        raise ImageError(f"the server answers {error.code} ({error.reason})") from error
    except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: not a valid address
        cause = getattr(error, "reason", None) or error
        raise ImageError(f"cannot be downloaded ({getattr(cause, 'strerror', None) or cause})") from error
    return bytes(content)
