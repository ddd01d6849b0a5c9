"""How words of several schemas become one."""

from __future__ import annotations

import pytest

from holocron.derivation.merging import FlatPart, Unsatisfiable, merge_parts, value_key
from holocron.errors import ContractInvalid
from holocron.fingerprint import JSONValue


def _merge(*schemas: dict[str, JSONValue]) -> dict[str, JSONValue]:
    return merge_parts([FlatPart(schema, f"/{index}", ()) for index, schema in enumerate(schemas)]).words


@pytest.mark.parametrize(
    ("keyword", "first", "second", "expected"),
    [
        pytest.param("minimum", 1, 2, 2, id="minimum"),
        pytest.param("maximum", 1, 2, 1, id="maximum"),
        pytest.param("minItems", 3, 2, 3, id="min-items"),
        pytest.param("maxLength", 3, 2, 2, id="max-length"),
        pytest.param("maxLength", "x", 2, 2, id="wrong-type-is-left-for-later"),
        pytest.param("type", "string", "string", ["string"], id="type"),
        pytest.param("type", ["string", "null"], ["null", "string"], ["string", "null"], id="types-in-order"),
        pytest.param("type", "integer", "number", ["integer"], id="integer-is-a-number"),
        pytest.param("type", ["number", "null"], "integer", ["integer"], id="number-narrowed"),
        pytest.param("enum", [1, 2, True], [True, 2.0], [2, True], id="enum-tells-1-from-true"),
        pytest.param("enum", [[1, {"a": 1}]], [[1.0, {"a": 1}]], [[1, {"a": 1}]], id="enum-of-lists"),
        pytest.param("const", 1, 1.0, 1.0, id="const"),
        pytest.param("required", ["a"], ["b", "a"], ["a", "b", "a"], id="required"),
        pytest.param("required", ["a"], "b", "b", id="required-wrong-type-stays"),
        pytest.param("x-ground", "normalized", "verbatim", "verbatim", id="the-stricter-ground"),
        pytest.param("x-ground", "verbatim", "normalized", "verbatim", id="the-stricter-ground-first"),
        pytest.param("x-ground", "verbatim", "odd", "odd", id="a-wrong-ground-stays"),
        pytest.param("description", "one", "two", "two", id="later-words-win"),
    ],
)
def test_a_keyword_is_merged_to_the_tighter(
    keyword: str, first: JSONValue, second: JSONValue, expected: JSONValue
) -> None:
    """Both must hold, so the merged word is as tight as both."""
    assert _merge({keyword: first}, {keyword: second})[keyword] == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"type": "string"}, {"type": "integer"}, id="types"),
        pytest.param({"enum": ["a"]}, {"enum": ["b"]}, id="enums"),
        pytest.param({"enum": [1]}, {"enum": [True]}, id="one-and-true"),
        pytest.param({"const": 1}, {"const": 2}, id="consts"),
    ],
)
def test_what_leaves_nothing_over_is_a_signal(
    first: dict[str, JSONValue], second: dict[str, JSONValue]
) -> None:
    """A choice may drop such a branch; a contract may not be one."""
    with pytest.raises(Unsatisfiable) as caught:
        _merge(first, second)
    assert caught.value.pointer.startswith("/1/")


def test_children_are_gathered_with_their_places() -> None:
    """Every schema of a property keeps the pointer under which its author finds it."""
    whole = merge_parts(
        [
            FlatPart({"properties": {"a": True, "b": True}, "items": True}, "/x", ()),
            FlatPart({"properties": {"a": {}}, "prefixItems": [{}]}, "/y", ()),
        ]
    )
    places = {name: [part.pointer for part in parts] for name, parts in whole.properties.items()}
    assert places == {"a": ["/x/properties/a", "/y/properties/a"], "b": ["/x/properties/b"]}
    assert [part.pointer for part in whole.items] == ["/x/items"]
    assert [[part.pointer for part in parts] for parts in whole.prefix_items] == [["/y/prefixItems/0"]]


def test_items_false_bounds_the_list() -> None:
    """`items: false` behind two prefix items allows two."""
    assert _merge({"prefixItems": [True, True], "items": False})["maxItems"] == 2
    assert _merge({"prefixItems": [True], "items": False, "maxItems": 0})["maxItems"] == 0


@pytest.mark.parametrize("order", [0, 1])
def test_a_closed_schema_forbids_the_others_properties(order: int) -> None:
    """Whichever comes first: additionalProperties false sees only its own schema's properties."""
    closed: dict[str, JSONValue] = {"properties": {"a": True}, "additionalProperties": False}
    both: list[dict[str, JSONValue]] = [closed, {"properties": {"b": True}}]
    with pytest.raises(ContractInvalid, match="'b' can never be stated"):
        _merge(*(both if order else both[::-1]))
    _merge(closed | {"patternProperties": {"^b": True}}, {"properties": {"b": True}})


def test_equal_values_have_equal_keys() -> None:
    """As JSON Schema compares them: by value, with true and 1 apart."""
    assert value_key(1) == value_key(1.0)
    assert value_key(1) != value_key(True)
    assert value_key({"a": [1, True]}) == value_key({"a": (1.0, True)})
    assert value_key({"a": 1}) != value_key({"a": True})
