"""A load that fails because of a setting: which one it was."""

from __future__ import annotations

from contextlib import closing

import pytest

from holocron.doctor import Cause, Health
from holocron.doctor.loading import check_answer
from holocron.llm.ollama import OllamaModel
from holocron.llm.ollama_api import OllamaApi
from holocron.llm.openai import OpenAIModel, OpenAIServer
from ollama_server import Installed, OllamaServer
from openai_server import OpenAIServerFake


def test_a_key_that_is_refused_is_no_shrunk_window() -> None:
    """The load says the same of a key as the list of models does."""
    with OpenAIServerFake(key="sk-right") as server:
        found = check_answer(
            lambda: closing(OpenAIModel(OpenAIServer(f"{server.url}/v1", key="sk-wrong"), "tiny"))
        )
    assert (found.health, found.cause) == (Health.ERROR, Cause.KEY_REFUSED)
    assert "OPENAI_API_KEY" in found.mend


@pytest.mark.parametrize(
    ("server", "context_tokens", "cause"),
    [
        pytest.param(OllamaServer(loaded_context=512), 1024, Cause.WINDOW_SHRUNK, id="shrunk"),
        pytest.param(OllamaServer(version="0.9.6"), 1024, Cause.VERSION_OLD, id="old"),
        pytest.param(OllamaServer(), 99_999, Cause.SETTING_INVALID, id="too much asked"),
        pytest.param(
            OllamaServer(models={"tiny:latest": Installed(capabilities=("embedding",))}),
            1024,
            Cause.SETTING_INVALID,
            id="no text",
        ),
    ],
)
def test_settings_of_ollama_are_told_apart(server: OllamaServer, context_tokens: int, cause: Cause) -> None:
    """Only a model that was loaded with less than it was asked for has a shrunk window."""
    with server:
        found = check_answer(
            lambda: closing(OllamaModel(OllamaApi(server.url), "tiny", context_tokens=context_tokens))
        )
    assert (found.health, found.cause) == (Health.ERROR, cause)
    assert found.mend
