"""Dividing a collection into splits at random, but in the same way on every machine."""

from __future__ import annotations

import hashlib


def name_hash(name: str) -> bytes:
    """Return the SHA-256 of a name, a sort key for a pseudo-random order that is the same on every machine."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
