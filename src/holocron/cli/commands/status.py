"""`holocron status`: where everything stands."""

from __future__ import annotations

import click

from holocron.cli.given import Given, json_option, pass_given
from holocron.cli.project import open_store_as_is, show_database
from holocron.cli.terminal import print_json, print_table, say
from holocron.settings import Settings
from holocron.store import JobStatus
from holocron.store.control import list_pauses, resuming
from holocron.store.reports import count_statuses
from holocron.store.tables import EVERY_DERIVATION

#: a superseded job is nobody's current one
_SHOWN = tuple(status for status in JobStatus if status is not JobStatus.SUPERSEDED)


@click.command(
    epilog="""\b
Examples:
  holocron status
  holocron status --json"""
)
@json_option
@pass_given
def command(given: Given, as_json: bool) -> None:  # noqa: FBT001 - an option
    """Count the jobs of every derivation by status, and say where the answers are and which model is set."""
    settings = given.load_settings()
    counts, paused = _count(settings)
    if as_json:
        print_json(
            {
                "project": str(settings.root),
                "database": show_database(settings),
                "model": settings.model,
                "paused": sorted(paused),
                "derivations": {
                    name: {str(status): jobs for status, jobs in row.items()} for name, row in counts.items()
                },
            }
        )
        return
    is_new = settings.database_file is not None and not settings.database_file.exists()
    say(f"Project:  {settings.root}")
    say(f"Database: {show_database(settings)}{' (not made yet)' if is_new else ''}")
    say(f"Model:    {settings.model}")
    say()
    if counts:
        # nobody but those who cancel needs to know that one can
        is_cancelled = any(row[JobStatus.CANCELLED] for row in counts.values())
        shown = [status for status in _SHOWN if is_cancelled or status is not JobStatus.CANCELLED]
        rows = [[name, *(f"{row[status]:,}" for status in shown)] for name, row in counts.items()]
        print_table(["derivation", *map(str, shown)], rows)
    else:
        say("Nothing has been derived yet. Type: holocron derive")
    for name in sorted(paused):
        said = "The whole queue is paused" if name == EVERY_DERIVATION else f"{name} is paused"
        say(f"{said}. Go on: {resuming(name)}")


def _count(settings: Settings) -> tuple[dict[str, dict[JobStatus, int]], set[str]]:
    """Return the jobs by derivation and status, and what is paused."""
    counts: dict[str, dict[JobStatus, int]] = {}
    if settings.database_file is not None and not settings.database_file.exists():
        return counts, set()
    with open_store_as_is(settings) as store:
        for count in count_statuses(store):
            counts.setdefault(count.derivation, dict.fromkeys(_SHOWN, 0))[count.status] = count.jobs
        return counts, set(list_pauses(store))
