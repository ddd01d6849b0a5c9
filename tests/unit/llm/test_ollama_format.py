"""Schemas in the words of Ollama's converter; what the real one makes of them is tried in tests/live."""

from __future__ import annotations

import re
from typing import Any

import pytest

from factories import make_derivation
from holocron.derivation.copying import copy_evidence
from holocron.evidence import inline_bundle, number_segments
from holocron.llm.ollama_format import COPIED_PIECES, render_format
from prompts import closed

_LONG = " ".join(f"w{number}" for number in range(60))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^(?:a(?: b)?|c)$", "^(a( b)?|c)$"),
        (r"^(?:a\-b|c\/d)$", "^(a-b|c/d)$"),
        (r"^(?:3\.5)$", r"^(3\.5)$"),
        (r'^(?:"hi")$', r"^(\\" + '"hi' + r"\\" + '")$'),
        (r"^(?:C:\\x)$", r"^(C:\\\\x)$"),
        ("^[0-9]{2}$", "^[0-9]{2}$"),
        (r"^(?:\(\?:\))$", r"^(\(\?:\))$"),
    ],
)
def test_patterns_are_rewritten(pattern: str, expected: str) -> None:
    """No group without a number, no needless escape, and what JSON escapes is escaped."""
    schema: Any = {"$defs": {"copied": {"type": "string", "pattern": pattern}}, "anyOf": [{"type": "null"}]}
    made = render_format(schema)
    assert made == {"$defs": {"copied": {"type": "string", "pattern": expected}}, "anyOf": [{"type": "null"}]}
    assert schema["$defs"]["copied"]["pattern"] == pattern


def test_a_property_called_pattern_is_a_property() -> None:
    """Only the keyword is rewritten."""
    schema: Any = closed(pattern={"type": "string", "maxLength": 3}, cite={"type": "null"})
    assert render_format(schema) == schema
    made: Any = render_format(schema)
    assert list(made["properties"]) == ["pattern", "cite"]


def test_what_is_copied_from_evidence_compiles() -> None:
    """The rewritten pattern of a line is still one, and has nothing that Ollama crashes over."""
    segments = number_segments(inline_bundle("s", 'Say "hi (there)" a-b/c C:\\x [1] {2} $5 ^x *y +z ?q |w'))
    made: Any = render_format({"pattern": copy_evidence(segments).pattern})
    assert "(?" not in made["pattern"].replace(r"\(?", "")
    assert re.compile(made["pattern"])


def test_long_evidence_makes_no_pattern_for_a_slow_engine() -> None:
    """Beyond what an engine can hold the leaf keeps its type, and validation judges; integers stay."""
    text = "\n\n".join(f"{_LONG} {number}" for number in range(3))
    segments = number_segments(inline_bundle("s", text))
    assert copy_evidence(segments).pattern is not None
    assert copy_evidence(segments, COPIED_PIECES).pattern is None
    assert copy_evidence(segments, 0).pattern is None
    assert copy_evidence(segments, 0).integers == (0, 1, 2)


def test_a_prompt_says_by_its_schema_what_was_held() -> None:
    """The schema's hash in the manifest tells the two apart; without verbatim leaves they are one."""
    contract = closed(name={"type": "string", "x-ground": "verbatim"})
    derivation = make_derivation(contract=contract)
    segments = number_segments(inline_bundle("s", "The Vesper is a ship."))
    held = derivation.render_prompt("s", segments)
    free = derivation.render_prompt("s", segments, copied_pieces=0)
    assert derivation.specialiser.hash_of(held.schema) != derivation.specialiser.hash_of(free.schema)
    assert held.prompt_hash == free.prompt_hash
