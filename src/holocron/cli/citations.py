"""Citations: claims and what they rest on, as text and as JSON.

In: claims as the store gives them. Out: lines and JSON values. Never: reads the store.
"""

from __future__ import annotations

import json

from holocron.cli.terminal import one_line
from holocron.fingerprint import JSONValue
from holocron.store.reports import StoredArtifact, StoredCitation, StoredClaim


def show_value(value: JSONValue) -> str:
    """Return how a value reads: text as it is, the rest as JSON."""
    return one_line(value) if isinstance(value, str) else json.dumps(value)


def show_support(claim: StoredClaim) -> str:
    """Return how firmly a claim stands, or why it is null."""
    return claim.grounding or (claim.null_reason or "").replace("_", " ")


def show_place(citation: StoredCitation) -> str:
    """Return where a span lies: its segment's number, source and characters."""
    return f"[{citation.segment}] {one_line(citation.source)}, characters {citation.start}-{citation.end}"


def citation_to_json(citation: StoredCitation) -> dict[str, JSONValue]:
    """Return a citation as scripts read it; offsets count code points."""
    return {
        "segment": citation.segment,
        "source": citation.source,
        "source_hash": citation.source_hash,
        "content_hash": citation.content_hash,
        "media_type": str(citation.media_type),
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
    }


def claim_to_json(claim: StoredClaim) -> dict[str, JSONValue]:
    """Return a claim with its citations as scripts read it."""
    return {
        "pointer": claim.pointer,
        "value": claim.value,
        "grounding": claim.grounding,
        "null_reason": claim.null_reason,
        "citations": [citation_to_json(citation) for citation in claim.citations],
    }


def artifact_to_json(artifact: StoredArtifact) -> dict[str, JSONValue]:
    """Return an artifact with its claims as scripts read it."""
    return {
        "derivation": artifact.derivation,
        "subject": artifact.subject,
        "value": artifact.value,
        "superseding": None if artifact.superseding is None else str(artifact.superseding),
        "claims": [claim_to_json(claim) for claim in artifact.claims],
    }
