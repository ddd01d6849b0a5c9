"""The error family: everything that Holocron raises on purpose.

HolocronError
├── SettingsInvalid          a setting, variable or holocron.toml entry cannot be used
├── UsageError               a call or command names something that is not there
├── EvidenceError
│   ├── EvidenceMissing      no file, folder or glob match
│   ├── EvidenceUnreadable   it is there, but is not text we can read
│   └── EvidenceTooLarge     it is over the size that one item may have
├── DerivationError
│   ├── DerivationInvalid    the derivation file cannot be used
│   ├── ContractInvalid      the contract is no schema, or can never be satisfied or rendered
│   └── ExampleInvalid       an example breaks its own contract or evidence
├── ModelError
│   ├── ModelNotFound        no such model, or no such file
│   ├── ModelDamaged         the file is no model, or is cut short
│   ├── ModelTooLarge        the machine has too little memory for the model and its window
│   ├── ModelUnavailable     the engine does not answer now
│   │   └── EngineUnreachable  no connection to the engine's server, or it was lost
│   ├── EngineUnknown        something else answers at the engine's address
│   ├── ModelStalled         the engine stopped sending
│   ├── CompletionCancelled  the caller stopped the answer
│   ├── PromptTooLong        the engine's window is smaller than the prompt
│   └── SchemaRefused        the engine cannot enforce the answer's schema
└── StoreError
    ├── StoreUnreachable     the database cannot be opened or written
    ├── StoreTooNew          a newer Holocron made this database
    ├── StoreTooOld          a server's database that 'holocron db upgrade' has not brought up to date
    ├── StoreFull            no room is left where the database lies
    ├── StoreBusy            another process holds the database too long
    ├── StoreConflict        two transactions stood in each other's way
    ├── ViewHeld             someone reads a view, or built on it, so that it cannot be swapped
    └── WorkerForgotten      a worker's record was deleted while it was at work

A rejected answer is a verdict, never an exception.
"""

from __future__ import annotations

from enum import StrEnum


class HolocronError(Exception):
    """Something Holocron refuses or could not do, in one sentence that names the thing."""

    #: what the user can do about it; empty where the sentence says it all
    hint: str = ""
    #: whether the same call may succeed later, with nothing changed
    retryable: bool = False

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())
        if hint is not None:
            self.hint = hint


class SettingsInvalid(HolocronError):
    """A setting cannot be used."""


class UsageError(HolocronError):
    """The call names something that is not there."""


class EvidenceError(HolocronError):
    """A piece of evidence cannot be used."""


class EvidenceMissing(EvidenceError):
    """There is no evidence at that place."""

    hint = "Check the path or the glob; quote globs so that the shell does not expand them."


class EvidenceUnreadable(EvidenceError):
    """The evidence is there, but it is not text that can be read."""


class EvidenceTooLarge(EvidenceError):
    """The evidence is larger than one item may be."""

    hint = "Split the file; every part becomes a subject or an item of a bundle file."


class DerivationError(HolocronError):
    """A derivation cannot be used."""


class DerivationInvalid(DerivationError):
    """The derivation file cannot be used."""


class ContractInvalid(DerivationError):
    """The contract can never be satisfied or rendered.

    pointer: JSON pointer into the contract of what is wrong; empty for its root.
    """

    def __init__(self, reason: str, *, pointer: str = "", hint: str | None = None) -> None:
        place = f"at {pointer}" if pointer else "at its root"
        super().__init__(f"the contract cannot be used: {place}, {reason}", hint=hint)
        self.pointer = pointer
        self.reason = reason


class ExampleInvalid(DerivationError):
    """An example breaks its own contract or evidence."""


class ModelError(HolocronError):
    """The language model could not answer."""


class ModelNotFound(ModelError):
    """There is no such model."""


class ModelDamaged(ModelError):
    """The file is not a model that can be loaded."""


class ModelTooLarge(ModelError):
    """The machine has too little memory for the model and its window."""

    hint = "Use a smaller model, a smaller window (HOLOCRON_CONTEXT_TOKENS) or fewer requests at once."


class ModelUnavailable(ModelError):
    """The engine does not answer."""

    retryable = True


class Unreachable(StrEnum):
    """Why there is no connection to an engine's server."""

    #: its host's name means nothing here
    NAME = "name"
    #: nothing listens on its port
    REFUSED = "refused"
    #: nobody answered in time
    TIMEOUT = "timeout"
    #: its certificate is not trusted, or it does not speak TLS
    TLS = "tls"
    #: the connection broke
    LOST = "lost"


class EngineUnreachable(ModelUnavailable):
    """There is no connection to the engine's server."""

    def __init__(
        self,
        message: str = "",
        *,
        reason: Unreachable = Unreachable.LOST,
        address: str = "",
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        #: the URL that was tried
        self.address = address


class EngineUnknown(ModelError):
    """Something else answers at the engine's address."""


class ModelStalled(ModelError):
    """The engine stopped sending in the middle of an answer."""

    retryable = True


class CompletionCancelled(ModelError):
    """The answer was stopped on request."""

    retryable = True


class PromptTooLong(ModelError):
    """The prompt does not fit the engine's window.

    prompt_tokens: what the prompt takes; context_tokens: what the engine has; answer_tokens: what is kept
    free for the answer, where that is what did not fit.
    """

    def __init__(self, *, prompt_tokens: int, context_tokens: int, answer_tokens: int = 0) -> None:
        answer = f", its answer up to {answer_tokens}," if answer_tokens else ""
        super().__init__(
            f"the prompt takes {prompt_tokens} tokens{answer} and the model's window has {context_tokens}",
            hint="Use a model with a longer window, or a shorter contract and instructions.",
        )
        self.prompt_tokens = prompt_tokens
        self.context_tokens = context_tokens


class SchemaRefused(ModelError):
    """The engine cannot enforce the answer's schema."""


class StoreError(HolocronError):
    """The store could not do what was asked."""


class StoreUnreachable(StoreError):
    """The database cannot be opened or written."""

    hint = "Check HOLOCRON_DATABASE_URL; 'holocron db bootstrap' makes a server's database and its login."


class StoreTooNew(StoreError):
    """A newer Holocron made this database."""

    hint = "Upgrade Holocron: pip install --upgrade holocron-analytics."


class StoreTooOld(StoreError):
    """The database's schema is older than this Holocron."""

    hint = "Bring it up to date: holocron db upgrade. A new database is made by: holocron db bootstrap."


class StoreFull(StoreError):
    """No room is left where the database lies."""

    hint = "Free some room; nothing that was committed is lost, and the next run goes on from there."


class StoreBusy(StoreError):
    """Another process holds the database too long."""

    hint = "Wait for the other process, or stop it; nothing is lost."
    retryable = True


class StoreConflict(StoreError):
    """Two transactions stood in each other's way, and this one was undone."""

    hint = "Run it again; nothing of it was written."
    retryable = True


class ViewHeld(StoreError):
    """Someone reads a view, or built something on it, so that it cannot be swapped."""


class WorkerForgotten(StoreError):
    """The record of this worker was deleted while it was at work."""
