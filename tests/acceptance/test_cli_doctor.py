"""`holocron doctor` as a person and a script call it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_calls import Call, call, end_process, make_project, start_process
from holocron.doctor import Cause
from ollama_server import OllamaServer
from tiny_gguf import write_tiny_gguf

#: Windows has a home folder for every name, beside the user's own
HOMELESS = Cause.MODEL_MISSING if os.name == "nt" else Cause.SETTING_INVALID


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a sound project, which is the working folder."""
    for name in os.environ:
        if name.startswith(("HOLOCRON_", "OLLAMA_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOLOCRON_IN_CONTAINER", "0")
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


@pytest.fixture
def server(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    """Return a scripted Ollama at the address that counts here."""
    with OllamaServer() as running:
        monkeypatch.setenv("OLLAMA_HOST_BASE_URL", running.url)
        yield running


def causes(done: Call) -> list[str]:
    """Return what is not well."""
    return [check["cause"] for check in done.document["checks"] if check["cause"]]


def test_all_is_well(server: OllamaServer) -> None:
    """Every check is a line, the count stands at the end, and the exit code is 0."""
    done = call("doctor", "--model", "ollama:tiny")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert all(line.startswith(("ok ", " ")) for line in lines[:-2])
    assert lines[-1] == "0 errors, 0 warnings."
    assert f"Ollama is looked for at {server.url}: OLLAMA_HOST_BASE_URL counts outside" in done.out
    assert not server.loaded


def test_a_model_is_loaded_on_request_alone(server: OllamaServer) -> None:
    """With --load the window is what the project is set to."""
    done = call("doctor", "--model", "ollama:tiny", "--load", "--json")
    assert (done.code, done.document["health"]) == (0, "ok")
    assert server.loaded == {"tiny:latest": 4096}
    (loaded,) = [check for check in done.document["checks"] if check["check"] == "load"]
    assert "answered" in loaded["sentence"]


def test_a_script_reads_health_causes_and_mends(server: OllamaServer) -> None:
    """--json has the worst health, each check, and a stable cause."""
    server.version = "0.12.0"
    done = call("doctor", "--model", "ollama:nope", "--json")
    assert (done.code, done.document["health"]) == (1, "error")
    assert causes(done) == [Cause.VERSION_OLD, Cause.MODEL_MISSING]
    bad = [check for check in done.document["checks"] if check["health"] == "error"]
    assert all(check["mend"] for check in bad)


def test_warnings_alone_exit_with_0(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's URL in OLLAMA_HOST is told, and stops nothing."""
    monkeypatch.setenv("OLLAMA_HOST", "http://ollama:11434")
    done = call("doctor", "--model", "ollama:tiny", "--json")
    assert (done.code, done.document["health"], causes(done)) == (0, "warning", [Cause.OLLAMA_HOST])


@pytest.mark.parametrize(
    ("toml", "arguments", "cause"),
    [
        pytest.param("nonsense = 1", [], Cause.SETTING_INVALID, id="unknown-key"),
        pytest.param("model = ", [], Cause.SETTING_INVALID, id="no-toml"),
        pytest.param("", ["--model", "gpt"], Cause.SETTING_INVALID, id="no-such-form"),
        pytest.param("", ["--model", "openai:x"], Cause.SETTING_INVALID, id="no-address"),
        pytest.param("", ["--model", "gguf:~nosuchuser/x.gguf"], HOMELESS, id="no-home"),
        pytest.param("model = 'gguf:~nosuchuser/x.gguf'", [], HOMELESS, id="no-home-in-file"),
        pytest.param("", ["--model", "gguf:nowhere.gguf"], Cause.MODEL_MISSING, id="no-file"),
        pytest.param('model = "scripted:nowhere.json"', [], Cause.MODEL_MISSING, id="no-script"),
        pytest.param('database_url = "nosuch://x"', [], Cause.SETTING_INVALID, id="database"),
    ],
)
def test_wrong_settings_are_diagnoses(project: Path, toml: str, arguments: list[str], cause: Cause) -> None:
    """What every other command refuses to start with is a line of the doctor's, in JSON too."""
    (project / "holocron.toml").write_text(toml + "\n")
    done = call("doctor", *arguments, "--json")
    assert done.code == 1
    assert cause in causes(done)


def test_files_and_scripts_are_checked_and_answer(project: Path) -> None:
    """The engine in this process, and a script for tests."""
    path = write_tiny_gguf(project / "tiny.gguf")
    done = call("doctor", "--model", f"gguf:{path}", "--json")
    assert (done.code, causes(done)) == (0, [])
    scripted = call("doctor", "--json")
    assert (scripted.code, causes(scripted)) == (0, [])
    assert call("--project", project, "doctor", "--load").code in (0, 1)


def test_a_project_beside_the_working_folder_is_examined(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a project there are warnings; --project names one."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("HOLOCRON_MODEL", f"scripted:{project / 'script.json'}")
    assert causes(call("doctor", "--json")) == [Cause.PROJECT_MISSING, Cause.DERIVATIONS_MISSING]
    assert causes(call("--project", project, "doctor", "--json")) == []


def test_nothing_hangs_when_everything_does(project: Path) -> None:
    """An engine and a database that take connections and say nothing are told within about ten seconds."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        began = time.monotonic()
        process = start_process(
            "doctor",
            "--model",
            "ollama:tiny",
            "--json",
            cwd=project,
            OLLAMA_HOST_BASE_URL=f"http://127.0.0.1:{port}",
            HOLOCRON_DATABASE_URL=f"postgresql://u:secret@127.0.0.1:{port}/d",
        )
        done = end_process(process)
        took = time.monotonic() - began
    assert (done.code, "secret" in done.out + done.err) == (1, False)
    assert took < 25  # the limit of a group is 8 s; the rest is a busy machine starting Python
    assert Cause.TIMEOUT in causes(done)
    assert any(check["check"] == "database" and check["cause"] for check in done.document["checks"])


def test_an_openai_compatible_server_is_looked_for_at_its_own_address(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ollama's variables have no part in it, and no command of Ollama's is advised."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    done = call("doctor", "--model", "openai:small", "--json")
    assert (done.code, causes(done)) == (1, [Cause.REFUSED])
    assert "OPENAI_BASE_URL" in done.document["checks"][-1]["mend"]
    assert "ollama" not in done.document["checks"][-1]["mend"]
