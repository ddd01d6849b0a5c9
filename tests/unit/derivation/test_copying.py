from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holocron.derivation import Contract, Derivation
from holocron.derivation.copying import MAX_PIECES, copy_evidence
from holocron.evidence import MediaType, inline_bundle, number_segments
from holocron.validation.word_borders import stands_in

SHIP = 'The "Pale Sea" Survey (est. 1836) sent Mara Veen\'s ship, the M.S. Vesper-2, to Karsk in 1,866.'


def copied(text: str, media_type: MediaType = MediaType.TEXT) -> re.Pattern[str]:
    """Return the pattern of a text, as a decoder would use it."""
    pattern = copy_evidence(number_segments(inline_bundle("x", text, media_type))).pattern
    assert pattern is not None
    return re.compile(pattern)


@pytest.mark.parametrize(
    ("text", "value", "allowed"),
    [
        pytest.param(SHIP, "Pale Sea", True, id="quotes are not part of a name"),
        pytest.param(SHIP, '"Pale Sea', False, id="a value does not begin with punctuation"),
        pytest.param(SHIP, "Mara Veen", True, id="a possessive ends before its s"),
        pytest.param(SHIP, "Mara Veen's ship", True, id="and goes on with it"),
        pytest.param(SHIP, "Vesper-2", True, id="a hyphen joins"),
        pytest.param(SHIP, "the M.S. Vesper-2", True, id="dots inside"),
        pytest.param(SHIP, "Vesper", False, id="half a word"),
        pytest.param(SHIP, "Mara Vein", False, id="a misspelling"),
        pytest.param(SHIP, "Mara Karsk", False, id="two places"),
        pytest.param("A ship. A port.", "ship. A port", False, id="two sentences"),
        pytest.param("東京の船は速い。", "東京", True, id="Japanese without spaces"),
        pytest.param("東京の船は速い。", "東船", False, id="Japanese, not a run"),
        pytest.param("سافرت ليلى إلى كارسك.", "ليلى", True, id="Arabic"),
        pytest.param("Zofia De\u0328bska née É.", "Zofia De\u0328bska", True, id="combining marks"),
        pytest.param("a+b*c [x] \\ {y}", "a+b*c", True, id="signs of expressions"),
    ],
)
def test_only_runs_of_words_can_be_copied(text: str, value: str, allowed: bool) -> None:
    """The pattern takes what stands in one line from word to word, and nothing else."""
    assert bool(copied(text).fullmatch(value)) is allowed


def test_a_json_pointer_is_not_copied() -> None:
    """A JSON value is copied without the pointer that names it."""
    pattern = copied('{"home": "Port Sella"}', MediaType.JSON)
    assert pattern.fullmatch("Port Sella")
    assert not pattern.fullmatch("home")


@pytest.mark.parametrize(
    ("text", "integers"),
    [
        pytest.param("Born in 1866, died in 1902.", (1866, 1902), id="years"),
        pytest.param("It is -19 there, and 19 here.", (-19, 19), id="signs"),
        pytest.param("B12, x-2, 34.5, 1,866 and 1.", (1,), id="parts of other things"),
        pytest.param("她于1977年出生。", (1977,), id="Chinese"),
        pytest.param("No number.", (), id="none"),
    ],
)
def test_the_integers_of_the_evidence(text: str, integers: tuple[int, ...]) -> None:
    """Integers are those that stand alone, once each, in reading order."""
    assert copy_evidence(number_segments(inline_bundle("x", text))).integers == integers


@given(st.lists(st.text("ab é-'.", min_size=1, max_size=8), min_size=1, max_size=8), st.data())
def test_what_is_copied_stands_in_the_evidence(words: list[str], data: st.DataObject) -> None:
    """Every run of words is allowed, and everything that is allowed stands word for word in the text."""
    line = "Go " + " ".join(" ".join(words).split())
    pattern = copied(line)
    tokens = re.findall(r"[\wé]+(?:[-'.][\wé]+)*", line)
    value = data.draw(st.sampled_from(tokens))
    if pattern.fullmatch(value):
        assert stands_in(value, line)
    drawn = data.draw(st.from_regex(pattern, fullmatch=True))
    assert drawn in line


def test_long_evidence_is_left_to_grounding() -> None:
    """A pattern that would grow too large is not made; the leaf keeps its type, and grounding holds."""
    text = " ".join(f"w{number}" for number in range(MAX_PIECES))
    assert copy_evidence(number_segments(inline_bundle("x", text))).pattern is None


def test_verbatim_leaves_enter_the_decoding_schema() -> None:
    """Free strings and integers that must stand verbatim are held to the evidence, and only these."""
    verbatim = {"x-ground": "verbatim"}
    contract = Contract.parse(
        {
            "type": "object",
            "required": ["name", "year", "note"],
            "properties": {
                "name": {"type": "string", **verbatim},
                "year": {"type": ["integer", "null"], "minimum": 1850, **verbatim},
                "note": {"type": "string"},
                "code": {"type": "string", "pattern": "^[a-z]{2}$", **verbatim},
            },
        }
    )
    derivation = Derivation(name="x", version="1", instructions="", contract=contract)
    segments = number_segments(inline_bundle("x", "The Tern was built in 1840 and sank in 1911."))
    schema = derivation.render_prompt("x", segments).schema
    assert isinstance(schema, dict)
    properties = schema["properties"]
    assert properties["name"] == {"$ref": "#/$defs/copied"}
    assert properties["year"] == {"anyOf": [{"type": "integer", "enum": [1911]}, {"type": "null"}]}
    assert "pattern" not in properties["note"]
    assert "copied" not in str(properties["code"])
    assert re.fullmatch(schema["$defs"]["copied"]["pattern"], "The Tern")
