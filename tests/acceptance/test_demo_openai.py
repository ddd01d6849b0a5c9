"""The demo over the protocol of vLLM: llama.cpp's own OpenAI-compatible server with the built-in model.

In: the model file that is installed. Out: what every subject of the demo's archive came to.
Never: a scripted answer.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli_calls import call, end_process, start_process
from holocron.cli.exits import Exit
from holocron.llm.llamacpp import builtin_model_path
from openai_server import SERVED_NAME, serve_gguf

KEY = "sk-planted-0123456789"
SUBJECTS = 42
LEAST_ACCEPTED = 38
MODEL = f"openai:{SERVED_NAME}"


@pytest.mark.slow
def test_the_demo_is_derived_by_an_openai_compatible_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every subject has a verdict, nearly all are accepted, all of it is true, and the key is nowhere."""
    for name in os.environ:
        if name.startswith(("HOLOCRON_", "OLLAMA_", "OPENAI_")):
            monkeypatch.delenv(name)
    path = builtin_model_path()
    assert path is not None
    with serve_gguf(path, slots=2, context_tokens=4096, key=KEY) as url:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        # the server wants the key: that it answers shows that the key was sent
        monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}-not")
        refused = call("demo", tmp_path / "refused", "--model", MODEL)
        assert (refused.code, "refuses the key" in refused.err) == (Exit.CANNOT_RUN, True)
        assert KEY not in refused.out + refused.err
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        started = start_process("demo", "demo", "--json", "--model", MODEL, cwd=tmp_path)
        done = end_process(started, timeout_s=120)
    assert done.code in (Exit.DONE, Exit.INCOMPLETE), done.err
    (outcome,) = done.document["derivations"]
    assert (outcome["subjects"], outcome["failed"], outcome["open"]) == (SUBJECTS, 0, 0), outcome
    assert outcome["accepted"] + outcome["rejected"] == SUBJECTS, outcome
    assert outcome["accepted"] >= LEAST_ACCEPTED, outcome
    # without the server and its key: what is stored is enough
    verified = call("--project", tmp_path / "demo", "verify")
    assert verified.code == Exit.DONE, verified.out + verified.err
    assert KEY not in done.out + done.err + verified.out + verified.err
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) > SUBJECTS
    assert [file for file in files if KEY.encode() in file.read_bytes()] == []
