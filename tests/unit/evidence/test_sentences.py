from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.evidence.sentences import MAX_PIECE, cut_sentences, split_long

FAMILY = "👩‍👩‍👧‍👦"
FLAG = "🇵🇱"
WALES = "🏴󠁧󠁢󠁷󠁬󠁳󠁿"


def sentences(text: str) -> list[str]:
    """Return the sentences of a text."""
    return [text[start:end] for start, end in cut_sentences(text, 0, len(text))]


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param(["He left.", "She stayed!", "Why?", "Nobody knows…", "End"], id="english"),
        pytest.param(["Dr. Aphra met Mr. Solo on St. Helena.", "They left."], id="titles"),
        pytest.param(["J. R. R. Tolkien wrote it.", "He smoked."], id="initials"),
        pytest.param(
            ["It is 34.75 m long.", "Version 2.0.1 is out.", "See www.holo.net now."], id="dots inside"
        ),
        pytest.param(["Ships, e.g. the Falcon, i.e. freighters, etc. are fast.", "Yes."], id="e.g. and i.e."),
        pytest.param(["See vol. 3, No. 5, p. 7 of approx. 900.", "No.", "I will not."], id="numbered"),
        pytest.param(["He waited... and waited.", "Then...", "Nothing.", "Well… maybe."], id="ellipsis"),
        pytest.param(["“Go!” he said.", '"I know." she replied.', "“Done.”", "Next."], id="quotes"),
        pytest.param(["He left (at noon.)", "It was filed.[12]", "Bold.**", "End."], id="closers"),
        pytest.param(["The U.S. fleet won.", "It left at 5 p.m. on Jan. 5."], id="initialisms"),
        pytest.param(["Il part. »", "« Oui. »", "Puis rien."], id="french quotes"),
        pytest.param(["Er kam am 3. Mai 1977, d.h. im 20. Jahrhundert.", "Er blieb."], id="german dates"),
        pytest.param(["هل هو هنا؟", "نعم.", "هو هنا۔", "وداعا"], id="arabic"),
        pytest.param(["वह घर गया।", "क्या वह आया?", "हाँ॥", "ठीक है"], id="hindi"),
        pytest.param(["Նա գնաց։", "Եկավ։"], id="armenian"),
        pytest.param(["ሄደ።", "መጣ፧", "አዎ"], id="ethiopic"),
        pytest.param(["cafe\u0301 noir.", "E\u0301te\u0301."], id="combining marks"),
        pytest.param([f"A {FAMILY} came.", f"{FLAG}{FLAG} won!", f"{WALES} too."], id="emoji"),
        pytest.param(["line one\r\ngoes on.", "Line two."], id="soft wrap, CRLF"),
        pytest.param(["שלום.\u200f", "מה שלומך?"], id="right-to-left mark behind the stop"),
    ],
)
def test_sentences_with_spaces_between_them(expected: list[str]) -> None:
    """Each sentence ends behind its terminator and closers, and nowhere else."""
    assert sentences(" ".join(expected)) == expected


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param(["他走了。", "真的吗？", "太好了！", "结束"], id="chinese"),
        pytest.param(["他说：“我走了。”", "然后离开。", "（完。）", "好"], id="chinese closers"),
        pytest.param(["「行くぞ。」", "彼は言った｡", "本当？！", "はい。"], id="japanese"),
        pytest.param(["真的吗?", "好的!", "走"], id="half-width marks"),
        pytest.param(["वह गया।", "आया"], id="hindi"),
    ],
)
def test_sentences_without_spaces(expected: list[str]) -> None:
    """Scripts that set no space between sentences are cut at their own terminators."""
    assert sentences("".join(expected)) == expected


@pytest.mark.parametrize(
    "text",
    ["3.14", "a.b.c", "holo.net/x?y=1!z", "...", "?!", "v1.2.", "'", "x…y", "１．５倍", "\u0301"],
)
def test_nothing_to_cut(text: str) -> None:
    """A text with no end inside is one sentence."""
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        pytest.param("word " * 300, "word " * 199 + "word", id="at the last space"),
        pytest.param("x" * 600 + "\n" + "word " * 100, "x" * 600, id="at a late line break"),
        pytest.param("中" * 1500, "中" * 1000, id="hard, where there is no space"),
        pytest.param("x" * 999 + "e\u0301" + "y" * 50, "x" * 999, id="not before a combining mark"),
        pytest.param("x" * 998 + FAMILY + "y" * 50, "x" * 998, id="not inside a family"),
        pytest.param("x" * 999 + FLAG + "y" * 50, "x" * 999, id="not inside a flag"),
        pytest.param(FLAG * 600, FLAG * 500, id="between two flags"),
        pytest.param("x" * 996 + WALES + "y", "x" * 996, id="not inside a flag made of tags"),
        pytest.param("x" * 999 + "👍🏽" + "y" * 50, "x" * 999, id="not before a skin tone"),
        pytest.param("x" * 999 + "한".encode().decode() + "y" * 50, "x" * 999 + "한", id="whole hangul"),
        pytest.param("x" * 999 + "\u1112\u1161\u11ab" + "y", "x" * 999, id="not inside decomposed hangul"),
        pytest.param(
            "a" + "\u0301" * 3000, "a" + "\u0301" * 999, id="an endless character is split all the same"
        ),
    ],
)
def test_long_spans_are_split(text: str, first: str) -> None:
    """A span over the bound is split at white space, or between two characters as a person sees them."""
    spans = list(split_long(text, 0, len(text.rstrip())))
    assert text[slice(*spans[0])] == first
    assert all(end - start <= MAX_PIECE for start, end in spans)
    assert (
        "".join(text[start:end] for start, end in spans).split() == text.split()
        or " " in text
        or "\n" in text
    )


def test_a_long_sentence_is_split_between_its_neighbours() -> None:
    """A sentence over the bound does not change how the ones around it are cut."""
    long = "long " * 250 + "end."
    found = sentences(f"One. {long} Two.")
    assert (found[0], found[-1]) == ("One.", "Two.")
    assert " ".join(found[1:-1]) == long


@settings(deadline=None)
@given(st.text(st.sampled_from('aB .!?…。\n"”)*1é中\u0301\u200d👩🇵'), max_size=60))
def test_every_visible_character_is_in_one_sentence(text: str) -> None:
    """Sentences are in order, trimmed, and hold all that is not white space."""
    spans = cut_sentences(text, 0, len(text))
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())
