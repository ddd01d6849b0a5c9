"""What a worker says while it goes on."""

from __future__ import annotations

import json

import pytest

from holocron.cli.service_lines import ServiceLines
from holocron.errors import EngineUnreachable, Unreachable

LOST = EngineUnreachable(
    "Ollama at http://localhost:11434 cannot be reached: nothing listens there",
    reason=Unreachable.REFUSED,
    address="http://localhost:11434",
)


def test_an_engine_that_is_away_is_named_with_the_next_try(capsys: pytest.CaptureFixture[str]) -> None:
    """A worker that waits without end says for what."""
    with ServiceLines(as_json=False) as lines:
        lines.on_engine_lost(LOST, 8.4)
    assert f"holocron worker: {LOST}; asked again in 8 s" in capsys.readouterr().err


def test_an_engine_that_is_away_is_an_event(capsys: pytest.CaptureFixture[str]) -> None:
    """A log collector gets the reason and the seconds as fields."""
    with ServiceLines(as_json=True) as lines:
        lines.on_engine_lost(LOST, 8.4)
    event = json.loads(capsys.readouterr().out.splitlines()[0])
    assert event == {"event": "engine_lost", "reason": str(LOST), "seconds": 8.4}
