"""Markdown into headings, sentences, list items, table rows and code lines.

In: Markdown as it was decoded. Out: pieces whose offsets count in that same text.
Never: renders; the parser only says which lines are what, and a quote keeps its markup
(see markup.py for how a quote reads).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from holocron.evidence.markup import mask_markup, read_markdown
from holocron.evidence.segments import Piece, SegmentKind, label_cells
from holocron.evidence.sentences import MAX_PIECE, cut_sentences, split_long

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

#: how deep block quotes and lists are followed; what lies deeper is taken as paragraphs
_MAX_NESTING = 60
_LINE = re.compile(r"[^\r\n]*(?:\r\n?+|\n|\Z)")
# A first `name:` line tells it from two rules around some paragraphs.
_FRONT_MATTER = re.compile(
    r"---[ \t]*+(?:\r\n?+|\n)(?=[\w\"'][^\r\n:]*:)"
    r"((?:(?!---|\.\.\.)[^\r\n]*+(?:\r\n?+|\n))*+)(?:---|\.\.\.)[ \t]*+(?=[\r\n]|\Z)"
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_UNSEEN_ELEMENT = re.compile(r"\s*<(?:script|style)\b", re.IGNORECASE)
_CONTAINER_MARKS = re.compile(r"[ \t>]*+(?:[-*+][ \t]++[ \t>]*+)*+")


def cut_markdown(text: str) -> list[Piece]:
    """Cut Markdown (CommonMark with tables; YAML front matter line by line)."""
    matter = _FRONT_MATTER.match(text)
    body = matter.end() if matter else 0
    page = _Page(text, body)
    if matter:
        for line in _LINE.finditer(text, matter.start(1), matter.end(1)):
            page.add(SegmentKind.CODE_LINE, line.start(), line.end())
    tokens = _parser().parse(text[body:])
    _cut_blocks(page, tokens)
    if any(token.level >= _MAX_NESTING - 2 for token in tokens):
        _cut_unparsed(page, tokens)
    return page.pieces


@cache
def _parser() -> MarkdownIt:
    """Return the block parser; imported here, because most runs read no Markdown."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table")
    parser.core.ruler.enableOnly(["normalize", "block"])
    parser.block.ruler.disable(["reference"])  # it swallows link definitions; they are evidence too
    return parser


class _Page:
    """A text, where its lines lie, and the pieces cut so far; lines count from `body`."""

    def __init__(self, text: str, body: int) -> None:
        self.text = text
        self.starts = [match.start() for match in _LINE.finditer(text, body)]
        self.pieces: list[Piece] = []

    def line_span(self, line: int) -> tuple[int, int]:
        """Return where a line's text lies; past the last line, the empty end."""
        start = self.starts[line] if line < len(self.starts) else len(self.text)
        end = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)
        return start, start + len(self.text[start:end].rstrip("\r\n"))

    def find_line(self, line: int, content: str) -> tuple[int, int]:
        """Return where `content`, a line as the parser gives it, stands in the source line."""
        start, end = self.line_span(line)
        wanted = content.strip()
        found = self.text.rfind(wanted, start, end)
        if found >= 0:
            return found, found + len(wanted)
        marks = _CONTAINER_MARKS.match(self.text, start, end)  # the parser replaced a character
        return (marks.end() if marks else start), end

    def content_span(self, token: Token) -> tuple[int, int]:
        """Return where an inline token's content lies, from its first line to its last."""
        first, _ = token.map or (0, 0)
        lines = token.content.split("\n")
        start, end = self.find_line(first, lines[0])
        if len(lines) > 1:
            _, end = self.find_line(first + len(lines) - 1, lines[-1])
        return start, max(start, end)

    def add(self, kind: SegmentKind, start: int, end: int, reading: str = "") -> None:
        """Append one piece, split where it is too long, left out where it reads as nothing."""
        quote = self.text[start:end]
        start += len(quote) - len(quote.lstrip())
        end = start + len(quote.strip())
        for first, last in split_long(self.text, start, end):
            if self.text[first].isalnum() or read_markdown(self.text[first:last]).strip():
                self.pieces.append(
                    Piece(kind, first, last, "", reading if last - first == end - start else "")
                )

    def add_sentences(self, kind: SegmentKind, start: int, end: int, shown: str | None = None) -> None:
        """Append the sentences of a range; `shown` is the range with what must not be read blanked."""
        masked = mask_markup(self.text[start:end] if shown is None else shown)
        for first, last in cut_sentences(masked, 0, len(masked)):
            self.add(kind, start + first, start + last)


def _cut_blocks(page: _Page, tokens: Sequence[Token]) -> None:
    """Append the pieces of every block, in reading order."""
    containers = [SegmentKind.SENTENCE]
    opened = ""
    header: list[str] | None = None
    for index, token in enumerate(tokens):
        match token.type:
            case "list_item_open":
                containers.append(SegmentKind.LIST_ITEM)
            case "blockquote_open":
                containers.append(SegmentKind.SENTENCE)
            case "list_item_close" | "blockquote_close":
                containers.pop()
            case "paragraph_open" | "heading_open":
                opened = token.type
            case "inline" if opened == "heading_open":
                page.add(SegmentKind.HEADING, *page.content_span(token))
            case "inline" if opened == "paragraph_open":
                _cut_paragraph(page, token, containers[-1])
            case "thead_open":
                header, opened = None, ""
            case "tr_open":
                cells = _row_cells(tokens, index)
                if header is not None or _has_no_rows(tokens, index):
                    _cut_row(page, token, header or [], cells)
                header = cells if header is None else header
            case "fence" | "code_block":
                _cut_code(page, token)
            case "html_block":
                _cut_html_block(page, token)


def _cut_paragraph(page: _Page, token: Token, kind: SegmentKind) -> None:
    """Append a paragraph: whole where it is a list item within the bound, else as sentences."""
    start, end = page.content_span(token)
    if kind is SegmentKind.LIST_ITEM and end - start <= MAX_PIECE:
        page.add(kind, start, end)
    else:
        page.add_sentences(kind, start, end)


def _row_cells(tokens: Sequence[Token], row: int) -> list[str]:
    """Return how the cells of the row that opens at tokens[row] read."""
    cells: list[str] = []
    for index in range(row + 1, len(tokens)):
        if tokens[index].type == "tr_close":
            break
        if tokens[index].type == "inline":
            content = tokens[index].content
            # the reading of a row over the bound is not shown, and an endless cell takes long to read
            cells.append(read_markdown(content) if len(content) <= MAX_PIECE else content)
    return cells


def _has_no_rows(tokens: Sequence[Token], row: int) -> bool:
    """Tell whether the table whose header opens at tokens[row] has nothing but its header."""
    for index in range(row + 1, len(tokens)):
        if tokens[index].type in ("tr_open", "table_close"):
            return tokens[index].type == "table_close"
    return True


def _cut_row(page: _Page, token: Token, header: Sequence[str], cells: Sequence[str]) -> None:
    """Append a table row without its outer bars."""
    line, _ = token.map or (0, 0)
    start, end = page.line_span(line)
    marks = _CONTAINER_MARKS.match(page.text, start, end)
    start = marks.end() if marks else start
    row = page.text[start:end].rstrip()
    if row.startswith("|"):
        start, row = start + 1, row[1:]
    if row.endswith("|") and not row.endswith("\\|"):
        row = row[:-1]
    page.add(SegmentKind.TABLE_ROW, start, start + len(row), label_cells(header, cells))


def _cut_code(page: _Page, token: Token) -> None:
    """Append the lines of a code block."""
    first, _ = token.map or (0, 0)
    if token.type == "fence":
        first += 1
    for offset, content in enumerate(token.content.split("\n")):
        if content.strip():
            page.add(SegmentKind.CODE_LINE, *page.find_line(first + offset, content))


def _cut_html_block(page: _Page, token: Token) -> None:
    """Append what can be read of a block of HTML, line by line; comments, scripts and styles are left out."""
    first, last = token.map or (0, 0)
    start, end = page.line_span(first)[0], page.line_span(last - 1)[1]
    block = page.text[start:end]
    if _UNSEEN_ELEMENT.match(block):
        return
    shown = _COMMENT.sub(lambda comment: re.sub(r"[^\r\n]", " ", comment[0]), block)
    for line in _LINE.finditer(shown):
        page.add_sentences(SegmentKind.SENTENCE, start + line.start(), start + line.end(), line[0])


def _cut_unparsed(page: _Page, tokens: Sequence[Token]) -> None:
    """Append the lines that the parser gave up on, as they lie deeper than it follows."""
    parsed = bytearray(len(page.starts))
    for token in tokens:
        if token.map and (token.content or token.type in ("hr", "fence", "table_open", "heading_open")):
            parsed[token.map[0] : token.map[1]] = b"\1" * (token.map[1] - token.map[0])
    for line, known in enumerate(parsed):
        start, end = page.line_span(line)
        marks = _CONTAINER_MARKS.match(page.text, start, end)
        if not known and marks:
            page.add_sentences(SegmentKind.SENTENCE, marks.end(), end)
    page.pieces.sort(key=lambda piece: piece.start)
