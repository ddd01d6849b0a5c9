"""Writes docs/cli.md: the help of every command as a terminal shows it, exit codes, settings and models.

In: click's own help, holocron's enums and tables. Out: Markdown. Never: says what the program does not.
Run it with: python docs/make_cli_reference.py
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from holocron import settings
from holocron.cli.exits import Exit
from holocron.cli.main import SUMMARIES, cli
from holocron.llm.catalogue import MODEL_FORMS

PAGE = Path(__file__).with_name("cli.md")
#: what click's help takes of a terminal of 80 columns
WIDTH = 78

_INTRODUCTION = """\
# Command reference

This page is made from the program itself by `python docs/make_cli_reference.py`; a test compares them.

The options of `holocron` itself stand before the command (`holocron --project my-archive status`), a
command's own options after it. Where a command has `--json`, standard output is one JSON document, of
`worker` one a line; progress and complaints always go to standard error."""

_SETTINGS = """\
What each means, and its default: [Configuration](configuration.md). The option goes before the variable, the
variable before the key."""

_MODELS = {
    "builtin": "the small model that comes with Holocron",
    "gguf:PATH": "any GGUF file, run in this process by llama.cpp",
    "ollama:NAME[:TAG]": "a model of an Ollama server: see [Models](models.md)",
    "openai:NAME": "a model of any OpenAI-compatible server: vLLM, llama.cpp's, LM Studio, a cloud",
    "scripted:PATH": "answers from a JSON file, for [tests](python.md#test-your-own-code); no model at all",
}
_OPTIONS = {"model": "--model", "database_url": "--database"}


def render_page() -> str:
    """Return the whole page."""
    parts = [_INTRODUCTION, *render_commands()]
    parts += ["## Exit codes", render_table(("Code", "Meaning"), list_exit_codes())]
    parts += [
        "## Settings",
        _SETTINGS,
        render_table(("Key in `holocron.toml`", "Variable", "Option"), list_settings()),
        "## Models",
        render_table(("Name", "Model"), ((f"`{form}`", _MODELS[form]) for form in MODEL_FORMS)),
    ]
    return "\n\n".join(parts) + "\n"


def render_commands() -> Iterator[str]:
    """Yield a section for `holocron` and for each of its commands, with theirs below them."""
    root = click.Context(cli, info_name="holocron", terminal_width=WIDTH, **cli.context_settings)
    yield render_help("##", "holocron", root)
    for name in SUMMARIES:
        if command := cli.get_command(root, name):
            context = click.Context(command, info_name=name, parent=root)
            yield render_help("##", f"holocron {name}", context)
            for below in list_commands_below(command):
                inner = click.Context(below, info_name=below.name, parent=context)
                yield render_help("###", f"holocron {name} {below.name}", inner)


def list_commands_below(command: click.Command) -> list[click.Command]:
    """Return the commands of a group, in their order; of any other command none."""
    return (
        [command.commands[name] for name in sorted(command.commands)]
        if isinstance(command, click.Group)
        else []
    )


def render_help(level: str, title: str, context: click.Context) -> str:
    """Return one command's section."""
    lines = [line.rstrip() for line in context.get_help().splitlines()]
    return "\n".join([f"{level} {title}", "", "```text", *lines, "```"])


def list_exit_codes() -> Iterator[tuple[str, ...]]:
    """Yield the codes with the comments that stand above them in the source."""
    for meaning, name in re.findall(r"#: (.+)\n\s+(\w+) =", inspect.getsource(Exit)):
        yield f"{Exit[name]:d}", meaning


def list_settings() -> Iterator[tuple[str, ...]]:
    """Yield the settings by the names that they have in each place."""
    for key, variable in settings._VARIABLES.items():  # noqa: SLF001 - the one list of them
        yield f"`{key}`", f"`{variable}`", f"`{_OPTIONS[key]}`" if key in _OPTIONS else ""


def render_table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(render_page(), encoding="utf-8", newline="\n")
