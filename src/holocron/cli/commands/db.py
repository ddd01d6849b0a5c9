"""`holocron db`: makes a server's database, brings its schema up to date, says where it stands."""

from __future__ import annotations

import sys

import click

from holocron.cli.exits import Exit
from holocron.cli.given import Given, json_option, pass_given
from holocron.cli.project import show_database
from holocron.cli.terminal import print_json, say
from holocron.errors import UsageError
from holocron.settings import Settings
from holocron.store import Store
from holocron.store.bootstrap import bootstrap_database
from holocron.store.migrations import VERSION


@click.group(
    epilog="""\b
Examples:
  holocron db bootstrap --admin-url postgresql://postgres:PASSWORD@db.example/postgres
  holocron db upgrade
  holocron db status --json"""
)
def command() -> None:
    """Make and upgrade the database that HOLOCRON_DATABASE_URL names.

    SQLite needs none of it: derive and enqueue make its file and bring it up to date.
    """


@command.command()
@click.option(
    "--admin-url",
    required=True,
    metavar="URL",
    help="The server as its administrator, e.g. mssql://sa:PASSWORD@db.example/master;"
    " '-' reads it from standard input, which no list of processes shows.",
)
@pass_given
def bootstrap(given: Given, admin_url: str) -> None:
    """Make the database, its login and its schema on a server; may be run again.

    Names and password are those of HOLOCRON_DATABASE_URL. The login is no administrator: it owns the schema
    `holocron` and nothing else. The role `holocron_reader` may read the views.
    """
    settings = given.load_settings()
    if admin_url == "-":
        admin_url = sys.stdin.readline().strip()
    bootstrap_database(admin_url, settings.database_url)
    say(f"{show_database(settings)} is ready, with schema version {VERSION}.")


@command.command()
@pass_given
def upgrade(given: Given) -> None:
    """Bring the schema up to date, in one transaction."""
    settings = given.load_settings()
    _refuse_missing(settings)
    with Store(settings.database_url, any_version=True) as store:
        found = store.upgrade()
    if found == VERSION:
        say(f"{show_database(settings)} has schema version {VERSION} already.")
    else:
        say(f"{show_database(settings)} went from schema version {found} to {VERSION}.")


@command.command()
@json_option
@pass_given
def status(given: Given, as_json: bool) -> int:  # noqa: FBT001 - an option
    """Say which schema version the database has and which one this Holocron needs.

    Exits with 1 where the database must be upgraded first.
    """
    settings = given.load_settings()
    _refuse_missing(settings)
    with Store(settings.database_url, any_version=True) as store:
        found, title = store.read_version(), store.dialect.title
    if as_json:
        print_json(
            {
                "database": show_database(settings),
                "kind": title,
                "version": found,
                "needed": VERSION,
                "is_ready": found == VERSION,
            }
        )
    elif found == VERSION:
        say(f"{show_database(settings)} ({title}) has schema version {VERSION}, the newest.")
    else:
        say(f"{show_database(settings)} ({title}) has schema version {found}; {VERSION} is needed.")
        say("Type: holocron db upgrade")
    return Exit.DONE if found == VERSION else Exit.CANNOT_RUN


def _refuse_missing(settings: Settings) -> None:
    file = settings.database_file
    if file is not None and not file.exists():
        raise UsageError(
            f"there is no database at {file} yet", hint="SQLite's is made by the first 'holocron derive'."
        )
