"""The terminal: text, tables and JSON for people and scripts.

In: text of any origin. Out: lines on standard output and standard error.
Never: lets evidence, a file's name or a model's answer control the terminal or be read as markup.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from holocron.fingerprint import JSONValue

# Control characters but tab and line feed; what turns the writing direction; line separators; tags; what
# UTF-8 cannot carry. The joiners of emoji and Persian stay.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SPACES = re.compile(r"[\t\n\r\f\v \u2028\u2029]+")
#: what no shell takes for anything else
_WORD = re.compile(r"[\w@%+=:,./-]+")
#: what double quotes do not hold in a POSIX shell
_EXPANDED = re.compile(r'["$`!]|\\(\\|$)')
#: columns of a table that goes to a file or a pipe: nothing is wrapped there
_UNBOUNDED = 100_000


def prepare_streams() -> None:
    """Make streams survive that are closed, and those that cannot show or say every character."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        # a service manager may start it without them
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - it stays open
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def plain_text(text: str) -> str:
    r"""Return text whose control, direction and invisible characters are written out, e.g. `\x1b`."""
    return _UNSAFE.sub(_write_out, text)


def one_line(text: str, limit: int = 0) -> str:
    """Return plain text on one line, cut to `limit` characters where that is not 0."""
    line = plain_text(_SPACES.sub(" ", text).strip())
    return line if not limit or len(line) <= limit else line[: limit - 1] + "…"


def _write_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def say(text: str = "") -> None:
    """Print plain text on standard output."""
    click.echo(plain_text(text))


def note(text: str) -> None:
    """Print plain text on standard error: progress and warnings, which are no part of the result."""
    click.echo(plain_text(text), err=True)


def complain(sentence: str, hint: str = "") -> None:
    """Print what went wrong, and what to do about it, on standard error."""
    note(f"holocron: {one_line(sentence)}")
    if hint:
        note(f"  {one_line(hint)}")


def print_json(value: JSONValue) -> None:
    """Print a JSON document in ASCII, which no terminal or encoding can misread."""
    click.echo(json.dumps(value, indent=2))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print aligned columns; on a terminal cells wrap, elsewhere every row is one line."""
    # imported here: rich takes longer to import than `holocron --help` may take
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    on_terminal = sys.stdout.isatty()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(show_cell(cell))) for cell in row))
    console = Console(
        file=sys.stdout, width=None if on_terminal else _UNBOUNDED, markup=False, highlight=False, emoji=False
    )
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip())


def show_cell(value: object) -> str:
    """Return how a value of a row reads; nothing is written for NULL."""
    return "" if value is None else str(value)


def show_count(number: int, noun: str) -> str:
    """Return a number with its noun: `1 job`, `2 jobs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def quote_word(text: str) -> str:
    """Return a text as one word of a command that a person may copy.

    Every shell reads double quotes; what they do not hold everywhere is quoted for a POSIX shell.
    """
    if _WORD.fullmatch(text):
        return text
    return shlex.quote(text) if _EXPANDED.search(text) else f'"{text}"'
