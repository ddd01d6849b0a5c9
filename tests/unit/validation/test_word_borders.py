"""Borders: whether a value stands in a text as itself, in every script."""

from __future__ import annotations

import pytest

from holocron.validation.word_borders import stands_in

CASES = [
    ("start", "Han", "Han shot", True),
    ("end", "Han", "by Han", True),
    ("alone", "Han", "Han", True),
    ("tab", "Han", "a\tHan\tb", True),
    ("longer-right", "Han", "Handle", False),
    ("longer-left", "Han", "Chan", False),
    ("digit-right", "BB", "BB8", False),
    ("digit-left", "PO", "C-3PO", False),
    ("later", "Han", "Handle Chan Han", True),
    ("overlapping", "aa", "aaa aa", True),
    ("longer-than-text", "Hansel", "Han", False),
    ("umlaut-right", "sch", "schön", False),
    ("umlaut-edge", "schö", "schön", False),
    ("mark-right", "e", "e\u0301", False),
    ("mark-left", "x", "e\u0301x", False),
    ("mark-kept", "e\u0301", "e\u0301 x", True),
    ("mark-added", "e\u0301", "e\u0301\u0308", False),
    ("zero-width-then-letter", "foo", "foo\u200bbar", False),
    ("zero-width-then-space", "foo", "foo\u200b bar", True),
    ("zero-width-at-end", "foo", "foo\u200b", True),
    ("zero-width-before", "bar", "foo\u200bbar", False),
    ("zero-width-at-start", "bar", "\u200bbar", True),
    ("symbol-edge", "C++", "in C++ or C", True),
    ("symbol-edge-letter", "C+", "C+x", True),
    ("apostrophe-s", "Luke", "Luke's", True),
    ("apostrophe-ll", "they", "they'll", True),
    ("apostrophe-t", "can", "can't", False),
    ("apostrophe-name", "Qui", "Qui'ra", False),
    ("apostrophe-name-tail", "ra", "Qui'ra", False),
    ("closing-quote", "Luke", "'Luke'", True),
    ("elision", "Artagnan", "d'Artagnan", True),
    ("elision-curly", "Impero", "dell’Impero", True),
    ("no-elision", "Baku", "M'Baku", False),
    ("han", "绝地", "是绝地武士", True),
    ("han-latin", "X", "在X翼", True),
    ("han-numeral", "百", "三百二十", False),
    ("han-digit", "19", "19世紀", True),
    ("han-scale", "3", "3万", False),
    ("kana-long", "スタ", "スター", False),
    ("kana-small", "シ", "シャア", False),
    ("kana-voiced", "か", "か\u3099", False),
    ("iteration", "人", "人々", False),
    ("hangul-particle", "한", "한은", True),
    ("hangul-left", "은", "한은", False),
    ("hangul-scale", "3", "3만", False),
    ("hangul-jamo", "\u1112\u1161", "\u1112\u1161\u11ab", False),
    ("thai", "ไทย", "คนไทยรัก", True),
    ("thai-mark", "ท", "ที่", False),
    ("khmer", "ខ្មែរ", "ភាសាខ្មែរ", True),
    ("devanagari-sign", "दिल्ल", "दिल्ली", False),
    ("devanagari-own-sign", "दिल्ली", "दिल्ली।", True),
    ("bengali", "ঢাকা", "ঢাকায়", False),
    ("tamil", "தமிழ்", "தமிழ்நாடு", False),
    ("arabic-tatweel", "مح", "محـ", False),
    ("arabic-vowel", "محم", "محمَد", False),
    ("hebrew-point", "ש", "ש\u05c1", False),
    ("emoji", "🚀", "go🚀go", True),
    ("emoji-tone", "👍", "👍🏿", False),
    ("emoji-joined", "👩", "👩\u200d🚀", False),
    ("emoji-joined-left", "🚀", "👩\u200d🚀", False),
    ("emoji-variation", "❤", "❤\ufe0f", False),
    ("decimal", "34", "34.75", False),
    ("decimal-comma", "34", "34,75", False),
    ("decimal-left", "75", "34.75", False),
    ("leading-point", "5", "a .5", False),
    ("sentence-end", "34", "of 34.", True),
    ("clause", "34", "34, they", True),
    ("thin-group", "304", "2\u2009304", False),
    ("thin-group-head", "2", "2\u2009304", False),
    ("thousands", "1234", "1234.5", False),
    ("year-then-count", "in 1977", "in 1977 300 men came", True),
    ("semicolon-list", "5", "4;5", True),
    ("sign", "34", "-34", False),
    ("dash-range", "34", "12-34", True),
    ("fraction", "1", "1/2", False),
    ("power", "10", "10^5", False),
    ("not-a-number-edge", "R2-D2", "R2-D2,96", True),
    ("version", "v1.2", "v1.2.3", True),
    ("per-hour", "5 km", "5 km/h", False),
    ("per-spelled", "5 km", "5 km per day", False),
    ("alternative", "Han", "Han/Leia", True),
]


@pytest.mark.parametrize(
    ("value", "text", "stands"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_value_stands_between_borders(value: str, text: str, stands: bool) -> None:
    """A grapheme, a word and a number are taken whole, as their script writes them."""
    assert stands_in(value, text) is stands


def test_the_search_gives_up_on_endless_repetition() -> None:
    """A miss is the safe answer where finding out would take minutes."""
    assert not stands_in("a" * 30_000, "a" * 200_000)
