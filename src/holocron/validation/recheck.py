"""Re-checking: is a stored claim still true of the stored evidence? No model is needed.

In: a claim, its citations' items and spans. Out: nothing, or the lie in one sentence.
Never: touches the store (checking.py streams it through here).
"""

from __future__ import annotations

from collections.abc import Sequence

from holocron.derivation.grounding import Grounding
from holocron.derivation.shapes import JSONScalar, ScalarShape
from holocron.evidence import MediaType, read_quote
from holocron.fingerprint import hash_text
from holocron.validation.ground import ground_leaf


def recheck_content(content_hash: str, text: str) -> str | None:
    """Return what is wrong where a text does not have its hash."""
    found = hash_text(text)
    return None if found == content_hash else f"content {content_hash} hashes to {found}"


def recheck_claim(
    value: JSONScalar,
    grounding: str | None,
    quotes: Sequence[tuple[str, MediaType, str]],
    shape: ScalarShape,
) -> str | None:
    """Return what is wrong where the quotes do not support a value as firmly as it is recorded.

    quotes: each with its item's media type and whole text.
    """
    if value is None:
        return "a null has a grounding" if grounding is not None or quotes else None
    if grounding is None or not quotes:
        return f"{value!r} cites nothing"
    if grounding not in set(Grounding):
        return f"{value!r} is recorded as {grounding!r}, which is no grounding"
    if any(not quote.strip() for quote, _, _ in quotes):
        return f"{value!r} cites an empty span"
    read = [read_quote(*quote) for quote in quotes]
    level = ground_leaf(value, read, shape).grounding
    if not level.satisfies(Grounding(grounding)):
        return f"{value!r} is recorded as {grounding} and is {level}"
    return None
