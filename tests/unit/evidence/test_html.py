from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.errors import EvidenceUnreadable
from holocron.evidence.html import cut_html, extract_html


def cuts(markup: str) -> list[tuple[str, str]]:
    """Return kinds and quotes of a page."""
    text = extract_html(markup)
    return [(piece.kind.value, text[piece.start : piece.end]) for piece in cut_html(text)]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param("<title>T &amp; x</title><p>a", "# T & x\na", id="title and entities"),
        pytest.param("<h1>A</h1><h3>B <em>c</em></h3>", "# A\n### B c", id="headings"),
        pytest.param("<p>a\n  b&nbsp;c<br>d</p>e", "a b c\nd\ne", id="white space and breaks"),
        pytest.param("x<b>y</b>z <i>w</i>", "xyz w", id="inline elements"),
        pytest.param("<ul><li>a<ul><li>b</ul><li><p>c</p><p>d</p></ul>", "- a\n- b\n- c\nd", id="lists"),
        pytest.param("<pre>a\n  b\n\nc</pre>", "    a\n      b\n    c", id="preformatted"),
        pytest.param(
            "<script>x</script><style>y</style><p><noscript>z</noscript><template>w</template>",
            "",
            id="unseen",
        ),
        pytest.param("<p hidden>a</p><div style='color:red; DISPLAY : none'>b</div><p>c", "c", id="hidden"),
        pytest.param("<!-- a --><p>b<!-- c --></p>", "b", id="comments"),
        pytest.param(
            "<p>他走了。</p><p dir=rtl>نعم؟</p><p>👩‍👩‍👧 🇵🇱 E\u0301",
            "他走了。\nنعم؟\n👩‍👩‍👧 🇵🇱 E\u0301",
            id="scripts",
        ),
        pytest.param("<p>a</p>\r\n<p>b\r\nc</p>", "a\nb c", id="CRLF"),
        pytest.param("<table hidden><tr><td>x</table>y", "y", id="a hidden table"),
        pytest.param("no markup", "no markup", id="plain"),
        pytest.param("", "", id="empty"),
    ],
)
def test_visible_text(markup: str, expected: str) -> None:
    """A page becomes the lines that a reader sees."""
    assert extract_html(markup) == expected


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        pytest.param(
            "<table><tr><th>name<th>length<tr><td>Falcon<td>34.75 <p>m</p><tr><td><td>4</table>",
            [("Falcon | 34.75 m", "name: Falcon; length: 34.75 m"), ("| 4", "length: 4")],
            id="a header names the cells",
        ),
        pytest.param("<table><tr><td>a<td>b</table>", [("a | b", "")], id="no header"),
        pytest.param("<table><tr><th>a<th>b</table>", [("a | b", "")], id="a header alone is a row"),
        pytest.param(
            "<table><tr><th>a<th>b<tr><td colspan=2>x<tr><td>1<td>2 | 3</table>",
            [("x", ""), ("1 | 2 | 3", "")],
            id="a row of another width is not named",
        ),
        pytest.param(
            "<table><tr><th>a<th>b<tr><td>1<td>2</table><table><tr><td>3<td>4</table>",
            [("1 | 2", "a: 1; b: 2"), ("3 | 4", "")],
            id="a header ends with its table",
        ),
        pytest.param(
            "<table><tr><td>menu<table><tr><td>1<td>2</table>rest<td>x</table>",
            [("menu", ""), ("1 | 2", ""), ("rest", ""), ("x", "")],
            id="a table around a table is layout",
        ),
    ],
)
def test_tables(markup: str, expected: list[tuple[str, str]]) -> None:
    """A row is one piece, read under its header where it has as many cells."""
    text = extract_html(markup)
    assert [(text[piece.start : piece.end], piece.reading) for piece in cut_html(text)] == expected


def test_pieces_by_kind() -> None:
    """Lines are cut by their marks, which are no part of the quote."""
    markup = "<h2>Ship</h2><p>It is fast. Dr. Aphra says so.</p><ul><li>One. Two.</ul><pre>x = 1</pre>"
    assert cuts(markup) == [
        ("heading", "Ship"),
        ("sentence", "It is fast."),
        ("sentence", "Dr. Aphra says so."),
        ("list_item", "One. Two."),
        ("code_line", "x = 1"),
    ]


def test_a_long_list_item_is_cut_into_sentences() -> None:
    """A list item over the bound is cut, and stays a list item."""
    found = cuts("<li>" + "The ship is fast. " * 100)
    assert found[1] == ("list_item", "The ship is fast.")


@pytest.mark.parametrize("element", ["div", "b", "table", "ul><li", "blockquote"])
def test_deep_nesting(element: str) -> None:
    """Ten thousand elements inside each other are read."""
    assert extract_html(f"<{element}>" * 10_000 + "deep").endswith("deep")


def test_endless_nesting_is_refused() -> None:
    """A page that would keep the parser busy for minutes is refused, and says why."""
    with pytest.raises(EvidenceUnreadable, match="more than 20,000 deep"):
        extract_html("<div></x>" * 30_000)


@settings(deadline=None)
@given(st.text(st.sampled_from("<>/abptdrlih ='\"&;#\n\t|-中\u0301"), max_size=80))
def test_extraction_never_raises(markup: str) -> None:
    """Whatever stands there, lines come out that have no space at their ends but code's."""
    for line in extract_html(markup).split("\n"):
        assert line == line.rstrip()
        assert line == line.lstrip() or line.startswith("    ")
