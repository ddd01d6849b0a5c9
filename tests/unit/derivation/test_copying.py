"""What of the evidence a verbatim value may be copied from."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.derivation.contract import Contract
from holocron.derivation.copying import MAX_RUN, copy_evidence, may_be_cut
from holocron.derivation.grounding import Grounding
from holocron.derivation.specialise import Specialiser
from holocron.errors import EvidenceUnreadable
from holocron.evidence import EvidenceBundle, EvidenceItem, MediaType, inline_bundle, number_segments
from holocron.fingerprint import JSONValue
from holocron.validation.ground import ground_value

TEXT = "Luke Skywalker's home is (Tatooine), in 1977-1980; R2-D2 owns -5 of 1,500. He left."


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        pytest.param(TEXT, "Luke", True, id="first-word"),
        pytest.param(TEXT, "Luke Skywalker", True, id="two-words"),
        pytest.param(TEXT, "Tatooine", True, id="without-brackets"),
        pytest.param(TEXT, "home is (Tatooine), in 1977-1980", True, id="across-signs"),
        pytest.param(TEXT, "R2-D2", True, id="hyphens"),
        pytest.param(TEXT, "He left", True, id="second-line"),
        pytest.param(TEXT, "Luke Skywalker's", False, id="possessive"),
        pytest.param(TEXT, "(Tatooine)", False, id="with-brackets"),
        pytest.param(TEXT, "Luk", False, id="half-a-word"),
        pytest.param(TEXT, "Luke home", False, id="gap"),
        pytest.param(TEXT, "luke", False, id="other-case"),
        pytest.param(TEXT, "Leia", False, id="lie"),
        pytest.param(TEXT, "1,500. He", False, id="across-lines"),
        pytest.param(TEXT, "", False, id="nothing"),
        pytest.param(
            "a.b*c [x] ^y$ {z} \\w | (v) +u /t -s", "a.b*c [x] ^y$ {z} \\w", True, id="signs-of-patterns"
        ),
        pytest.param("axb", "a.b", False, id="a-point-is-a-point"),
        pytest.param("ルークはタトゥイーンに住む。", "タトゥイーン", True, id="japanese"),
        pytest.param("ルークはタトゥイーンに住む。", "住む。", False, id="japanese-full-stop"),
        pytest.param("住在塔图因的卢克", "塔图因", True, id="chinese"),
        pytest.param("لوك يعيش هناك", "لوك يعيش", True, id="arabic"),
        pytest.param(
            " ".join(f"w{n}" for n in range(99)),
            " ".join(f"w{n}" for n in range(MAX_RUN)),
            True,
            id="longest",
        ),
        pytest.param(
            " ".join(f"w{n}" for n in range(99)),
            " ".join(f"w{n}" for n in range(MAX_RUN + 1)),
            False,
            id="longer",
        ),
    ],
)
def test_only_runs_of_whole_words_can_be_copied(text: str, value: str, *, expected: bool) -> None:
    """A value begins and ends with a word of one line, and nothing between is left out."""
    pattern = copy_evidence(number_segments(inline_bundle("s", text))).pattern
    assert pattern is not None
    assert bool(re.fullmatch(pattern[1:-1], value)) is expected


@pytest.mark.parametrize(
    ("text", "integers"),
    [
        pytest.param("born in 1977, aged 19", (1977, 19), id="plain"),
        pytest.param("from 1977-1980", (1977, 1980), id="range"),
        pytest.param("at -5 degrees", (-5,), id="negative"),
        pytest.param("1,500 or 34.75 or 7.", (7,), id="parts-of-numbers-are-none"),
        pytest.param("R2 and 3PO", (), id="parts-of-names-are-none"),
        pytest.param("１９ and 19", (19,), id="other-digits-are-not-written"),
        pytest.param("在1977年", (1977,), id="chinese"),
        pytest.param("7 7 8", (7, 8), id="once-each"),
        pytest.param("9" * 16, (), id="too-long"),
    ],
)
def test_integers_are_those_that_stand_alone(text: str, integers: tuple[int, ...]) -> None:
    """In the order of the text."""
    assert copy_evidence(number_segments(inline_bundle("s", text))).integers == integers


def test_too_much_evidence_has_no_pattern() -> None:
    """A pattern may not outgrow the decoder; integers are still known."""
    copied = copy_evidence(number_segments(inline_bundle("s", ("one two " * 99 + "7\n\n") * 30)))
    assert copied.pattern is None
    assert copied.integers == (7,)


def test_a_pointer_is_no_part_of_a_value() -> None:
    """A JSON value is shown behind its pointer, and only the value can be copied."""
    item = EvidenceItem(text='{"port": "Arven"}', media_type=MediaType.JSON, source="s")
    pattern = copy_evidence(number_segments(EvidenceBundle(subject="s", items=(item,)))).pattern
    assert pattern == "^(?:Arven)$"


SCHEMA: JSONValue = {
    "type": "object",
    "properties": {
        "a": {"type": "string", "x-ground": "verbatim"},
        "n": {"type": "integer", "x-ground": "verbatim", "maximum": 100},
        "t": {"type": ["string", "null"]},
        "d": {"type": "string", "format": "date", "x-ground": "verbatim"},
    },
    "required": ["a", "n", "t", "d"],
}


def test_a_verbatim_leaf_is_held_to_the_evidence() -> None:
    """Free strings and integers alone; bounds of the contract leave integers out."""
    specialiser = Specialiser(Contract.parse(SCHEMA))
    assert specialiser.copies
    made = specialiser.schema_for(
        2, copy_evidence(number_segments(inline_bundle("s", "Tal, 1977. Moss, 19.")))
    )
    assert isinstance(made, dict)
    assert made["properties"]["a"] == {"$ref": "#/$defs/copied"}
    assert made["properties"]["n"] == {"type": "integer", "enum": [19]}
    assert made["properties"]["t"] == specialiser.schema_for(2)["properties"]["t"]
    assert made["properties"]["d"] == {"type": "string", "format": "date"}
    assert made["$defs"]["copied"]["type"] == "string"
    assert "$defs" not in specialiser.schema_for(2)
    assert not Specialiser(Contract.parse({"type": "object", "properties": {"a": {"type": "string"}}})).copies


_LINES = st.text(st.sampled_from("ab1 .,'’s-()[]\\$é住ー\u0301\u200b🚀"), min_size=1, max_size=14)


@settings(max_examples=80)
@given(line=_LINES, data=st.data())
def test_what_can_be_copied_stands_in_the_line(line: str, data: st.DataObject) -> None:
    """Whatever the pattern lets a model write is in the line as it is shown, and grounding can look at it."""
    try:
        segments = number_segments(inline_bundle("s", line))
    except EvidenceUnreadable:
        return
    pattern = copy_evidence(segments).pattern
    if pattern is None:
        return
    value = data.draw(st.from_regex(re.compile(pattern[1:-1]), fullmatch=True))
    assert any(value in segment.text for segment in segments)
    level = ground_value(value, [segment.text for segment in segments]).grounding
    assert level in Grounding


@pytest.mark.parametrize(
    ("value", "cut"),
    [
        pytest.param("word " * 63, False, id="shorter than a run"),
        pytest.param("word " * 64, True, id="as long as a run"),
        pytest.param("東" * 64, True, id="characters where there are no spaces"),
        pytest.param("w" * 300, False, id="one long word"),
    ],
)
def test_a_value_as_long_as_a_run_may_be_cut(value: str, cut: bool) -> None:
    """The longest run that the pattern lets through is no proof that the text ends there."""
    assert may_be_cut(value) is cut
