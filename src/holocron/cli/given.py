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
        self, *, root: Path | None = None, model: str | None = None, slots: int | None = None
    ) -> Settings:
        """Return the settings of the project.

        root: a project's folder that goes before --project; model: a name that goes before the global
        --model; slots: requests in flight.
        Raises: SettingsInvalid.
        """
        given = {"database_url": self.database, "model": model or self.model, "slots": slots}
        return Settings.load(self.project, root=root, given=given)

    def name_command(self, words: str) -> str:
        """Return a command as it is to be typed next, with the project and the database that were named.

        words: the command without `holocron`.
        """
        parts = ["holocron"]
        if self.project is not None:
            parts += ["--project", quote_word(str(self.project))]
        if self.database is not None:
            parts += ["--database", quote_word(_repeat_database(self.database))]
        return " ".join([*parts, words])

    def name_work(self, words: str, model: str | None = None) -> str:
        """Return a command as name_command, with the model that was named too; model: as load_settings."""
        named, command = model or self.model, self.name_command(words)
        return f"{command} --model {quote_word(named)}" if named else command


def _repeat_database(said: str) -> str:
    """Return a database as it was named, but `URL` where a password may stand in it."""
    # imported here: `holocron --help` answers without the store
    from holocron.store.dialects import show_url

    return said if "://" not in said or show_url(said) == said else "URL"


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
