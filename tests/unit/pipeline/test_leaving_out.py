"""What cannot be read, and what does not fit: left out by name, never in silence."""

from __future__ import annotations

import dataclasses

import pytest

from factories import HONEST, make_derivation, ship_bundle, ship_text
from holocron.evidence import EvidenceBundle, EvidenceRejected, MediaType, inline_bundle
from holocron.llm.scripted import scripted_identity
from holocron.store import JobStatus, Store
from holocron.testing import ScriptedModel
from holocron.work import derive_evidence


def test_evidence_that_cannot_be_cut_gets_no_job(store: Store) -> None:
    """Broken JSON, and a page with nothing to cite, are named at planning; the others are derived."""
    broken = inline_bundle("broken", '{"a": ', MediaType.JSON)
    drawn = inline_bundle("drawn", "-----", MediaType.MARKDOWN)
    bundles: list[EvidenceBundle | EvidenceRejected] = [broken, ship_bundle(1), drawn]
    summary = derive_evidence(store, ScriptedModel(HONEST), make_derivation(), bundles)
    assert summary.statuses == {JobStatus.ACCEPTED: 1}
    assert ["it is not JSON" in str(entry.error) for entry in summary.unusable] == [True, False]
    assert "nothing that can be cited" in str(summary.unusable[1].error)


@pytest.mark.parametrize(("lines", "partly_read"), [(0, 0), (400, 1)], ids=["all of it", "a part"])
def test_evidence_that_was_read_in_part_is_counted(store: Store, lines: int, partly_read: int) -> None:
    """A summary says how many answers rest on less than all of their evidence."""
    text = ship_text(1) + "".join(f" Nobody has read page {number}." for number in range(lines))
    identity = dataclasses.replace(scripted_identity(), context_tokens=2048)
    model = ScriptedModel(HONEST, identity=identity)
    summary = derive_evidence(store, model, make_derivation(), [inline_bundle("ship 1", text)])
    assert summary.statuses == {JobStatus.ACCEPTED: 1}
    assert summary.partly_read == partly_read
