"""The shipped fake: a scripted model for tests of code that uses Holocron.

It answers at once what it is told to, and can be told to lie, to loop, to stall or to break its JSON.

>>> model = ScriptedModel({"ships/vesper.txt": {"cite": [1], "name": "Vesper"}})
"""

from __future__ import annotations

from holocron.llm.faults import (
    break_json,
    cite_foreign,
    in_turn,
    lie,
    loop,
    mistype,
    stall,
    unavailable,
)
from holocron.llm.scripted import ScriptedModel, answer_from_evidence

__all__ = [
    "ScriptedModel",
    "answer_from_evidence",
    "break_json",
    "cite_foreign",
    "in_turn",
    "lie",
    "loop",
    "mistype",
    "stall",
    "unavailable",
]
