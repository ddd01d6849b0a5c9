"""`holocron derive`: evidence in, rows out."""

from __future__ import annotations

from collections.abc import Iterator

import click

from holocron.cli.exits import Exit
from holocron.cli.given import Given, json_option, model_option, pass_given
from holocron.cli.project import choose_derivations, open_project_model, read_evidence, show_database
from holocron.cli.running import RunOutcome, exit_code, outcomes_to_json, report, run_work
from holocron.cli.terminal import print_json, say
from holocron.derivation import Derivation
from holocron.derivation.catalogue import load_catalogue
from holocron.evidence import EvidenceBundle, EvidenceRejected
from holocron.llm.model import LanguageModel
from holocron.store import Store
from holocron.work import derive_evidence


@click.command(
    epilog="""\b
Examples:
  holocron derive
  holocron derive entity_facts archive/
  holocron derive entity_facts "letters/*.md" --model gguf:models/small.gguf"""
)
@click.argument("name", required=False)
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--force", is_flag=True, help="Ask again about subjects that are unchanged.")
@model_option
@json_option
@pass_given
def command(
    given: Given,
    name: str | None,
    paths: tuple[str, ...],
    force: bool,  # noqa: FBT001 - an option
    model: str | None,
    as_json: bool,  # noqa: FBT001 - an option
) -> Exit:
    """Derive answers about the subjects of some evidence.

    Without NAME, every derivation of the project is run; without PATH, over the evidence that it names.
    What is unchanged since the last run is not asked again; what an interrupted run of the same derivation
    and model left open is worked too.

    Exit codes: 0 all accepted; 3 finished, but some were rejected, failed or unusable, or still open (paused,
    in another worker's hands); 1 could not run; 2 usage; 130 interrupted.
    """
    settings = given.load_settings(model=model)
    chosen = choose_derivations(load_catalogue(settings.root), name)
    evidence = {made.name: read_evidence(made, paths, settings.root) for made in chosen}
    outcomes: list[RunOutcome] = []
    with open_project_model(settings) as ready, Store(settings.database_url) as store:
        for derivation in chosen:
            outcomes.append(_derive(store, ready, derivation, evidence[derivation.name], force=force))
            if outcomes[-1].summary.stopped:
                break
    code = exit_code(outcomes)
    if as_json:
        print_json(outcomes_to_json(settings, outcomes, code))
    else:
        report(outcomes, given, model)
        say(f"Database: {show_database(settings)}")
    return code


def _derive(
    store: Store,
    model: LanguageModel,
    derivation: Derivation,
    evidence: Iterator[EvidenceBundle | EvidenceRejected],
    *,
    force: bool,
) -> RunOutcome:
    return run_work(
        derivation.name,
        lambda observer, on_worker: derive_evidence(
            store, model, derivation, evidence, force=force, observer=observer, on_worker=on_worker
        ),
    )
