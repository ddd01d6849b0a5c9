"""Prompt fingerprint: a hash of what the product renders for one fixed job.

In: nothing. Out: a SHA-256 that the model file carries. When the product's differs, the model needs
training again.
"""

from __future__ import annotations

from holocron.derivation.contract import Contract
from holocron.derivation.derivations import Derivation
from holocron.derivation.prompt import render_answer
from holocron.evidence.segments import Segment, SegmentKind
from holocron.fingerprint import hash_json

_SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "full name"},
        "kind": {"enum": ["ship", "place"]},
        "day": {"type": ["string", "null"], "format": "date"},
        "height": {"type": "number"},
        "calls": {
            "type": "array",
            "items": {"type": "object", "properties": {"year": {"type": "integer"}}, "required": ["year"]},
        },
    },
    "required": ["name", "kind", "calls"],
}


def prompt_fingerprint() -> str:
    """Return the hash of the messages, the decoding schema and the answer's form."""
    derivation = Derivation(
        name="fixed", version="1", instructions="Say what it is.", contract=Contract.parse(_SCHEMA)
    )
    segments = [
        Segment(1, 0, SegmentKind.SENTENCE, 0, 4, "Tern"),
        Segment(2, 1, SegmentKind.SENTENCE, 0, 12, "Tern sailed."),
    ]
    prompt = derivation.render_prompt("a/tern.md", segments)
    answer = render_answer({"cite": [1], "name": "Tern", "calls": []})
    return hash_json([prompt.prompt_hash, prompt.schema, answer])
