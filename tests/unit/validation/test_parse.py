"""What counts as an answer: one strict JSON value and nothing around it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.fingerprint import JSONValue
from holocron.validation.parse import MAX_NESTING, parse_answer
from holocron.validation.verdicts import FindingCode


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param('{"a": 1}', {"a": 1}, id="object"),
        pytest.param(
            ' \n\t{"a":\r\n[1, 2.5, "x", true, null]} \n', {"a": [1, 2.5, "x", True, None]}, id="white-space"
        ),
        pytest.param("[]", [], id="list"),
        pytest.param('"x"', "x", id="string"),
        pytest.param("null", None, id="null"),
        pytest.param("-0", 0, id="minus-zero"),
        pytest.param("3.0", 3.0, id="float"),
        pytest.param("1e2", 100.0, id="exponent"),
        pytest.param("9" * 40, int("9" * 40), id="forty-digits"),
        pytest.param(r'"\u00e9\n\""', 'é\n"', id="escapes"),
        pytest.param(r'"\ud83d\ude80"', "🚀", id="surrogate-pair"),
        pytest.param('"ルーク 🚀"', "ルーク 🚀", id="scripts"),
        pytest.param(r'"\\u0000"', "\\u0000", id="backslash-and-letters"),
        pytest.param('{"a":{"a":1},"b":{"a":2}}', {"a": {"a": 1}, "b": {"a": 2}}, id="same-key-elsewhere"),
        pytest.param("[" * MAX_NESTING + "]" * MAX_NESTING, json.loads("[" * 150 + "]" * 150), id="deepest"),
        pytest.param("[" + "[]," * 500 + "[]]", [[]] * 501, id="wide"),
    ],
)
def test_one_json_value_is_read(text: str, value: JSONValue) -> None:
    """White space around it is all that may be there."""
    assert parse_answer(text) == (value, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("   ", "", id="blank"),
        pytest.param("I do not know.", "", id="prose"),
        pytest.param('Here it is: {"a": 1}', "", id="prose-before"),
        pytest.param('{"a": 1} I hope this helps.', "Extra data", id="prose-after"),
        pytest.param('```json\n{"a": 1}\n```', "", id="code-fence"),
        pytest.param('<think>so</think>{"a": 1}', "", id="thinking"),
        pytest.param('{"a": 1}{"a": 1}', "Extra data", id="two-values"),
        pytest.param('\ufeff{"a": 1}', "", id="byte-order-mark"),
        pytest.param('{"a": 1', "", id="open-object"),
        pytest.param('{"a": "x', "", id="open-string"),
        pytest.param('{"a": 1,}', "", id="trailing-comma"),
        pytest.param("{'a': 1}", "", id="single-quotes"),
        pytest.param("{a: 1}", "", id="bare-key"),
        pytest.param('{"a": 1 /* one */}', "", id="comment"),
        pytest.param('{"a": True}', "", id="python"),
        pytest.param("undefined", "", id="undefined"),
        pytest.param('{"a": 1, "a": 2}', "a key stands twice", id="key-twice"),
        pytest.param('{"a": 1, "\\u0061": 1}', "a key stands twice", id="key-twice-escaped"),
        pytest.param('[{"b": {"a": 1, "a": 1}}]', "a key stands twice", id="key-twice-below"),
        pytest.param('{"a": NaN}', "NaN is not JSON", id="nan"),
        pytest.param('{"a": -Infinity}', "-Infinity is not JSON", id="infinity"),
        pytest.param('{"a": 1e400}', "1e400 is out of range", id="beyond-a-double"),
        pytest.param('{"a": -1' + "0" * 400 + ".0}", "is out of range", id="long-beyond-a-double"),
        pytest.param('{"a": ' + "9" * 41 + "}", "too many digits", id="many-digits"),
        pytest.param('{"a": -' + "9" * 100_000 + "}", "too many digits", id="digits-for-ever"),
        pytest.param('{"a": 01}', "", id="leading-zero"),
        pytest.param('{"a": +1}', "", id="plus"),
        pytest.param('{"a": 0x1}', "", id="hexadecimal"),
        pytest.param('{"a": "x\ny"}', "", id="raw-newline"),
        pytest.param('{"a": "x\x00y"}', "", id="raw-nul"),
        pytest.param('{"a": "x\\u0000y"}', "holds a NUL", id="nul"),
        pytest.param('{"x\\u0000": 1}', "holds a NUL", id="nul-in-key"),
        pytest.param('{"a": "\\ud800"}', "half a character", id="surrogate"),
        pytest.param('{"a": "\\udc00\\ud800"}', "half a character", id="surrogates-in-the-wrong-order"),
        pytest.param('{"\\uDEAD": 1}', "half a character", id="surrogate-in-key"),
        pytest.param('{"a": ["é", {"b": "\\ud800"}]}', "half a character", id="surrogate-below"),
        pytest.param('{"a": "\ud800"}', "half a character", id="raw-surrogate"),
        pytest.param('{"a": "\\x41"}', "", id="wrong-escape"),
        pytest.param('{"a": "\\u12"}', "", id="short-escape"),
        pytest.param("[" * (MAX_NESTING + 1) + "]" * (MAX_NESTING + 1), "nested too deep", id="too-deep"),
        pytest.param('{"a":' * 5_000 + "1" + "}" * 5_000, "nested too deep", id="objects-too-deep"),
        pytest.param("[" * 200_000 + "]" * 200_000, "nested too deep", id="far-too-deep"),
        pytest.param("[" * 200_000, "", id="open-for-ever"),
    ],
)
def test_anything_else_is_a_finding(text: str, reason: str) -> None:
    """Nothing is mended or picked out of prose; the sentence is short and says what is wrong."""
    value, finding = parse_answer(text)
    assert value is None
    assert finding is not None
    assert finding.code is FindingCode.NOT_JSON
    assert finding.pointer == ""
    assert finding.message.startswith("The answer is not one JSON value: ")
    assert reason in finding.message
    assert len(finding.message) < 200
    finding.message.encode()


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", max_size=3), inner),
    max_leaves=12,
)


@settings(max_examples=60)
@given(value=_VALUES, ascii_only=st.booleans())
def test_what_json_writes_is_read_back(value: JSONValue, *, ascii_only: bool) -> None:
    """Every value that JSON can write comes back as it was."""
    assert parse_answer(json.dumps(value, ensure_ascii=ascii_only)) == (value, None)


@settings(max_examples=150)
@given(text=st.text('{}[]",:\\u0dD8nulltrue 1e+-.N\x00\ud800é', max_size=30))
def test_any_text_gives_a_value_or_a_finding(text: str) -> None:
    """Never an exception, and what is read can be written to a database."""
    value, finding = parse_answer(text)
    assert finding is None or value is None
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
