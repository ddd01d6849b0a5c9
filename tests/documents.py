"""The documents as tests read them: blocks, code, links, headings and tables of each Markdown file.

In: this repository's Markdown. Out: its parts, with their lines. Never: judges them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "holocron"
DOCS = ROOT / "docs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of code."""

    language: str
    text: str
    #: the heading above it
    section: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One Markdown file, taken apart."""

    name: str
    text: str
    blocks: tuple[Block, ...]
    #: pieces of code inside sentences and tables
    code: tuple[str, ...]
    links: tuple[str, ...]
    headings: tuple[str, ...]
    #: tables by rows of cells, without Markdown's marks; the first row is the header
    tables: tuple[tuple[tuple[str, ...], ...], ...]

    def blocks_of(self, *languages: str) -> list[Block]:
        """Return the blocks in some languages."""
        return [block for block in self.blocks if block.language in languages]

    def table_of(self, column: str) -> list[tuple[str, ...]]:
        """Return the rows of the one table whose first column has this header."""
        (table,) = [table for table in self.tables if table[0][0] == column]
        return list(table[1:])

    @property
    def anchors(self) -> set[str]:
        """Return what a link may name after `#`, as GitHub makes it."""
        return {re.sub(r"[^\w\- ]", "", heading.casefold()).replace(" ", "-") for heading in self.headings}


def list_documents() -> list[str]:
    """Return the names of all documents, relative to the repository."""
    found = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


@cache
def read_document(name: str) -> Document:
    """Read one document."""
    text = (ROOT / name).read_text(encoding="utf-8")
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    blocks: list[Block] = []
    headings: list[str] = []
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            headings.append(_read_inline(tokens[index + 1]))
        elif token.type == "fence":
            section = headings[-1] if headings else ""
            line = (token.map or [0])[0] + 1
            blocks.append(Block(language=token.info, text=token.content, section=section, line=line))
    inline = [child for token in tokens for child in token.children or ()]
    return Document(
        name=name,
        text=text,
        blocks=tuple(blocks),
        code=tuple(child.content for child in inline if child.type == "code_inline"),
        links=tuple(str(child.attrs["href"]) for child in inline if child.type == "link_open"),
        headings=tuple(headings),
        tables=tuple(_read_tables(tokens)),
    )


def _read_inline(token: Token) -> str:
    return "".join(child.content for child in token.children or ())


def _read_tables(tokens: list[Token]) -> Iterator[tuple[tuple[str, ...], ...]]:
    rows: list[list[str]] = []
    for index, token in enumerate(tokens):
        if token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(_read_inline(tokens[index + 1]))
        elif token.type == "table_close":
            yield tuple(map(tuple, rows))


def split_commands(script: str) -> Iterator[list[str]]:
    """Yield the commands of a shell script, word by word; comments are left out."""
    for line in script.splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars="&;|")
        words.whitespace_split = True
        command: list[str] = []
        for word in words:
            if set(word) <= set("&;|"):
                yield command
                command = []
            else:
                command.append(word)
        if command:
            yield command
