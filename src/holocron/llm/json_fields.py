"""Fields of what an engine's server says.

In: an object that came as JSON, a key. Out: the value where it has the kind that was meant, or an empty one.
Never: trusts that a server sends what its documentation says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holocron.fingerprint import JSONValue

#: no size, time or count is larger; `1e400` and `NaN` are JSON to Python
_MOST: Final = 2**63 - 1


def text_of(values: Mapping[str, JSONValue], key: str) -> str:
    """Return a text, or an empty one."""
    value = values.get(key)
    return value if isinstance(value, str) else ""


def number_of(values: Mapping[str, JSONValue], key: str) -> float:
    """Return a number, or 0: also for one that is not finite or beyond 64 bits."""
    value = values.get(key)
    return value if isinstance(value, int | float) and abs(value) <= _MOST else 0


def count_of(values: Mapping[str, JSONValue], key: str) -> int:
    """Return a whole number, or 0: also for one that is not finite or beyond 64 bits."""
    return int(number_of(values, key))


def part_of(values: Mapping[str, JSONValue], key: str) -> Mapping[str, JSONValue]:
    """Return an object, or an empty one."""
    value = values.get(key)
    return value if isinstance(value, Mapping) else {}


def parts_of(values: Mapping[str, JSONValue], key: str) -> list[Mapping[str, JSONValue]]:
    """Return the objects of an array; none where it is no array, or holds none."""
    value = values.get(key)
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []
