"""The verdict over an answer: what is believed, with which claims, and what the model is told otherwise."""

from __future__ import annotations

import dataclasses
import json
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.derivation.contract import Contract
from holocron.derivation.grounding import Grounding
from holocron.derivation.shapes import ScalarKind, ScalarShape
from holocron.evidence import EvidenceBundle, EvidenceItem, MediaType, inline_bundle, number_segments, redact
from holocron.fingerprint import JSONValue
from holocron.llm.model import Completion, FinishReason
from holocron.validation.conform import MAX_FINDINGS, ContractValidator
from holocron.validation.judge import ShownEvidence, judge
from holocron.validation.recheck import recheck_claim
from holocron.validation.verdicts import FindingCode, NullReason, Outcome, Verdict

TEXT = (
    "Luke Skywalker, born in 1977, lives on Tatooine. He owns nineteen droids."
    " His ship is a vessel of 34.75 metres. It was launched on 25 May 1977. Han is a captain."
)
VOCABULARY = {"kind": {"ship": ("vessel",), "place": ()}}


def shown(text: str = TEXT, *, not_read: tuple[int, ...] = (), hidden: str = "") -> ShownEvidence:
    """Return a text's lines as the model saw them."""
    bundle = inline_bundle("s", text)
    segments = number_segments(bundle)
    return ShownEvidence(
        bundle=bundle,
        segments=segments[: len(segments) - len(not_read)],
        not_read=not_read,
        redact=(re.compile(hidden),) if hidden else (),
    )


def completion(text: str, finish_reason: FinishReason = FinishReason.STOP) -> Completion:
    """Return what a model said."""
    return Completion(text=text, finish_reason=finish_reason, prompt_tokens=9, output_tokens=7)


def decide(schema: JSONValue, answer: JSONValue, evidence: ShownEvidence | None = None) -> Verdict:
    """Judge an answer under a contract of one optional property `a`."""
    contract = Contract.parse({"type": "object", "properties": {"a": schema}}, VOCABULARY)
    return judge(completion(json.dumps(answer)), ContractValidator(contract), evidence or shown())


STRING: JSONValue = {"type": "string"}
V, N, I = Grounding.VERBATIM, Grounding.NORMALIZED, Grounding.INFERRED  # noqa: E741 - the initials


@pytest.mark.parametrize(
    ("schema", "answer", "grounding", "lines"),
    [
        pytest.param(STRING, {"cite": [1], "a": "Luke Skywalker"}, V, (1,), id="verbatim"),
        pytest.param(STRING, {"cite": [1], "a": "luke  skywalker"}, N, (1,), id="normalised"),
        pytest.param(STRING, {"cite": [2, 1], "a": "Tatooine"}, V, (1,), id="only-the-lines-that-state-it"),
        pytest.param(
            {"type": "string", "x-ground": "inferred"}, {"cite": [2], "a": "hero"}, I, (2,), id="inferred"
        ),
        pytest.param(
            {"type": "string", "x-ground": "inferred"},
            {"cite": [1], "a": "Tatooine"},
            V,
            (1,),
            id="firmer-than-asked",
        ),
        pytest.param({"type": "integer"}, {"cite": [1], "a": 1977}, V, (1,), id="integer"),
        pytest.param({"type": "integer"}, {"cite": [2], "a": 19}, N, (2,), id="number-word"),
        pytest.param({"type": "integer"}, {"cite": [1], "a": 1977.0}, V, (1,), id="integer-as-float"),
        pytest.param({"type": "number"}, {"cite": [3], "a": 34.75}, V, (3,), id="number"),
        pytest.param(
            {"type": "string", "format": "date"}, {"cite": [4], "a": "1977-05-25"}, N, (4,), id="date"
        ),
        pytest.param({"type": "boolean"}, {"cite": [1], "a": True}, I, (1,), id="boolean"),
        pytest.param({}, {"cite": [1], "a": False}, I, (1,), id="boolean-among-others"),
        pytest.param(
            {"x-vocabulary": "kind"}, {"cite": [3], "a": "ship"}, V, (3,), id="enum-that-stands-there"
        ),
        pytest.param(
            {"x-vocabulary": "kind", "x-ground": "normalized"},
            {"cite": [4, 3], "a": "ship"},
            V,
            (3,),
            id="enum-in-one-line",
        ),
        pytest.param(
            {"enum": ["rebel", "other"]}, {"cite": [5], "a": "rebel"}, I, (5,), id="enum-that-follows"
        ),
        pytest.param({"items": STRING}, {"cite": [1, 5], "a": ["Han"]}, V, (5,), id="array"),
    ],
)
def test_a_supported_value_is_accepted_with_its_citations(
    schema: JSONValue, answer: dict[str, JSONValue], grounding: Grounding, lines: tuple[int, ...]
) -> None:
    """The claim has the strictest level, and the spans of the lines that hold the value."""
    evidence = shown()
    verdict = decide(schema, answer, evidence)
    assert verdict.findings == ()
    assert verdict.outcome is Outcome.ACCEPTED
    (claim,) = verdict.claims
    assert claim.grounding is grounding
    assert claim.null_reason is None
    assert tuple(citation.segment for citation in claim.citations) == lines
    item = evidence.bundle.items[0]
    quotes = []
    for citation in claim.citations:
        segment = evidence.segments[citation.segment - 1]
        assert (citation.position, citation.start, citation.end) == (0, segment.start, segment.end)
        quotes.append((item.text[citation.start : citation.end], item.media_type, item.text))
    is_date = grounding is N and claim.value == "1977-05-25"
    shape = ScalarShape(
        kinds=(ScalarKind.STRING,), format="date" if is_date else None, synonyms=VOCABULARY["kind"]
    )
    assert recheck_claim(claim.value, str(grounding), quotes, shape) is None


def test_a_synonym_counts_as_the_value() -> None:
    """A vessel is a ship, though the word is not in the line."""
    verdict = decide(
        {"x-vocabulary": "kind", "x-ground": "normalized"},
        {"cite": [1], "a": "ship"},
        shown("A fine vessel."),
    )
    assert verdict.claims[0].grounding is N


@pytest.mark.parametrize(
    ("schema", "answer", "code", "message"),
    [
        pytest.param(
            STRING,
            {"cite": [], "a": "Luke"},
            FindingCode.CITATION_MISSING,
            "No line is cited for 'Luke'.",
            id="no-citation",
        ),
        pytest.param(
            STRING, {"a": "Luke"}, FindingCode.CITATION_MISSING, "No line is cited for 'Luke'.", id="no-cite"
        ),
        pytest.param(
            {"type": "boolean"},
            {"cite": [], "a": True},
            FindingCode.CITATION_MISSING,
            "No line is cited for True.",
            id="boolean-without-citation",
        ),
        pytest.param(
            {"enum": ["x"]},
            {"cite": [], "a": "x"},
            FindingCode.CITATION_MISSING,
            "No line is cited for 'x'.",
            id="enum-without-citation",
        ),
        pytest.param(
            STRING,
            {"cite": [1], "a": "Leia"},
            FindingCode.UNSUPPORTED,
            "'Leia' does not stand in line 1.",
            id="lie",
        ),
        pytest.param(
            STRING,
            {"cite": [1, 3], "a": "Leia"},
            FindingCode.UNSUPPORTED,
            "'Leia' does not stand in lines 1, 3.",
            id="lie-of-two-lines",
        ),
        pytest.param(
            STRING,
            {"cite": [1], "a": "Han"},
            FindingCode.UNSUPPORTED,
            "'Han' does not stand in line 1; it stands in line 5.",
            id="wrong-line",
        ),
        pytest.param(
            {"type": "integer"},
            {"cite": [1], "a": 19},
            FindingCode.UNSUPPORTED,
            "19 does not stand in line 1; it stands in line 2.",
            id="wrong-line-of-a-number",
        ),
        pytest.param(
            {"type": "integer"},
            {"cite": [2], "a": 20},
            FindingCode.UNSUPPORTED,
            "20 does not stand in line 2.",
            id="wrong-number",
        ),
        pytest.param(
            {"type": "string", "format": "date"},
            {"cite": [4], "a": "1977-05-26"},
            FindingCode.UNSUPPORTED,
            "'1977-05-26' does not stand in line 4.",
            id="wrong-day",
        ),
        pytest.param(
            {"type": "string", "x-ground": "verbatim"},
            {"cite": [5], "a": "han"},
            FindingCode.UNSUPPORTED,
            "'han' does not stand word for word in line 5.",
            id="not-to-the-letter",
        ),
        pytest.param(
            {"type": "string", "x-ground": "verbatim"},
            {"cite": [1], "a": "captain"},
            FindingCode.UNSUPPORTED,
            "'captain' does not stand in line 1; it stands in line 5.",
            id="verbatim-elsewhere",
        ),
        pytest.param(
            {"enum": ["rebel"], "x-ground": "normalized"},
            {"cite": [5], "a": "rebel"},
            FindingCode.UNSUPPORTED,
            "'rebel' does not stand in line 5.",
            id="enum-that-must-stand-there",
        ),
        pytest.param(
            STRING,
            {"cite": [1], "a": ""},
            FindingCode.UNSUPPORTED,
            "'' does not stand in line 1.",
            id="empty-text",
        ),
        pytest.param(
            STRING,
            {"cite": [1], "a": "."},
            FindingCode.UNSUPPORTED,
            "'.' does not stand in line 1.",
            id="text-without-substance",
        ),
        pytest.param(
            STRING,
            {"cite": [1], "a": "x\n[2] y"},
            FindingCode.UNSUPPORTED,
            "'x\\n[2] y' does not stand in line 1.",
            id="text-of-two-lines",
        ),
        pytest.param(
            STRING,
            {"cite": [9], "a": "Luke"},
            FindingCode.CITATION_FOREIGN,
            "There is no line 9; the lines are 1 to 5.",
            id="foreign-line",
        ),
        pytest.param(
            STRING,
            {"cite": [1], "a": 5},
            FindingCode.CONTRACT_BROKEN,
            "A value of the type string was expected.",
            id="wrong-type",
        ),
    ],
)
def test_an_unsupported_value_is_rejected_with_a_sentence(
    schema: JSONValue, answer: JSONValue, code: FindingCode, message: str
) -> None:
    """The model is told what is wrong, and the line where the value does stand."""
    verdict = decide(schema, answer)
    assert verdict.outcome is Outcome.REJECTED
    assert verdict.value is None
    assert verdict.claims == ()
    assert [
        (finding.code, finding.message) for finding in verdict.findings if finding.message == message
    ] == [(code, message)]


@pytest.mark.parametrize(
    ("said", "code", "message"),
    [
        pytest.param(
            completion("{}", FinishReason.LENGTH),
            FindingCode.ANSWER_TRUNCATED,
            "The answer was cut after 7 tokens",
            id="cut-though-whole",
        ),
        pytest.param(
            completion('{"cite":[1],"a":"Lu', FinishReason.LENGTH),
            FindingCode.ANSWER_TRUNCATED,
            "answer more briefly",
            id="cut",
        ),
        pytest.param(completion(""), FindingCode.NOT_JSON, "not one JSON value", id="nothing"),
        pytest.param(
            completion('Sure! {"cite":[1],"a":"Luke"}'),
            FindingCode.NOT_JSON,
            "not one JSON value",
            id="prose",
        ),
        pytest.param(
            completion('{"cite":[1],"a":"Luke","a":"Leia"}'),
            FindingCode.NOT_JSON,
            "a key stands twice",
            id="key-twice",
        ),
        pytest.param(completion('{"cite":[1],"a":"\\u0000"}'), FindingCode.NOT_JSON, "NUL", id="nul"),
        pytest.param(
            completion('{"cite":[1],"a":"\\ud800"}'), FindingCode.NOT_JSON, "half a character", id="surrogate"
        ),
        pytest.param(completion("[]"), FindingCode.CONTRACT_BROKEN, "An object was expected.", id="list"),
        pytest.param(completion("null"), FindingCode.CONTRACT_BROKEN, "An object was expected.", id="null"),
    ],
)
def test_what_is_no_answer_is_rejected(said: Completion, code: FindingCode, message: str) -> None:
    """A cut answer is not parsed, even where it looks whole."""
    contract = Contract.parse({"type": ["object", "null"], "properties": {"a": STRING}})
    verdict = judge(said, ContractValidator(contract), shown())
    assert verdict.outcome is Outcome.REJECTED
    assert [finding.code for finding in verdict.findings] == [code]
    assert message in verdict.findings[0].message


@pytest.mark.parametrize(
    ("text", "limit", "message"),
    [
        pytest.param('{"a":"Lu', 0, "The answer was cut after 7 tokens; answer more briefly.", id="unknown"),
        pytest.param(
            '{"a":"Lu',
            7,
            "The answer was cut after 7 tokens, its max_output_tokens; answer more briefly.",
            id="limit",
        ),
        pytest.param(
            '{"a":"Lu',
            1024,
            "The answer was cut after 7 tokens of its 1024: the window was full; answer more briefly.",
            id="window",
        ),
        pytest.param(
            '{"a":"Luke' + " and" * 20,
            7,
            "The answer repeated itself and was cut after 7 tokens, its max_output_tokens;"
            " say each thing once.",
            id="loop-of-words",
        ),
        pytest.param(
            '{"a":[' + '{"cite":[1],"b":"x"},' * 6 + '{"cite":[1',
            7,
            "The answer repeated itself and was cut after 7 tokens, its max_output_tokens;"
            " say each thing once.",
            id="loop-of-rows",
        ),
        pytest.param(
            '{"a":"' + "\t" * 40,
            1024,
            "The answer repeated itself and was cut after 7 tokens of its 1024: the engine ended it;"
            " say each thing once.",
            id="loop-that-the-engine-ended",
        ),
        pytest.param(
            '{"a":[{"cite":[1],"b":"one"},{"cite":[2],"b":"two"},{"cite":[3],"b":"three"},{"cite":[4],"b":"fo',
            7,
            "The answer was cut after 7 tokens, its max_output_tokens; answer more briefly.",
            id="rows-that-differ",
        ),
    ],
)
def test_a_cut_answer_says_what_ended_it(text: str, limit: int, message: str) -> None:
    """Its own limit, the window or the engine; a repetition is called one, for more tokens would not help."""
    contract = Contract.parse({"type": ["object", "null"], "properties": {"a": STRING}})
    said = completion(text, FinishReason.LENGTH)
    verdict = judge(said, ContractValidator(contract), shown(), limit_tokens=limit)
    assert [finding.message for finding in verdict.findings] == [message]


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        pytest.param(shown(), NullReason.NOT_IN_EVIDENCE, id="all-read"),
        pytest.param(shown(not_read=(5,)), NullReason.EVIDENCE_NOT_READ, id="cut-by-the-budget"),
        pytest.param(shown(hidden="Leia"), NullReason.NOT_IN_EVIDENCE, id="nothing-to-hide"),
    ],
)
def test_a_null_says_why(evidence: ShownEvidence, reason: NullReason) -> None:
    """The system knows what the model could not see; a null cites nothing."""
    (claim,) = decide({"type": ["string", "null"]}, {"cite": [1], "a": None}, evidence).claims
    assert (claim.value, claim.grounding, claim.null_reason, claim.citations) == (None, None, reason, ())


def hiding(text: str, pattern: str) -> ShownEvidence:
    """Return a text's lines with what the pattern matches hidden, as the pipeline shows them."""
    evidence = shown(text, hidden=pattern)
    segments = tuple(
        segment._replace(text=redact(segment.text, evidence.redact)) for segment in evidence.segments
    )
    return dataclasses.replace(evidence, segments=segments)


def test_hidden_evidence_grounds_nothing() -> None:
    """Neither what is hidden, nor the word that hides it, nor half a word can be claimed."""
    evidence = hiding("Call Han at 555-1234 or Leia555.", r"\d[\d-]*")
    assert evidence.segments[0].text == "Call Han at [redacted] or Leia[redacted]."
    assert decide(STRING, {"cite": [1], "a": "Han"}, evidence).outcome is Outcome.ACCEPTED
    for lie in ("555-1234", "[redacted]", "redacted", "at [redacted]", "Leia"):
        assert decide(STRING, {"cite": [1], "a": lie}, evidence).outcome is Outcome.REJECTED, lie
    (claim,) = decide({"type": ["string", "null"]}, {"cite": [], "a": None}, evidence).claims
    assert claim.null_reason is NullReason.REDACTED


def test_every_item_of_a_bundle_can_be_cited() -> None:
    """Numbers go on across items; spans are into their own item's text, and markup is read."""
    items = (
        EvidenceItem(text="Tal is a boat.", media_type=MediaType.TEXT, source="a"),
        EvidenceItem(text='{"port": "Ar\\u0076en"}', media_type=MediaType.JSON, source="b"),
        EvidenceItem(text="She is **swift**.", media_type=MediaType.MARKDOWN, source="c"),
    )
    bundle = EvidenceBundle(subject="Tal", items=items)
    evidence = ShownEvidence(bundle=bundle, segments=number_segments(bundle))
    verdict = decide({"items": STRING}, {"cite": [2, 3], "a": ["Arven", "swift"]}, evidence)
    assert verdict.outcome is Outcome.ACCEPTED
    first, second = (claim.citations[0] for claim in verdict.claims)
    assert (first.position, second.position) == (1, 2)
    assert items[1].text[first.start : first.end] == '"Ar\\u0076en"'
    assert items[2].text[second.start : second.end] == "She is **swift**."


def test_an_object_of_a_choice_is_judged_by_its_own_option() -> None:
    """A tag that asks for less does not help the value of another tag."""
    schema: JSONValue = {
        "oneOf": [
            {
                "properties": {"t": {"const": "guess"}, "v": {"type": "string", "x-ground": "inferred"}},
                "required": ["t", "v"],
            },
            {"properties": {"t": {"const": "fact"}, "v": STRING}, "required": ["t", "v"]},
        ]
    }
    assert decide(schema, {"a": {"cite": [1], "t": "guess", "v": "Leia"}}).outcome is Outcome.ACCEPTED
    assert decide(schema, {"a": {"cite": [1], "t": "fact", "v": "Leia"}}).outcome is Outcome.REJECTED
    assert decide(schema, {"a": {"cite": [1], "t": "fact", "v": "Luke"}}).outcome is Outcome.ACCEPTED


def test_nothing_without_leaves_is_accepted() -> None:
    """A text where an untyped schema hopes for an object would pass the schema, grounded in nothing."""
    for schema in (
        {"properties": {"x": STRING}},
        {"items": STRING},
        {"maxItems": 5},
        {"required": ["x"], "properties": {"x": STRING}},
    ):
        for lie in ("Leia", 7, True, [["Leia"]], {"y": "Leia"}):
            verdict = decide(schema, {"cite": [1], "a": lie})
            assert verdict.outcome is Outcome.REJECTED, (schema, lie)


def test_findings_are_bounded() -> None:
    """However much is wrong, and however long the values, a repair stays short, and is soon ready."""
    evidence = shown("\n\n".join(f"Line {number} of the log." for number in range(2_000)))
    answer: JSONValue = {"cite": [1, 2], "a": ["lie " * 90 + str(number) for number in range(60)]}
    begun = time.thread_time()
    verdict = decide({"items": STRING}, answer, evidence)
    assert time.thread_time() - begun < 5
    assert len(verdict.findings) == MAX_FINDINGS
    assert all(len(finding.message) < 300 for finding in verdict.findings)


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=150)
@given(
    value=_TEXTS
    | st.integers(-(10**19), 10**19)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["Luke", "Han", 19, 1977, 34.75]),
    cite=st.lists(st.integers(-1, 7), max_size=4),
)
def test_no_claim_is_a_lie(value: str | float, cite: list[int]) -> None:
    """What is accepted cites lines that were shown, and a second look at the text says the same."""
    evidence = shown()
    verdict = decide({"type": ["string", "number"]}, {"cite": cite, "a": value}, evidence)
    assert (verdict.outcome is Outcome.ACCEPTED) is (not verdict.findings)
    text = evidence.bundle.items[0].text
    for claim in verdict.claims:
        assert claim.grounding in (V, N)
        assert {citation.segment for citation in claim.citations} <= set(cite)
        quotes = [(text[citation.start : citation.end], MediaType.TEXT, text) for citation in claim.citations]
        shape = ScalarShape(kinds=tuple(ScalarKind))
        assert recheck_claim(claim.value, str(claim.grounding), quotes, shape) is None
