"""`holocron models` against a scripted Ollama and a scripted OpenAI-compatible server."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli_calls import call, end_process, make_project, start_process
from holocron.cli.commands import models
from holocron.fingerprint import JSONValue
from holocron.llm.llamacpp import builtin_model_path
from ollama_server import Installed, OllamaServer, Pull, refuse_busy, refuse_memory
from scripted_http import Exchange, Fault, ScriptedServer, answer_page, drop_at_once, refuse, send_lines
from tiny_gguf import write_tiny_gguf

ESCAPE = "\x1b]0;owned\x07"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    """Return a scripted Ollama at the address that counts here, and an empty working folder."""
    for name in os.environ:
        if name.startswith(("HOLOCRON_", "OLLAMA_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOLOCRON_IN_CONTAINER", "0")
    with OllamaServer(pullable={"llama3.2:latest": Pull()}) as running:
        monkeypatch.setenv("OLLAMA_HOST_BASE_URL", running.url)
        yield running


def test_the_verbs_of_a_models_life(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pull, list, show, ps, stop and rm do what `ollama` does, by a plain name or one with its engine."""
    pulled = call("models", "pull", "llama3.2")
    assert (pulled.code, "llama3.2:latest" in pulled.out) == (0, True)
    assert "success" in pulled.err
    listed = call("models", "list", "ollama")
    assert [line.split()[0] for line in listed.out.splitlines()] == [
        "name",
        "ollama:tiny:latest",
        "ollama:llama3.2:latest",
    ]
    shown = call("models", "show", "ollama:llama3.2")
    assert "window:        8,192 tokens; a request is given 4,096" in shown.out
    monkeypatch.setenv("HOLOCRON_CONTEXT_TOKENS", "2048")
    assert call("models", "show", "ollama:llama3.2", "--json").document["context_tokens"] == 2048
    assert "a request is given 2,048" in call("models", "show", "ollama:llama3.2").out
    assert call("models", "ps").out == "No model is in memory.\n"
    server.loaded["llama3.2:latest"] = 8192
    assert "8,192" in call("--model", "ollama:tiny", "models", "ps").out
    assert call("models", "stop", "llama3.2").out == "llama3.2:latest was unloaded from memory.\n"
    assert not server.loaded
    assert call("models", "stop", "llama3.2").out == "llama3.2:latest was not in memory.\n"
    server.loaded["llama3.2:latest"] = 8192
    removed = call("models", "rm", "llama3.2")
    assert server.asked("/api/generate")[-1] == {"model": "llama3.2:latest", "keep_alive": 0}
    assert (removed.code, "llama3.2:latest is deleted (2.0 GB" in removed.out) == (0, True)
    assert list(server.models) == ["tiny:latest"]
    assert call("models", "rm", "tiny").code == 0
    assert "holocron models pull" in call("models", "list", "ollama").out


def test_a_model_that_is_busy_leaves_later(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ollama finishes what it was asked first; stop does not wait for that without bound."""
    monkeypatch.setattr(models, "_UNLOAD_LIMIT_S", 0.2)
    server.loaded["tiny:latest"] = 4096
    server.plant("/api/generate", lambda exchange: exchange.send_json({"done": True}))
    done = call("models", "stop", "tiny")
    assert (done.code, "as soon as" in done.out) == (0, True)


def test_scripts_get_json(server: OllamaServer) -> None:
    """list, pull, show and ps print one document."""
    pulled = call("models", "pull", "llama3.2", "--json").document
    assert pulled["name"] == "ollama:llama3.2:latest"
    assert [one["digest"] for one in call("models", "list", "ollama", "--json").document][1] == pulled[
        "digest"
    ]
    assert call("models", "show", "tiny", "--json").document["context_length"] == 8192
    server.loaded["tiny:latest"] = 4096
    (loaded,) = call("models", "ps", "--json").document
    assert (loaded["name"], loaded["context_tokens"], loaded["vram_bytes"]) == ("ollama:tiny:latest", 4096, 0)


@pytest.mark.parametrize(
    ("verb", "mend"),
    [
        ("show", "holocron models pull nope"),
        ("run", "holocron models pull nope"),
        ("stop", "'holocron models list ollama'"),
        ("rm", "'holocron models list ollama'"),
    ],
)
def test_a_model_that_is_not_there_says_what_to_do(server: OllamaServer, verb: str, mend: str) -> None:
    """Exit code 1, a sentence and a mend; who wants to be rid of a model is not told to pull it."""
    done = call("models", verb, "nope")
    assert (done.code, done.out) == (1, "")
    assert "no model 'nope'" in done.err
    assert mend in done.err
    assert ("pull" in done.err) is ("pull" in mend)


@pytest.mark.parametrize("status", [200, 400])
def test_a_name_that_no_model_can_have_is_told(server: OllamaServer, status: int) -> None:
    """What Ollama refuses as a name comes with how names are written, wherever it says so."""
    error = json.dumps({"error": "invalid model name"}).encode() + b"\n"
    server.plant("/api/pull", send_lines(error) if status == 200 else refuse(400, "invalid model name"))
    done = call("models", "pull", "a model!")
    assert (done.code, done.out) == (1, "")
    assert "'a model!' is no name" in done.err
    assert "NAME:TAG" in done.err
    assert len(server.asked("/api/pull")) == 1


def test_a_container_says_which_variable_it_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where only the other place's address is set, the error names the one that counts, and why."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OLLAMA_BASE_URL", raising=False)
    monkeypatch.setenv("OLLAMA_HOST_BASE_URL", "http://10.1.2.3:11434")
    monkeypatch.setenv("HOLOCRON_IN_CONTAINER", "1")
    monkeypatch.setattr("holocron.settings.DEFAULT_OLLAMA_URL", "http://127.0.0.1:9")
    make_project(tmp_path)
    for done in (call("models", "ps"), call("derive", "--model", "ollama:tiny")):
        assert done.code == 1
        assert "cannot be reached" in done.err
        assert "OLLAMA_BASE_URL counts inside a container (HOLOCRON_IN_CONTAINER=1)" in done.err
        assert "OLLAMA_HOST_BASE_URL is set, and is not read here" in done.err


def test_what_a_server_does_not_know_is_left_out(server: OllamaServer) -> None:
    """A file without its quantisation is `unknown` to Ollama; no list or check repeats that."""
    server.models["tiny:latest"] = Installed(parameters="107K", quantization="unknown")
    for done in (
        call("models", "list", "ollama"),
        call("models", "show", "tiny"),
        call("doctor", "--model", "ollama:tiny"),
    ):
        assert "107K" in done.out
        assert "unknown" not in done.out


def test_a_failure_inside_the_stream_of_a_pull_is_an_error(server: OllamaServer) -> None:
    """HTTP 200 and an error line: a name that no registry has, and a registry that is away."""
    missing = call("models", "pull", "nosuch")
    assert missing.code == 1
    assert "the registry has no model 'nosuch'" in missing.err
    server.pullable["broken:latest"] = Pull(error="dial tcp: lookup registry: no such host")
    broken = call("models", "pull", "broken")
    assert broken.code == 1
    assert "no such host" in broken.err
    assert "internet connection" in broken.err
    assert len(server.asked("/api/pull")) <= 5


def test_a_pull_that_breaks_off_goes_on(server: OllamaServer) -> None:
    """A connection that is cut after something came is taken up again, and what came is not lost."""
    line = json.dumps({"status": "pulling abc", "digest": "sha256:abc", "total": 10, "completed": 5}).encode()
    server.plant("/api/pull", send_lines(line + b"\n", then="cut"))
    done = call("models", "pull", "llama3.2")
    assert (done.code, len(server.asked("/api/pull"))) == (0, 2)
    assert "going on from there" in done.err


def test_a_pull_has_bars_on_a_terminal(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each layer has its bar; the server's words are text and nothing else."""
    monkeypatch.setenv("TERM", "xterm")
    evil = json.dumps({"status": f"pulling {ESCAPE}[red]", "digest": "sha256:1", "total": 9, "completed": 9})
    server.plant("/api/pull", send_lines(f"{evil}\n".encode(), b'{"status":"success"}\n'))
    server.models["llama3.2:latest"] = Installed()
    done = call("models", "pull", "llama3.2", terminal=True)
    assert done.code == 0
    assert "9/9 bytes" in done.err
    assert "\x1b]0;" not in done.err
    assert "[red]" in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_ctrl_c_cancels_a_pull(server: OllamaServer, tmp_path: Path) -> None:
    """The process ends with 130, and the server learns that nobody listens any more."""
    server.pullable["slow:latest"] = Pull(layers=(10**9,), steps=1000, pause_s=0.02)
    process = start_process("models", "pull", "slow", cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not server.downloaded and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    done = end_process(process)
    assert done.code == 130
    assert "Traceback" not in done.err
    while not server.broken and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.broken == 1


def test_what_a_server_says_cannot_control_the_terminal(server: OllamaServer) -> None:
    """Names, families and licences are shown as text."""
    server.models[f"evil{ESCAPE}:latest"] = Installed(family=ESCAPE, parameters=ESCAPE)
    server.loaded[f"evil{ESCAPE}:latest"] = 4096
    for done in (
        call("models", "list", "ollama"),
        call("models", "show", f"evil{ESCAPE}"),
        call("models", "ps"),
        call("models", "stop", f"evil{ESCAPE}"),
        call("models", "rm", f"evil{ESCAPE}"),
    ):
        assert done.code == 0
        assert "\x1b" not in done.out + done.err


def say(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let a text be standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@pytest.mark.parametrize("text", ["hello\n\nand again\n/bye\nnever\n", "hello\nand again"])
def test_a_chat_answers_each_line_and_remembers(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """`/bye` and the end of the input leave; the window is that of a derivation."""
    say(monkeypatch, text)
    done = call("models", "run", "tiny")
    assert (done.code, done.out) == (0, "Hello, I am a scripted model.\n" * 2)
    first, second = server.asked("/api/chat")
    assert first["messages"] == [{"role": "user", "content": "hello"}]
    assert [turn["content"] for turn in second["messages"]] == [  # type: ignore[index,union-attr]  # a list
        "hello",
        "Hello, I am a scripted model.",
        "and again",
    ]
    assert first["options"] == {"num_ctx": 4096}


def test_a_chat_shows_hostile_answers_as_text(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model's answer cannot control the terminal, wherever its pieces are cut."""
    server.answer = lambda _: f"a{ESCAPE}b"
    say(monkeypatch, "hello\n")
    assert call("models", "run", "tiny").out == "a\\x1b]0;owned\\x07b\n"


PART = b'{"message":{"role":"assistant","content":"So"},"done":false}\n'


@pytest.mark.parametrize(
    ("fault", "out", "said"),
    [
        (
            send_lines(PART, b'{"error":"model runner has stopped"}\n'),
            "So\n",
            "holocron: Ollama failed: model runner has stopped\n",
        ),
        (send_lines(PART), "So\n", "holocron: Ollama broke the answer off\n"),
        (refuse_busy(), "", "holocron: Ollama cannot answer now: server busy"),
        (
            refuse_memory(),
            "",
            "holocron: Ollama cannot load 'tiny:latest': model requires more system memory",
        ),
    ],
    ids=["error-line", "loop", "busy", "no-memory"],
)
def test_a_bad_answer_is_told_and_the_chat_goes_on(
    fault: Fault, out: str, said: str, server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, the next question is answered, and the one that failed is no part of the conversation."""
    server.plant("/api/chat", fault)
    say(monkeypatch, "hello\nand again\n/bye\n")
    done = call("models", "run", "tiny")
    assert (done.code, done.out) == (0, f"{out}Hello, I am a scripted model.\n")
    assert done.err.startswith(said)
    assert server.asked("/api/chat")[-1]["messages"] == [{"role": "user", "content": "and again"}]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (drop_at_once(), "cannot be reached"),
        (refuse(404, "model 'tiny' not found"), "has no model"),
        (lambda exchange: exchange.send_whole(b"<html>", status=400), "is not Ollama"),
    ],
    ids=["away", "missing", "another-server"],
)
def test_a_chat_ends_where_nobody_will_answer(
    fault: Fault, said: str, server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that cannot be reached and a model that is gone end it with 1; no other question is asked."""
    # a connection that was kept is tried once more
    server.plant("/api/chat", fault, times=2)
    say(monkeypatch, "hello\nand again\n")
    done = call("models", "run", "tiny")
    assert (done.code, done.out) == (1, "")
    assert said in done.err
    asked = [body["messages"][-1]["content"] for body in server.asked("/api/chat")]
    assert set(asked) == {"hello"}


@pytest.mark.parametrize(
    "size", ["1e400", "1" + "0" * 400, "-1e400", "NaN"], ids=["inf", "long", "-inf", "nan"]
)
def test_sizes_that_are_no_numbers_are_no_fault(size: str, server: OllamaServer) -> None:
    """What a server says of sizes may be anything; the models are listed all the same."""
    entry = f'{{"name":"tiny:latest","digest":"{"d" * 64}","size":{size},"size_vram":{size},'
    entry += f'"context_length":{size}}}'
    for verb, path in ((("list", "ollama"), "/api/tags"), (("ps",), "/api/ps")):
        server.plant(path, answer_page(f'{{"models":[{entry}]}}'.encode()), times=2)
        done = call("models", *verb)
        assert (done.code, done.err) == (0, "")
        assert "ollama:tiny:latest" in done.out
        (listed,) = call("models", *verb, "--json").document
        assert listed["size_bytes"] == 0


ENTRY: dict[str, JSONValue] = {
    "id": "small",
    "owned_by": ESCAPE,
    "max_model_len": 2048,
    "meta": {"n_vocab": 5, "tags": ["a", None]},
}


class SpeakingServer(ScriptedServer):
    """An OpenAI-compatible server that says one thing."""

    def respond(self, exchange: Exchange, path: str) -> None:
        """Answer the list and the chat."""
        if path == "/v1/models":
            exchange.send_json({"data": [ENTRY]})
            return
        exchange.begin_stream("text/event-stream")
        for text, finish in (("Good ", None), (f"day{ESCAPE}", None), ("", "stop")):
            delta: JSONValue = {"choices": [{"delta": {"content": text}, "finish_reason": finish}]}
            exchange.send_chunk(f"data: {json.dumps(delta)}\n\n".encode())
        exchange.send_chunk(b"data: [DONE]\n\n")
        exchange.end_stream()


@pytest.fixture
def openai(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[SpeakingServer]:
    """Return a scripted OpenAI-compatible server at the address that is set."""
    with SpeakingServer() as running:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{running.url}/v1")
        monkeypatch.setenv("HOLOCRON_MODEL", "openai:small")
        yield running


def test_an_openai_compatible_server_lists_shows_and_chats(
    openai: SpeakingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine in use is the one that a plain name and no name mean."""
    assert call("models", "list").out.splitlines() == ["name", "openai:small"]
    shown = call("models", "show", "small")
    assert "2048" in shown.out
    assert "\x1b" not in shown.out
    assert call("models", "show", "small", "--json").document == ENTRY
    assert call("models", "list", "--json").document == [{"name": "openai:small"}]
    assert call("models", "show", "large").code == 1
    say(monkeypatch, "hello\n")
    assert call("models", "run", "small").out == "Good day\\x1b]0;owned\\x07\n"
    openai.plant("/v1/chat/completions", send_lines(b'data: {"error": {"message": "out of slots"}}\n\n'))
    say(monkeypatch, "hello\n")
    failed = call("models", "run", "small")
    assert (failed.code, failed.out) == (0, "")
    assert "out of slots" in failed.err
    openai.plant("/v1/chat/completions", send_lines(b'data: {"choices":[null]}\n\ndata: 1\n\n'))
    say(monkeypatch, "hello\n")
    broken = call("models", "run", "small")
    assert (broken.code, broken.out) == (0, "")
    assert broken.err.startswith("holocron: the model's server ")
    openai.plant("/v1/chat/completions", refuse(401, "no such key"))
    say(monkeypatch, "hello\nagain\n")
    refused = call("models", "run", "small")
    assert (refused.code, refused.out) == (1, "")
    assert "refuses the key" in refused.err


@pytest.mark.parametrize("arguments", [["pull", "x"], ["stop", "x"], ["rm", "x"], ["ps"]])
def test_a_verb_that_the_engine_lacks_is_a_wrong_call(openai: SpeakingServer, arguments: list[str]) -> None:
    """Exit code 2 and a sentence, and nothing is asked of any server."""
    done = call("models", *arguments)
    assert (done.code, done.out) == (2, "")
    assert "OpenAI-compatible" in done.err
    assert not openai.requests


def test_files_are_listed_and_shown(server: OllamaServer, tmp_path: Path) -> None:
    """The engine in this process has the project's files; a damaged one says so and hides no other."""
    builtin = call("models", "list").out.splitlines()[1]
    path = builtin_model_path()
    assert path is not None
    assert builtin.split() == ["builtin", f"{path.stat().st_size / 1e6:.0f}", "MB", "llama", "4,096"]
    (tmp_path / "models").mkdir()
    path = write_tiny_gguf(tmp_path / "models" / "tiny.gguf")
    (tmp_path / "models" / "zzz.gguf").write_bytes(b"GGUF")
    rows = call("models", "list").out.splitlines()
    assert rows[1].split() == builtin.split()
    assert rows[2].split() == [f"gguf:{path}", "435", "kB", "llama", "4,096"]
    assert "not a whole GGUF model" in rows[3]
    listed = call("models", "list", "--json").document
    assert [(file["architecture"], bool(file["problem"])) for file in listed[1:]] == [
        ("llama", False),
        ("", True),
    ]
    assert "architecture:  llama" in call("models", "show", f"gguf:{path}").out
    assert call("models", "show", "builtin").code == 0
    assert call("models", "show", "gguf:nowhere.gguf").code == 1
    for arguments in (["run", "builtin"], ["pull", "builtin"], ["show", "gguf:"], ["show", "ollama:"]):
        assert call("models", *arguments).code == 2
    assert not server.requests


def test_a_server_that_is_away_is_one_sentence(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every verb that needs it ends with 1 and points to the doctor."""
    monkeypatch.setenv("OLLAMA_HOST_BASE_URL", "http://127.0.0.1:1")
    for arguments in (["list", "ollama"], ["ps"], ["pull", "x"], ["show", "x"], ["run", "x"]):
        done = call("models", *arguments)
        assert done.code == 1
        assert "nothing listens there" in done.err
        assert "holocron doctor" in done.err
