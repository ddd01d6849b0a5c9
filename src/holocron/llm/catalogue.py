"""Which engine a model's name means.

In: a name as a person wrote it. Out: an open LanguageModel. Never: loads an engine that is not asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from holocron.errors import ModelNotFound, SettingsInvalid
from holocron.llm.model import LanguageModel

if TYPE_CHECKING:
    from holocron.llm.openai import OpenAIServer

BUILTIN = "builtin"
MODEL_FORMS = (BUILTIN, "gguf:PATH", "ollama:NAME[:TAG]", "openai:NAME", "scripted:PATH")


class Servers(Protocol):
    """Where the servers of models are."""

    @property
    def ollama_url(self) -> str:
        """Ollama's base URL."""

    @property
    def openai_url(self) -> str | None:
        """The base URL of an OpenAI-compatible server, usually with `/v1` at its end."""

    @property
    def openai_format(self) -> str:
        """How that server is asked for JSON: `json_schema`, `json_object` or `none`."""

    @property
    def openai_key(self) -> str | None:
        """Its key, a secret."""


def open_model(
    name: str,
    *,
    slots: int | None = None,
    context_tokens: int | None = None,
    servers: Servers | None = None,
) -> LanguageModel:
    """Return the model of a name.

    name: `builtin`; `gguf:PATH` for a GGUF file; `ollama:NAME[:TAG]` for a model of an Ollama server;
    `openai:NAME` for one of an OpenAI-compatible server; `scripted:PATH` for a script (holocron.testing).
    slots: requests at once. context_tokens: the window of each request. None lets the engine choose.
    servers: where the servers are; needed by `ollama:` and `openai:` alone.
    Raises: ModelNotFound, ModelDamaged, EngineUnreachable, EngineUnknown, SettingsInvalid.
    """
    prefix, _, place = name.partition(":")
    if name == BUILTIN or (prefix == "gguf" and place):
        from holocron.llm.llamacpp import LlamaCppModel

        path = _find_builtin() if name == BUILTIN else _find_file(place)
        return LlamaCppModel(path, name=name, slots=slots, context_tokens=context_tokens)
    if prefix == "ollama" and place:
        from holocron.llm.ollama import OllamaModel
        from holocron.llm.ollama_api import OllamaApi

        api = OllamaApi(_require(servers).ollama_url)
        return OllamaModel(api, place, slots=slots, context_tokens=context_tokens)
    if prefix == "openai" and place:
        from holocron.llm.openai import OpenAIModel

        server = open_openai_server(_require(servers))
        return OpenAIModel(server, place, slots=slots, context_tokens=context_tokens)
    if prefix == "scripted" and place:
        from holocron.llm.scripted import open_script

        return open_script(Path(place), name=name, slots=slots)
    raise ModelNotFound(
        f"there is no model {name!r}",
        hint=f"A model is named in one of these forms: {', '.join(MODEL_FORMS)}.",
    )


def open_openai_server(servers: Servers) -> OpenAIServer:
    """Return the OpenAI-compatible server that is set. Raises: SettingsInvalid where none is."""
    from holocron.llm.openai import OpenAIServer

    if servers.openai_url is None:
        raise SettingsInvalid(
            "an 'openai:' model needs the address of its server",
            hint="Set OPENAI_BASE_URL, for example to http://localhost:8000/v1.",
        )
    return OpenAIServer(servers.openai_url, key=servers.openai_key, response_format=servers.openai_format)


def _require(servers: Servers | None) -> Servers:
    if servers is None:
        raise SettingsInvalid(
            "no addresses of servers were given", hint="Pass servers=Settings.load().servers."
        )
    return servers


def _find_file(place: str) -> Path:
    try:
        return Path(place).expanduser()
    except RuntimeError as problem:
        raise ModelNotFound(
            f"there is no model at {place}: nobody of that name has a home folder here",
            hint="Write the path out.",
        ) from problem


def _find_builtin() -> Path:
    from holocron.llm.llamacpp import builtin_model_path

    path = builtin_model_path()
    if path is None:
        raise ModelNotFound(
            "this installation has no built-in model",
            hint="Name a GGUF file of your own: gguf:PATH, for example with --model or HOLOCRON_MODEL.",
        )
    return path
