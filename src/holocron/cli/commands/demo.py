"""`holocron demo`: the whole path on a small invented archive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from holocron.cli.citations import artifact_to_json, show_value
from holocron.cli.commands.show import show_artifact
from holocron.cli.exits import Exit
from holocron.cli.given import Given, json_option, model_option, pass_given
from holocron.cli.packaged import copy_packaged, list_packaged
from holocron.cli.project import open_project_model, read_evidence, show_database
from holocron.cli.running import RunOutcome, exit_code, outcomes_to_json, report, run_work
from holocron.cli.terminal import note, one_line, print_json, print_table, quote_word, say
from holocron.derivation.catalogue import load_derivation
from holocron.errors import UsageError
from holocron.fingerprint import JSONValue
from holocron.llm.model import LanguageModel
from holocron.settings import Settings, place_model
from holocron.store import Store
from holocron.store.reports import StoredArtifact, find_artifacts, load_artifact
from holocron.work import derive_evidence

_PROJECT = "demo_project"
_DERIVATION = "entity_facts"
_MARK = "derivations/entity_facts.yaml"
#: the subject that is shown in full
_EXAMPLE = "archive/mara-veen.txt"


@click.command(
    epilog="""\b
Examples:
  holocron demo
  holocron demo /tmp/demo --model gguf:models/small.gguf"""
)
@click.argument("folder", metavar="[DIR]", default="holocron-demo", type=click.Path(path_type=Path))
@model_option
@json_option
@pass_given
def command(given: Given, folder: Path, model: str | None, as_json: bool) -> Exit:  # noqa: FBT001 - an option
    """Write a small project into DIR, derive it, and show the rows with their citations.

    The archive is invented: persons, ships, places and organisations around a sea. DIR is a project of its
    own, with its own settings. A second call goes on where the first ended, and asks nothing again. Exit
    codes are those of `derive`.
    """
    _refuse_foreign(folder)
    # the demo is a project of its own: what is set around its folder is another one's
    settings = given.load_settings(root=folder, model=model)
    # a model that is not there is told before anything is written
    with open_project_model(settings) as ready:
        outcome = copy_packaged(_PROJECT, folder)
        note(
            f"{len(outcome.written)} files written to {folder}"
            if outcome.written
            else f"{folder} is there already"
        )
        with Store(settings.database_url) as store:
            result, artifacts = _derive(store, ready, folder, settings)
    code = exit_code([result])
    if as_json:
        print_json(_to_json(settings, result, artifacts, code))
    else:
        _show(folder, settings, result, artifacts, _place_given(given, model, settings))
    return code


def _place_given(given: Given, model: str | None, settings: Settings) -> Given:
    """Return what was given as it is typed again in the demo's folder."""
    named, database = model or given.model, given.database
    return Given(
        database=str(settings.database_file or database) if database else None,
        model=str(place_model(named, Path.cwd())) if named else None,
    )


def _derive(
    store: Store, model: LanguageModel, folder: Path, settings: Settings
) -> tuple[RunOutcome, list[StoredArtifact]]:
    """Derive the archive and return what became of it, with all that is accepted."""
    derivation = load_derivation(folder / _MARK)
    evidence = read_evidence(derivation, (), settings.root)
    result = run_work(
        derivation.name,
        lambda observer, on_worker: derive_evidence(
            store, model, derivation, evidence, observer=observer, on_worker=on_worker
        ),
    )
    numbers = find_artifacts(store, derivation=derivation.name)
    return result, [load_artifact(store, number) for number in numbers]


def _refuse_foreign(folder: Path) -> None:
    """Refuse a folder that holds something else."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, and the demo needs a folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    mark = folder / "holocron.toml"
    first_line = list_packaged(_PROJECT)["holocron.toml"].read_bytes().splitlines()[0]
    if not mark.is_file() or not mark.read_bytes().startswith(first_line):
        raise UsageError(
            f"the folder {folder} is not empty, and what it holds is not the demo's",
            hint="Name another folder: holocron demo DIR.",
        )


def _to_json(
    settings: Settings, result: RunOutcome, artifacts: list[StoredArtifact], code: Exit
) -> dict[str, JSONValue]:
    return {
        "project": str(settings.root),
        "artifacts": [artifact_to_json(artifact) for artifact in artifacts],
        **outcomes_to_json(settings, [result], code),
    }


def _show(
    folder: Path, settings: Settings, result: RunOutcome, artifacts: list[StoredArtifact], given: Given
) -> None:
    by_subject = {artifact.subject: artifact for artifact in artifacts}
    shown = by_subject.get(_EXAMPLE) or next(iter(artifacts), None)
    if shown is not None:
        _show_rows(artifacts)
        say()
        say("One subject in full, as 'holocron show' prints it:")
        say()
        show_artifact(shown)
        say()
    report([result], given)
    say(f"Database: {show_database(settings)}")
    say()
    say("Next:")
    if folder.resolve() != Path.cwd():
        say(f"  cd {quote_word(str(folder))}")
    if shown is None:
        # the model was not believed once; a better one starts with the same command
        say(f"  {given.name_command('jobs')}")
        return
    subject = quote_word(shown.subject)
    for words in (f"show {subject}", f"why {subject} /name", "verify"):
        say(f"  {given.name_command(words)}")
    if settings.database_file is not None:
        query = f"SELECT name, home, year FROM {_DERIVATION} ORDER BY year"
        say(f'  sqlite3 {quote_word(str(settings.database_file))} "{query}"')


def _show_rows(artifacts: list[StoredArtifact]) -> None:
    say(f"The view {_DERIVATION}: one row per subject, and the lines of evidence that it stands on.")
    say()
    print_table(
        ["name", "kind", "home", "year", "journeys", "evidence"], (_row(artifact) for artifact in artifacts)
    )
    say()
    say(f"The view {_DERIVATION}_journeys: one row per journey, with the first line that it cites.")
    say()
    print_table(["name", "place", "year", "evidence"], _journey_rows(artifacts))


def _row(artifact: StoredArtifact) -> list[object]:
    value = _object(artifact.value)
    lines: dict[str, list[int]] = {}
    for claim in artifact.claims:
        for citation in claim.citations if claim.pointer.count("/") == 1 else ():
            numbers = lines.setdefault(citation.source, [])
            if citation.segment not in numbers:
                numbers.append(citation.segment)
    places = [f"{one_line(source)} {sorted(numbers)}" for source, numbers in lines.items()]
    facts = [value.get(name) for name in ("name", "kind", "home", "year")]
    return [*facts, len(_journeys(value)) or None, "; ".join(places)]


def _journey_rows(artifacts: list[StoredArtifact]) -> Iterator[list[object]]:
    for artifact in artifacts:
        value = _object(artifact.value)
        quotes = {
            claim.pointer: one_line(claim.citations[0].quote, 70)
            for claim in artifact.claims
            if claim.citations
        }
        for index, journey in enumerate(map(_object, _journeys(value))):
            quote = quotes.get(f"/journeys/{index}/place", "")
            yield [value.get("name"), show_value(journey.get("place")), journey.get("year"), f"“{quote}”"]


def _object(value: JSONValue) -> Mapping[str, JSONValue]:
    return value if isinstance(value, Mapping) else {}


def _journeys(value: Mapping[str, JSONValue]) -> list[JSONValue]:
    journeys = value.get("journeys")
    return journeys if isinstance(journeys, list) else []
