from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from holocron.doctor import Cause, Diagnosis, Health
from holocron.doctor import openai as checks
from holocron.doctor.loading import WantedModel
from holocron.doctor.openai import examine_openai
from holocron.doctor.reaching import ServerPlace
from holocron.fingerprint import JSONValue
from holocron.llm.wire import Patience
from scripted_http import Exchange, ScriptedServer, answer_page, refuse, stall_at_once


@dataclass
class ListingServer(ScriptedServer):
    """A server that lists models and does nothing else."""

    models: dict[str, JSONValue] = field(default_factory=lambda: {"small": 8192})

    def respond(self, exchange: Exchange, path: str) -> None:
        """Answer the list."""
        if path == "/v1/models":
            entries: JSONValue = [{"id": name, "max_model_len": size} for name, size in self.models.items()]
            exchange.send_json({"data": entries})
        else:
            exchange.send_json({"error": {"message": "no such path"}}, status=404)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ListingServer]:
    """Return a running server, and little patience."""
    monkeypatch.setattr(checks, "QUICK", Patience(connect_s=0.5, first_s=0.5, next_s=0.5))
    with ListingServer() as running:
        yield running


def examine(url: str, wanted: WantedModel | None = None) -> Diagnosis:
    """Return the last thing that the doctor says."""
    place = ServerPlace(url=url, engine="the model's server", variable="OPENAI_BASE_URL")
    return list(examine_openai(place, wanted or WantedModel(name="small"), "sk-secret"))[-1]


def test_a_sound_server_is_well_and_asked_for_no_answer(server: ListingServer) -> None:
    """An answer may cost money: it is asked for with --load alone."""
    found = examine(f"{server.url}/v1")
    assert found.health is Health.OK
    assert "doctor --load" in found.mend
    assert [request.path for request in server.requests] == ["/v1/models"]


def test_a_model_that_is_not_listed_is_missing(server: ListingServer) -> None:
    """What it has is said."""
    found = examine(f"{server.url}/v1", WantedModel(name="large"))
    assert (found.health, found.cause) == (Health.ERROR, Cause.MODEL_MISSING)
    assert "small" in found.mend


def test_a_key_that_is_refused_is_told_without_it(server: ListingServer) -> None:
    """401 is a key to check, not a server that is away."""
    server.plant("/v1/models", refuse(401, {"message": "Incorrect API key provided: sk-secret"}))
    found = examine(f"{server.url}/v1")
    assert (found.health, found.cause) == (Health.ERROR, Cause.KEY_REFUSED)
    assert "sk-secret" not in found.sentence + found.mend


def test_another_server_and_a_silent_one_are_told_apart(server: ListingServer) -> None:
    """A page is another server, silence a timeout."""
    server.plant("/v1/models", answer_page(), stall_at_once())
    assert examine(f"{server.url}/v1").cause is Cause.OTHER_SERVER
    assert examine(f"{server.url}/v1").cause is Cause.TIMEOUT


def test_a_window_beyond_the_servers_is_a_wrong_setting(server: ListingServer) -> None:
    """The window that the server names bounds what may be asked for."""
    found = examine(f"{server.url}/v1", WantedModel(name="small", context_tokens=99_999))
    assert (found.health, found.cause) == (Health.ERROR, Cause.SETTING_INVALID)


def test_an_address_that_is_no_url_is_told(server: ListingServer) -> None:
    """The variable to correct is named."""
    found = examine("localhost:8000")
    assert found.cause is Cause.ADDRESS_INVALID
    assert "OPENAI_BASE_URL" in found.sentence
