"""`holocron workers`: who works the queue."""

from __future__ import annotations

import datetime as dt

import click

from holocron.cli.given import Given, json_option, pass_given
from holocron.cli.progress import show_duration
from holocron.cli.project import open_store_as_is
from holocron.cli.terminal import print_json, print_table, say
from holocron.store.workers import list_worker_rows
from holocron.work.presence import find_dead, find_living


@click.command(
    epilog="""\b
Examples:
  holocron workers
  holocron workers --json"""
)
@json_option
@pass_given
def command(given: Given, as_json: bool) -> None:  # noqa: FBT001 - an option
    """List the workers, the oldest first: where they run, with which model, and how many jobs they hold.

    A worker is `alive`; or `dead`, where its process on this machine is gone; or `silent`, where one on
    another machine has said nothing for three minutes. The jobs of both go to the workers that are there.
    """
    with open_store_as_is(given.load_settings()) as store:
        rows = list_worker_rows(store)
        processes = [row.process for row in rows]
        states = {row.process.worker_id: "silent" if row.is_silent else "alive" for row in rows}
        states |= dict.fromkeys(find_living(store, processes), "alive")
        states |= dict.fromkeys(find_dead(store, processes), "dead")
    if as_json:
        print_json(
            [
                {
                    "worker": row.process.worker_id,
                    "state": states[row.process.worker_id],
                    "host": row.process.host,
                    "process": row.process.process_id,
                    "model": row.model,
                    "slots": row.slots,
                    "started_at": row.started_at.isoformat() + "Z",
                    "seen_at": row.seen_at.isoformat() + "Z",
                    "jobs": row.held,
                }
                for row in rows
            ]
        )
        return
    if not rows:
        say("There is no worker. Start one: holocron worker.")
        return
    print_table(
        ["worker", "state", "host", "process", "model", "slots", "since", "seen", "jobs"],
        [
            (
                row.process.worker_id,
                states[row.process.worker_id],
                row.process.host.split()[0],
                row.process.process_id,
                row.model,
                row.slots,
                _ago(row.silence + (row.seen_at - row.started_at)),
                _ago(row.silence),
                row.held,
            )
            for row in rows
        ],
    )


def _ago(span: dt.timedelta) -> str:
    return f"{show_duration(max(0.0, span.total_seconds()))} ago"
