"""`holocron pause`: no more jobs are handed out, until it is taken back."""

from __future__ import annotations

import click

from holocron.cli.given import Given, json_option, pass_given
from holocron.cli.project import open_store_as_is, refuse_unknown_derivation
from holocron.cli.terminal import print_json, say
from holocron.store.control import list_pauses, pause_derivation, resume_derivation
from holocron.store.tables import EVERY_DERIVATION


@click.command(
    epilog="""\b
Examples:
  holocron pause entity_facts
  holocron pause entity_facts --off
  holocron pause"""
)
@click.argument("name", required=False)
@click.option("--off", is_flag=True, help="Hand jobs out again.")
@json_option
@pass_given
def command(
    given: Given,
    name: str | None,
    off: bool,  # noqa: FBT001 - an option
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """Stop handing out the jobs of a derivation, or without NAME of all; with --off, go on.

    What workers have in hand is finished. The pause of all and that of one derivation are two: a derivation
    is worked when neither is on.
    """
    chosen = EVERY_DERIVATION if name is None else name
    with open_store_as_is(given.load_settings()) as store:
        if name is not None:
            refuse_unknown_derivation(store, name)
        changed = resume_derivation(store, chosen) if off else pause_derivation(store, chosen)
        pauses = list_pauses(store)
    if as_json:
        print_json({"changed": changed, "paused": sorted(pauses)})
        return
    what = "The queue" if name is None else name
    say(f"{what} {_TELLS[off, changed]}")
    if off and name is not None and EVERY_DERIVATION in pauses:
        say("The whole queue is still paused; 'holocron pause --off' goes on.")


#: what is said, by whether the pause goes off and whether that changed anything
_TELLS = {
    (False, True): "is paused; what workers have in hand is finished.",
    (False, False): "was paused already.",
    (True, True): "goes on.",
    (True, False): "was not paused.",
}
