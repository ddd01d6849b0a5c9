"""What must be true of a store whose jobs about ships were all done, whatever happened on the way.

In: a store, the number of ships. Out: nothing, or an AssertionError. Never: changes the store.
"""

from __future__ import annotations

from factories import count_rows, rows
from holocron.checking import verify_store
from holocron.store import Store


def check_all_done_once(store: Store, subjects: int) -> None:
    """Hold every job accepted once, no row doubled or dangling, no lease left, and every answer verified."""
    assert rows(store, "SELECT status, count(*) FROM holocron_job GROUP BY status") == [
        ("accepted", subjects)
    ]
    _check_counts(store, subjects)
    _check_links(store, subjects)
    assert list(verify_store(store)) == []


def _check_counts(store: Store, subjects: int) -> None:
    """Every subject has one of each, and every answer its three claims."""
    once = ("content", "bundle", "bundle_item", "subject", "run", "completion", "artifact")
    wanted = {f"holocron_{name}": subjects for name in once}
    ((table,),) = rows(store, "SELECT table_name FROM holocron_derived_table")
    wanted |= {str(table): subjects, "ship_facts": subjects}
    wanted |= {"holocron_claim": 3 * subjects}
    found = count_rows(store, wanted)
    assert found == wanted, found
    # a value may stand in two segments: the ship of the year 1801 has its number there too
    cited = "SELECT DISTINCT artifact_id, claim_ordinal FROM holocron_citation"
    assert len(rows(store, cited)) == 3 * subjects
    assert rows(store, "SELECT count(DISTINCT job_id) FROM holocron_run") == [(subjects,)]
    assert rows(store, "SELECT count(DISTINCT artifact_id) FROM holocron_subject") == [(subjects,)]


def _check_links(store: Store, subjects: int) -> None:
    """No row points at nothing, no job is held, and no dead worker is left."""
    if store.dialect.embedded:
        assert rows(store, "PRAGMA foreign_key_check") == []
        assert rows(store, "PRAGMA integrity_check") == [("ok",)]
    held = (
        "worker_id IS NOT NULL",
        "lease_expires_at IS NOT NULL",
        "finished_at IS NULL",
        "last_error IS NOT NULL",
    )
    assert rows(store, f"SELECT id FROM holocron_job WHERE {' OR '.join(held)}") == []
    shown = "SELECT s.subject FROM holocron_subject s JOIN holocron_artifact a ON a.id = s.artifact_id"
    assert len(rows(store, f"{shown} AND a.job_id = s.job_id")) == subjects
    assert count_rows(store, ["holocron_worker"]) == {"holocron_worker": 0}
