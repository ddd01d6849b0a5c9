from __future__ import annotations

import pytest

from holocron.evidence.redaction import compile_patterns, redact


def test_every_match_is_replaced() -> None:
    """Each match of each pattern is replaced, the rest is left alone."""
    patterns = compile_patterns([r"[\w.]+@[\w.]+", r"\b\d{3}-\d{4}\b"])
    assert (
        redact("Ask han@holo.net or 555-1138, not 12.", patterns) == "Ask [redacted] or [redacted], not 12."
    )


def test_nothing_to_redact() -> None:
    """Without patterns the text is the same."""
    assert redact("Han", compile_patterns([])) == "Han"


@pytest.mark.parametrize("pattern", ["(", "x*", "", "[z-a]", "a{2,1}"])
def test_bad_patterns_are_named(pattern: str) -> None:
    """What is no expression, or matches everywhere, is refused by name."""
    with pytest.raises(ValueError, match="redaction pattern") as caught:
        compile_patterns(["fine", pattern])
    assert repr(pattern) in str(caught.value)
