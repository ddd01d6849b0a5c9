"""`holocron show`: what is known about one subject, and from where."""

from __future__ import annotations

import click

from holocron.cli.citations import artifact_to_json, show_place, show_support, show_value
from holocron.cli.given import Given, json_option, pass_given
from holocron.cli.project import name_subject, open_store_as_is, refuse_unknown_subject
from holocron.cli.terminal import one_line, print_json, say
from holocron.store.reports import StoredArtifact, find_artifacts, load_artifact


@click.command(
    epilog="""\b
Examples:
  holocron show archive/mara-veen.txt
  holocron show "Nils Orrin" --derivation entity_facts --json"""
)
@click.argument("subject")
@click.option("--derivation", metavar="NAME", help="Only the answer of this derivation.")
@json_option
@pass_given
def command(given: Given, subject: str, derivation: str | None, as_json: bool) -> None:  # noqa: FBT001 - an option
    """Show the current answers about SUBJECT: each value, how firmly it stands, and what it cites."""
    settings = given.load_settings()
    named = name_subject(subject, settings.root)
    with open_store_as_is(settings) as store:
        found = find_artifacts(store, subject=named, derivation=derivation)
        if not found:
            refuse_unknown_subject(store, named, derivation)
        artifacts = [load_artifact(store, number) for number in found]
    if as_json:
        print_json([artifact_to_json(artifact) for artifact in artifacts])
        return
    for artifact in artifacts:
        show_artifact(artifact)


def show_artifact(artifact: StoredArtifact) -> None:
    """Print one artifact, a value and its quotes at a time."""
    say(f"{one_line(artifact.subject)} ({artifact.derivation})")
    if artifact.superseding is not None:
        say(f"  A newer answer is wanted; its job is {artifact.superseding}.")
    for claim in artifact.claims:
        say(f"  {one_line(claim.pointer)}: {show_value(claim.value)}  ({show_support(claim)})")
        for citation in claim.citations:
            say(f"      {show_place(citation)}")
            say(f"      “{one_line(citation.quote, 300)}”")
