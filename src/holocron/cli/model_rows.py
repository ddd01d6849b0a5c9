"""Models as rows and lines, for people and for scripts.

In: what engines say of their models, files. Out: cells, lines and JSON. Never: talks to an engine.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from holocron.cli.progress import show_duration
from holocron.cli.terminal import one_line, print_table, say
from holocron.doctor.diagnosis import show_size
from holocron.errors import ModelDamaged, ModelNotFound, SettingsInvalid
from holocron.fingerprint import JSONValue
from holocron.llm.catalogue import BUILTIN
from holocron.llm.gguf import read_gguf
from holocron.llm.llamacpp import builtin_model_path
from holocron.llm.ollama_api import ListedModel, LoadedModel, ShownModel
from holocron.settings import Settings, expand_home

MODELS_FOLDER = "models"
#: a model that is to stay for good has an end centuries away
_FOREVER = dt.timedelta(days=3650)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model file as the lists show it."""

    name: str
    size: str = ""
    architecture: str = ""
    window: str = ""
    #: why it cannot be used; empty where it can
    problem: str = ""

    def to_row(self) -> tuple[str, ...]:
        """Return its cells; where it cannot be used, the reason stands in the architecture's place."""
        return self.name, self.size, self.problem or self.architecture, self.window

    def to_json(self) -> dict[str, JSONValue]:
        """Return it as scripts read it."""
        return asdict(self)


def listed_to_json(model: ListedModel) -> dict[str, JSONValue]:
    """Return a model on Ollama's disk as JSON."""
    return {
        "name": f"ollama:{model.name}",
        "digest": model.digest,
        "size_bytes": model.size_bytes,
        "family": model.family,
        "parameters": model.parameters,
        "quantization": model.quantization,
        "modified_at": model.modified_at,
    }


def loaded_to_json(model: LoadedModel) -> dict[str, JSONValue]:
    """Return a model in Ollama's memory as JSON."""
    return {
        "name": f"ollama:{model.name}",
        "digest": model.digest,
        "size_bytes": model.size_bytes,
        "vram_bytes": model.vram_bytes,
        "context_tokens": model.context_length,
        "expires_at": model.expires_at,
    }


def shown_to_json(listed: ListedModel, shown: ShownModel, window: int) -> dict[str, JSONValue]:
    """Return all that is known of a model of Ollama's. window: what a derivation would ask for."""
    return {
        **listed_to_json(listed),
        "context_length": shown.context_length,
        "context_tokens": window,
        "capabilities": sorted(shown.capabilities),
        "is_remote": shown.is_remote,
        "settings": _text(shown, "parameters"),
        "template": _text(shown, "template"),
        "license": _text(shown, "license"),
    }


def show_shown(listed: ListedModel, shown: ShownModel, window: int) -> None:
    """Print what is known of a model of Ollama's."""
    trained = f"{shown.context_length:,} tokens" if shown.context_length else "it does not say"
    facts = {
        "name": f"ollama:{listed.name}",
        "digest": listed.digest,
        "size": show_size(listed.size_bytes),
        "family": shown.family,
        "parameters": shown.parameters,
        "quantization": shown.quantization,
        "window": f"{trained}; a request is given {window:,}; HOLOCRON_CONTEXT_TOKENS changes that",
        "can": ", ".join(sorted(shown.capabilities)),
        "settings": "; ".join(" ".join(line.split()) for line in _text(shown, "parameters").splitlines()),
        "license": _text(shown, "license").strip().partition("\n")[0],
    }
    for key, value in facts.items():
        if value:
            say(f"{key + ':':<14} {one_line(value)}")


def show_loaded(loaded: Sequence[LoadedModel], now: dt.datetime | None = None) -> None:
    """Print the models in Ollama's memory."""
    moment = now or dt.datetime.now(dt.UTC)
    print_table(
        ["name", "digest", "size", "on the GPU", "window", "until"],
        [
            (
                f"ollama:{model.name}",
                model.digest[:12],
                show_size(model.size_bytes),
                f"{model.vram_bytes / model.size_bytes:.0%}" if model.size_bytes else "",
                f"{model.context_length:,}" if model.context_length else "",
                show_end(model.expires_at, moment),
            )
            for model in loaded
        ],
    )


def show_end(expires_at: str, now: dt.datetime) -> str:
    """Return how long from now a model stays in memory; what is no time is shown as it is."""
    try:
        left = dt.datetime.fromisoformat(expires_at) - now
    except (ValueError, TypeError, OverflowError):
        return expires_at
    if left > _FOREVER:
        return "forever"
    return f"{show_duration(left.total_seconds())} from now" if left > dt.timedelta() else "stopping"


def list_files(settings: Settings) -> list[ModelFile]:
    """Return the model files: the built-in one, the one that is set and the project's own."""
    names = [BUILTIN] if builtin_model_path() else []
    names += [settings.model] if settings.model.startswith("gguf:") else []
    names += [f"gguf:{path}" for path in sorted((settings.root / MODELS_FOLDER).glob("*.gguf"))]
    files: list[ModelFile] = []
    for name in dict.fromkeys(names):
        try:
            files.append(read_file(name))
        except (ModelNotFound, ModelDamaged, SettingsInvalid) as problem:
            files.append(ModelFile(name=name, problem=str(problem)))
    return files


def read_file(name: str) -> ModelFile:
    """Return what a model's file says of itself. Raises: ModelNotFound, ModelDamaged, SettingsInvalid."""
    path = builtin_model_path() if name == BUILTIN else expand_home(name.partition(":")[2])
    if path is None:
        raise ModelNotFound(
            "this installation has no built-in model",
            hint="Name a GGUF file of your own (gguf:PATH) or a model of Ollama's (ollama:NAME).",
        )
    header = read_gguf(path)
    return ModelFile(
        name=name,
        size=show_size(path.stat().st_size),
        architecture=header.architecture,
        window=f"{header.context_length:,}",
    )


def _text(shown: ShownModel, key: str) -> str:
    value = shown.raw.get(key)
    return value if isinstance(value, str) else ""
