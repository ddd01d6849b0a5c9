"""`holocron jobs`: the jobs one by one, and why some did not end well."""

from __future__ import annotations

import click

from holocron.cli.given import Given, json_option, pass_given
from holocron.cli.project import open_store_as_is, refuse_unknown_derivation
from holocron.cli.terminal import note, print_json, print_table, say
from holocron.fingerprint import JSONValue
from holocron.store import JobStatus
from holocron.store.reports import JobRow, list_jobs

#: what every database can count to, with one more
_MOST = 1_000_000


@click.command(
    epilog="""\b
Examples:
  holocron jobs --status rejected
  holocron jobs entity_facts --limit 20 --json"""
)
@click.argument("name", required=False)
@click.option(
    "--status", type=click.Choice([str(status) for status in JobStatus]), help="Only jobs that stand so."
)
@click.option(
    "--limit", type=click.IntRange(1, _MOST), default=100, show_default=True, help="The most jobs to list."
)
@click.option("--all", "everything", is_flag=True, help="Also jobs that a newer one has replaced.")
@json_option
@pass_given
def command(
    given: Given,
    name: str | None,
    status: str | None,
    limit: int,
    everything: bool,  # noqa: FBT001 - an option
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """List jobs, the newest first, with the first finding of those that were rejected or failed.

    NAME is a derivation; without it, the jobs of all are listed. Jobs that a newer one of the same subject
    has replaced, whatever became of them, are listed with --all; superseded ones were never worked.
    """
    chosen = JobStatus(status) if status else None
    with open_store_as_is(given.load_settings()) as store:
        if name is not None:
            refuse_unknown_derivation(store, name)
        rows = list_jobs(
            store,
            status=chosen,
            derivation=name,
            limit=limit + 1,
            wanted=not everything and chosen is not JobStatus.SUPERSEDED,
        )
    if as_json:
        print_json([_to_json(row) for row in rows[:limit]])
        return
    if not rows:
        say("There is no such job.")
        return
    print_table(
        ["job", "status", "derivation", "subject", "attempts", "why"],
        [
            (row.job_id, row.status, row.derivation, row.subject, row.attempt, row.last_error)
            for row in rows[:limit]
        ],
    )
    if len(rows) > limit:
        note(f"… and more; --limit {limit * 10} shows more of them")


def _to_json(row: JobRow) -> dict[str, JSONValue]:
    return {
        "job": row.job_id,
        "status": str(row.status),
        "derivation": row.derivation,
        "subject": row.subject,
        "model": row.model,
        "attempts": row.attempt,
        "why": row.last_error,
        "created_at": row.created_at.isoformat() + "Z",
        "finished_at": None if row.finished_at is None else row.finished_at.isoformat() + "Z",
    }
