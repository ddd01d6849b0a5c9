"""Which segments a prompt can hold.

In: numbered segments, a budget in tokens and how to count them. Out: what is shown and what is not read.
Never: cuts inside a segment, or forgets what it left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from holocron.evidence.segments import Segment

#: how a bundle is cut, as a run's manifest records it: its leading segments are shown
CUT_RULE = "head"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What of a bundle the model is shown."""

    shown: tuple[Segment, ...]
    #: numbers of the segments that did not fit
    not_read: tuple[int, ...]


def fit_segments(segments: Sequence[Segment], budget_tokens: int, estimate: Callable[[str], int]) -> Reading:
    """Show the leading segments that fit the budget together; the first that does not fit ends it.

    estimate: tokens that one segment's line takes in the prompt.
    """
    left = budget_tokens
    for index, segment in enumerate(segments):
        left -= estimate(segment.text)
        if left < 0:
            rest = tuple(later.number for later in segments[index:])
            return Reading(shown=tuple(segments[:index]), not_read=rest)
    return Reading(shown=tuple(segments), not_read=())
