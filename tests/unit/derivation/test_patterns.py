"""Which patterns a decoder is given, in which words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.derivation.patterns import portable_pattern


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        pytest.param("^abc$", "^abc$", id="literal"),
        pytest.param("^[A-Z]{2}-[0-9]{4}$", "^[A-Z]{2}-[0-9]{4}$", id="classes-and-counts"),
        pytest.param("^(a|bc){1,3}x?$", "^(a|bc){1,3}x?$", id="group"),
        pytest.param("^(?:a|b)$", "^(a|b)$", id="group-without-number"),
        pytest.param(r"^\d{4}$", "^[0-9]{4}$", id="digit"),
        pytest.param(r"^\w-[\w.]$", "^[A-Za-z0-9_]-[A-Za-z0-9_.]$", id="word"),
        pytest.param(r"^1\.5\/\-\($", "^1[.]5/-[(]$", id="escaped-signs"),
        pytest.param(r"^[\d.\-]$", "^[0-9.-]$", id="escapes-in-class"),
        pytest.param("^[a-zé]é$", "^[a-zé]é$", id="other-letters"),
        pytest.param("^a{1999}$", "^a{1999}$", id="longest"),
        pytest.param("abc", None, id="unanchored"),
        pytest.param("^abc", None, id="open-end"),
        pytest.param(r"^abc\$", None, id="escaped-end"),
        pytest.param("^$", None, id="empty"),
        pytest.param("^", None, id="one-sign"),
        pytest.param("^a*$", None, id="star"),
        pytest.param("^a+$", None, id="plus"),
        pytest.param("^a{2,}$", None, id="no-most"),
        pytest.param("^a{2000}$", None, id="too-long"),
        pytest.param("^(a{100}){20}$", None, id="too-long-together"),
        pytest.param("^a{3,2}$", None, id="counts-cross"),
        pytest.param("^a{0}$", None, id="count-of-nothing"),
        pytest.param("^a??$", None, id="lazy"),
        pytest.param("^a{2}{3}$", None, id="count-of-count"),
        pytest.param("^{2}$", None, id="count-first"),
        pytest.param("^()$", None, id="empty-group"),
        pytest.param("^(a$", None, id="open-group"),
        pytest.param("^a)$", None, id="closed-group"),
        pytest.param("^a|b$", None, id="either-anchor"),
        pytest.param("^a.c$", None, id="any-sign"),
        pytest.param("^[^a]$", None, id="all-but"),
        pytest.param('^"$', None, id="quotation-mark"),
        pytest.param(r"^\\$", None, id="backslash"),
        pytest.param(r"^\s$", None, id="space-class"),
        pytest.param(r"^\bab$", None, id="word-border"),
        pytest.param(r"^(a)\1$", None, id="back-reference"),
        pytest.param("^(?=a)a$", None, id="look-ahead"),
        pytest.param("^(?<n>a)$", None, id="named-group"),
        pytest.param("^a^b$", None, id="anchor-inside"),
        pytest.param("^[z-a]$", None, id="range-crosses"),
        pytest.param("^[a&&b]$", None, id="class-intersection"),
        pytest.param("^[[:alpha:]]$", None, id="posix-class"),
        pytest.param("^[]$", None, id="empty-class"),
        pytest.param(r"^[a\-z]$", None, id="hyphen-in-class"),
        pytest.param(r"^[\d-z]$", None, id="range-from-digits"),
        pytest.param(r"^\p{L}$", None, id="unicode-class"),
        pytest.param("^a\nb$", None, id="newline"),
    ],
)
def test_a_pattern_is_portable_or_left_to_the_validator(pattern: str, expected: str | None) -> None:
    """Anchored, bounded, and in words that mean the same to llguidance and to Ollama's converter."""
    assert portable_pattern(pattern) == expected


_PIECES = st.sampled_from(
    [
        "a",
        "b",
        "-",
        r"\d",
        r"\w",
        r"\.",
        "[a-c]",
        r"[\d.]",
        "(a|b)",
        "(?:ab|c)",
        r"(\d-){1,2}",
        "é",
        "x?",
        "[0-9]{2,3}",
    ]
)


@settings(max_examples=60)
@given(
    pieces=st.lists(_PIECES, min_size=1, max_size=5), text=st.text("ab-1.é_cx", max_size=6), data=st.data()
)
def test_a_translated_pattern_matches_the_same_texts(
    pieces: list[str], text: str, data: st.DataObject
) -> None:
    """Both forms agree on texts at random and on texts that match."""
    pattern = f"^{''.join(pieces)}$"
    made = portable_pattern(pattern)
    assert made is not None
    assert "\\" not in made
    matching = data.draw(st.from_regex(re.compile(made, re.ASCII), fullmatch=True))
    for candidate in (text, matching):
        first, second = re.compile(pattern, re.ASCII), re.compile(made, re.ASCII)
        assert bool(first.fullmatch(candidate)) == bool(second.fullmatch(candidate))


@settings(max_examples=100)
@given(pattern=st.text("^$ab\\dw[](){}|?*+.-,019", max_size=14))
def test_any_text_is_a_pattern_or_none(pattern: str) -> None:
    """Whatever a contract holds, the answer is a pattern that compiles or nothing."""
    made = portable_pattern(f"^{pattern}$")
    assert made is None or re.compile(made)
