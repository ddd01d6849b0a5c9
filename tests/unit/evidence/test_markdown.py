from __future__ import annotations

import time

import pytest

from holocron.evidence.markdown import cut_markdown


def cuts(text: str) -> list[tuple[str, str]]:
    """Return kinds and quotes."""
    return [(piece.kind.value, text[piece.start : piece.end]) for piece in cut_markdown(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("## The *Falcon* ##", [("heading", "The *Falcon*")], id="ATX"),
        pytest.param("# 猎鹰号\r\n", [("heading", "猎鹰号")], id="ATX, chinese, CRLF"),
        pytest.param("The\nFalcon\n===", [("heading", "The\nFalcon")], id="setext"),
        pytest.param("#\n\n## #", [], id="empty headings"),
        pytest.param(
            "He left. She\nstayed.", [("sentence", "He left."), ("sentence", "She\nstayed.")], id="prose"
        ),
        pytest.param("他走了。\r\n真的？", [("sentence", "他走了。"), ("sentence", "真的？")], id="chinese"),
        pytest.param("هو هنا؟ نعم.", [("sentence", "هو هنا؟"), ("sentence", "نعم.")], id="arabic"),
        pytest.param("वह गया। आया।", [("sentence", "वह गया।"), ("sentence", "आया।")], id="hindi"),
        pytest.param(
            "👩‍👩‍👧 E\u0301. 🇵🇱!", [("sentence", "👩‍👩‍👧 E\u0301."), ("sentence", "🇵🇱!")], id="emoji"
        ),
        pytest.param("[Dr. X](a. b) left.", [("sentence", "[Dr. X](a. b) left.")], id="a link's target"),
        pytest.param("Run `a. b` now.", [("sentence", "Run `a. b` now.")], id="code spans"),
        pytest.param(
            "[Tal.](u) Next", [("sentence", "[Tal.](u)"), ("sentence", "Next")], id="a stop inside a link"
        ),
        pytest.param(
            "[ref]: http://holo.net 'T'", [("sentence", "[ref]: http://holo.net 'T'")], id="definitions"
        ),
        pytest.param("---\n\nOne.\n\n---", [("sentence", "One.")], id="two rules are no front matter"),
        pytest.param("a\n\n***\n\nb", [("sentence", "a"), ("sentence", "b")], id="a rule is nothing"),
        pytest.param("![](x.png)\n\n[](y)", [], id="pictures without words"),
    ],
)
def test_headings_and_prose(text: str, expected: list[tuple[str, str]]) -> None:
    """Headings come without marks, paragraphs as sentences, at their exact places."""
    assert cuts(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "- Han. A pilot.\n  Wrapped\n- Luke", ["Han. A pilot.\n  Wrapped", "Luke"], id="bullets"
        ),
        pytest.param("1. one\n2) two\n\t- deep\r\n", ["one", "two", "deep"], id="numbers and nesting"),
        pytest.param(
            "- one\n\n  second par\n- [x] two", ["one", "second par", "[x] two"], id="paragraphs, tasks"
        ),
        pytest.param("* 韩\r\n* 🇵🇱 x", ["韩", "🇵🇱 x"], id="chinese and emoji"),
    ],
)
def test_list_items(text: str, expected: list[str]) -> None:
    """A list item is one piece without its marker."""
    assert cuts(text) == [("list_item", quote) for quote in expected]


def test_a_long_list_item_is_cut_into_sentences() -> None:
    """A list item over the bound is cut, and stays a list item."""
    found = cuts("- " + "The ship is fast. " * 100)
    assert found[0] == ("list_item", "The ship is fast.")
    assert len(found) == 100


def test_block_quotes_are_prose() -> None:
    """A quote of two lines keeps the mark between them, and reads without it."""
    assert cuts("> One\n> goes on. Two.\n>> deeper") == [
        ("sentence", "One\n> goes on."),
        ("sentence", "Two."),
        ("sentence", "deeper"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "| name | **length** |\n|---|---:|\n| Falcon | `34.75` |\n| | 4 |\n",
            [("Falcon | `34.75`", "name: Falcon; length: 34.75"), ("| 4", "length: 4")],
            id="rows under a header",
        ),
        pytest.param(
            "a | b\n--|--\nx\\|y | z", [("x\\|y | z", "a: x|y; b: z")], id="no outer bars, escaped bar"
        ),
        pytest.param("| a | b |\n|---|---|", [("a | b", "a; b")], id="a header alone is a row"),
        pytest.param("> | 名 |\r\n> |---|\r\n> | 韩 |\r\n", [("韩", "名: 韩")], id="in a block quote, CRLF"),
        pytest.param("- | a |\n  |---|\n  | 1 |", [("1", "a: 1")], id="in a list"),
    ],
)
def test_tables(text: str, expected: list[tuple[str, str]]) -> None:
    """A row is quoted without its outer bars and read under its header."""
    rows = [(text[piece.start : piece.end], piece.reading) for piece in cut_markdown(text)]
    assert rows == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("```py\ndef f():\n    x\n\n```\n", ["def f():", "x"], id="fence"),
        pytest.param("~~~\nopen. End", ["open. End"], id="a fence that never closes"),
        pytest.param("    a = 1\n\tb = 2", ["a = 1", "b = 2"], id="indented"),
        pytest.param("> ```\n> 中文\n> ```", ["中文"], id="in a block quote"),
        pytest.param("---\ntitle: Tal\nyear: 19\n---", ["title: Tal", "year: 19"], id="front matter"),
        pytest.param("---\r\ntitle: Tal\r\n---\r\n", ["title: Tal"], id="front matter, CRLF"),
    ],
)
def test_code_lines(text: str, expected: list[str]) -> None:
    """Code and front matter are cut by line, not by sentence."""
    assert cuts(text) == [("code_line", quote) for quote in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("<!-- hidden. -->\n\nSeen.", ["Seen."], id="a comment block"),
        pytest.param("<!--\nhidden\n--> seen\n", ["seen"], id="a comment of several lines"),
        pytest.param("<div>\nseen\n</div>", ["seen"], id="tags alone read as nothing"),
        pytest.param("<p>One. Two.</p>", ["<p>One.", "Two.</p>"], id="a line of HTML"),
        pytest.param("<script>\nvar a = 1;\n</script>\n\nSeen.", ["Seen."], id="scripts"),
    ],
)
def test_html_in_markdown(text: str, expected: list[str]) -> None:
    """What a page would not show is left out."""
    assert cuts(text) == [("sentence", quote) for quote in expected]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(">" * 5_000 + " deep", id="quotes"),
        pytest.param("> " * 5_000 + "deep", id="quotes with spaces"),
        pytest.param("- " * 5_000 + "deep", id="lists"),
        pytest.param(
            "".join("  " * level + f"- deep {level}\n" for level in range(80)), id="a staircase of lists"
        ),
        pytest.param("> - " * 2_000 + "deep", id="both"),
    ],
)
def test_deep_nesting_keeps_its_words(text: str) -> None:
    """However deep blocks lie inside each other, nothing breaks and no word is lost."""
    found = "\n".join(quote for _, quote in cuts(text))
    assert found.count("deep") == text.count("deep")


@pytest.mark.parametrize(
    "text",
    [
        "`" * 50_000,
        "[a](" * 10_000,
        "*a " * 10_000,
        "|a|\n|-|\n" + "|b|\n" * 3_000,
        "<!--" * 10_000,
        "[" * 30_000,
        "x " + " a ".join("`" * length for length in range(400, 0, -1)),
        "| h |\n| - |\n| " + " *a" * 20_000 + " |\n",
        "| " + " *a" * 20_000 + " |\n| - |\n| 1 |\n",
    ],
    ids=[
        *["backticks", "links", "stars", "table", "comments", "brackets"],
        *["ever shorter runs of backticks", "stars in a cell", "stars in a header"],
    ],
)
def test_hostile_text_takes_no_long_time(text: str) -> None:
    """Repeated openings are cut in time that grows with the text (this test would hang otherwise)."""
    started = time.process_time()
    found = cuts(text)
    assert time.process_time() - started < 12
    assert all(len(quote) <= 1_000 for _, quote in found)
