"""JSON into one piece per leaf value, named by its JSON pointer.

In: JSON text, or several values on lines of their own (JSON Lines). Out: pieces; a quote is the value
as it stands in the text, a string's quotes included.
Never: builds the values, or recurses.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from enum import Enum

from holocron.errors import EvidenceUnreadable
from holocron.evidence.segments import Piece, SegmentKind, shorten_name
from holocron.evidence.sentences import MAX_PIECE, cut_sentences

#: objects and arrays that may lie inside each other
MAX_DEPTH = 200
# A pointer is shown before each value below it, so neither an endless key nor many long ones enter it whole.
_POINTER_HEAD = 200
_POINTER_TAIL = 800

_TOKEN = re.compile(
    r"[ \t\n\r]*+(?:"
    r'(?P<string>"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+")'
    r"|(?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+(?![\w.+-]))"
    r"|(?P<boolean>(?:true|false)(?!\w))|(?P<nothing>(?:null|NaN|-?Infinity)(?!\w))"
    r"|(?P<sign>[{}\[\],:])|(?P<end>\Z))"
)
_BLANK = re.compile(r"[ \t\n\r]*")
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")


class _Expected(Enum):
    """What must come next; the value says it in an error's words."""

    VALUE = "a value"
    VALUE_OR_END = "a value or ]"
    KEY = "a name in double quotes"
    KEY_OR_END = "a name in double quotes or }"
    COLON = "a colon"
    COMMA_OR_END = "a comma or the closing bracket"
    NEXT_DOCUMENT = "the end, or another value on a line of its own"


def cut_json(text: str) -> list[Piece]:
    """Cut JSON into its leaves; nulls and blank strings are left out.

    A string over the bound is cut into its sentences under the same pointer.
    Raises: EvidenceUnreadable with line and column where the text is not JSON or nests too deep.
    """
    scanner = _Scanner(text)
    while scanner.read_token():
        pass
    return scanner.pieces


class _Scanner:
    """A reader of tokens that remembers where it is and what must come next."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.expected = _Expected.VALUE
        self.pieces: list[Piece] = []
        #: for each open object or array, the pointer of what holds it and the index reached; -1 in an object
        self.open: list[tuple[str, int]] = []
        self.pointer = ""
        self.documents = 0

    def read_token(self) -> bool:
        """Take the next token; return whether there is more to read."""
        match = _TOKEN.match(self.text, self.position)
        kind = match.lastgroup if match else None
        if match is None or kind is None:
            raise self._error(self.expected.value + " was expected")
        start, end = match.span(kind)
        if kind == "end":
            if self.expected is not _Expected.NEXT_DOCUMENT:
                raise self._error(f"it ends where {self.expected.value} was expected")
            return False
        if self.expected is _Expected.NEXT_DOCUMENT:
            self._begin_document(start)
        sign = self.text[start] if kind == "sign" else ""
        if kind == "string" and self.expected in (_Expected.KEY, _Expected.KEY_OR_END):
            self._take_key(start, end)
        elif self.expected in (_Expected.VALUE, _Expected.VALUE_OR_END) and (not sign or sign in "[{"):
            self._take_value(kind, start, end)
        elif not self._take_sign(sign):
            raise self._error(self.expected.value + " was expected")
        self.position = end
        return True

    def _take_value(self, kind: str, start: int, end: int) -> None:
        """Take a leaf, or the opening of an object or array."""
        if kind == "sign":
            if len(self.open) == MAX_DEPTH:
                raise self._error(f"objects and arrays lie more than {MAX_DEPTH} deep inside each other")
            is_array = self.text[start] == "["
            self.open.append((self.pointer, 0 if is_array else -1))
            self.pointer += "/0" if is_array else ""
            self.expected = _Expected.VALUE_OR_END if is_array else _Expected.KEY_OR_END
            return
        if kind == "string":
            self._add_string(start, end)
        elif kind != "nothing":
            self.pieces.append(Piece(SegmentKind.JSON_VALUE, start, end, self.pointer))
        self._end_value()

    def _take_key(self, start: int, end: int) -> None:
        """Take an object's name; it enters the pointer escaped as RFC 6901 asks.

        A pointer that is cut has a "…" in its middle: its beginning and its end tell most.
        """
        key = shorten_name(read_json(self.text[start:end]))
        pointer = f"{self.open[-1][0]}/{key.replace('~', '~0').replace('/', '~1')}"
        if len(pointer) > _POINTER_HEAD + _POINTER_TAIL:
            pointer = f"{pointer[:_POINTER_HEAD]}…{pointer[-_POINTER_TAIL:]}"
        self.pointer = pointer
        self.expected = _Expected.COLON

    def _take_sign(self, sign: str) -> bool:
        """Take a colon, a comma or a closing bracket; return whether it may stand here."""
        expected = self.expected
        if sign == ":" and expected is _Expected.COLON:
            self.expected = _Expected.VALUE
            return True
        if not self.open or not sign:
            return False
        holder, index = self.open[-1]
        if sign == "," and expected is _Expected.COMMA_OR_END:
            if index < 0:
                self.expected = _Expected.KEY
            else:
                self.open[-1] = (holder, index + 1)
                self.pointer = f"{holder}/{index + 1}"
                self.expected = _Expected.VALUE
            return True
        may_end = (_Expected.COMMA_OR_END, _Expected.KEY_OR_END if index < 0 else _Expected.VALUE_OR_END)
        if sign == ("}" if index < 0 else "]") and expected in may_end:
            self.open.pop()
            self.pointer = holder
            self._end_value()
            return True
        return False

    def _end_value(self) -> None:
        if self.open:
            self.expected = _Expected.COMMA_OR_END
        else:
            self.documents += 1
            self.expected = _Expected.NEXT_DOCUMENT

    def _begin_document(self, start: int) -> None:
        """Begin another top-level value; from the second on, pointers begin with the value's index."""
        if not {"\n", "\r"} & set(self.text[self.position : start]):
            raise self._error(self.expected.value + " was expected")
        if self.documents == 1:
            self.pieces = [piece._replace(label="/0" + piece.label) for piece in self.pieces]
        self.pointer = f"/{self.documents}"
        self.expected = _Expected.VALUE

    def _add_string(self, start: int, end: int) -> None:
        """Append a string, whole or as sentences; a blank one is left out."""
        value = read_json(self.text[start:end])
        if not value or value.isspace():
            return
        if len(value) <= MAX_PIECE:
            self.pieces.append(Piece(SegmentKind.JSON_VALUE, start, end, self.pointer))
            return
        # Where the value's characters stand in the text: each pair holds until the next one.
        values, places = [0], [start + 1]
        for match in _ESCAPE.finditer(self.text, start + 1, end - 1):
            values.append(values[-1] + match.start() - places[-1] + 1)
            places.append(match.end())
        for first, last in cut_sentences(value, 0, len(value)):
            here, there = bisect_right(values, first) - 1, bisect_right(values, last - 1) - 1
            begin = places[here] + first - values[here]
            final = places[there] + last - 1 - values[there]
            escaped = _ESCAPE.match(self.text, final)
            stop = escaped.end() if escaped else final + 1
            self.pieces.append(Piece(SegmentKind.JSON_VALUE, begin, stop, self.pointer))

    def _error(self, what: str) -> EvidenceUnreadable:
        """Return the error that names the place behind the last token."""
        blank = _BLANK.match(self.text, self.position)
        place = blank.end() if blank else self.position
        line = self.text.count("\n", 0, place) + 1
        column = place - self.text.rfind("\n", 0, place)
        return EvidenceUnreadable(
            f"it is not JSON: line {line}, column {column}: {what}",
            hint="Mend it there, or give it an ending that is read as plain text, such as .txt.",
        )


def read_json(quote: str) -> str:
    """Return what a JSON value reads as: a string decoded, anything else as it is written.

    A part of a string, without one or both of its quotes, is decoded too.
    """
    inner = quote.removeprefix('"')
    if inner.endswith('"'):
        slashes = len(inner) - 1 - len(inner[:-1].rstrip("\\"))
        inner = inner[:-1] if slashes % 2 == 0 else inner
    if "\\" not in inner:
        return inner
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except json.JSONDecodeError:
        return inner
