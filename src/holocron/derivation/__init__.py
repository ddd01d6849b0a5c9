"""The derivation room: what is asked, and in which words."""

from __future__ import annotations

from holocron.derivation.catalogue import (
    derivation_from_definition,
    derivation_from_model,
    load_catalogue,
    load_derivation,
)
from holocron.derivation.contract import CITE, Contract
from holocron.derivation.derivations import Derivation, DerivationOptions, Example
from holocron.derivation.grounding import Grounding

__all__ = [
    "CITE",
    "Contract",
    "Derivation",
    "DerivationOptions",
    "Example",
    "Grounding",
    "derivation_from_definition",
    "derivation_from_model",
    "load_catalogue",
    "load_derivation",
]
