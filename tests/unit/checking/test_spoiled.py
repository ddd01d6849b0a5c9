"""Verifying a spoiled store: one bad row is a lie of its own, and what people are shown is checked too."""

from __future__ import annotations

import dataclasses

import pytest

from factories import HONEST, make_derivation, rows, run_sql, ships
from holocron.checking import verify_store
from holocron.derivation import DerivationOptions
from holocron.evidence import inline_bundle
from holocron.fingerprint import JSONValue
from holocron.llm.scripted import scripted_identity
from holocron.store import Store
from holocron.testing import ScriptedModel
from holocron.work import derive_evidence

_LOG = "artifact_id = 5"
_NAME = f"{_LOG} AND pointer = '/name'"
_NAME_CITED = f"{_LOG} AND claim_ordinal = (SELECT ordinal FROM holocron_claim WHERE {_NAME})"


def _lies(store: Store) -> list[tuple[str, str, str]]:
    return [(lie.subject, lie.pointer, lie.sentence) for lie in verify_store(store)]


@pytest.mark.parametrize(
    ("changes", "subject", "pointer", "said"),
    [
        pytest.param(
            [
                (
                    'UPDATE holocron_artifact SET value = replace(value, \'{"name"\', \'{"name":"x","name"\')'
                    " WHERE id = 5"
                )
            ],
            "vesper",
            "",
            "a key stands twice",
            id="artifact value with a key twice",
        ),
        pytest.param(
            ["UPDATE holocron_artifact SET value = replace(value, 'Vesper', '\\ud800') WHERE id = 5"],
            "vesper",
            "",
            "half a character",
            id="artifact value with half a character",
        ),
        pytest.param(
            [f"UPDATE holocron_artifact SET value = '{'[' * 100_000}' WHERE id = 5"],
            "vesper",
            "",
            "nested too deep",
            id="artifact value without an end",
        ),
        pytest.param(
            [f"UPDATE holocron_artifact SET value = '{'[' * 300 + ']' * 300}' WHERE id = 5"],
            "vesper",
            "",
            "nested too deep",
            id="artifact value too deep",
        ),
        pytest.param(
            [f"UPDATE holocron_citation SET segment = 77 WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "cites line 1 and is recorded to cite line 77",
            id="citation's number",
        ),
        pytest.param(
            [f"UPDATE holocron_citation SET start_offset = 'x' WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "no segment",
            id="citation's place is no number",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET null_reason = 'redacted' WHERE {_LOG} AND pointer = '/sold'"],
            "vesper",
            "/sold",
            "recorded as redacted and is not_in_evidence",
            id="reason of a null",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET null_reason = 'unknown' WHERE {_LOG} AND pointer = '/scrapped'"],
            "vesper",
            "/scrapped",
            "recorded as unknown and is not_in_evidence",
            id="reason of an absent value",
        ),
        pytest.param(
            [
                "PRAGMA ignore_check_constraints = ON",
                f"UPDATE holocron_claim SET null_reason = 'redacted' WHERE {_NAME}",
            ],
            "vesper",
            "/name",
            "recorded as redacted and is None",
            id="reason of a value",
        ),
        pytest.param(
            [
                (
                    "UPDATE holocron_run SET manifest ="
                    " json_set(manifest, '$.segments_not_read', json('[4]')) WHERE id = 5"
                )
            ],
            "vesper",
            "/sold",
            "recorded as not_in_evidence and is evidence_not_read",
            id="segments that were not read",
        ),
        pytest.param(
            [
                "PRAGMA ignore_check_constraints = ON",
                "UPDATE holocron_run SET manifest = 'not JSON' WHERE id = 5",
            ],
            "vesper",
            "",
            "the manifest of the artifact's run cannot be read",
            id="manifest",
        ),
        pytest.param(
            [f"UPDATE holocron_derivation SET definition = '{'[' * 100_000}' WHERE id = 2"],
            "",
            "",
            "'ship_log' cannot be read",
            id="question without an end",
        ),
        pytest.param(
            [
                (
                    "UPDATE holocron_derivation SET definition ="
                    " json_set(definition, '$.contract.properties.is_old.multipleOf', -1) WHERE id = 2"
                )
            ],
            "",
            "",
            "'ship_log' cannot be read",
            id="question whose contract is no schema",
        ),
    ],
)
def test_every_spoiled_row_is_found(
    honest_store: Store, changes: list[str], subject: str, pointer: str, said: str
) -> None:
    """Whatever stands in a row, the check comes to its end and names what is wrong."""
    with honest_store._engine.connect() as connection:
        for change in changes:
            connection.exec_driver_sql(change)
    found = _lies(honest_store)
    assert [lie for lie in found if lie[:2] == (subject, pointer) and said in lie[2]], found
    assert all("\n" not in sentence for _, _, sentence in found)


def test_a_spoiled_answer_does_not_end_the_check(honest_store: Store) -> None:
    """What is wrong after it is found too."""
    run_sql(honest_store, f"UPDATE holocron_artifact SET value = '{'[' * 100_000}' WHERE id = 1")
    run_sql(honest_store, f"UPDATE holocron_citation SET segment = 77 WHERE {_NAME_CITED}")
    found = _lies(honest_store)
    assert ("vesper", "/name") in [lie[:2] for lie in found]


def test_an_honest_reason_of_a_null_is_no_lie(store: Store, log_text: str) -> None:
    """What was hidden, and what did not fit the window, are reasons that the check comes to again."""
    contract: JSONValue = {"type": "object", "properties": {"name": {"type": ["string", "null"]}}}
    assert isinstance(contract, dict)
    hiding = make_derivation(contract, options=DerivationOptions(redact=("Vesper",)))
    model = ScriptedModel([{"cite": [], "name": None}])
    assert derive_evidence(store, model, hiding, [inline_bundle("hidden", log_text)]).is_clean
    identity = dataclasses.replace(scripted_identity(), context_tokens=2_048)
    small = ScriptedModel([{"cite": [], "name": None}], identity=identity)
    asking = make_derivation(contract, name="cut", options=DerivationOptions(max_output_tokens=64))
    assert derive_evidence(store, small, asking, [inline_bundle("cut", log_text * 200)]).is_clean
    reasons = rows(store, "SELECT null_reason FROM holocron_claim")
    assert sorted(reasons) == [("evidence_not_read",), ("redacted",)]
    assert _lies(store) == []
    run_sql(store, "UPDATE holocron_claim SET null_reason = 'not_in_evidence'")
    assert [lie[:2] for lie in _lies(store)] == [("hidden", "/name"), ("cut", "/name")]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(DerivationOptions(max_output_tokens=32_768), id="tokens"),
        pytest.param(DerivationOptions(repairs=5), id="repairs"),
        pytest.param(DerivationOptions(redact=(r"\bno\b",)), id="redact"),
    ],
)
def test_a_question_with_any_options_of_python_is_no_lie(store: Store, options: DerivationOptions) -> None:
    """What DerivationOptions takes can be read back from the store."""
    assert derive_evidence(store, ScriptedModel(HONEST), make_derivation(options=options), ships(1)).is_clean
    assert _lies(store) == []
