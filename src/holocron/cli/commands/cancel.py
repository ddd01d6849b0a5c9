"""`holocron cancel`: open jobs, taken out of the queue."""

from __future__ import annotations

import click

from holocron.cli.given import Given, json_option, pass_given
from holocron.cli.project import guess_subject, name_subject, open_store_as_is, refuse_unknown_derivation
from holocron.cli.terminal import print_json, say, show_count
from holocron.errors import UsageError
from holocron.store.control import cancel_jobs
from holocron.store.reports import list_jobs


@click.command(
    epilog="""\b
Examples:
  holocron cancel entity_facts
  holocron cancel entity_facts archive/mara-veen.txt
  holocron cancel --all"""
)
@click.argument("name", required=False)
@click.argument("subject", required=False)
@click.option("--all", "everything", is_flag=True, help="The open jobs of every derivation.")
@json_option
@pass_given
def command(
    given: Given,
    name: str | None,
    subject: str | None,
    everything: bool,  # noqa: FBT001 - an option
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """Cancel the open jobs of a derivation, or the one about SUBJECT.

    What a worker has in hand is cancelled too: it notices within seconds, and its answer is not kept.
    Answers that were accepted before stay. `derive` and `enqueue` put a cancelled job back, and so does
    `holocron retry --status cancelled`.
    """
    if (name is None) is not everything:
        raise UsageError(
            "name a derivation, or say --all", hint="Type: holocron cancel NAME, or: holocron cancel --all"
        )
    settings = given.load_settings()
    named = None if subject is None else name_subject(subject, settings.root)
    with open_store_as_is(settings) as store:
        if name is not None:
            refuse_unknown_derivation(store, name)
        number = cancel_jobs(store, derivation=name, subject=named)
        if not number and named is not None and not list_jobs(store, derivation=name, subject=named, limit=1):
            raise UsageError(
                f"{name!r} has no job about {named!r}",
                hint=f"{guess_subject(store, named, name)}'holocron jobs {name}' lists what there is.",
            )
    if as_json:
        print_json({"cancelled": number})
    else:
        say(f"{show_count(number, 'open job')} cancelled.")
