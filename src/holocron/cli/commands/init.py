"""`holocron init`: a new project to fill."""

from __future__ import annotations

from pathlib import Path

import click

from holocron.cli.packaged import copy_packaged
from holocron.cli.terminal import quote_word, say
from holocron.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  holocron init
  holocron init letters"""
)
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Make a project in DIR: settings, a documented derivation, and one small piece of evidence.

    Files that are there already are kept as they are.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file, and a project is a folder")
    outcome = copy_packaged("new_project", folder)
    for path in outcome.written:
        say(f"made {folder / path}")
    for path in outcome.kept:
        say(f"kept {folder / path}, which was there")
    say()
    say("Next: put evidence into evidence/, ask what you want in derivations/entity_facts.yaml, and type")
    if folder.resolve() != Path.cwd():
        say(f"  cd {quote_word(str(folder))}")
    say("  holocron derive")
