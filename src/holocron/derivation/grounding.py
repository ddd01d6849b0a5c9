"""How firmly a value stands on the evidence that it cites."""

from __future__ import annotations

from enum import StrEnum


class Grounding(StrEnum):
    """The levels of support, from the strictest to the loosest.

    A property's `x-ground` names the least level that is accepted for it.
    """

    #: the value stands in a cited segment, character for character
    VERBATIM = "verbatim"
    #: it stands there after normalisation: case, spaces, Unicode, dashes, number words, date forms, synonyms
    NORMALIZED = "normalized"
    #: it is cited, and follows from the segment without standing in it
    INFERRED = "inferred"

    def satisfies(self, least: Grounding) -> bool:
        """Tell whether this level is at least as strict as `least`."""
        return _RANKS[self] <= _RANKS[least]


_RANKS = {level: rank for rank, level in enumerate(Grounding)}
