"""A plain chat with a model, for trying it: no contract, no evidence, nothing stored.

In: lines of standard input. Out: answers as they arrive. Never: lets an answer control the terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

import click

from holocron.cli.terminal import complain, note, plain_text
from holocron.errors import EngineUnknown, EngineUnreachable, ModelError, ModelNotFound
from holocron.fingerprint import JSONValue
from holocron.llm.json_fields import part_of, parts_of, text_of
from holocron.llm.openai import OpenAIServer

LEAVE = "/bye"
_PROMPT = ">>> "

#: a turn of the conversation: `role` and `content`
Turn = Mapping[str, str]
#: yields the answer to a conversation as it arrives
Answering = Callable[[Sequence[Turn]], Iterator[str]]


def chat(answering: Answering) -> None:
    """Talk until `/bye` or the end of the input; Ctrl-C ends an answer, and the chat where none comes.

    An answer that fails is told and left out of the conversation. Raises: EngineUnreachable, EngineUnknown,
    ModelNotFound: no other question would be answered either.
    """
    turns: list[Turn] = []
    while True:
        line = _read_line()
        if line is None or line.strip() == LEAVE:
            return
        if not line.strip():
            continue
        turns.append({"role": "user", "content": line})
        try:
            answer = _answer(answering(turns))
        except (EngineUnreachable, EngineUnknown, ModelNotFound):
            raise
        except ModelError as problem:
            complain(str(problem), problem.hint)
            turns.pop()
        else:
            turns.append({"role": "assistant", "content": answer})


def _answer(arriving: Iterator[str]) -> str:
    """Print an answer as it arrives and return it, or what had come of it at Ctrl-C."""
    parts: list[str] = []
    try:
        for part in arriving:
            parts.append(part)
            click.echo(plain_text(part), nl=False)
    except KeyboardInterrupt:
        note("\n(stopped)")
    except ModelError:
        # what is said of it begins on a line of its own
        if parts:
            click.echo()
        raise
    click.echo()
    return "".join(parts)


def _read_line() -> str | None:
    """Return a line of standard input, or None at its end."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        try:
            return input(_PROMPT)
        except EOFError:
            click.echo()
            return None
    line = sys.stdin.readline()
    return line.rstrip("\r\n") if line else None


def answer_openai(server: OpenAIServer, name: str, turns: Sequence[Turn]) -> Iterator[str]:
    """Yield an OpenAI-compatible server's answer as it arrives. Raises: what the server's errors mean."""
    body: dict[str, JSONValue] = {
        "model": name,
        "messages": [dict(turn) for turn in turns],
        "stream": True,
    }
    whole = rest = b""
    for piece in server.chat(body):
        whole += piece
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            yield from _read_event(line.strip())
    # says what went wrong where something did: an error event, no proper end
    server.read_answer(whole, body)


def _read_event(line: bytes) -> Iterator[str]:
    """Yield the text in one event; what is no event of an answer is left to whoever reads the whole."""
    try:
        entry = json.loads(line.removeprefix(b"data:"))
    except (ValueError, RecursionError):
        return
    for choice in parts_of(entry, "choices") if isinstance(entry, Mapping) else ():
        yield text_of(part_of(choice, "delta"), "content")
