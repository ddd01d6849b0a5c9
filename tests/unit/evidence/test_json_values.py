from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.errors import EvidenceUnreadable
from holocron.evidence.json_values import MAX_DEPTH, cut_json, read_json
from holocron.fingerprint import JSONValue


def cuts(text: str) -> list[tuple[str, str]]:
    """Return pointers and quotes."""
    return [(piece.label, text[piece.start : piece.end]) for piece in cut_json(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            '{"crew": [{"name": "Han", "age": 32}]}',
            [("/crew/0/name", '"Han"'), ("/crew/0/age", "32")],
            id="nested",
        ),
        pytest.param(
            '{"a/b": {"m~n": true}, "": -1.5e3}', [("/a~1b/m~0n", "true"), ("/", "-1.5e3")], id="RFC 6901"
        ),
        pytest.param(
            '{"a": null, "b": "", "c": " \\t", "d": [], "e": {}, "f": NaN}', [], id="nothing to cite"
        ),
        pytest.param('"Tal"', [("", '"Tal"')], id="a string alone"),
        pytest.param("[[1, 2], [3]]", [("/0/0", "1"), ("/0/1", "2"), ("/1/0", "3")], id="arrays"),
        pytest.param('{"\\u540d": "韩\\u00b7索罗"}', [("/名", '"韩\\u00b7索罗"')], id="chinese, escaped"),
        pytest.param(
            '{"é": "E\u0301", "🇵🇱": "👩‍👩‍👧"}',
            [("/é", '"E\u0301"'), ("/🇵🇱", '"👩‍👩‍👧"')],
            id="marks and emoji",
        ),
        pytest.param(
            '{"اسم": "هان", "नाम": "हान"}', [("/اسم", '"هان"'), ("/नाम", '"हान"')], id="arabic and hindi"
        ),
        pytest.param('{\r\n"a"\r\n:\r\n1\r\n}', [("/a", "1")], id="CRLF"),
        pytest.param(
            '{"a": 1}\n{"a": 2}\r\n\n[3]\n', [("/0/a", "1"), ("/1/a", "2"), ("/2/0", "3")], id="lines of JSON"
        ),
        pytest.param(
            "[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH, [("/0" * MAX_DEPTH, "1")], id="as deep as may be"
        ),
    ],
)
def test_leaves(text: str, expected: list[tuple[str, str]]) -> None:
    """Each leaf is one piece with its pointer; nulls and blank strings are none."""
    assert cuts(text) == expected


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"a": 1,}', "line 1, column 9: a name in double quotes was expected"),
        ('{\n "a" 1}', "line 2, column 6: a colon was expected"),
        ("[1, 2", "line 1, column 6: it ends where a comma or the closing bracket was expected"),
        ("[1 2]", "line 1, column 4: a comma or the closing bracket was expected"),
        ("[1,]", "line 1, column 4: a value was expected"),
        ("{1: 2}", "line 1, column 2: a name in double quotes or } was expected"),
        ('"a\nb"', "line 1, column 1: a value was expected"),
        (r'"\x"', "line 1, column 1: a value was expected"),
        ("01", "line 1, column 1: a value was expected"),
        ("nul", "line 1, column 1: a value was expected"),
        ("[1]]", "line 1, column 4: the end, or another value on a line of its own was expected"),
        ("1 2", "line 1, column 3: the end, or another value on a line of its own was expected"),
        ("[}", "line 1, column 2: a value or ] was expected"),
        ("", "line 1, column 1: it ends where a value was expected"),
        ("[" * 100_000, "column 201: objects and arrays lie more than 200 deep"),
    ],
)
def test_what_is_not_json_is_named_by_its_place(text: str, place: str) -> None:
    """The error says line and column, and what was expected there."""
    with pytest.raises(EvidenceUnreadable) as caught:
        cut_json(text)
    assert place in str(caught.value)
    assert caught.value.hint


def test_a_long_string_is_cut_into_its_sentences() -> None:
    """A string over the bound gives one piece per sentence, whatever is escaped in it."""
    sentences = [f'Line {number} "quoted" \\ é 😀 中文 ends.' for number in range(60)]
    for ascii_only in (True, False):
        text = json.dumps({"body": "\n".join(sentences)}, ensure_ascii=ascii_only)
        pieces = cut_json(text)
        assert {piece.label for piece in pieces} == {"/body"}
        assert [read_json(text[piece.start : piece.end]) for piece in pieces] == sentences


def test_an_endless_name_is_shortened_in_the_pointer() -> None:
    """A pointer stays short, since it is shown before every value below it."""
    assert len(cuts(json.dumps({"n" * 5_000: [1, 2]}))[1][0]) < 250


def test_many_long_names_are_shortened_in_the_pointer() -> None:
    """However many long names lie inside each other, a pointer stays short; what was cut shows."""
    value: JSONValue = [1, 2]
    for _ in range(150):
        value = {"n/" * 50: value}
    (pointer, _), (following, _) = cuts(json.dumps({"first": value}))
    assert len(pointer) < 1_010
    assert (pointer[:7], pointer.count("…"), pointer[-2:]) == ("/first/", 1, "/0")
    assert following == pointer[:-1] + "1"


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_STRINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_VALUES = st.recursive(
    _LEAVES | _STRINGS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_STRINGS, inner, max_size=4),
    max_leaves=12,
)


def leaves(value: JSONValue, pointer: str) -> list[tuple[str, str]]:
    """Return what ought to be found, from the value that Python's own parser gives."""
    if isinstance(value, dict):
        named = [(str(name).replace("~", "~0").replace("/", "~1"), inner) for name, inner in value.items()]
        return [leaf for name, inner in named for leaf in leaves(inner, f"{pointer}/{name}")]
    if isinstance(value, list):
        return [leaf for index, inner in enumerate(value) for leaf in leaves(inner, f"{pointer}/{index}")]
    if isinstance(value, str):
        return [(pointer, value)] if value.strip() else []
    return [] if value is None else [(pointer, json.dumps(value))]


@settings(deadline=None)
@given(value=_VALUES, ascii_only=st.booleans(), indent=st.sampled_from([None, 2]))
def test_leaves_are_those_of_the_json_module(value: JSONValue, ascii_only: bool, indent: int | None) -> None:
    """For any JSON, each leaf reads as what json.loads gives, under its pointer, in order."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    found = [(label, read_json(quote)) for label, quote in cuts(text)]
    assert found == leaves(json.loads(text), "")


@settings(deadline=None)
@given(st.text(st.sampled_from('{}[]",:\\u0019eE+-.truefalsn \n'), max_size=30))
def test_it_accepts_what_the_json_module_accepts(text: str) -> None:
    """A text is JSON here exactly where it is JSON there (but for values on lines of their own)."""
    try:
        json.loads(text)
    except json.JSONDecodeError:
        if "\n" not in text.strip():
            with pytest.raises(EvidenceUnreadable):
                cut_json(text)
    else:
        cut_json(text)
