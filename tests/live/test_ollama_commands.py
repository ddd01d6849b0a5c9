"""`holocron models` and `holocron doctor` with a real Ollama, where OLLAMA_HOST_BASE_URL names one.

In: a server. Out: what the commands make of it. Never: touches a model that these tests did not create.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cli_calls import call, make_project
from holocron.errors import HolocronError
from holocron.llm.ollama_api import OllamaApi
from tiny_gguf import write_tiny_gguf

URL = os.environ.get("OLLAMA_HOST_BASE_URL", "")
NAME = f"holocron-commands-{os.getpid()}"


def _find_reason_to_skip() -> str:
    if not URL:
        return "OLLAMA_HOST_BASE_URL IS NOT SET: NO COMMAND WAS TRIED WITH A REAL OLLAMA"
    try:
        OllamaApi(URL).version()
    except HolocronError as problem:
        return f"NO OLLAMA ANSWERS: {problem}"
    return ""


_REASON = _find_reason_to_skip()
pytestmark = pytest.mark.skipif(bool(_REASON), reason=_REASON)


@pytest.fixture
def created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Create a small model in the server, and delete it in the end; the working folder is a project."""
    monkeypatch.setenv("HOLOCRON_IN_CONTAINER", "0")
    monkeypatch.delenv("HOLOCRON_MODEL", raising=False)
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    monkeypatch.chdir(make_project(tmp_path))
    content = write_tiny_gguf(tmp_path / "tiny.gguf").read_bytes()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    _post(f"/api/blobs/{digest}", content)
    # threads that wait for each other make a small model many times slower
    parameters = {"num_thread": 1, "num_predict": 8}
    request = {"model": NAME, "files": {"tiny.gguf": digest}, "parameters": parameters, "stream": False}
    assert b'"success"' in _post("/api/create", json.dumps(request).encode())
    yield NAME
    call("models", "rm", NAME)


def _post(path: str, content: bytes) -> bytes:
    parts = urlsplit(URL)
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=120)
    connection.request("POST", path, body=content)
    reply = connection.getresponse().read()
    connection.close()
    return reply


def _names(*arguments: str) -> list[str]:
    return [model["name"] for model in call("models", *arguments, "--json").document]


def test_every_verb_with_a_real_server(created: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """List, show, run, ps, stop and rm, in the order of a model's life."""
    full = f"ollama:{created}:latest"
    assert full in _names("list", "ollama")
    shown = call("models", "show", created, "--json").document
    assert (shown["context_length"], shown["capabilities"]) == (4096, ["completion"])
    assert full not in _names("ps")
    monkeypatch.setattr(sys, "stdin", io.StringIO("hello\n/bye\n"))
    talked = call("models", "run", created)
    assert (talked.code, talked.err) == (0, "")
    assert "\x1b" not in talked.out
    (loaded,) = [one for one in call("models", "ps", "--json").document if one["name"] == full]
    assert loaded["context_tokens"] == 4096
    assert "from now" in call("models", "ps").out
    assert call("models", "stop", created).out == f"{created}:latest was unloaded from memory.\n"
    assert full not in _names("ps")
    assert f"{created}:latest is deleted" in call("models", "rm", created).out
    assert full not in _names("list", "ollama")
    assert call("models", "show", created).code == 1


def test_a_pull_of_what_no_registry_has_is_an_error(created: str) -> None:
    """A failure inside a stream that began with HTTP 200; so is a registry that cannot be reached."""
    done = call("models", "pull", f"{created}-nowhere")
    assert (done.code, done.out) == (1, "")
    assert "holocron: the " in done.err


def test_the_doctor_finds_nothing_and_then_what_is_wrong(created: str) -> None:
    """A sound model, one that is loaded on request, one with another window, one that is missing."""
    model = ("--model", f"ollama:{created}")
    assert call("doctor", *model, "--json").document["health"] in ("ok", "warning")
    loaded = call("doctor", *model, "--load", "--json")
    (answered,) = [check for check in loaded.document["checks"] if check["check"] == "load"]
    assert (loaded.code, answered["health"]) == (0, "ok")
    call("models", "stop", created)
    _post("/api/generate", json.dumps({"model": created, "options": {"num_ctx": 1024}}).encode())
    shrunk = call("doctor", *model, "--json")
    assert "window-shrunk" in [check["cause"] for check in shrunk.document["checks"]]
    missing = call("doctor", "--model", f"ollama:{created}-nowhere", "--json")
    assert missing.code == 1
    assert "model-missing" in [check["cause"] for check in missing.document["checks"]]
