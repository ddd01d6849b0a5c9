"""HTML into the text that a reader sees, and that text into pieces.

In: markup. Out: one line per block (`# ` headings, `- ` list items, `| a | b |` table rows with `| --- |`
under a header, four spaces before preformatted lines), then pieces of that text, line by line.
Never: loads what a page refers to, runs a script, or keeps what a page hides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holocron.evidence.nesting import check_nesting
from holocron.evidence.raised import EDGE, NOTE, RAISED, read_raised
from holocron.evidence.segments import Piece, SegmentKind, label_cells
from holocron.evidence.sentences import MAX_PIECE, cut_sentences, split_long

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_UNSEEN_NAMES = (
    "script style template noscript iframe object embed svg canvas audio video map datalist meta link base "
    "noframes"
)
_UNSEEN = frozenset(_UNSEEN_NAMES.split())
_BLOCK_NAMES = (
    "address article aside blockquote body button caption center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form header hgroup hr html legend li main menu nav ol optgroup option p pre "
    "search section select summary table tbody textarea tfoot thead tr ul title h1 h2 h3 h4 h5 h6"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)} | {"title": "# "}
_HIDDEN_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)


def extract_html(markup: str) -> str:
    """Return a page's visible text, its blocks one per line.

    Raises: EvidenceUnreadable where elements lie too deep inside each other (see nesting.py).
    """
    from selectolax.lexbor import LexborHTMLParser  # here, because most runs read no HTML

    check_nesting(markup)
    root = LexborHTMLParser(markup.encode("utf-8", "replace")).root
    if root is None:
        return ""
    writer = _Writer()
    node: LexborNode = root
    depth = 0
    while True:
        if writer.enter(node):
            child = node.first_child
            if child is not None:
                node, depth = child, depth + 1
                continue
            writer.leave(node.tag or "")
        following = node.next if depth else None
        while following is None:
            parent = node.parent
            if depth == 0 or parent is None:
                return writer.text()
            node, depth = parent, depth - 1
            writer.leave(node.tag or "")
            following = node.next if depth else None
        node = following


@dataclass(slots=True)
class _Table:
    """A table that is being written; one that holds another table only lays out the page."""

    is_layout: bool = False
    in_cell: bool = False
    rows: int = 0
    #: of the row that is being written
    cells: list[str] = field(default_factory=list)
    is_header: bool = True


class _Writer:
    """Lines of visible text, written as elements open and close."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.parts: list[str] = []
        self.prefix = ""
        self.preformatted = 0
        self.tables: list[_Table] = []

    def enter(self, node: LexborNode) -> bool:
        """Take an element's opening or a text; return whether its children are to be read."""
        tag = node.tag or ""
        if tag == "-text":
            self.parts.append(node.text(deep=False))
            return False
        if tag in _UNSEEN or tag[:1] == "-" or _is_hidden(node):
            return False
        if tag == "table":
            self._open_table()
        elif tag in ("td", "th"):
            self._open_cell(tag)
        elif tag in _BLOCKS or tag == "br":
            self._end_line()
            self.prefix = _HEADINGS.get(tag, "- " if tag == "li" else self.prefix)
            self.preformatted += tag == "pre"
        elif tag == "sup":
            self.parts.append(NOTE if _is_note(node) else RAISED)
        elif tag == "sub":
            self.parts.append(EDGE)
        return True

    def leave(self, tag: str) -> None:
        """Take an element's end."""
        if tag in ("td", "th"):
            self._close_cell()
        elif tag == "tr":
            self._close_row()
        elif tag == "table":
            self._end_line()
            self.tables.pop()
            self.lines.append("")  # the header of this table ends here
        elif tag in _BLOCKS:
            self._end_line()
            self.preformatted -= tag == "pre"
            if tag == "li" or tag in _HEADINGS:
                self.prefix = ""
        elif tag in ("sup", "sub"):
            self.parts.append(EDGE)

    def text(self) -> str:
        """Return all lines."""
        self._end_line()
        return "\n".join(self.lines).strip("\n")

    def _end_line(self) -> None:
        if not self.parts:
            return
        if self.tables and self.tables[-1].in_cell:
            self.parts.append(" ")
            return
        written = read_raised("".join(self.parts))
        self.parts.clear()
        if self.preformatted:
            self.lines.extend("    " + line.rstrip() for line in written.splitlines() if line.strip())
            return
        line = " ".join(written.split())
        if line:
            self.lines.append(self.prefix + line)
            self.prefix = ""

    def _open_table(self) -> None:
        if self.tables and self.tables[-1].in_cell:
            outer = self.tables[-1]
            outer.is_layout, outer.in_cell = True, False
            self.lines.extend(cell for cell in outer.cells if cell)
            outer.cells.clear()
        self._end_line()
        self.tables.append(_Table())

    def _open_cell(self, tag: str) -> None:
        self._end_line()
        if self.tables and not self.tables[-1].is_layout:
            table = self.tables[-1]
            table.in_cell = True
            table.is_header &= tag == "th"

    def _close_cell(self) -> None:
        if not self.tables or not self.tables[-1].in_cell:
            self._end_line()
            return
        table = self.tables[-1]
        table.cells.append(" ".join(read_raised("".join(self.parts)).split()))
        table.in_cell = False
        self.parts.clear()

    def _close_row(self) -> None:
        self._end_line()
        table = self.tables[-1] if self.tables else _Table()
        cells = table.cells
        if any(cells) and (len(cells) > 1 or table.rows):
            self.lines.append(f"| {' | '.join(cells)} |")
            if table.is_header and table.rows == 0:
                self.lines.append(f"|{' --- |' * len(cells)}")
            table.rows += 1
        elif cells and cells[0]:
            self.lines.append(cells[0])
        cells.clear()
        table.is_header = True


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    if not attributes:
        return False
    return "hidden" in attributes or _HIDDEN_STYLE.search(attributes.get("style") or "") is not None


def _is_note(node: LexborNode) -> bool:
    """Tell whether raised text is a link within the page, or in one: the mark of a note."""
    for near in (node.parent, node.first_child):
        if near is not None and near.tag == "a" and (near.attributes.get("href") or "").startswith("#"):
            return True
    return False


_LINE = re.compile(r"[^\n]+")
_HEADING_MARK = re.compile(r"#{1,6} ")
_RULE = re.compile(r"\|(?: --- \|)+")


def cut_html(text: str) -> list[Piece]:
    """Cut what extract_html returned, line by line."""
    pieces: list[Piece] = []
    header: list[str] = []
    lines = list(_LINE.finditer(text))
    last_end = 0
    for index, match in enumerate(lines):
        line, start, end = match[0], match.start(), match.end()
        is_row = line.startswith("| ") and line.endswith(" |") and len(line) > 4
        if not is_row or start > last_end + 1:
            header = []
        last_end = end
        if line.startswith("    "):
            _add(pieces, SegmentKind.CODE_LINE, text, start, end)
        elif heading := _HEADING_MARK.match(line):
            _add(pieces, SegmentKind.HEADING, text, start + heading.end(), end)
        elif line.startswith("- "):
            _add(pieces, SegmentKind.LIST_ITEM, text, start + 2, end)
        elif not is_row:
            pieces.extend(Piece(SegmentKind.SENTENCE, *span) for span in cut_sentences(text, start, end))
        elif _RULE.fullmatch(line):
            header = _cells(lines[index - 1][0]) if index else []
        elif not _is_header(lines, index):
            cells = _cells(line)
            reading = label_cells(header, cells) if len(header) == len(cells) else ""
            _add(pieces, SegmentKind.TABLE_ROW, text, start + 2, end - 2, reading)
    return pieces


def _cells(line: str) -> list[str]:
    return line[2:-2].split(" | ")


def _is_header(lines: list[re.Match[str]], index: int) -> bool:
    """Tell whether a row is a header with rows below it."""
    below = lines[index + 1 : index + 3]
    return len(below) == 2 and _RULE.fullmatch(below[0][0]) is not None and below[1][0].startswith("| ")


def _add(pieces: list[Piece], kind: SegmentKind, text: str, start: int, end: int, reading: str = "") -> None:
    """Append one piece, or several where it is too long."""
    if end - start > MAX_PIECE and kind is SegmentKind.LIST_ITEM:
        pieces.extend(Piece(kind, *span) for span in cut_sentences(text, start, end))
        return
    quote = text[start:end]
    start += len(quote) - len(quote.lstrip())
    spans = list(split_long(text, start, start + len(quote.strip())))
    pieces.extend(Piece(kind, *span, "", reading if len(spans) == 1 else "") for span in spans)
