"""Fingerprints: the same thing has the same hash, and another thing another."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holocron.fingerprint import canonical_json, hash_bytes, hash_json, hash_text

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _reversed(value: object) -> object:
    if isinstance(value, dict):
        return {name: _reversed(value[name]) for name in reversed(list(value))}
    return [_reversed(part) for part in value] if isinstance(value, list) else value


@given(_JSON)
def test_the_order_of_keys_does_not_count(value: object) -> None:
    """One value has one text, however its objects were built; the text reads back as the value."""
    assert canonical_json(value) == canonical_json(_reversed(value))  # type: ignore[arg-type]  # JSON
    assert json.loads(canonical_json(value)) == value  # type: ignore[arg-type]  # JSON


@given(st.text())
def test_a_texts_hash_is_that_of_its_bytes(text: str) -> None:
    """The hash of a text is the SHA-256 of its UTF-8 bytes."""
    content = text.encode()
    assert hash_text(text) == hash_bytes(content) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("", "\x00", id="nothing and NUL"),
        pytest.param("\ud800", "\ufffd", id="half a character and its stand-in"),
        pytest.param("\u00e9", "e\u0301", id="composed and decomposed"),
        pytest.param("a\r\n", "a\n", id="line ends"),
    ],
)
def test_other_texts_have_other_hashes(one: str, other: str) -> None:
    """Nothing is normalised before it is hashed."""
    assert hash_text(one) != hash_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(1, 1.0, id="integer and number"),
        pytest.param(1, True, id="one and true"),
        pytest.param(None, "null", id="null and its word"),
        pytest.param([], {}, id="list and object"),
        pytest.param(["a", "b"], ["b", "a"], id="order of a list"),
        pytest.param(["ab", "c"], ["a", "bc"], id="where a text ends"),
        pytest.param({"a": None}, {}, id="null and absent"),
    ],
)
def test_other_values_have_other_hashes(one: object, other: object) -> None:
    """Values that differ in kind or order differ in hash."""
    assert hash_json(one) != hash_json(other)  # type: ignore[arg-type]  # JSON


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_json_has_no_hash(value: float) -> None:
    """NaN and infinity are refused."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        hash_json(value)


def test_hashes_stay_what_they_are() -> None:
    """A hash in somebody's store must not change with a new version."""
    value = {"b": [1, 2.5, "é"], "a": None}
    assert canonical_json(value) == '{"a":null,"b":[1,2.5,"é"]}'  # type: ignore[arg-type]  # JSON
    assert hash_json(value) == hashlib.sha256('{"a":null,"b":[1,2.5,"é"]}'.encode()).hexdigest()  # type: ignore[arg-type]  # JSON
