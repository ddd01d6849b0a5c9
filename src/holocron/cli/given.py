"""What the command line gave before and beside a command's own arguments.

In: the global options. Out: Given, and the options that several commands share.
Never: reads the environment (see settings.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from holocron.cli.terminal import quote_word
from holocron.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The global options; None where one was not given."""

    project: Path | None = None
    database: str | None = None
    model: str | None = None

    def load_settings(
        self, *, start: Path | None = None, model: str | None = None, slots: int | None = None
    ) -> Settings:
        """Return the settings of the project.

        start: a folder that goes before --project; model: a name that goes before the global --model;
        slots: requests in flight.
        Raises: SettingsInvalid.
        """
        given = {"database_url": self.database, "model": model or self.model, "slots": slots}
        return Settings.load(start or self.project, given=given)

    def name_command(self, words: str, model: str | None = None) -> str:
        """Return a command as it is to be typed next, with the model that was named for this one.

        words: the command without `holocron`; model: as load_settings.
        """
        named = model or self.model
        return f"holocron {words} --model {quote_word(named)}" if named else f"holocron {words}"


pass_given = click.make_pass_decorator(Given)


def read_words(value: str) -> str:
    """Return an option's text that says something; else `--database "$UNSET"` would name the default one."""
    if not value.strip():
        raise click.BadParameter("it is empty; leave the option out to have the default")
    return value


model_option = click.option(
    "--model", type=read_words, metavar="NAME", help="The model, e.g. builtin or ollama:llama3.2."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on standard output."
)
