"""Holocron: from piles of evidence to cited, checked SQL rows, with a model on your own machine.

The names below are the public ones, and only those; each is imported when it is first used, so that
`holocron --help` does not wait for a database library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holocron.api import Artifact, Results, derive
    from holocron.derivation import Derivation, DerivationOptions, derivation_from_model, load_derivation
    from holocron.errors import HolocronError
    from holocron.evidence import EvidenceBundle, EvidenceItem, MediaType, inline_bundle
    from holocron.pipeline import HOLOCRON_VERSION as __version__  # noqa: N811 - the name every package has
    from holocron.store import JobStatus, Store
    from holocron.work import WorkObserver

_HOMES = {
    "Artifact": "holocron.api",
    "Derivation": "holocron.derivation",
    "DerivationOptions": "holocron.derivation",
    "EvidenceBundle": "holocron.evidence",
    "EvidenceItem": "holocron.evidence",
    "HolocronError": "holocron.errors",
    "JobStatus": "holocron.store",
    "MediaType": "holocron.evidence",
    "Results": "holocron.api",
    "Store": "holocron.store",
    "WorkObserver": "holocron.work",
    "derivation_from_model": "holocron.derivation",
    "derive": "holocron.api",
    "inline_bundle": "holocron.evidence",
    "load_derivation": "holocron.derivation",
}

__all__ = [
    "Artifact",
    "Derivation",
    "DerivationOptions",
    "EvidenceBundle",
    "EvidenceItem",
    "HolocronError",
    "JobStatus",
    "MediaType",
    "Results",
    "Store",
    "WorkObserver",
    "__version__",
    "derivation_from_model",
    "derive",
    "inline_bundle",
    "load_derivation",
]


def __getattr__(name: str) -> object:
    """Import a public name where it lives (PEP 562)."""
    if name == "__version__":
        return import_module("holocron.pipeline").HOLOCRON_VERSION
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'holocron' has no attribute {name!r}")
