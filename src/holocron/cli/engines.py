"""Engines as `holocron models` meets them: which one a name means, and its server.

In: settings, names as people write them. Out: the engine, and the name that it knows.
Never: opens a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from holocron.errors import UsageError
from holocron.llm.catalogue import BUILTIN
from holocron.settings import Settings


class Engine(StrEnum):
    """Who has models."""

    #: files, run in this process
    BUILTIN = "builtin"
    OLLAMA = "ollama"
    OPENAI = "openai"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedModel:
    """A model as a person named it."""

    engine: Engine
    #: what the engine calls it; a path for a file, empty for the built-in model
    name: str


def engine_in_use(settings: Settings) -> Engine:
    """Return the engine of the model that is set."""
    prefix = settings.model.partition(":")[0]
    return Engine(prefix) if prefix in (Engine.OLLAMA, Engine.OPENAI) else Engine.BUILTIN


def read_name(settings: Settings, name: str) -> NamedModel:
    """Return the model that a name means: `ollama:NAME`, or `NAME` alone at the engine in use.

    Where the engine in use has files, a plain name is Ollama's.
    Raises: UsageError.
    """
    if not name.strip():
        raise UsageError("a model's name is empty", hint="Write it as ollama:NAME, openai:NAME or gguf:PATH.")
    prefix, mark, rest = name.partition(":")
    if name == BUILTIN:
        return NamedModel(engine=Engine.BUILTIN, name="")
    if mark and prefix in ("gguf", Engine.OLLAMA, Engine.OPENAI):
        if not rest:
            raise UsageError(f"{name!r} names no model", hint=f"Write it as {prefix}:NAME.")
        return NamedModel(engine=Engine.BUILTIN if prefix == "gguf" else Engine(prefix), name=rest)
    engine = engine_in_use(settings)
    return NamedModel(engine=Engine.OLLAMA if engine is Engine.BUILTIN else engine, name=name)


def require_ollama(model: NamedModel, verb: str) -> str:
    """Return the name of a model of Ollama's. Raises: UsageError for an engine that has no such verb."""
    if model.engine is Engine.OPENAI:
        raise UsageError(
            f"an OpenAI-compatible server has no {verb!r}",
            hint="Its own program does that; 'holocron models list openai' shows what it has.",
        )
    if model.engine is Engine.BUILTIN:
        raise UsageError(
            f"{verb!r} is for Ollama's models; this one is a file in your own hands",
            hint="Name a model of Ollama's: ollama:NAME.",
        )
    return model.name
