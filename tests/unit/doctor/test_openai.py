from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cli_calls import make_project, write_derivation
from holocron.doctor import Cause, Diagnosis, Health
from holocron.doctor import openai as checks
from holocron.doctor.loading import WantedModel
from holocron.doctor.openai import examine_openai
from holocron.doctor.project import load_questions
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


def examine_all(url: str, wanted: WantedModel | None = None, key: str = "sk-secret") -> list[Diagnosis]:
    """Return all that the doctor says."""
    place = ServerPlace(url=url, engine="the model's server", variable="OPENAI_BASE_URL")
    return list(examine_openai(place, wanted or WantedModel(name="small"), key))


def examine(url: str, wanted: WantedModel | None = None) -> Diagnosis:
    """Return the last thing that the doctor says."""
    return examine_all(url, wanted)[-1]


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


def test_a_password_in_the_address_is_never_said() -> None:
    """An address with a user's name is refused, and its secret stands in no diagnosis."""
    found = examine_all("http://me:S3CRET@127.0.0.1:1/v1")
    assert [one.cause for one in found] == [Cause.ADDRESS_INVALID]
    assert "S3CRET" not in str(found)


def test_a_token_in_the_address_is_never_said(server: ListingServer) -> None:
    """What stands behind the path is not sent, and not shown."""
    assert "S3CRET" not in str(examine_all(f"{server.url}/v1?token=S3CRET"))


@pytest.mark.parametrize("path", ["", "/v1"])
def test_a_server_that_lists_nothing_is_a_warning(server: ListingServer, path: str) -> None:
    """An address without its /v1 and a server without a list look alike: both mends are said."""
    server.models.clear()
    found = next(one for one in examine_all(f"{server.url}{path}") if one.check == "server")
    assert (found.health, found.cause) == (Health.WARNING, Cause.OTHER_SERVER)
    assert "/v1" in found.mend
    assert "doctor --load" in found.mend


def test_a_key_that_cannot_be_one_is_a_wrong_setting() -> None:
    """It is not the address that is wrong, and the mend says what to do."""
    found = examine_all("http://127.0.0.1:1/v1", key="sk-\u201cS3CRET\u201d")[-1]
    assert (found.check, found.cause) == ("settings", Cause.SETTING_INVALID)
    assert "OPENAI_API_KEY" in found.sentence
    assert found.mend
    assert "S3CRET" not in str(found)


def test_the_window_is_counted_in_the_models_own_tokens(server: ListingServer, tmp_path: Path) -> None:
    """A vocabulary of bytes makes three times the tokens, for the doctor as for the model."""
    make_project(tmp_path)
    write_derivation(tmp_path, instructions="Facts about a ship. " * 350)
    wanted = WantedModel(name="small", questions=load_questions(tmp_path)[0])

    def find_window(words: int) -> Health:
        entry: JSONValue = {"id": "small", "max_model_len": 8192, "meta": {"n_vocab": words}}
        server.plant("/v1/models", lambda exchange: exchange.send_json({"data": [entry]}))
        found = examine_all(f"{server.url}/v1", wanted)
        return next(one for one in found if one.check == "window").health

    assert find_window(128_000) is Health.OK
    assert find_window(256) is not Health.OK
