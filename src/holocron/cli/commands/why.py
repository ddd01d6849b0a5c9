"""`holocron why`: one value, walked back to where it came from."""

from __future__ import annotations

import json

import click

from holocron.checking import Explanation, explain_claim
from holocron.cli.citations import claim_to_json, show_place, show_support, show_value
from holocron.cli.given import Given, json_option, pass_given
from holocron.cli.project import name_subject, open_store_as_is, refuse_unknown_subject
from holocron.cli.terminal import one_line, print_json, say
from holocron.fingerprint import JSONValue
from holocron.store.reports import StoredCitation, find_artifacts


@click.command(
    epilog="""\b
Examples:
  holocron why archive/mara-veen.txt /home
  holocron why archive/mara-veen.txt /journeys/0/year --prompt"""
)
@click.argument("subject")
@click.argument("pointer")
@click.option("--derivation", metavar="NAME", help="The derivation, where several know the subject.")
@click.option(
    "--prompt", "with_prompt", is_flag=True, help="Print the prompt too, rendered again from the store."
)
@json_option
@pass_given
def command(
    given: Given,
    subject: str,
    pointer: str,
    derivation: str | None,
    with_prompt: bool,  # noqa: FBT001 - an option
    as_json: bool,  # noqa: FBT001 - an option
) -> None:
    """Explain the value at POINTER of SUBJECT: its citation, source, model and run.

    POINTER is a JSON pointer into the answer, such as /home or /journeys/0/year.
    """
    settings = given.load_settings()
    named = name_subject(subject, settings.root)
    with open_store_as_is(settings) as store:
        if not find_artifacts(store, subject=named, derivation=derivation):
            refuse_unknown_subject(store, named, derivation)
        explanation = explain_claim(store, named, pointer, derivation=derivation)
    if as_json:
        print_json(_to_json(explanation, with_prompt=with_prompt))
        return
    _show(explanation)
    if with_prompt:
        say()
        say(explanation.prompt)


def _to_json(explanation: Explanation, *, with_prompt: bool) -> dict[str, JSONValue]:
    document: dict[str, JSONValue] = {
        "derivation": explanation.artifact.derivation,
        "subject": explanation.artifact.subject,
        "artifact": explanation.artifact.artifact_id,
        "claim": claim_to_json(explanation.claim),
        "manifest": explanation.artifact.manifest,
        "prompt_matches": explanation.prompt_matches,
    }
    return document | {"prompt": explanation.prompt} if with_prompt else document


def _show(explanation: Explanation) -> None:
    artifact, claim = explanation.artifact, explanation.claim
    _line("value", show_value(claim.value))
    _line("at", f"{claim.pointer} of {artifact.subject} ({artifact.derivation})")
    _line("grounding" if claim.grounding else "null because", show_support(claim))
    for citation in claim.citations:
        _line("cited", show_place(citation))
        _line("in context", _show_context(citation))
        _line("content", f"sha256 {citation.content_hash} ({citation.media_type})")
        if citation.source_hash != citation.content_hash:
            _line("source bytes", f"sha256 {citation.source_hash}")
    manifest = artifact.manifest
    model = manifest.get("model")
    if isinstance(model, dict):
        _line("model", f"{model.get('name')}, {model.get('engine')} {model.get('engine_version')}")
        _line("model digest", str(model.get("digest")))
    for key, value in manifest.items():
        if key != "model":
            _line(key.replace("_", " "), _show_entry(value))
    matches = (
        "the same as the one that was asked" if explanation.prompt_matches else "NOT the one that was asked"
    )
    _line("prompt again", f"{matches} (--prompt prints it)")


def _show_entry(value: JSONValue) -> str:
    """Return a manifest's entry; numbers that follow each other as a range."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not value:
        return json.dumps(value)
    numbers = [number for number in value if isinstance(number, int)]
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    return ", ".join("-".join(map(str, ends)) for ends in ranges)


def _line(name: str, text: str) -> None:
    say(f"{name:<20} {one_line(text)}")


def _show_context(citation: StoredCitation) -> str:
    """Return the span between guillemets with what stands around it."""
    return one_line(f"{citation.before}»{citation.quote}«{citation.after}")
