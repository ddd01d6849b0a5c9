"""`holocron enqueue`: evidence in, jobs in the queue; workers do the rest."""

from __future__ import annotations

from collections.abc import Sequence, Set

import click

from holocron.cli.exits import Exit
from holocron.cli.given import Given, json_option, model_option, pass_given
from holocron.cli.progress import open_display
from holocron.cli.project import choose_derivations, open_project_model, read_evidence, show_database
from holocron.cli.running import refuse_unusable
from holocron.cli.terminal import print_json, say
from holocron.derivation.catalogue import load_catalogue
from holocron.fingerprint import JSONValue
from holocron.settings import Settings
from holocron.store import Store
from holocron.store.control import list_pauses, resuming
from holocron.store.tables import EVERY_DERIVATION, OPEN
from holocron.work import DeriveSummary, enqueue_evidence

#: far more than anyone needs, and far less than every database can hold
_MOST = 1_000_000


@click.command(
    epilog="""\b
Examples:
  holocron enqueue
  holocron enqueue entity_facts archive/ --priority 10
  holocron worker"""
)
@click.argument("name", required=False)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "--priority",
    type=click.IntRange(-_MOST, _MOST),
    help="Jobs of a higher priority are worked first. Default: 0, or what a waiting job has.",
)
@click.option("--force", is_flag=True, help="Ask again about subjects that are unchanged.")
@model_option
@json_option
@pass_given
def command(
    given: Given,
    /,
    name: str | None,
    paths: tuple[str, ...],
    priority: int | None,
    model: str | None,
    **flags: bool,
) -> Exit:
    """Put the jobs about some evidence into the queue and return; no model is loaded, and none answers.

    NAME and PATH are those of `holocron derive`, and so is what counts as unchanged. The jobs wait for a
    `holocron worker` with the same model, on any machine that reaches the database.

    Exit codes: 0 done; 3 some evidence was unusable; 1 could not run; 2 usage.
    """
    settings = given.load_settings(model=model)
    chosen = choose_derivations(load_catalogue(settings.root), name)
    evidence = {made.name: read_evidence(made, paths, settings.root) for made in chosen}
    summaries: list[DeriveSummary] = []
    with open_project_model(settings) as named, Store(settings.database_url) as store:
        for derivation in chosen:
            with open_display(derivation.name) as display:
                summary = enqueue_evidence(
                    store,
                    named,
                    derivation,
                    evidence[derivation.name],
                    force=flags["force"],
                    priority=priority,
                    observer=display,
                )
            summaries.append(summary)
        pauses = set(list_pauses(store))
    code = _judge(summaries)
    if flags["as_json"]:
        print_json(_to_json(settings, summaries, code))
    else:
        _report(summaries, pauses, given.name_work("worker", model))
    return code


def _judge(summaries: Sequence[DeriveSummary]) -> Exit:
    refuse_unusable(summaries)
    return Exit.INCOMPLETE if any(summary.unusable for summary in summaries) else Exit.DONE


def _report(summaries: Sequence[DeriveSummary], pauses: Set[str], worker: str) -> None:
    for summary in summaries:
        say(_describe(summary))
        for name in sorted(pauses & {summary.derivation, EVERY_DERIVATION}):
            say(f"  {summary.derivation} is paused; '{resuming(name)}' hands its jobs out again.")
    if any(_count_open(summary) for summary in summaries):
        say(f"Work them: {worker}")


def _count_open(summary: DeriveSummary) -> int:
    return sum(summary.statuses[status] for status in OPEN)


def _describe(summary: DeriveSummary) -> str:
    text = f"{summary.derivation}: {_count_open(summary):,} in the queue, {summary.unchanged:,} unchanged."
    if summary.unusable:
        text += f" {len(summary.unusable):,} of the evidence cannot be used."
    return text


def _to_json(settings: Settings, summaries: Sequence[DeriveSummary], code: Exit) -> dict[str, JSONValue]:
    return {
        "database": show_database(settings),
        "model": settings.model,
        "derivations": [
            {
                "derivation": summary.derivation,
                "subjects": summary.subjects,
                "queued": _count_open(summary),
                "unchanged": summary.unchanged,
                "unusable": [
                    {"source": entry.source, "reason": str(entry.error)} for entry in summary.unusable
                ],
            }
            for summary in summaries
        ],
        "exit_code": code,
    }
