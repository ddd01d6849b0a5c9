"""Ways in which a model can be wrong, for the scripted one: it lies, loops, stalls, stammers.

In: a script that says the right thing. Out: a script that does not, always in the same way.
Never: breaks at random; which call goes wrong is said with in_turn.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable

from holocron.derivation.contract import CITE
from holocron.derivation.prompt import Prompt
from holocron.errors import ModelStalled, ModelUnavailable
from holocron.fingerprint import JSONValue
from holocron.llm.model import Completion, FinishReason
from holocron.llm.scripted import Answer, Answering, Script, find_subject, read_script


def lie(script: Script, *, value: str = "Nowhere To Be Found") -> Answering:
    """Say a value that no line states in place of every text and number, and cite the same lines for it."""
    return _change_leaves(script, lambda leaf: value if isinstance(leaf, str) else 424242)


def mistype(script: Script) -> Answering:
    """Say an object in place of every value."""
    return _change_leaves(script, lambda leaf: {"value": leaf})


def cite_foreign(script: Script, *, number: int = 1_000_000) -> Answering:
    """Cite a segment that the bundle does not have."""
    return _change_answer(script, lambda value: _replace(value, leaf=None, cite=number))


def break_json(script: Script) -> Answering:
    """Leave the last character out, and call the answer whole."""
    return _change_text(script, lambda text: text[:-1])


def loop(script: Script) -> Answering:
    """Begin the answer and never come to its end: the output limit cuts it."""
    answering = read_script(script)

    def answer(prompt: Prompt) -> Answer:
        said = answering(prompt)
        if not isinstance(said, str):
            return said
        return Completion(
            text=said[: len(said) // 2] + " and" * 8,
            finish_reason=FinishReason.LENGTH,
            prompt_tokens=1,
            output_tokens=prompt.max_output_tokens,
        )

    return answer


def stall() -> Answering:
    """Stop in the middle of every answer."""
    return lambda _: ModelStalled()


def unavailable(times: int, script: Script) -> Answering:
    """Be out of reach for the first calls, then follow the script."""
    answering = read_script(script)
    count = itertools.count(1)
    return lambda prompt: ModelUnavailable() if next(count) <= times else answering(prompt)


def in_turn(*scripts: Script) -> Answering:
    """Follow the first script the first time that a subject is asked about, the next one the next time.

    The last one goes on. `in_turn(lie(honest), honest)` is caught once and then repairs itself.
    """
    answerings = [read_script(script) for script in scripts]
    asked: Counter[str] = Counter()
    lock = threading.Lock()

    def answer(prompt: Prompt) -> Answer:
        subject = find_subject(prompt)
        with lock:
            turn = asked[subject]
            asked[subject] += 1
        return answerings[min(turn, len(answerings) - 1)](prompt)

    return answer


def _change_text(script: Script, change: Callable[[str], str]) -> Answering:
    answering = read_script(script)

    def answer(prompt: Prompt) -> Answer:
        said = answering(prompt)
        return change(said) if isinstance(said, str) else said

    return answer


def _change_answer(script: Script, change: Callable[[JSONValue], JSONValue]) -> Answering:
    return _change_text(
        script, lambda text: json.dumps(change(json.loads(text)), ensure_ascii=False, separators=(",", ":"))
    )


def _change_leaves(script: Script, leaf: Callable[[JSONValue], JSONValue]) -> Answering:
    return _change_answer(script, lambda value: _replace(value, leaf=leaf, cite=None))


def _replace(
    value: JSONValue, *, leaf: Callable[[JSONValue], JSONValue] | None, cite: int | None
) -> JSONValue:
    if isinstance(value, dict):
        return {
            name: (part if cite is None else [cite]) if name == CITE else _replace(part, leaf=leaf, cite=cite)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_replace(part, leaf=leaf, cite=cite) for part in value]
    return value if leaf is None or value is None else leaf(value)
