from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.evidence.markup import mask_markup, read_markdown


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ("**Tal**", "Tal"),
        ("***Tal***", "Tal"),
        ("*Tal* and __Luke__", "Tal and Luke"),
        ("**a *b***", "a b"),
        ("他叫**韩·索罗**。", "他叫韩·索罗。"),
        ("[Tal](http://holo.net/a_(b) 'x y')", "Tal"),
        ("[Tal][ref]", "Tal"),
        ("[![alt](i.png)](u)", "alt"),
        ("`a*b*`", "a*b*"),
        ("`` a`b ``", "a`b"),
        (r"\*not\* \# it", "*not* # it"),
        ("<https://holo.net/a_b_c>", "https://holo.net/a_b_c"),
        ("R&amp;D &#233; &copy=1", "R&D é &copy=1"),
        ("H<sub>2</sub>O<br>x", "H2O x"),
        ("a <!-- b. --> c", "a  c"),
        ("One\n> goes\r\n> > on", "One\ngoes\r\non"),
        ("**He left.", "He left."),
        ("and stayed.**", "and stayed."),
        ("plain text.", "plain text."),
    ],
)
def test_markup_is_taken_off(quote: str, expected: str) -> None:
    """A quote reads as a person sees it."""
    assert read_markdown(quote) == expected


@pytest.mark.parametrize(
    "quote",
    [
        "snake_case_name",
        "2*3*4",
        "a * b * c",
        "f(*args, **kwargs)",
        "5 < 6 > 4",
        "[1][2]",
        "x[0]",
        "a & b",
        "\ue000",
    ],
)
def test_what_only_looks_like_markup_stays(quote: str) -> None:
    """Names, sums, calls and footnotes keep their signs."""
    assert read_markdown(quote) == quote


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ("a `b. c` d", "a xxxxxx d"),
        ("a ``b ` c`` d`", "a xxxxxxxxx d`"),
        ("``a `b. c` d", "``a xxxxxx d"),
        ("`a `` b` ``c`", "xxxxxxxx ``c`"),
        ('<a b="`"> c` d', "xxxxxxxxx c` d"),
    ],
)
def test_code_spans_are_masked(quote: str, expected: str) -> None:
    """A run of backticks is closed by the next one that is as long; one that is not closed is text."""
    assert mask_markup(quote) == expected


@settings(deadline=None)
@given(st.text(st.sampled_from("ab*_`[]()<>!&;\\#1 \n\ue000中"), max_size=40))
def test_masking_keeps_every_place(quote: str) -> None:
    """A masked quote is as long as the quote, so that offsets hold; reading never raises."""
    assert len(mask_markup(quote)) == len(quote)
    assert isinstance(read_markdown(quote), str)
