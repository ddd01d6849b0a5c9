"""Fields of what a server says: what has not the kind that was meant is empty, and never an error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holocron.llm.json_fields import count_of, number_of, part_of, parts_of, text_of


@pytest.mark.parametrize(
    "said", ["1e400", "-1e400", "NaN", "Infinity", "1" + "0" * 400, "1e300", '"9"', "null", "[]", "{}"]
)
def test_what_is_no_usable_number_is_none(said: str) -> None:
    """Neither an infinite one nor one that no other number can be divided by or stored beside."""
    values = json.loads(f'{{"size": {said}}}')
    assert (number_of(values, "size"), count_of(values, "size")) == (0, 0)
    assert (number_of(values, "other"), count_of(values, "other")) == (0, 0)


def test_numbers_are_as_they_were_said() -> None:
    """A count has no fraction; the largest whole number of 64 bits is still one."""
    values = {"size": 2.75, "most": 2**63 - 1}
    assert (number_of(values, "size"), count_of(values, "size")) == (2.75, 2)
    assert count_of(values, "most") == 2**63 - 1


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3)
)
def test_no_value_is_an_error(value: object) -> None:
    """Each reader returns its own kind, whatever stands there; a duration can be divided."""
    values = {"key": value}
    assert isinstance(count_of(values, "key"), int)  # type: ignore[arg-type]  # any JSON
    assert isinstance(number_of(values, "key") / 1e6, float)  # type: ignore[arg-type]  # any JSON
    assert isinstance(text_of(values, "key"), str)  # type: ignore[arg-type]  # any JSON
    assert part_of(values, "key") == {}  # type: ignore[arg-type]  # any JSON
    assert parts_of(values, "key") == []  # type: ignore[arg-type]  # any JSON


def test_the_objects_of_an_array_are_found() -> None:
    """What stands between them is passed over."""
    assert parts_of({"key": [None, {"a": 1}, 2, {}, "x", [{}]]}, "key") == [{"a": 1}, {}]
