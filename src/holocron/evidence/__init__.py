"""Evidence: sources into items, items into segments, segments into what a prompt can hold."""

from holocron.evidence.budget import CUT_RULE, fit_segments
from holocron.evidence.bundles import EvidenceBundle, EvidenceRejected
from holocron.evidence.cutting import cut_text, read_quote
from holocron.evidence.decoding import MAX_ITEM_BYTES
from holocron.evidence.items import EvidenceItem, MediaType
from holocron.evidence.numbering import check_bundle, number_segments
from holocron.evidence.paths import find_evidence
from holocron.evidence.redaction import REDACTED, compile_patterns, redact
from holocron.evidence.segments import Piece, Segment
from holocron.evidence.sources import inline_bundle, read_bundles

__all__ = [
    "CUT_RULE",
    "MAX_ITEM_BYTES",
    "REDACTED",
    "EvidenceBundle",
    "EvidenceItem",
    "EvidenceRejected",
    "MediaType",
    "Piece",
    "Segment",
    "check_bundle",
    "compile_patterns",
    "cut_text",
    "find_evidence",
    "fit_segments",
    "inline_bundle",
    "number_segments",
    "read_bundles",
    "read_quote",
    "redact",
]
