"""The Python API: typed artifacts from evidence, in one call."""

from __future__ import annotations

from holocron.api.deriving import Artifact, Results, derive

__all__ = ["Artifact", "Results", "derive"]
