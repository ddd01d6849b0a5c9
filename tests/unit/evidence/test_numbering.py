from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.errors import EvidenceUnreadable
from holocron.evidence.bundles import EvidenceBundle
from holocron.evidence.items import EvidenceItem, MediaType
from holocron.evidence.numbering import check_bundle, number_segments, show_line
from holocron.evidence.redaction import compile_patterns, redact
from holocron.evidence.sources import inline_bundle


def bundle(*texts: tuple[str, MediaType]) -> EvidenceBundle:
    """Return a bundle of the texts, whose sources are item0, item1 and so on."""
    items = [
        EvidenceItem(text=text, media_type=kind, source=f"item{i}") for i, (text, kind) in enumerate(texts)
    ]
    return EvidenceBundle(subject="s", items=tuple(items))


def test_numbers_run_across_items() -> None:
    """Segments count from 1 through all items; offsets count in their own item."""
    given_bundle = bundle(
        ("One.\r\nTwo\r\nlines.", MediaType.TEXT),
        ('{"crew": ["Han\\n\\"Solo\\""]}', MediaType.JSON),
        ("name,len\nFalcon,34.75", MediaType.CSV),
        ("# The **Falcon**", MediaType.MARKDOWN),
    )
    segments = number_segments(given_bundle)
    assert [(s.number, s.position, s.text) for s in segments] == [
        (1, 0, "One."),
        (2, 0, "Two lines."),
        (3, 1, '/crew/0: Han "Solo"'),
        (4, 2, "name: Falcon; len: 34.75"),
        (5, 3, "The Falcon"),
    ]
    quotes = [given_bundle.items[s.position].text[s.start : s.end] for s in segments]
    assert quotes == ["One.", "Two\r\nlines.", '"Han\\n\\"Solo\\""', "Falcon,34.75", "The **Falcon**"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a\n b\t\tc\u00a0\u3000d", "a b c d", id="white space"),
        pytest.param("a\x00b\x1b[31mred\x7f\x85x", "a b [31mred x", id="controls and terminal escapes"),
        pytest.param("a\u202egnp\u202c.\u2066x\u2069", "agnp.x", id="bidirectional overrides"),
        pytest.param("a\u200bb\ufeffc", "abc", id="no width"),
        pytest.param("<|im_start|>system", "< |im_start |>system", id="ChatML"),
        pytest.param("<\u200b|im_end|\u200b>", "< |im_end |>", id="ChatML in disguise"),
        pytest.param("<s>[INST] x [/INST]</s>", "< s>[ INST] x [ /INST]< /s>", id="Llama"),
        pytest.param("<<SYS>> x <</SYS>>", "<< SYS>> x << /SYS>>", id="Llama system"),
        pytest.param("<start_of_turn>user", "< start_of_turn>user", id="Gemma"),
        pytest.param("<｜User｜>", "< ｜User ｜>", id="full-width bars"),
        pytest.param("<__media__>", "< __media__>", id="llama.cpp's media marker"),
        pytest.param("[TOOL_CALLS] [gMASK]", "[ TOOL_CALLS] [ gMASK]", id="Mistral and GLM"),
        pytest.param("3 < 4 <= 5 [a] x[0] a|b", "3 < 4 <= 5 [a] x[0] a|b", id="innocent signs"),
        pytest.param("a" + "".join(chr(0xE0000 + ord(c)) for c in "ignore"), "a", id="letters made of tags"),
        pytest.param("🏴󠁧󠁢󠁷󠁬󠁳󠁿 👩‍👩‍👧 🇵🇱 E\u0301", "🏴󠁧󠁢󠁷󠁬󠁳󠁿 👩‍👩‍👧 🇵🇱 E\u0301", id="emoji and marks stay"),
        pytest.param("x\ud800y", "x\ufffdy", id="half a character"),
        pytest.param("هو\u200cهنا נח\u200f", "هو\u200cهنا נח\u200f", id="joiners and marks stay"),
        pytest.param("7 | not a segment", "7 | not a segment", id="what looks like a segment number"),
        pytest.param("{{ template }} ${x} %s", "{{ template }} ${x} %s", id="template syntax"),
    ],
)
def test_lines_as_a_prompt_shows_them(text: str, line: str) -> None:
    """A text is shown as one line that no tokenizer takes for a special token."""
    assert show_line(text) == line


@settings(deadline=None)
@given(
    st.text(
        st.sampled_from("ab <>|/_[]INST\n\r\t\x00\x1b\u200b\u202e\ufeff｜\ud800\U000e0041🏴👩\u200d"),
        max_size=30,
    )
)
def test_shown_lines_hold_nothing_special(text: str) -> None:
    """However it is put together, a shown line stays one line, without markers, and is final."""
    line = show_line(text)
    assert line == show_line(line)
    assert not any(
        marker in line for marker in ("<|", "</", "<a", "<_", "[INST]", "[/INST]", "\n", "\x1b", "\u202e")
    )
    assert "a|>" not in line


def test_drawn_lines_are_no_segments() -> None:
    """A rule between paragraphs takes no number."""
    assert [
        s.text for s in number_segments(bundle(("Title\n=====\nText\n---\n* * *\n", MediaType.TEXT)))
    ] == ["Title", "Text"]


@pytest.mark.parametrize(
    ("text", "media_type", "message"),
    [
        (
            '{"a": }',
            MediaType.JSON,
            "item1 cannot be read: it is not JSON: line 1, column 7: a value was expected",
        ),
        ('{"a": null}', MediaType.JSON, "item1 has nothing that can be cited"),
        ("<!-- nothing -->", MediaType.MARKDOWN, "item1 has nothing that can be cited"),
        ("-----\n\u200b", MediaType.TEXT, "item1 has nothing that can be cited"),
    ],
)
def test_an_item_without_segments_is_named(text: str, media_type: MediaType, message: str) -> None:
    """An item that cannot be cut, or has nothing to cite, is an error that names its source."""
    with pytest.raises(EvidenceUnreadable) as caught:
        check_bundle(bundle(("Fine.", MediaType.TEXT), (text, media_type)))
    assert str(caught.value) == message


def test_what_is_hidden_is_hidden_before_spaces_are_evened_out() -> None:
    """A pattern that names two spaces, or a mark that is broken when it is shown, still hides its match."""
    patterns = compile_patterns([r"code  \d+", r"<secret>"])
    bundle = inline_bundle("x", "The code  77 is out. See <secret> here.")
    lines = [segment.text for segment in number_segments(bundle, lambda text: redact(text, patterns))]
    assert lines == ["The [redacted] is out.", "See [redacted] here."]
