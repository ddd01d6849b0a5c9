"""What a check finds: a diagnosis, its cause and its mend.

In: words. Out: frozen values that a person and a script can read. Never: checks anything itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from holocron.fingerprint import JSONValue


class Health(StrEnum):
    """How a thing is."""

    OK = "ok"
    #: it works, and something about it will cost time or trust
    WARNING = "warning"
    #: nothing can be derived until it is mended
    ERROR = "error"


class Cause(StrEnum):
    """Why a check is not OK; the words above each are its row in docs/doctor.md."""

    #: a setting, a variable or an entry of holocron.toml cannot be used
    SETTING_INVALID = "setting-invalid"
    #: no folder upwards holds a holocron.toml
    PROJECT_MISSING = "project-missing"
    #: the project asks no question
    DERIVATIONS_MISSING = "derivations-missing"
    #: a derivation, its contract or one of its examples cannot be used
    DERIVATION_INVALID = "derivation-invalid"
    #: a derivation names evidence that is not there
    EVIDENCE_MISSING = "evidence-missing"
    #: there is little room on a disk
    DISK_LOW = "disk-low"
    #: the database cannot be opened
    DATABASE_UNREACHABLE = "database-unreachable"
    #: the database's schema is older than this Holocron
    DATABASE_OLD = "database-old"
    #: a newer Holocron made the database
    DATABASE_NEW = "database-new"
    #: another process holds the database
    DATABASE_BUSY = "database-busy"
    #: jobs wait for a model that neither this project nor a worker has
    QUEUE_WAITING = "queue-waiting"
    #: a derivation, or the whole queue, is paused
    QUEUE_PAUSED = "queue-paused"
    #: the library of the built-in engine cannot be loaded
    LIBRARY_BROKEN = "library-broken"
    #: there is no such model, or no such file
    MODEL_MISSING = "model-missing"
    #: the file is no whole model, or the engine cannot load it
    MODEL_DAMAGED = "model-damaged"
    #: the model writes no text, or another machine runs it
    MODEL_UNFIT = "model-unfit"
    #: OLLAMA_HOST holds a client's address, or one that opens a server to the network
    OLLAMA_HOST = "ollama-host"
    #: the address is no URL of a server
    ADDRESS_INVALID = "address-invalid"
    #: the container's address is used outside the compose network
    CONTAINER_ADDRESS = "container-address"
    #: the host's address is used inside a container
    HOST_ADDRESS = "host-address"
    #: the server's name is not known here
    NAME_UNKNOWN = "name-unknown"
    #: nothing listens on the port
    REFUSED = "refused"
    #: nobody answers in time
    TIMEOUT = "timeout"
    #: the connection breaks, or TLS fails
    CONNECTION_BROKEN = "connection-broken"
    #: something else answers on the port, or a server that lists no model
    OTHER_SERVER = "other-server"
    #: the server answers, and says that it cannot work now
    SERVER_FAILS = "server-fails"
    #: the server refuses the key
    KEY_REFUSED = "key-refused"
    #: the server's version has a known hole, or is not known
    VERSION_OLD = "version-old"
    #: the server can be reached from beyond this machine
    EXPOSED = "exposed"
    #: the model thinks before it answers
    THINKING = "thinking"
    #: the window is too small, or leaves little room for evidence
    WINDOW_SMALL = "window-small"
    #: the model is in memory with another window than was asked for
    WINDOW_SHRUNK = "window-shrunk"
    #: the model runs on the processor, in part or whole, although a graphics card is there
    ON_PROCESSOR = "on-processor"
    #: the memory is too small for the model and its window
    MEMORY_LOW = "memory-low"
    #: the model was loaded and did not answer as it must
    ANSWER_FAILED = "answer-failed"
    #: a check took too long and was left
    CHECK_SLOW = "check-slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What one check found."""

    #: what was looked at, e.g. `database`
    check: str
    health: Health
    sentence: str
    #: what to do about it; a tip where all is well
    mend: str = ""
    #: None where all is well
    cause: Cause | None = None

    def to_json(self) -> dict[str, JSONValue]:
        """Return the diagnosis as `holocron doctor --json` prints it."""
        return {
            "check": self.check,
            "health": str(self.health),
            "cause": None if self.cause is None else str(self.cause),
            "sentence": self.sentence,
            "mend": self.mend,
        }


def well(check: str, sentence: str, tip: str = "") -> Diagnosis:
    """Return the diagnosis of a thing that is as it should be."""
    return Diagnosis(check=check, health=Health.OK, sentence=sentence, mend=tip)


def warn(check: str, cause: Cause, sentence: str, mend: str) -> Diagnosis:
    """Return the diagnosis of a thing that works and should be mended."""
    return Diagnosis(check=check, health=Health.WARNING, sentence=sentence, mend=mend, cause=cause)


def fail(check: str, cause: Cause, sentence: str, mend: str) -> Diagnosis:
    """Return the diagnosis of a thing that stops all derivation."""
    return Diagnosis(check=check, health=Health.ERROR, sentence=sentence, mend=mend, cause=cause)


def show_size(number: int) -> str:
    """Return a number of bytes as people say it: `12 kB`, `350 MB`, `2.0 GB`."""
    if number < 1_000_000:
        return f"{number / 1e3:,.0f} kB"
    return f"{number / 1e6:,.0f} MB" if number < 1_000_000_000 else f"{number / 1e9:,.1f} GB"
