"""The seam to every engine: the LanguageModel protocol and what passes through it.

In: a Prompt (messages, decoding schema, output limit). Out: a Completion, or a ModelError.
Never: judges an answer, or cuts a prompt that does not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from holocron.derivation.prompt import Prompt
from holocron.fingerprint import JSONValue, hash_text


class FinishReason(StrEnum):
    """Why the model stopped."""

    #: it ended its answer
    STOP = "stop"
    #: the output limit or the window ended it: the answer is cut
    LENGTH = "length"


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What an engine can do; it is not asked for what it cannot, and validation judges all the same."""

    #: the most pieces of a pattern made from the evidence that it holds an answer to (see
    #: derivation.copying); None is as many as are made
    copied_pieces: int | None = None
    #: whether its slots are its own count; otherwise they are the most that are worth trying
    knows_slots: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """Which model answers, precisely enough to tell two apart."""

    #: as the user wrote it: `builtin`, `gguf:models/x.gguf`, `ollama:llama3.2`
    name: str
    #: SHA-256 of the weights, or the engine's own digest of them; the same digest is the same model
    digest: str
    #: e.g. `llama.cpp`
    engine: str
    engine_version: str
    #: tokens in the window of one request
    context_tokens: int
    #: no part of a manifest: the schema's hash there says what was asked
    abilities: Abilities = Abilities()

    @property
    def fingerprint(self) -> str:
        """Return what enters a job's key: the weights, whatever they are called and wherever they lie."""
        return hash_text(self.digest)

    def to_json(self) -> dict[str, JSONValue]:
        """Return the identity as a manifest records it."""
        return {
            "name": self.name,
            "digest": self.digest,
            "engine": self.engine,
            "engine_version": self.engine_version,
            "context_tokens": self.context_tokens,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What the model said, verbatim."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    output_tokens: int
    #: wall time of reading the prompt and of writing the answer; 0 where the engine does not say
    prompt_ms: float = 0.0
    output_ms: float = 0.0


#: called as tokens arrive, with the number since the last call; returns False to cancel
OnProgress = Callable[[int], bool]


@runtime_checkable
class LanguageModel(Protocol):
    """A model that answers one prompt at a time, from several threads at once."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""

    @property
    def slots(self) -> int:
        """How many requests in flight are worth having."""

    def estimate_tokens(self, text: str) -> int:
        """Return about how many tokens a text takes; the engine's own count decides in the end."""

    def complete(self, prompt: Prompt, on_progress: OnProgress | None = None) -> Completion:
        """Answer a prompt under its schema.

        Raises: PromptTooLong (never cuts), ModelUnavailable, ModelStalled, SchemaRefused,
        CompletionCancelled where on_progress said no.
        """

    def close(self) -> None:
        """Free the weights and every thread; may be called twice."""
