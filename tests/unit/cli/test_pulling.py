from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest

from holocron.cli import pulling
from holocron.cli.pulling import PullLines
from holocron.llm.ollama_api import PullProgress


def show_lines(*steps: PullProgress) -> list[str]:
    """Return the plain lines of a pull."""
    err = io.StringIO()
    with redirect_stderr(err), PullLines() as display:
        for step in steps:
            display.show(step)
    return err.getvalue().splitlines()


def layer(completed: int, total: int = 2_000_000_000) -> PullProgress:
    """Return a line about a layer."""
    return PullProgress(
        status="pulling abc", digest="sha256:abc", total_bytes=total, completed_bytes=completed
    )


def test_a_quick_layer_is_two_lines_and_each_step_is_one() -> None:
    """Thousands of lines of a pull are a few for a log."""
    steps = [layer(number * 1_000_000) for number in range(2001)]
    lines = show_lines(
        PullProgress(status="pulling manifest"),
        PullProgress(status="pulling manifest"),
        *steps,
        layer(2_000_000_000),
        PullProgress(status="success"),
    )
    assert lines == [
        "pulling manifest",
        "pulling abc: 0% of 2.0 GB",
        "pulling abc: 100% of 2.0 GB",
        "success",
    ]


def test_a_slow_layer_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line every few seconds shows that it goes on."""
    monkeypatch.setattr(pulling, "_LINE_EVERY_S", -1.0)
    assert show_lines(layer(0), layer(500_000_000), layer(2_000_000_000)) == [
        "pulling abc: 0% of 2.0 GB",
        "pulling abc: 25% of 2.0 GB",
        "pulling abc: 100% of 2.0 GB",
    ]


def test_a_layer_of_an_unknown_size_is_shown() -> None:
    """No size is no division."""
    assert show_lines(layer(0, 0)) == ["pulling abc: 0% of 0 kB"]
