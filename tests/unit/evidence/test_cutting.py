from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.evidence.cutting import CUTTERS, cut_text, read_quote
from holocron.evidence.html import extract_html
from holocron.evidence.items import MediaType

_SNIPPETS = (
    "a B Dr e.g . ! ? … 。 ！ ؟ । - * 1. a) # ## > | |-| --- ``` ` ** _ [ ] ( ) <!-- --> <b> </b> < &amp; \\ "
    ': Key: === " » [1] { } , ; 3.14 word 中文 हि نعم é \u0301 👩‍👩‍👧 🇵🇱 <td> <tr> <table> <li> <pre>'
)
_TEXTS = st.lists(
    st.sampled_from(
        [
            *_SNIPPETS.split(),
            " ",
            " ",
            "\n",
            "\n\n",
            "\r\n",
            "\r",
            "\t",
            "    ",
            "\f",
            "\u2028",
            "\u3000",
            "x" * 400,
        ]
    )
    | st.text(max_size=3),
    max_size=40,
).map("".join)


@settings(deadline=None)
@given(
    text=_TEXTS,
    media_type=st.sampled_from([MediaType.TEXT, MediaType.MARKDOWN, MediaType.HTML, MediaType.CSV]),
)
def test_pieces_of_any_text(text: str, media_type: MediaType) -> None:
    """Cutting never raises; quotes are in order, apart, trimmed, not blank and bounded; each can be read."""
    pieces = cut_text(text, media_type)
    for piece in pieces:
        quote = text[piece.start : piece.end]
        assert quote == quote.strip() != ""
        assert len(quote) <= 1_000
        assert isinstance(read_quote(quote, media_type, text), str)
    assert all(before.end <= after.start for before, after in pairwise(pieces))


@settings(deadline=None)
@given(_TEXTS)
def test_plain_text_is_held_whole(text: str) -> None:
    """Every character of plain text that is not white space is in some piece."""
    quotes = [text[piece.start : piece.end] for piece in cut_text(text, MediaType.TEXT)]
    assert "".join("".join(quotes).split()) == "".join(text.split())


@settings(deadline=None)
@given(_TEXTS)
def test_what_html_gives_is_held_whole_but_for_marks(markup: str) -> None:
    """Every letter and digit of a page's visible text is in some piece, or names a column."""
    text = extract_html(markup)
    pieces = cut_text(text, MediaType.HTML)
    held = "".join(text[piece.start : piece.end] + piece.reading for piece in pieces)
    assert {char for char in text if char.isalnum()} <= set(held)


@pytest.mark.parametrize(
    ("quote", "media_type", "value"),
    [
        ("**Tal**", MediaType.TEXT, "**Tal**"),
        ("**Tal**", MediaType.MARKDOWN, "Tal"),
        ("**Tal**", MediaType.HTML, "**Tal**"),
        ('"T\\u00e1l"', MediaType.JSON, "Tál"),
        ("34.75", MediaType.JSON, "34.75"),
        ('"Tal",3', MediaType.CSV, "Tal | 3"),
    ],
)
def test_quotes_read_by_their_media_type(quote: str, media_type: MediaType, value: str) -> None:
    """A value is read from the slice, the media type and, in CSV, the delimiter of its text."""
    assert read_quote(quote, media_type, quote) == value


def test_every_media_type_can_be_cut() -> None:
    """A media type without a cutter would be a door that leads nowhere."""
    assert set(CUTTERS) == set(MediaType)
