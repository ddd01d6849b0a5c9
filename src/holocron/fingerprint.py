"""Canonical JSON and content hashes: what makes two things the same.

In: JSON values and text. Out: SHA-256 digests in lower-case hexadecimal (64 characters).
Never: reads a clock, a file or the environment.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

JSONValue: TypeAlias = "bool | int | float | str | Sequence[JSONValue] | Mapping[str, JSONValue] | None"

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical_json(value: JSONValue) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no NaN."""
    return _encode(value)


def hash_text(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 bytes.

    A lone surrogate, which UTF-8 cannot carry, is hashed by its code point.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def hash_bytes(content: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def hash_json(value: JSONValue) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    return hash_text(_encode(value))
