"""`holocron retry`: rejected and failed jobs, worked again."""

from __future__ import annotations

from collections import Counter

import click

from holocron.cli.exits import Exit
from holocron.cli.given import Given, json_option, model_option, pass_given
from holocron.cli.project import choose_derivations, open_project_model, open_store_as_is
from holocron.cli.running import RunOutcome, exit_code, outcomes_to_json, report, run_work
from holocron.cli.terminal import print_json, say, show_count
from holocron.derivation import Derivation
from holocron.derivation.catalogue import load_catalogue
from holocron.llm.model import LanguageModel
from holocron.store import JobStatus, Store
from holocron.store.reports import list_jobs
from holocron.work import retry_derivation

_STATUSES = (JobStatus.REJECTED, JobStatus.FAILED)
#: jobs of each status that are looked at to say whose they are
_MOST_LEFT = 1000
_CHOICES = (*_STATUSES, JobStatus.CANCELLED)


@click.command(
    epilog="""\b
Examples:
  holocron retry
  holocron retry entity_facts --status failed"""
)
@click.argument("name", required=False)
@click.option(
    "--status",
    type=click.Choice([str(status) for status in _CHOICES]),
    help="Only jobs that stand so. Default: rejected and failed.",
)
@model_option
@json_option
@pass_given
def command(
    given: Given,
    name: str | None,
    status: str | None,
    model: str | None,
    as_json: bool,  # noqa: FBT001 - an option
) -> Exit:
    """Put rejected and failed jobs back into the queue and work them like `derive` does.

    Only jobs of the same question and the same model are tried again; with another model or a changed
    derivation, `holocron derive` asks anew. Exit codes are those of `derive`.
    """
    settings = given.load_settings(model=model)
    chosen = choose_derivations(load_catalogue(settings.root), name)
    statuses = (JobStatus(status),) if status else _STATUSES
    outcomes: list[RunOutcome] = []
    with open_store_as_is(settings) as store, open_project_model(settings) as ready:
        for derivation in chosen:
            outcomes.append(_retry(store, ready, derivation, statuses))
            if outcomes[-1].summary.stopped:
                break
        left = _count_left(store, name, statuses)
    retried = sum(outcome.summary.subjects for outcome in outcomes)
    code = exit_code(outcomes)
    if as_json:
        print_json(outcomes_to_json(settings, outcomes, code))
    elif retried:
        report([outcome for outcome in outcomes if outcome.summary.subjects], given, model)
    else:
        say("There is nothing to try again.")
        for (other, owner), number in sorted(left.items()):
            if other not in {made.name for made in chosen}:
                why = "which is not in this project"
            elif owner == settings.model:
                why = f"of an older question or other weights: {given.name_work('derive', model)}"
            else:
                why = f"of another model: {given.name_work('retry', owner)}"
            say(f"{show_count(number, 'job')} of {other}, {why}")
    return code


def _count_left(store: Store, name: str | None, statuses: tuple[JobStatus, ...]) -> Counter[tuple[str, str]]:
    """Return how many jobs of each derivation and model ended so, the newest of them."""
    return Counter(
        (job.derivation, job.model)
        for status in statuses
        for job in list_jobs(store, status=status, derivation=name, wanted=True, limit=_MOST_LEFT)
    )


def _retry(
    store: Store, model: LanguageModel, derivation: Derivation, statuses: tuple[JobStatus, ...]
) -> RunOutcome:
    return run_work(
        derivation.name,
        lambda observer, on_worker: retry_derivation(
            store, model, derivation, statuses, observer=observer, on_worker=on_worker
        ),
    )
