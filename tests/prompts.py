"""Factories of prompts for the tests of models.

In: what is asked and the schema. Out: a Prompt. Never: a derivation.
"""

from __future__ import annotations

from collections.abc import Sequence

from holocron.derivation.prompt import Message, Prompt, Role, render_evidence
from holocron.fingerprint import JSONValue

TEXT_SCHEMA: dict[str, JSONValue] = {"type": "string", "minLength": 1, "maxLength": 8}


def closed(**properties: JSONValue) -> dict[str, JSONValue]:
    """Return the schema of an object that has these properties, in this order, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def make_prompt(text: str = "Speak.", *, schema: JSONValue = None, max_output_tokens: int = 400) -> Prompt:
    """Return a prompt of a system and a user message."""
    messages = (Message(Role.SYSTEM, "Answer."), Message(Role.USER, text))
    return Prompt(
        messages=messages, schema=schema or closed(a=TEXT_SCHEMA), max_output_tokens=max_output_tokens
    )


def make_evidence_prompt(subject: str, lines: Sequence[str], *, schema: JSONValue = None) -> Prompt:
    """Return a prompt about a subject whose evidence is numbered from 1."""
    numbered = [f"[{number}] {line}" for number, line in enumerate(lines, start=1)]
    return make_prompt(render_evidence(subject, numbered), schema=schema)
