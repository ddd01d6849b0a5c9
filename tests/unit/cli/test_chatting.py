from __future__ import annotations

import builtins
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout

import pytest

from holocron.cli.chatting import Turn, _read_event, chat


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        """Play a terminal."""
        return True


def test_ctrl_c_ends_an_answer_and_not_the_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was said so far stays in the conversation, and the next line is answered."""
    seen: list[list[str]] = []

    def answer(turns: Sequence[Turn]) -> Iterator[str]:
        seen.append([turn["content"] for turn in turns])
        yield "So "
        if len(seen) == 1:
            raise KeyboardInterrupt
        yield "be it"

    monkeypatch.setattr(sys, "stdin", io.StringIO("one\ntwo\n"))
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        chat(answer)
    assert out.getvalue() == "So \nSo be it\n"
    assert "(stopped)" in err.getvalue()
    assert seen == [["one"], ["one", "So ", "two"]]


@pytest.mark.parametrize(
    "event",
    [b"1", b"[]", b'{"choices":[null]}', b'{"choices":{}}', b'{"choices":[{"delta":3}]}', b"[" * 90_000],
    ids=["number", "array", "null choice", "no choices", "no delta", "deep"],
)
def test_an_event_that_is_none_says_nothing(event: bytes) -> None:
    """What is no event of an answer is passed by; whoever reads the answer as a whole tells it."""
    assert "".join(_read_event(b"data: " + event)) == ""
    assert list(_read_event(b'data: {"choices":[null,{"delta":{"content":"So"}}]}')) == ["So"]


@pytest.mark.parametrize("last", ["/bye", None], ids=["bye", "end-of-input"])
def test_a_terminal_has_a_prompt(monkeypatch: pytest.MonkeyPatch, last: str | None) -> None:
    """A person's lines are read with a prompt; `/bye` and Ctrl-D leave."""
    lines = iter(["hello", last])

    def read(prompt: str) -> str:
        assert prompt == ">>> "
        line = next(lines)
        if line is None:
            raise EOFError
        return line

    out = _Terminal()
    monkeypatch.setattr(sys, "stdin", _Terminal())
    monkeypatch.setattr(builtins, "input", read)
    with redirect_stdout(out):
        chat(lambda _: iter(["good day"]))
    assert out.getvalue() == "good day\n" + ("\n" if last is None else "")
