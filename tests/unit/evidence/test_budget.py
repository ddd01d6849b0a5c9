from __future__ import annotations

import pytest

from holocron.evidence.budget import CUT_RULE, fit_segments
from holocron.evidence.segments import Segment, SegmentKind

SEGMENTS = [
    Segment(n, 0, SegmentKind.SENTENCE, 0, 1, "x" * size) for n, size in enumerate([3, 4, 9, 1], start=1)
]


@pytest.mark.parametrize(
    ("budget_tokens", "shown", "not_read"),
    [
        pytest.param(17, [1, 2, 3, 4], (), id="all of it, to the last token"),
        pytest.param(16, [1, 2, 3], (4,), id="the last does not fit"),
        pytest.param(8, [1, 2], (3, 4), id="a later one that would fit is not read either"),
        pytest.param(2, [], (1, 2, 3, 4), id="the first alone does not fit"),
        pytest.param(-5, [], (1, 2, 3, 4), id="no room at all"),
    ],
)
def test_leading_segments_are_shown(budget_tokens: int, shown: list[int], not_read: tuple[int, ...]) -> None:
    """Segments are shown in order until the first that does not fit; the others are listed."""
    reading = fit_segments(SEGMENTS, budget_tokens, len)
    assert ([segment.number for segment in reading.shown], reading.not_read) == (shown, not_read)


def test_the_rule_has_a_name() -> None:
    """The manifest records how a bundle was cut."""
    assert CUT_RULE == "head"
