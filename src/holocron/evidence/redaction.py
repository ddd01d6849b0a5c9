"""Redaction: what a prompt must not show.

In: a text and patterns. Out: the text with every match replaced. Never: changes stored evidence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: what stands in place of a match
REDACTED = "[redacted]"


def compile_patterns(patterns: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """Compile regular expressions.

    Raises: ValueError naming the pattern that is none, or that matches an empty text and so everywhere.
    """
    compiled: list[re.Pattern[str]] = []
    for pattern in patterns:
        try:
            expression = re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(
                f"the redaction pattern {pattern!r} is no regular expression: {error}"
            ) from error
        if expression.search(""):
            raise ValueError(f"the redaction pattern {pattern!r} matches an empty text, and so everywhere")
        compiled.append(expression)
    return tuple(compiled)


def redact(text: str, patterns: Sequence[re.Pattern[str]]) -> str:
    """Return the text with every match of every pattern replaced by `[redacted]`."""
    for pattern in patterns:
        text = pattern.sub(REDACTED, text)
    return text
