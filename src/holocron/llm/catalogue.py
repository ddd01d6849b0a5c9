"""Which engine a model's name means.

In: a name as a person wrote it. Out: an open LanguageModel. Never: loads an engine that is not asked for.
"""

from __future__ import annotations

from pathlib import Path

from holocron.errors import ModelNotFound
from holocron.llm.model import LanguageModel

BUILTIN = "builtin"
MODEL_FORMS = (BUILTIN, "gguf:PATH", "scripted:PATH")


def open_model(name: str, *, slots: int | None = None, context_tokens: int | None = None) -> LanguageModel:
    """Return the model of a name.

    name: `builtin`; `gguf:PATH` for a GGUF file; `scripted:PATH` for a script (see holocron.testing).
    slots: requests at once. context_tokens: the window of each request. None lets the engine choose.
    Raises: ModelNotFound, ModelDamaged, SettingsInvalid.
    """
    prefix, _, place = name.partition(":")
    if name == BUILTIN or (prefix == "gguf" and place):
        from holocron.llm.llamacpp import LlamaCppModel

        path = _find_builtin() if name == BUILTIN else Path(place).expanduser()
        return LlamaCppModel(path, name=name, slots=slots, context_tokens=context_tokens)
    if prefix == "scripted" and place:
        from holocron.llm.scripted import open_script

        return open_script(Path(place), name=name, slots=slots)
    raise ModelNotFound(
        f"there is no model {name!r}",
        hint=f"A model is named in one of these forms: {', '.join(MODEL_FORMS)}.",
    )


def _find_builtin() -> Path:
    from holocron.llm.llamacpp import builtin_model_path

    path = builtin_model_path()
    if path is None:
        raise ModelNotFound(
            "this installation has no built-in model",
            hint="Name a GGUF file of your own: gguf:PATH, for example with --model or HOLOCRON_MODEL.",
        )
    return path
