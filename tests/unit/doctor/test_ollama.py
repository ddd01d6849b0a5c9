"""Ollama's own faults: old, open to all, without the model, too small a window, on the wrong processor."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cli_calls import make_project, write_derivation
from holocron.doctor import Cause, Diagnosis, Health
from holocron.doctor import ollama as checks
from holocron.doctor.loading import WantedModel
from holocron.doctor.machine import Machine
from holocron.doctor.ollama import check_host_variable, check_version, examine_ollama
from holocron.doctor.project import load_questions
from holocron.doctor.reaching import ServerPlace
from holocron.fingerprint import JSONValue
from holocron.llm.ollama import OllamaModel
from holocron.llm.ollama_api import OllamaApi
from ollama_server import Installed, OllamaServer, refuse_memory
from scripted_http import Fault, refuse

GB = 1_000_000_000


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    """Return a running server with one model."""
    with OllamaServer(models={"tiny:latest": Installed(size=2 * GB)}) as running:
        yield running


def examine(
    server: OllamaServer,
    wanted: WantedModel | None = None,
    machine: Machine | None = None,
    *,
    in_container: bool = False,
) -> dict[str, Diagnosis]:
    """Return what the doctor says of a server, the last diagnosis of each check."""
    place = ServerPlace(
        url=server.url, engine="Ollama", variable="OLLAMA_HOST_BASE_URL", in_container=in_container
    )
    found = examine_ollama(place, wanted or WantedModel(name="tiny"), machine or Machine())
    return {one.check: one for one in found}


def opening(server: OllamaServer) -> WantedModel:
    """Return a wanted model that may be loaded."""
    return WantedModel(
        name="tiny", open=lambda: closing(OllamaModel(OllamaApi(server.url), "tiny", context_tokens=4096))
    )


def test_a_sound_server_is_well_and_no_model_is_loaded(server: OllamaServer) -> None:
    """All checks are OK; nothing was asked that loads; and it is said how to load."""
    found = examine(server)
    assert list(found) == ["address", "server", "version", "exposure", "model", "window", "memory"]
    assert {one.health for one in found.values()} == {Health.OK}
    assert "doctor --load" in found["memory"].mend
    assert not server.asked("/api/generate")
    assert not server.loaded


@pytest.mark.parametrize(
    ("version", "health", "words"),
    [
        ("0.17.1", Health.OK, "0.17.1"),
        ("0.33.0-rc2", Health.OK, "0.33.0"),
        ("0.17.0", Health.ERROR, "CVE-2026-7482"),
        ("0.9.6", Health.ERROR, "cuts long prompts"),
        ("0.0.0", Health.WARNING, "says nothing"),
        ("main", Health.WARNING, "says nothing"),
    ],
)
def test_a_version_with_a_known_hole_is_an_error(version: str, health: Health, words: str) -> None:
    """Below 0.17.1 is refused, an unbuilt version is a warning."""
    found = check_version(version)
    assert (found.health, found.cause) == (health, None if health is Health.OK else Cause.VERSION_OLD)
    assert words in found.sentence
    assert health is Health.OK or "docker compose pull ollama" in found.mend


def test_an_old_server_is_told_and_the_rest_is_checked(server: OllamaServer) -> None:
    """An error of the version does not hide what else there is to say."""
    server.version = "0.16.0"
    found = examine(server)
    assert found["version"].health is Health.ERROR
    assert found["model"].health is Health.OK


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has one loopback address alone")
def test_an_api_that_answers_at_another_address_is_exposed() -> None:
    """A server that listens everywhere is found under the machine's other addresses."""
    with OllamaServer(address=("0.0.0.0", 0)) as server:  # noqa: S104 - the fault that is planted
        found = examine(server, machine=Machine(addresses=("127.0.0.2",)))
    assert (found["exposure"].health, found["exposure"].cause) == (Health.WARNING, Cause.EXPOSED)
    assert "127.0.0.2" in found["exposure"].sentence
    assert "127.0.0.1:11434:11434" in found["exposure"].mend


def test_an_address_in_the_network_is_exposed(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is reached over the network is within reach of others; from a container that is meant."""
    monkeypatch.setattr(checks, "find_addresses", lambda _: ("10.1.2.3",))
    assert examine(server)["exposure"].cause is Cause.EXPOSED
    assert "exposure" not in examine(server, in_container=True)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("http://ollama:11434", "client's address"),
        ("ollama", "client's address"),
        ("https://models.example.com", "client's address"),
        ("0.0.0.0:11434", "whole network"),
        ("http://0.0.0.0", "whole network"),
        ("[::]:11434", "whole network"),
        ("::", "whole network"),
        ("127.0.0.1:11500", ""),
        ("http://localhost:11434", ""),
        ("[::1]:11434", ""),
        (":11434", ""),
        ("", ""),
    ],
)
def test_ollama_host_is_read_as_a_server_would(value: str, words: str) -> None:
    """A client's URL and an address for everyone are warnings; this machine's own is not."""
    found = list(check_host_variable(value))
    assert len(found) == bool(words)
    for one in found:
        assert (one.health, one.cause) == (Health.WARNING, Cause.OLLAMA_HOST)
        assert words in one.sentence


def test_a_missing_model_says_how_to_pull_it_and_what_is_near(server: OllamaServer) -> None:
    """Other tags of the same name are offered; a download that fails has its mends here too."""
    server.models["llama3.2:1b"] = Installed()
    found = examine(server, WantedModel(name="llama3.2"))["model"]
    assert (found.health, found.cause) == (Health.ERROR, Cause.MODEL_MISSING)
    assert "llama3.2:1b" in found.sentence
    assert "tiny" not in found.sentence
    for words in ("holocron models pull llama3.2", "internet connection", "disk", "pull tinyllama"):
        assert words in found.mend
    server.models.clear()
    assert "none yet" in examine(server)["model"].sentence


def test_a_model_that_writes_no_text_is_unfit(server: OllamaServer) -> None:
    """An embedding model is told before it is asked."""
    server.models["tiny:latest"] = Installed(capabilities=("embedding",))
    found = examine(server)["model"]
    assert (found.health, found.cause) == (Health.ERROR, Cause.MODEL_UNFIT)


def test_a_thinking_model_is_a_warning(server: OllamaServer) -> None:
    """It works, and may cost time."""
    server.models["tiny:latest"] = Installed(capabilities=("completion", "thinking"))
    found = examine(server)["thinking"]
    assert (found.health, found.cause) == (Health.WARNING, Cause.THINKING)


def test_a_window_too_small_for_the_projects_derivations(server: OllamaServer, tmp_path: Path) -> None:
    """The model's own window counts, and the smaller one that was asked for."""
    make_project(tmp_path)
    write_derivation(tmp_path, instructions="Facts about a ship. " * 60)
    questions, _ = load_questions(tmp_path)
    assert examine(server, WantedModel(name="tiny", questions=questions))["window"].health is Health.OK
    small = WantedModel(name="tiny", questions=questions, context_tokens=512)
    assert examine(server, small)["window"].cause is Cause.WINDOW_SMALL
    server.models["tiny:latest"] = Installed(context_length=512)
    found = examine(server, WantedModel(name="tiny", questions=questions))["window"]
    assert (found.health, found.cause) == (Health.ERROR, Cause.WINDOW_SMALL)
    assert "own window has 512" in found.mend


def test_a_window_beyond_the_models_own_is_a_wrong_setting(server: OllamaServer) -> None:
    """Ollama would clamp it without a word."""
    found = examine(server, WantedModel(name="tiny", context_tokens=999_999))["window"]
    assert (found.health, found.cause) == (Health.ERROR, Cause.SETTING_INVALID)


def test_a_model_in_memory_with_a_smaller_window(server: OllamaServer) -> None:
    """Without --load it may be another program's doing: a warning; after our own load it is an error."""
    server.loaded["tiny:latest"] = 2048
    found = examine(server)["window"]
    assert (found.health, found.cause) == (Health.WARNING, Cause.WINDOW_SHRUNK)
    assert "2,048" in found.sentence
    assert "HOLOCRON_CONTEXT_TOKENS=2048" in found.mend
    server.loaded_context = 1024
    shrunk = examine(server, opening(server))["load"]
    assert (shrunk.health, shrunk.cause) == (Health.ERROR, Cause.WINDOW_SHRUNK)


@pytest.mark.parametrize(
    ("size_vram", "gpu", "health", "words"),
    [
        pytest.param(0, "NVIDIA Test", Health.WARNING, "although a graphics card (NVIDIA Test)", id="cpu"),
        pytest.param(0, "", Health.OK, "no graphics card", id="cpu-without-gpu"),
        pytest.param(GB, "NVIDIA Test", Health.WARNING, "only 50%", id="half"),
        pytest.param(2 * GB, "NVIDIA Test", Health.OK, "on the graphics card", id="gpu"),
        pytest.param(2 * GB, "", Health.OK, "on the graphics card", id="gpu-of-a-container"),
    ],
)
def test_where_a_model_runs(
    server: OllamaServer, size_vram: int, gpu: str, health: Health, words: str
) -> None:
    """On the processor although a card is there is a warning with the mends of Docker and of drivers."""
    server.models["tiny:latest"] = Installed(size=2 * GB, size_vram=size_vram)
    server.loaded["tiny:latest"] = 8192
    found = examine(server, machine=Machine(gpu=gpu))["processor"]
    assert (found.health, found.cause) == (health, None if health is Health.OK else Cause.ON_PROCESSOR)
    assert words in found.sentence
    if health is not Health.OK:
        for mend in ("compose.gpu.yaml", "driver", "restart Docker Desktop", "macOS"):
            assert mend in found.mend


def test_another_models_graphics_memory_tells_of_a_card(server: OllamaServer) -> None:
    """Where another model is on a card, this one's place on the processor is worth a warning."""
    server.models["other:latest"] = Installed(size_vram=GB)
    server.loaded |= {"tiny:latest": 8192, "other:latest": 8192}
    assert examine(server)["processor"].cause is Cause.ON_PROCESSOR


def test_a_model_larger_than_the_memory_is_a_warning(server: OllamaServer) -> None:
    """It is told before it is loaded, where the server is on this machine."""
    found = examine(server, machine=Machine(memory_bytes=GB))["memory"]
    assert found.health is Health.OK  # the last one: it is not in memory
    place = ServerPlace(url=server.url, engine="Ollama", variable="X")
    all_found = list(examine_ollama(place, WantedModel(name="tiny"), Machine(memory_bytes=GB)))
    assert [one.cause for one in all_found if one.check == "memory"] == [Cause.MEMORY_LOW, None]


def test_a_load_that_goes_well_is_told_with_its_time(server: OllamaServer) -> None:
    """With --load the model is loaded by the very request that derive makes."""
    found = examine(server, opening(server))
    assert found["load"].health is Health.OK
    assert "processor" in found
    assert server.loaded == {"tiny:latest": 4096}


@pytest.mark.parametrize(
    ("fault", "cause", "words"),
    [
        pytest.param(refuse_memory, Cause.MEMORY_LOW, ".wslconfig", id="out-of-memory"),
        pytest.param(
            lambda: refuse(500, "llama runner process has terminated: unable to load model"),
            Cause.MODEL_DAMAGED,
            "again",
            id="damaged",
        ),
        pytest.param(lambda: refuse(400, "no such thing"), Cause.ANSWER_FAILED, "log", id="refused"),
        pytest.param(lambda: refuse(404, "not found"), Cause.MODEL_MISSING, "pull", id="gone"),
    ],
)
def test_a_load_that_fails_has_its_cause(
    server: OllamaServer, fault: Callable[[], Fault], cause: Cause, words: str
) -> None:
    """Out of memory, damaged, refused and gone are told apart."""
    server.plant("/api/generate", fault())
    found = examine(server, opening(server))["load"]
    assert (found.health, found.cause) == (Health.ERROR, cause)
    assert words in found.mend


def test_a_password_is_never_said(server: OllamaServer) -> None:
    """One in the address, and one in what OLLAMA_HOST holds, whether the server answers or not."""
    for url, ollama_host in (
        ("http://me:S3CRET@127.0.0.1:1", ""),
        (server.url, "http://me:S3CRET@models.example.com"),
        ("http://127.0.0.1:1", "me:S3CRET@127.0.0.1:2"),
    ):
        place = ServerPlace(
            url=url, engine="Ollama", variable="OLLAMA_HOST_BASE_URL", ollama_host=ollama_host
        )
        assert "S3CRET" not in str(list(examine_ollama(place, WantedModel(name="tiny"), Machine())))


def test_an_address_that_is_refused_is_said_once() -> None:
    """Nothing is told of a server that cannot be looked for."""
    place = ServerPlace(url="http://me:x@h:1", engine="Ollama", variable="X", ollama_host="ollama")
    found = list(examine_ollama(place, WantedModel(name="tiny"), Machine()))
    assert [one.cause for one in found] == [Cause.ADDRESS_INVALID]


@pytest.mark.parametrize("path", ["/api/version", "/api/tags"])
@pytest.mark.parametrize("said", [{"detail": "Not Found"}, {"error": "not found"}, {"error": {"code": 404}}])
def test_a_server_without_ollamas_paths_is_another_one(
    server: OllamaServer, path: str, said: dict[str, JSONValue]
) -> None:
    """A 404 in JSON, as FastAPI, vLLM and llama.cpp's server say it, names no model."""
    server.plant(path, lambda exchange: exchange.send_json(said, status=404))
    found = examine(server)["server"]
    assert (found.health, found.cause) == (Health.ERROR, Cause.OTHER_SERVER)
