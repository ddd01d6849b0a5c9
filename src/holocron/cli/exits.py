"""Exit codes: how a command ends, for scripts."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command."""

    #: done, and everything was accepted
    DONE = 0
    #: it could not run, or `verify` found a lie
    CANNOT_RUN = 1
    #: the call names an option, a derivation, a subject or a value that is not there
    USAGE = 2
    #: it finished, and some jobs were rejected or failed or are still open, or some evidence was unusable
    INCOMPLETE = 3
    #: someone stopped it
    INTERRUPTED = 130
