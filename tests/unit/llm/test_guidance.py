"""From a decoding schema to a grammar."""

from __future__ import annotations

import json

import pytest

from holocron.errors import SchemaRefused
from holocron.fingerprint import JSONValue
from holocron.llm.guidance import render_grammar
from prompts import closed


def test_the_schema_keeps_its_order() -> None:
    """Properties reach the decoder in the order in which they are named."""
    grammar = render_grammar(closed(cite={"type": "null"}, b={"type": "null"}, a={"type": "null"}))
    schema = json.loads(grammar.partition("%json ")[2])
    assert list(schema["properties"]) == ["cite", "b", "a"]
    assert schema["x-guidance"]["whitespace_flexible"] is False


ACCEPTED: dict[str, JSONValue] = {
    "closed object": closed(a={"type": "string", "maxLength": 4}),
    "keywords that are ignored": {"type": "array", "uniqueItems": True, "not": {"type": "null"}},
    "a property named like a keyword": closed(pattern={"type": "integer", "minimum": 0, "maximum": 1}),
    "several types": {"type": ["string", "null"]},
    "an escaped backslash before b": {"type": "string", "pattern": r"^\\b$"},
    "anything": {},
}


@pytest.mark.parametrize("schema", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepts_what_can_be_held(schema: JSONValue) -> None:
    """What llguidance holds or ignores passes."""
    assert render_grammar(schema).startswith("%llguidance {}\nstart: %json {")


DEEP: dict[str, JSONValue] = {"a/b": {"type": "array", "items": {"anyOf": [{"type": "null"}, {"enum": []}]}}}
REFUSED: dict[str, tuple[JSONValue, str]] = {
    "no object": (True, "at its root"),
    "unknown type": (closed(a={"type": "strin"}), "at /properties/a, 'strin' is no type"),
    "no types": ({"type": []}, "None is no type"),
    "look-ahead": ({"type": "string", "pattern": "^(?=a)b"}, "looks around"),
    "look-behind": ({"type": "string", "pattern": "(?<!a)b"}, "looks around"),
    "back reference": ({"type": "string", "pattern": r"(a)\1"}, "refers back"),
    "word boundary": ({"type": "string", "pattern": r"\ba"}, "word boundary"),
    "crossed numbers": (
        {"type": "integer", "minimum": 5, "maximum": 2},
        "minimum 5 is greater than maximum 2",
    ),
    "crossed lengths": ({"type": "string", "minLength": 5, "maxLength": 2}, "minLength 5"),
    "crossed counts": ({"type": "array", "minItems": 5, "maxItems": 2}, "minItems 5"),
    "length with a fraction": ({"type": "string", "maxLength": 2.0}, "not a count"),
    "negative length": ({"type": "string", "maxLength": -1}, "not a count"),
    "length of text": ({"type": "string", "maxLength": "2"}, "not a number"),
    "number too large": ({"type": "number", "maximum": 1e30}, "beyond"),
    "empty enum": ({"enum": []}, "allows nothing"),
    "remote reference": (closed(a={"$ref": "https://example.invalid/a"}), "leaves the schema"),
    "required but not allowed": (
        {"type": "object", "properties": {}, "required": ["a"], "additionalProperties": False},
        "requires 'a'",
    ),
    "deep inside": (
        closed(**DEEP),
        "at /properties/a~1b/items/anyOf/1,",
    ),
    "in a definition": ({"$defs": {"x": {"enum": []}}, "type": "null"}, r"at /\$defs/x,"),
    "in a prefix": ({"type": "array", "prefixItems": [{"type": "a"}]}, "at /prefixItems/0,"),
}


@pytest.mark.parametrize(("schema", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_what_would_switch_the_grammar_off(schema: JSONValue, words: str) -> None:
    """llama.cpp would write freely and tell no one, so these are refused, with the place."""
    with pytest.raises(SchemaRefused, match=words):
        render_grammar(schema)
