"""Reading derivation files: what is wrong in them is said by file, line or key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.derivation.catalogue import load_derivation
from holocron.derivation.definition_files import read_derivation_file, read_entry
from holocron.errors import DerivationError, DerivationInvalid

GOOD = """\
name: facts
version: 1
instructions: Give the facts.
contract:
  type: object
  properties:
    name: {type: string}
"""


def _write(folder: Path, text: str | bytes) -> Path:
    path = folder / "facts.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_least_that_a_file_needs(tmp_path: Path) -> None:
    """Name, instructions and contract; the rest has defaults that are the options' own."""
    derivation = load_derivation(_write(tmp_path, GOOD.replace("version: 1\n", "")))
    assert (derivation.name, derivation.version) == ("facts", "1")
    assert derivation.options.max_output_tokens == 1024
    assert derivation.options.repairs == 1
    assert derivation.options.redact == ()
    assert derivation.evidence == ()


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    """Every key, in the forms that are allowed."""
    text = """\
name: facts
version: 2.5
instructions: |
  Give
  the facts.
contract: {type: object, properties: {kind: {type: string, x-vocabulary: kind}, tag: {x-vocabulary: tag}}}
vocabulary:
  kind: {ship: [vessel], no: }
  tag: [a, b]
examples:
- evidence: A vessel.
  answer: {kind: ship}
options: {max_output_tokens: 200, repairs: 0, redact: ["[0-9]{9}"]}
evidence: archive/*.md
"""
    derivation = load_derivation(_write(tmp_path, text))
    assert derivation.version == "2.5"
    assert derivation.instructions == "Give\nthe facts.\n"
    assert derivation.vocabulary == {"kind": {"ship": ("vessel",), "no": ()}, "tag": {"a": (), "b": ()}}
    assert derivation.examples[0].subject == "example"
    assert derivation.examples[0].answer == {"kind": "ship"}
    assert (derivation.options.max_output_tokens, derivation.options.repairs) == (200, 0)
    assert derivation.evidence == ("archive/*.md",)


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b"# comment\r\n"], ids=["bom", "crlf"])
def test_windows_files_are_read(tmp_path: Path, prefix: bytes) -> None:
    """A byte order mark and CRLF change nothing."""
    path = _write(tmp_path, prefix + GOOD.replace("\n", "\r\n").encode())
    assert load_derivation(path).instructions == "Give the facts."


@pytest.mark.parametrize(
    ("written", "value"),
    [
        pytest.param("no", "no", id="norway"),
        pytest.param("Yes", "Yes", id="yes"),
        pytest.param("on", "on", id="on"),
        pytest.param("1977-05-25", "1977-05-25", id="date"),
        pytest.param("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00", id="moment"),
        pytest.param("12:30", "12:30", id="time"),
        pytest.param("010", "010", id="leading-zero"),
        pytest.param("0x1F", "0x1F", id="hexadecimal"),
        pytest.param("1_000", "1_000", id="underscore"),
        pytest.param(".nan", ".nan", id="nan"),
        pytest.param(".inf", ".inf", id="infinity"),
        pytest.param("1.2.3", "1.2.3", id="version"),
        pytest.param("=", "=", id="equals"),
        pytest.param("true", True, id="true"),
        pytest.param("FALSE", False, id="false"),
        pytest.param("7", 7, id="integer"),
        pytest.param("-7.5", -7.5, id="number"),
        pytest.param("1e3", 1000.0, id="exponent"),
        pytest.param("2.5E-1", 0.25, id="small"),
        pytest.param("null", None, id="null"),
        pytest.param("~", None, id="tilde"),
        pytest.param("", None, id="nothing"),
        pytest.param("'7'", "7", id="quoted"),
    ],
)
def test_a_plain_word_is_what_json_would_make_of_it(tmp_path: Path, written: str, value: object) -> None:
    """Countries, dates, times and codes stay text; only JSON's own words and numbers are more."""
    entry = read_derivation_file(
        _write(tmp_path, f"{GOOD}examples:\n- evidence: e\n  answer:\n    a: {written}\n")
    )
    answer = entry.examples[0].answer["a"]
    assert answer == value
    assert type(answer) is type(value)


BAD: list[tuple[str, str | bytes, str]] = [
    # id, text, what the sentence says
    ("empty", "", "is empty"),
    ("comment-only", "# nothing\n", "is empty"),
    ("list", "- a\n", "is no map of keys"),
    ("scalar", "facts", "is no map of keys"),
    ("not-utf-8", GOOD.encode() + b"# \xff\n", "is not UTF-8 at byte"),
    ("utf-16", GOOD.encode("utf-16"), "is not UTF-8 at byte 0"),
    ("control-character", GOOD + "# \x01\n", "cannot be read as YAML"),
    ("tab", "name:\n\tx: 1\n", "line 2 cannot be read as YAML"),
    ("open-bracket", GOOD + "evidence: [a\n", "cannot be read as YAML"),
    ("open-quote", "name: 'facts\n", "cannot be read as YAML"),
    ("unknown-tag", GOOD + "evidence: !!python/name:os.system x\n", "cannot be read as YAML"),
    ("unknown-alias", GOOD + "evidence: *nowhere\n", "cannot be read as YAML"),
    ("two-documents", GOOD + "---\n" + GOOD, "cannot be read as YAML"),
    ("deep", "a: " + "[" * 700 + "]" * 700, "nested too deep"),
    ("key-twice", GOOD + "name: other\n", "line 8 cannot be read as YAML: the key 'name' stands twice"),
    (
        "key-twice-below",
        GOOD.replace("{type: string}", "{type: string, type: integer}"),
        "'type' stands twice",
    ),
    (
        "number-key",
        GOOD + "vocabulary: {kind: {1: [one]}}\n",
        "line 8 cannot be read as YAML: the key 1 is not text",
    ),
    ("true-key", GOOD + "vocabulary: {true: [one]}\n", "the key true is not text"),
    ("tagged-list-key", GOOD + "vocabulary: {? !!str [a] : [one]}\n", "is not text"),
    (
        "tagged-bool",
        GOOD + "evidence: !!bool maybe\n",
        "line 8 cannot be read as YAML: what is tagged !!bool",
    ),
    ("tagged-int", GOOD + 'evidence: !!int ""\n', "what is tagged !!int is none"),
    ("tagged-float", GOOD + "evidence: !!float x\n", "what is tagged !!float is none"),
    ("tagged-timestamp", GOOD + "evidence: !!timestamp abc\n", "what is tagged !!timestamp is none"),
    ("tagged-set", GOOD + "evidence: !!set [a]\n", "cannot be read as YAML"),
    ("tagged-map", GOOD + "evidence: !!omap [a]\n", "cannot be read as YAML"),
    ("list-key", GOOD + "vocabulary: {[a]: [one]}\n", "is not text"),
    ("no-name", GOOD.replace("name: facts\n", ""), "name is missing"),
    ("no-instructions", GOOD.replace("instructions: Give the facts.\n", ""), "instructions is missing"),
    ("no-contract", GOOD.partition("contract")[0], "contract is missing"),
    ("unknown-key", GOOD + "model: x\n", "model is not a key of a derivation"),
    ("unknown-option", GOOD + "options: {temperature: 1}\n", "options.temperature is not a key"),
    ("name-number", GOOD.replace("facts\nv", "7\nv"), "name: input should be a valid string"),
    ("version-map", GOOD.replace("version: 1", "version: {a: 1}"), "version: input should be"),
    ("version-true", GOOD.replace("version: 1", "version: true"), "version: input should be"),
    (
        "instructions-list",
        GOOD.replace("Give the facts.", "[Give]"),
        "instructions: input should be a valid string",
    ),
    (
        "instructions-empty",
        GOOD.replace("Give the facts.", ""),
        "instructions: input should be a valid string",
    ),
    ("contract-number", "name: a\ninstructions: b\ncontract: 5\n", "contract: input should be a valid map"),
    ("examples-map", GOOD + "examples: {a: 1}\n", "examples: input should be a valid list"),
    ("example-answer", GOOD + "examples:\n- evidence: e\n", "examples.0.answer is missing"),
    (
        "example-answer-list",
        GOOD + "examples:\n- {evidence: e, answer: [1]}\n",
        "examples.0.answer: input should be a valid map",
    ),
    (
        "example-key",
        GOOD + "examples:\n- {evidence: e, answer: {}, note: x}\n",
        "examples.0.note is not a key",
    ),
    ("repairs-text", GOOD + "options: {repairs: '1'}\n", "options.repairs: input should be a valid integer"),
    (
        "repairs-many",
        GOOD + "options: {repairs: 9}\n",
        "options.repairs must be a whole number from 0 to 5",
    ),
    ("repairs-true", GOOD + "options: {repairs: true}\n", "options.repairs: input should be a valid integer"),
    (
        "tokens-few",
        GOOD + "options: {max_output_tokens: 1}\n",
        "options.max_output_tokens must be a whole number from 16 to 32768",
    ),
    ("redact-text", GOOD + "options: {redact: abc}\n", "options.redact: input should be a valid list"),
    ("redact-wrong", GOOD + "options: {redact: ['(']}\n", "options.redact: the redaction pattern '('"),
    ("redact-everything", GOOD + "options: {redact: ['a*']}\n", "matches an empty text"),
    ("redact-nothing", GOOD + "options: {redact: ['\\b']}\n", "'\\\\b' matches where no text is"),
    ("vocabulary-text", GOOD + "vocabulary: {kind: ship}\n", "vocabulary.kind: input should be a valid map"),
    ("vocabulary-numbers", GOOD + "vocabulary: {kind: [1]}\n", "vocabulary.kind"),
    (
        "synonyms-text",
        GOOD + "vocabulary: {kind: {ship: vessel}}\n",
        "vocabulary.kind.ship: input should be a valid list",
    ),
    ("evidence-number", GOOD + "evidence: [1]\n", "evidence.0: input should be a valid string"),
    ("name-of-no-table", GOOD.replace("name: facts", "name: My Facts"), "cannot be called 'My Facts'"),
    ("surrogate", GOOD.replace("Give the facts.", '"\\ud800"'), "cannot be kept as JSON"),
    (
        "binary-answer",
        GOOD + "examples:\n- {evidence: e, answer: {a: !!binary aGk=}}\n",
        "examples.0.answer.a: b'hi' is a bytes",
    ),
    (
        "endless-answer",
        GOOD + "examples:\n- {evidence: e, answer: &a {a: *a}}\n",
        "examples.0.answer.a.a.a.a.a.a.a: it is nested too deep",
    ),
]


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        (
            GOOD.replace("instructions", "instuctions"),
            "instuctions is not a key",
            "Did you mean 'instructions'? ",
        ),
        (
            GOOD + "options: {repair: 2}\n",
            "options.repair is not a key",
            "Did you mean 'repairs'? The keys of options are max_output_tokens, repairs, redact.",
        ),
        (GOOD + "model: x\n", "model is not a key", "The keys are name, "),
    ],
    ids=["misspelt", "of-options", "unlike-all"],
)
def test_a_key_that_is_none_is_named_before_the_one_that_is_missing(
    tmp_path: Path, text: str, sentence: str, hint: str
) -> None:
    """A misspelt key is why another one is missing; the hint has the keys of its place."""
    path = tmp_path / "facts.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DerivationInvalid, match=sentence) as caught:
        read_derivation_file(path)
    assert str(caught.value.hint).startswith(hint)


@pytest.mark.parametrize(("text", "reason"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_wrong_file_is_refused_in_one_sentence(tmp_path: Path, text: str | bytes, reason: str) -> None:
    """The sentence names the file, and the line or the key that is wrong."""
    path = _write(tmp_path, text)
    with pytest.raises(DerivationInvalid) as caught:
        load_derivation(path)
    assert reason in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_mended_file_says_which_keys_there_are(tmp_path: Path) -> None:
    """The hint lists the keys."""
    with pytest.raises(DerivationInvalid) as caught:
        load_derivation(_write(tmp_path, GOOD + "vocab: {}\n"))
    assert (
        "name, version, instructions, contract, vocabulary, examples, options, evidence" in caught.value.hint
    )


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param(GOOD.encode() + b"# \xff\n", "as UTF-8", id="not-utf-8"),
        pytest.param("name:\n\tx: 1\n", "Indent with spaces", id="tab"),
        pytest.param(GOOD + "# \x01\n", "Indent with spaces", id="control-character"),
        pytest.param("a: " + "[" * 700 + "]" * 700, "inside each other", id="deep"),
        pytest.param(GOOD + "options: {redact: ['(']}\n", "re module", id="pattern"),
        pytest.param(GOOD.replace("Give the facts.", '"\\ud800"'), "whole characters", id="surrogate"),
    ],
)
def test_a_wrong_file_is_told_its_mend(tmp_path: Path, text: str | bytes, hint: str) -> None:
    """What the sentence does not say by itself stands in the hint."""
    with pytest.raises(DerivationInvalid) as caught:
        load_derivation(_write(tmp_path, text))
    assert hint in caught.value.hint


@pytest.mark.parametrize("name", ["missing.yaml", "."], ids=["missing", "folder"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    """No traceback for a path that is not there, or is a folder."""
    with pytest.raises(DerivationInvalid, match="cannot be read") as caught:
        load_derivation(tmp_path / name)
    assert "Check the path" in caught.value.hint


def test_yaml_merge_keys_work(tmp_path: Path) -> None:
    """Anchors, aliases and `<<` are how authors share parts; what a map says itself counts."""
    text = """\
name: facts
instructions: x
contract:
  type: object
  properties:
    a: &text {type: string, maxLength: 9}
    b: {<<: *text, maxLength: 5}
    c: *text
"""
    schema = load_derivation(_write(tmp_path, text)).contract.schema
    assert schema["properties"] == {
        "a": {"type": "string", "maxLength": 9},
        "b": {"type": "string", "maxLength": 5},
        "c": {"type": "string", "maxLength": 9},
    }


def test_a_file_of_aliases_that_multiply_is_refused(tmp_path: Path) -> None:
    """Nine levels of nine aliases are a billion values; they are counted, not unfolded."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    body = "".join(f"  {line}\n" for line in lines)
    with pytest.raises(DerivationError, match="larger than"):
        load_derivation(_write(tmp_path, GOOD + body))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(None, "cannot be read", id="missing"),
        pytest.param(b"", "is not JSON", id="empty"),
        pytest.param(b"{", "is not JSON", id="open"),
        pytest.param(b"\xff", "is not JSON", id="not-utf-8"),
        pytest.param(b'{"a": 1, "a": 2}', "the key 'a' stands twice", id="key-twice"),
        pytest.param(b"[" * 100_000, "nested too deep", id="deep"),
    ],
)
def test_a_wrong_contract_file_is_named_with_its_derivation(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    """Both files stand in the sentence."""
    if content is not None:
        (tmp_path / "c.json").write_bytes(content)
    path = _write(tmp_path, "name: a\ninstructions: b\ncontract: c.json\n")
    with pytest.raises(DerivationInvalid, match=reason) as caught:
        load_derivation(path)
    assert str(path) in str(caught.value)
    assert "'c.json'" in str(caught.value)
    assert caught.value.hint


def test_a_contract_file_lies_beside_its_derivation(tmp_path: Path) -> None:
    """The path is relative to the derivation's file."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.json").write_bytes(
        b'\xef\xbb\xbf{"type": "object", "properties": {"a": {"type": "string"}}}'
    )
    derivation = load_derivation(_write(tmp_path, "name: a\ninstructions: b\ncontract: sub/c.json\n"))
    assert derivation.contract.shape.properties[0].name == "a"


def test_an_invalid_contract_is_named_by_pointer_and_file(tmp_path: Path) -> None:
    """ContractInvalid keeps its pointer, and the sentence says which file."""
    path = _write(tmp_path, GOOD.replace("type: string", "type: text"))
    with pytest.raises(DerivationError, match=r"at /properties/name/type, .*\(facts\.yaml\)"):
        load_derivation(path)


def test_a_damaged_definition_is_an_error_of_ours() -> None:
    """What comes out of a store is checked like a file."""
    with pytest.raises(DerivationInvalid, match="the stored definition: contract is missing"):
        read_entry({"name": "a", "instructions": "b"}, "the stored definition")
    with pytest.raises(DerivationInvalid, match="the stored definition is no map"):
        read_entry([], "the stored definition")


@settings(max_examples=100, deadline=None)
@given(text=st.text("ab: -[]{}'\"\n#&*!|>%@~1.<,\t?", max_size=60))
def test_any_text_after_a_good_beginning_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    """No text makes anything but a Derivation or a DerivationError."""
    path = _write(tmp_path_factory.getbasetemp(), GOOD + text)
    try:
        sentence = load_derivation(path).name
    except DerivationError as problem:
        sentence = str(problem)
    assert "\n" not in sentence
