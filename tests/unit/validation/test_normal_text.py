"""The normal form: what reads the same is the same, and what does not stays apart."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.validation.normal_text import (
    cache_by_text,
    drop_initial_dots,
    fold_digits,
    has_substance,
    normalise,
    search_forms,
)

SAME = [
    ("case", "LUKE", "luke"),
    ("spaces", " a \n\t b\u00a0c ", "a b c"),
    ("dashes", "a‐b‑c‒d–e—f−g", "a-b-c-d-e-f-g"),
    ("apostrophes", "‘a’ ʼb′", "'a' 'b'"),
    ("quotes", "“a” „b“ «c»", '"a" "b" "c"'),
    ("full-width", "ＡＢ１２", "ab12"),
    ("ligature", "ﬁn", "fin"),
    ("composed", "Padme\u0301", "padmé"),
    ("half-width-kana", "ﾙｰｸ", "ルーク"),
    ("soft-hyphen", "Tatoo\u00adine", "tatooine"),
    ("zero-width", "a\u200bb\u200cc\u200dd\ufeff", "abcd"),
    ("direction-marks", "\u202aabc\u202c\u200f", "abc"),
    ("tatweel", "محـــمد", "محمد"),
    ("sharp-s", "Straße", "strasse"),
    ("superscript", "10²", "10^2"),
    ("superscripts", "10¹²", "10^12"),
    ("unit-superscript", "m²", "m2"),
    ("vulgar", "2½", "2 1/2"),
    ("circled", "1①2", "1 1 2"),
    ("no-break-group", "2\u202f304", "2,304"),
    ("presentation-dash", "a﹘b", "a-b"),
]


@pytest.mark.parametrize(("text", "folded"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_texts_that_read_the_same_have_one_form(text: str, folded: str) -> None:
    """Case, spaces and Unicode's many spellings fall away."""
    assert normalise(text).folded == folded


APART = [
    ("accent", "resume", "résumé"),
    ("word-break", "ab", "a b"),
    ("hyphen", "a-b", "ab"),
    ("power", "102", "10²"),
    ("mixed-number", "21/2", "2½"),
    ("ideographic-comma", "a,b", "a、b"),
    ("alef", "أحمد", "احمد"),
    ("underscore", "a_b", "a b"),
]


@pytest.mark.parametrize(("one", "other"), [case[1:] for case in APART], ids=[case[0] for case in APART])
def test_texts_that_read_differently_stay_apart(one: str, other: str) -> None:
    """Normalisation never joins two words, two numbers or two letters."""
    assert normalise(one).folded != normalise(other).folded


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=30))
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    """Normalising twice changes nothing more, and canonical equivalents have the same form."""
    folded = normalise(text).folded
    assert normalise(unicodedata.normalize("NFD", unicodedata.normalize("NFC", text))).folded == folded or (
        unicodedata.normalize("NFC", text) != text
    )
    assert normalise(folded).folded.split() == folded.split()


FORMS = [
    ("plain", "Luke Skywalker", {"luke skywalker"}, set(), ""),
    ("stop", "a farm boy.", {"farm boy"}, set(), ""),
    ("quoted", "“Luke” ", {"luke"}, set(), ""),
    ("feet", "6'2\"", {"6'2\""}, set(), ""),
    ("article-alone", "The", {"the"}, set(), ""),
    ("article-word", "The Empire", {"the empire"}, {"Empire"}, ""),
    ("article-letter", "a b", {"a b"}, set(), ""),
    ("capitals", "US", set(), {"US"}, "US"),
    ("initials", "J. R. R. Tolkien", {"j. r. r. tolkien"}, set(), "JRR Tolkien"),
    ("one-initial", "J. Tolkien", {"j. tolkien"}, set(), ""),
    ("placeholder", "N/A", set(), set(), ""),
    ("placeholder-stop", "Not found.", set(), set(), ""),
    ("punctuation", "--", set(), set(), ""),
]


@pytest.mark.parametrize(
    ("value", "folded", "exact", "initials"), [case[1:] for case in FORMS], ids=[case[0] for case in FORMS]
)
def test_a_value_is_looked_for_in_few_forms(
    value: str, folded: set[str], exact: set[str], initials: str
) -> None:
    """Quotes and stops fall away; short capitals and words without their article keep their case."""
    forms = search_forms(value)
    assert (set(forms.folded), set(forms.exact), forms.initials) == (folded, exact, initials)


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("by J. R. R. Tolkien", "by JRR Tolkien"),
        ("by J.R.R. Tolkien", "by JRR Tolkien"),
        ("the U.S. fleet", "the US fleet"),
        ("Vitamin C. The end", "Vitamin C. The end"),
        ("1.A.B.", "1.A.B."),
    ],
)
def test_initials_lose_their_dots_in_runs_only(text: str, joined: str) -> None:
    """A single capital with a stop may end a sentence."""
    assert drop_initial_dots(text) == joined


def test_digits_of_every_script_become_ascii() -> None:
    """The text keeps its length, so that offsets hold."""
    assert fold_digits("١٩٧٧ १९ ๑๙ ３４ ²½Ⅳ三") == "1977 19 19 34 ²½Ⅳ三"


@pytest.mark.parametrize("value", ["", " ", ",", "--", "$", "\u0301", "\u200b", "…", "「」", "+"])
def test_punctuation_alone_has_no_substance(value: str) -> None:
    """Nothing to look for is never found."""
    assert not has_substance(value)


@pytest.mark.parametrize("value", ["a", "5", "三", "ि5", "🚀", "½"])
def test_letters_digits_and_pictographs_have_substance(value: str) -> None:
    """One of them is enough."""
    assert has_substance(value)


def test_texts_short_and_long_are_read_once() -> None:
    """A second look at the same text reads nothing."""
    seen: list[int] = []
    read = cache_by_text(lambda text: seen.append(len(text)))
    for text in ("a", "b" * 5_000, "a", "b" * 5_000):
        read(text)
    assert seen == [1, 5_000]
