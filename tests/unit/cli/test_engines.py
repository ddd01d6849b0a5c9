from __future__ import annotations

from pathlib import Path

import pytest

from holocron.cli.engines import Engine, NamedModel, engine_in_use, read_name
from holocron.errors import UsageError
from holocron.settings import Settings


def settings_of(model: str) -> Settings:
    """Return settings with a model."""
    return Settings(root=Path(), database_url="sqlite:///x", model=model)


@pytest.mark.parametrize(
    ("in_use", "name", "engine", "known"),
    [
        ("builtin", "llama3.2", Engine.OLLAMA, "llama3.2"),
        ("gguf:x.gguf", "llama3.2:1b", Engine.OLLAMA, "llama3.2:1b"),
        ("ollama:mistral", "llama3.2:1b", Engine.OLLAMA, "llama3.2:1b"),
        ("openai:x", "ollama:llama3.2:1b", Engine.OLLAMA, "llama3.2:1b"),
        ("openai:x", "org/model:free", Engine.OPENAI, "org/model:free"),
        ("builtin", "openai:gpt", Engine.OPENAI, "gpt"),
        ("ollama:x", "builtin", Engine.BUILTIN, ""),
        ("ollama:x", "gguf:models/a.gguf", Engine.BUILTIN, "models/a.gguf"),
        ("builtin", "hf.co/org/name:Q4_K_M", Engine.OLLAMA, "hf.co/org/name:Q4_K_M"),
    ],
)
def test_a_name_means_a_model_of_an_engine(in_use: str, name: str, engine: Engine, known: str) -> None:
    """Its own prefix counts, then the engine in use; a file's engine leaves plain names to Ollama."""
    assert read_name(settings_of(in_use), name) == NamedModel(engine=engine, name=known)


@pytest.mark.parametrize("name", ["", " ", "ollama:", "openai:", "gguf:"])
def test_nothing_and_a_prefix_alone_name_no_model(name: str) -> None:
    """It is a wrong call."""
    with pytest.raises(UsageError):
        read_name(settings_of("builtin"), name)


def test_the_engine_in_use_is_that_of_the_model() -> None:
    """Files and scripts are worked in this process."""
    assert engine_in_use(settings_of("ollama:x")) is Engine.OLLAMA
    assert engine_in_use(settings_of("openai:x")) is Engine.OPENAI
    assert engine_in_use(settings_of("scripted:x")) is Engine.BUILTIN
