from __future__ import annotations

import io
import json
import shlex
import unicodedata
from contextlib import redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holocron.cli.terminal import one_line, plain_text, print_json, print_table, quote_word


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        pytest.param("Mara Veen", "Mara Veen", id="plain"),
        pytest.param("a\tb\nc", "a\tb\nc", id="tabs-and-lines-stay"),
        pytest.param("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m", id="colours"),
        pytest.param("\x1b]0;title\x07", "\\x1b]0;title\\x07", id="window-title"),
        pytest.param("a\rb\bc\x7f", "a\\x0db\\x08c\\x7f", id="overwriting"),
        pytest.param("\x9b2J", "\\x9b2J", id="eight-bit-control"),
        pytest.param("a\u202eb\u2066c", "a\\u202eb\\u2066c", id="direction"),
        pytest.param("a\u2028b", "a\\u2028b", id="line-separator"),
        pytest.param("x\U000e0041", "x\\U000e0041", id="tag-letters"),
        pytest.param("half \ud800", "half \\ud800", id="lone-surrogate"),
        pytest.param("[bold]x[/bold]", "[bold]x[/bold]", id="markup-is-text"),
        pytest.param("👩‍🚀 می‌خواهم", "👩‍🚀 می‌خواهم", id="joiners-stay"),
    ],
)
def test_what_controls_a_terminal_is_written_out(text: str, plain: str) -> None:
    """Controls, direction marks and invisible letters become visible; everything else stays."""
    assert plain_text(text) == plain


@given(st.text())
def test_plain_text_has_no_controls(text: str) -> None:
    """Whatever goes in, no control but tab and line feed comes out, and UTF-8 can carry it."""
    plain = plain_text(text)
    plain.encode()
    assert all(char in "\t\n" or unicodedata.category(char) != "Cc" for char in plain)


@given(st.text(), st.integers(min_value=2, max_value=40))
def test_one_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    """A line has no line break, and no more characters than were asked for."""
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1


@given(st.recursive(st.none() | st.integers() | st.text(), lambda parts: st.lists(parts, max_size=3)))
def test_json_is_ascii_and_true(value: object) -> None:
    """A JSON document is plain ASCII and reads back as what went in."""
    out = io.StringIO()
    with redirect_stdout(out):
        print_json(value)  # type: ignore[arg-type]  # drawn as JSON
    text = out.getvalue()
    assert text.isascii()
    assert json.loads(text) == value


def test_a_table_that_goes_to_a_file_has_a_line_per_row() -> None:
    """Elsewhere than on a terminal no cell is wrapped or cut, markup is text and NULL is nothing."""
    out = io.StringIO()
    with redirect_stdout(out):
        print_table(["name", "why"], [("[red]x[/red]", "long " * 60), (None, "a\nb"), ("海", 7)])
    lines = out.getvalue().splitlines()
    assert lines == [
        "name          why",
        "[red]x[/red]  " + ("long " * 60).strip(),
        "              a b",
        "海            7",
    ]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("gguf:models/small.gguf", "gguf:models/small.gguf"),
        ("C:\\data\\x.gguf", '"C:\\data\\x.gguf"'),
        ("ships/größe.txt", "ships/größe.txt"),
        ("Nils Orrin", '"Nils Orrin"'),
        ("a(b)&c", '"a(b)&c"'),
        ("it's", '"it\'s"'),
        ("", '""'),
        ('"big" ship', "'\"big\" ship'"),
        ("$HOME", "'$HOME'"),
        ("`id`", "'`id`'"),
        ("oh!", "'oh!'"),
        ("a b\\", "'a b\\'"),
        ("it's $5", "'it'\"'\"'s $5'"),
    ],
)
def test_a_word_of_a_command_can_be_copied(text: str, word: str) -> None:
    """What a shell would take apart or act upon stands in quotation marks."""
    assert quote_word(text) == word
    assert shlex.split(quote_word(text)) == [text]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_a_posix_shell_reads_a_quoted_word_as_it_was(text: str) -> None:
    """Whatever is in it, it is one word, and nothing in it is expanded."""
    word = quote_word(text)
    assert shlex.split(word) == [text]
    assert word[:1] == "'" or not set(word) & set("$`")
