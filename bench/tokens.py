"""How many tokens of output a fact takes.

In: a model's name. Out: tokens per fact over the demo's right answers, in our form and in LangExtract's.
Never: asks for an answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from holocron.derivation.prompt import Message, Prompt, Role, render_answer
from holocron.fingerprint import JSONValue
from holocron.llm.catalogue import open_model
from holocron.llm.model import LanguageModel

#: the repository's own answers to the demo
ANSWERS = Path(__file__).parents[1] / "tests" / "acceptance" / "demo_answers.json"


def measure_tokens(name: str) -> None:
    """Print how many tokens of output a fact takes in the demo's right answers, and in LangExtract's form.

    The built-in model's vocabulary was learnt from answers in our form and knows none in that one; a general
    one, of a gguf: model, is the fairer judge.
    """
    answers: Mapping[str, Mapping[str, JSONValue]] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    facts = sum(1 for answer in answers.values() for _ in _facts(answer))
    forms: Sequence[Callable[[JSONValue], str]] = (
        render_answer,
        lambda answer: json.dumps(_list_extractions(answer), ensure_ascii=False, indent=2),
        lambda answer: render_answer(_list_extractions(answer)),
    )
    with closing(open_model(name)) as model:
        nothing = _count(model, "")
        ours, shown, compact = (
            sum(_count(model, render(answer)) - nothing for answer in answers.values()) / facts
            for render in forms
        )
    print(
        f"tokens: {ours:.1f} of output for each of {facts} facts (at most 22.5); as LangExtract shows them "
        f"{shown:.1f}: {ours / shown:.2f} (at most 0.5); without its white space {compact:.1f}: "
        f"{ours / compact:.2f}"
    )


def _list_extractions(answer: JSONValue) -> JSONValue:
    """Return an answer as LangExtract asks for it: each fact has its class, its text and its group.

    The group is named by its first fact, as in LangExtract's documentation of related facts.
    """
    return {
        "extractions": [
            {name: str(fact), f"{name}_attributes": {"group": str(group)}}
            for group, name, fact in _group_facts(answer)
        ]
    }


def _group_facts(value: JSONValue) -> Iterator[tuple[JSONValue, str, JSONValue]]:
    """Yield each fact with the first one of its object, and with its name."""
    if isinstance(value, Mapping):
        facts = {
            key: part for key, part in value.items() if key != "cite" and isinstance(part, str | int | float)
        }
        yield from ((next(iter(facts.values())), key, fact) for key, fact in facts.items())
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from _group_facts(part)


def _facts(value: JSONValue) -> Iterator[JSONValue]:
    """Yield the leaves that state something."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if key != "cite":
                yield from _facts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _facts(part)
    elif value is not None:
        yield value


def _count(model: LanguageModel, text: str) -> int:
    asked = Prompt(
        messages=(Message(Role.USER, "x" + text),), schema={"type": "boolean"}, max_output_tokens=8
    )
    return model.complete(asked).prompt_tokens
