"""`holocron verify`: everything in the store, hashed and grounded again."""

from __future__ import annotations

import time

import click

from holocron.checking import Lie, verify_store
from holocron.cli.exits import Exit
from holocron.cli.given import Given, json_option, pass_given
from holocron.cli.project import open_store_as_is
from holocron.cli.terminal import note, one_line, print_json, say

_EVERY_S = 5.0


@click.command(
    epilog="""\b
Examples:
  holocron verify
  holocron verify --json && echo all true"""
)
@json_option
@pass_given
def command(given: Given, as_json: bool) -> Exit:  # noqa: FBT001 - an option
    """Check every stored text and value against its evidence again, without a model.

    Ends with exit code 1 at the first lie: a text that does not have its hash, a value that its citation
    does not support, a row that is not its answer's. What was recorded of a run itself, such as the model's
    words and the names of sources, has nothing to be checked against.
    """
    counter = _Counter()
    with open_store_as_is(given.load_settings()) as store:
        lie = next(verify_store(store, counter.add), None)
    if as_json:
        print_json({"checked": counter.checked, "lie": None if lie is None else _to_json(lie)})
    elif lie is None and not counter.checked:
        say("Nothing is stored yet, so there was nothing to check.")
    elif lie is None:
        say(f"{counter.checked:,} things checked: texts, answers and values. All are true of the evidence.")
    else:
        place = f"{lie.subject}{lie.pointer and f' at {lie.pointer}'}: " if lie.subject else ""
        say(f"A lie after {counter.checked:,} true things: {one_line(place + lie.sentence)}")
        say("The store was changed from outside, or is damaged. Restore the database from a backup, or move")
        say("it away and derive again: everything in it comes from evidence and derivations.")
    return Exit.DONE if lie is None else Exit.CANNOT_RUN


def _to_json(lie: Lie) -> dict[str, str | int | None]:
    return {
        "artifact": lie.artifact_id,
        "subject": lie.subject,
        "pointer": lie.pointer,
        "sentence": lie.sentence,
    }


class _Counter:
    """Counts what was checked, and says so now and then."""

    def __init__(self) -> None:
        self.checked = 0
        self._said_at = time.monotonic()

    def add(self, number: int) -> None:
        self.checked += number
        if time.monotonic() - self._said_at >= _EVERY_S:
            self._said_at = time.monotonic()
            note(f"{self.checked:,} checked")
