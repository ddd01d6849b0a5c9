"""The last check: a model is loaded and answers one small question.

In: a way to open a model. Out: one diagnosis. Never: runs unasked: loading may take minutes and all memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from holocron.derivation.prompt import Message, Prompt, Role
from holocron.doctor.diagnosis import Cause, Diagnosis, fail, well
from holocron.errors import ModelDamaged, ModelError, ModelNotFound, ModelTooLarge, SettingsInvalid
from holocron.llm.model import LanguageModel
from holocron.pipeline import Question

#: what a load says of a setting, and the cause that it is
_SETTING_CAUSES = {
    "refuses the key": Cause.KEY_REFUSED,
    "with a window of": Cause.WINDOW_SHRUNK,
    "cuts long prompts": Cause.VERSION_OLD,
}
_QUESTION = Prompt(
    messages=(
        Message(
            Role.SYSTEM, "Answer with one JSON object about the subject, taken from the numbered evidence."
        ),
        Message(Role.USER, "Subject: Grey Tern\n\n[1] The Grey Tern is blue."),
    ),
    schema={
        "type": "object",
        "properties": {"is_blue": {"type": "boolean"}},
        "required": ["is_blue"],
        "additionalProperties": False,
    },
    max_output_tokens=64,
)
MEND_MEMORY = (
    "Use a smaller model (llama3.2:1b), a smaller window (HOLOCRON_CONTEXT_TOKENS) or fewer slots; stop "
    "other "
    "containers and models (holocron models stop NAME); give Docker more memory: under WSL2 that is "
    "'memory=' in "
    ".wslconfig, elsewhere Docker Desktop's Settings, Resources."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedModel:
    """The model that is to answer, and how."""

    #: its name at the engine, without the engine's
    name: str
    questions: Sequence[Question] = ()
    #: the window that a person asked for; None lets the engine choose
    context_tokens: int | None = None
    #: opens the model to load it; None where no model may be loaded
    open: Callable[[], AbstractContextManager[LanguageModel]] | None = None


def check_answer(open_model: Callable[[], AbstractContextManager[LanguageModel]]) -> Diagnosis:
    """Load a model, have it answer, and say how long that took."""
    began = time.monotonic()
    try:
        with open_model() as model:
            completion = model.complete(_QUESTION)
            name = model.identity.name
    except ModelTooLarge as problem:
        return fail("load", Cause.MEMORY_LOW, str(problem), MEND_MEMORY)
    except ModelDamaged as problem:
        return fail("load", Cause.MODEL_DAMAGED, str(problem), problem.hint)
    except ModelNotFound as problem:
        return fail("load", Cause.MODEL_MISSING, str(problem), problem.hint)
    except SettingsInvalid as problem:
        said = str(problem)
        found = (cause for words, cause in _SETTING_CAUSES.items() if words in said)
        return fail("load", next(found, Cause.SETTING_INVALID), said, problem.hint)
    except ModelError as problem:
        mend = problem.hint or "Look into the server's log: docker compose logs ollama."
        return fail("load", Cause.ANSWER_FAILED, str(problem), mend)
    took = time.monotonic() - began
    return well(
        "load", f"{name} was loaded and answered in {took:,.1f} s ({completion.output_tokens} tokens)"
    )
