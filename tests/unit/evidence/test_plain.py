from __future__ import annotations

import time

import pytest

from holocron.evidence.plain import cut_plain
from holocron.evidence.segments import SegmentKind

ITEM, SENTENCE = SegmentKind.LIST_ITEM, SegmentKind.SENTENCE


def quotes(text: str) -> list[str]:
    """Return the quotes of a plain text."""
    return [text[piece.start : piece.end] for piece in cut_plain(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "Tal was born\non Naboo. He flies.", ["Tal was born\non Naboo.", "He flies."], id="soft wrap"
        ),
        pytest.param("a title\n\nA text", ["a title", "A text"], id="a blank line ends"),
        pytest.param("a\r\n\r\nb\r\rc\n \t\nd", ["a", "b", "c", "d"], id="every kind of blank line"),
        pytest.param("a\r\nb\rc", ["a\r\nb\rc"], id="every kind of soft wrap"),
        pytest.param("page one\fpage two", ["page one", "page two"], id="form feed"),
        pytest.param(
            "Title\n=====\nText.\n---\nMore", ["Title", "=====", "Text.", "---", "More"], id="rules"
        ),
        pytest.param("born in\n1974. He left", ["born in\n1974.", "He left"], id="a year is no list marker"),
        pytest.param(
            "he said\nHome: that is all", ["he said\nHome: that is all"], id="one colon is no record"
        ),
        pytest.param(
            "Name: Han\nShip: Falcon\nHome: Corellia",
            ["Name: Han", "Ship: Falcon", "Home: Corellia"],
            id="records",
        ),
        pytest.param("船长：韩\n飞船：猎鹰号", ["船长：韩", "飞船：猎鹰号"], id="records in chinese"),
        pytest.param(
            "2020-01-01 10:00:00 up\n2020-01-01 10:00:01 down\n  at x",
            ["2020-01-01 10:00:00 up", "2020-01-01 10:00:01 down\n  at x"],
            id="log lines",
        ),
        pytest.param("A: b\r\nB: c\r\nN: x\r\ny", ["A: b", "B: c", "N: x\r\ny"], id="a record, CRLF"),
        pytest.param("\n\n  \n", [], id="blank"),
        pytest.param("他走了。\n他回来了。", ["他走了。", "他回来了。"], id="chinese lines"),
        pytest.param("👩‍👩‍👧 came.\r\n🇵🇱 won.", ["👩‍👩‍👧 came.", "🇵🇱 won."], id="emoji and CRLF"),
        pytest.param(
            "E\u0301te\u0301.\r\nNoe\u0308l.", ["E\u0301te\u0301.", "Noe\u0308l."], id="combining marks"
        ),
    ],
)
def test_blocks(text: str, expected: list[str]) -> None:
    """Blank lines, rules, records and time stamps begin something new; a soft wrap does not."""
    assert quotes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "Crew:\n- Han. A pilot.\n  Wrapped\n- Chewie",
            ["- Han. A pilot.\n  Wrapped", "- Chewie"],
            id="dash",
        ),
        pytest.param("* a\n\n* b", ["* a", "* b"], id="star, loose"),
        pytest.param("•韩\r\n•卢克", ["•韩", "•卢克"], id="bullet without a space"),
        pytest.param("Steps\n1. one\n2. two\n10. ten", ["1. one", "2. two", "10. ten"], id="numbers"),
        pytest.param("a) one\nb) two\n(c) three", ["a) one", "b) two", "(c) three"], id="letters"),
        pytest.param("5. five", ["5. five"], id="begins anywhere in a new block"),
    ],
)
def test_list_items(text: str, expected: list[str]) -> None:
    """A list item is one piece, its wrapped lines and sentences with it."""
    items = [text[piece.start : piece.end] for piece in cut_plain(text) if piece.kind is ITEM]
    assert items == expected


def test_a_long_list_item_is_cut_into_sentences() -> None:
    """A list item over the bound is cut like any other text, and stays a list item."""
    text = "- " + "The ship is fast. " * 100
    pieces = cut_plain(text)
    assert {piece.kind for piece in pieces} == {ITEM}
    assert text[pieces[1].start : pieces[1].end] == "The ship is fast."


def test_a_long_record_takes_no_long_time() -> None:
    """A field with a wrapped line is not read again for each line below it that looks like a field."""
    started = time.process_time()
    pieces = cut_plain("A: b\nB: c\nN: " + "x" * 200_000 + "\nzz\nA: b" * 10_000)
    assert time.process_time() - started < 4
    assert pieces[-1].end == 200_013 + 8 * 10_000


def test_the_kind_of_prose_is_sentence() -> None:
    """What is no list item is a sentence."""
    assert [piece.kind for piece in cut_plain("One. Two.\n- three\n\nfour")] == [
        SENTENCE,
        SENTENCE,
        ITEM,
        SENTENCE,
    ]
