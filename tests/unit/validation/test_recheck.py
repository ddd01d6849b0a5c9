"""A second look at stored claims, without a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from holocron.derivation.shapes import ScalarKind, ScalarShape
from holocron.evidence import MediaType
from holocron.fingerprint import hash_text
from holocron.validation.recheck import recheck_claim, recheck_content

PLAIN = ScalarShape(kinds=tuple(ScalarKind))
LINE = [(text := "Luke Skywalker owns nineteen droids.", MediaType.TEXT, text)]


@pytest.mark.parametrize(
    ("value", "grounding", "quotes"),
    [
        pytest.param(None, None, [], id="null"),
        pytest.param("Luke Skywalker", "verbatim", LINE, id="verbatim"),
        pytest.param("luke skywalker", "normalized", LINE, id="normalised"),
        pytest.param("Luke Skywalker", "normalized", LINE, id="firmer-than-recorded"),
        pytest.param("hero", "inferred", LINE, id="inferred"),
        pytest.param(19, "normalized", LINE, id="number"),
        pytest.param(True, "inferred", LINE, id="boolean"),
        pytest.param(False, "inferred", LINE, id="false"),
        pytest.param("Tal", "verbatim", [("**Tal**", MediaType.MARKDOWN, "**Tal**")], id="markdown"),
        pytest.param("Tal", "verbatim", [('"Tal"', MediaType.JSON, '"Tal"')], id="json"),
        pytest.param("Leia", "verbatim", [*LINE, ("Leia.", MediaType.TEXT, "Leia.")], id="one-of-two"),
    ],
)
def test_a_true_claim_passes(
    value: str | float | None, grounding: str | None, quotes: Sequence[tuple[str, MediaType, str]]
) -> None:
    """It stands there at least as firmly as it is recorded."""
    assert recheck_claim(value, grounding, quotes, PLAIN) is None


@pytest.mark.parametrize(
    ("value", "grounding", "quotes", "lie"),
    [
        pytest.param(None, "verbatim", [], "a null has a grounding", id="null-with-grounding"),
        pytest.param(None, None, LINE, "a null has a grounding", id="null-with-citation"),
        pytest.param("Luke", "verbatim", [], "'Luke' cites nothing", id="no-citation"),
        pytest.param("Luke", None, LINE, "'Luke' cites nothing", id="no-grounding"),
        pytest.param(False, "inferred", [], "False cites nothing", id="false-without-citation"),
        pytest.param(0, "verbatim", [], "0 cites nothing", id="zero-without-citation"),
        pytest.param(
            "", "inferred", [("  ", MediaType.TEXT, "  ")], "'' cites an empty span", id="empty-span"
        ),
        pytest.param(
            "Luke", "firm", LINE, "recorded as 'firm', which is no grounding", id="unknown-grounding"
        ),
        pytest.param("Leia", "verbatim", LINE, "is recorded as verbatim and is inferred", id="lie"),
        pytest.param("luke", "verbatim", LINE, "is recorded as verbatim and is normalized", id="less-firm"),
        pytest.param(
            20, "normalized", LINE, "20 is recorded as normalized and is inferred", id="wrong-number"
        ),
        pytest.param(True, "verbatim", LINE, "True is recorded as verbatim and is inferred", id="boolean"),
    ],
)
def test_a_lie_is_told_in_one_sentence(
    value: str | float | None, grounding: str | None, quotes: Sequence[tuple[str, MediaType, str]], lie: str
) -> None:
    """The sentence has the value and what is recorded."""
    sentence = recheck_claim(value, grounding, quotes, PLAIN)
    assert sentence is not None
    assert lie in sentence


def test_synonyms_and_dates_are_looked_at_as_they_were_judged() -> None:
    """The shape's words go with the claim."""
    text = "A vessel, launched on 25 May 1977."
    quotes = [(text, MediaType.TEXT, text)]
    kind = replace(PLAIN, synonyms={"ship": ("vessel",)})
    assert recheck_claim("ship", "normalized", quotes, kind) is None
    assert recheck_claim("ship", "normalized", quotes, PLAIN) is not None
    date = replace(PLAIN, format="date")
    assert recheck_claim("1977-05-25", "normalized", quotes, date) is None
    assert recheck_claim("1977-05-26", "normalized", quotes, date) is not None


def test_content_is_hashed_again() -> None:
    """A changed character is a lie."""
    assert recheck_content(hash_text("Luke"), "Luke") is None
    sentence = recheck_content(hash_text("Luke"), "luke")
    assert sentence is not None
    assert hash_text("luke") in sentence
