"""Verifying: every planted lie is found, and nothing true is called one."""

from __future__ import annotations

import threading

import pytest

from factories import HONEST, make_derivation, rows, run_sql, ships
from holocron.checking import verify_store
from holocron.evidence import inline_bundle
from holocron.fingerprint import JSONValue, hash_text
from holocron.store import Store
from holocron.testing import ScriptedModel
from holocron.work import derive_evidence


def _lies(store: Store) -> list[tuple[str, str, str]]:
    return [(lie.subject, lie.pointer, lie.sentence) for lie in verify_store(store)]


def test_an_honest_store_has_no_lies(honest_store: Store) -> None:
    """What the product itself stored is true, superseded answers included; progress counts all of it."""
    counts: list[int] = []
    assert list(verify_store(honest_store, counts.append)) == []
    assert sum(counts) > 40


def test_an_empty_store_has_no_lies(store: Store) -> None:
    """Nothing is true."""
    assert _lies(store) == []


def _table(store: Store, name: str) -> str:
    ((table,),) = rows(store, f"SELECT table_name FROM holocron_derived_table WHERE view_name = '{name}'")
    return str(table)


_LOG = "artifact_id = 5"
_NAME = f"{_LOG} AND pointer = '/name'"
_NAME_CITED = f"{_LOG} AND claim_ordinal = (SELECT ordinal FROM holocron_claim WHERE {_NAME})"


@pytest.mark.parametrize(
    ("changes", "subject", "pointer", "said"),
    [
        pytest.param(
            ["UPDATE holocron_content SET text = replace(text, 'Vesper', 'Hesper') WHERE id = 5"],
            "",
            "",
            "hashes to",
            id="content text",
        ),
        pytest.param(
            ["UPDATE holocron_artifact SET value = replace(value, 'Vesper', 'ship') WHERE id = 5"],
            "vesper",
            "",
            "does not have its hash",
            id="artifact value",
        ),
        pytest.param(
            ["UPDATE holocron_artifact SET value = 'not JSON' WHERE id = 5"],
            "vesper",
            "",
            "not one JSON value",
            id="artifact value that is no JSON",
        ),
        pytest.param(
            [f"UPDATE holocron_artifact SET value_hash = '{hash_text('x')}' WHERE id = 5"],
            "vesper",
            "",
            "does not have its hash",
            id="value hash",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET value = '\"ship\"' WHERE {_NAME}"],
            "vesper",
            "/name",
            "the claim says",
            id="claim value",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET value = 'Vesper' WHERE {_NAME}"],
            "vesper",
            "/name",
            "the claim says",
            id="claim value that is no JSON",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET value = '12.0' WHERE {_LOG} AND pointer = '/logs/0/crew'"],
            "vesper",
            "/logs/0/crew",
            "the claim says",
            id="claim of another type",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET grounding = 'verbatim' WHERE {_LOG} AND pointer = '/logs/1/port'"],
            "vesper",
            "/logs/1/port",
            "recorded as verbatim and is normalized",
            id="grounding raised",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET grounding = 'verbatim' WHERE {_LOG} AND pointer = '/is_old'"],
            "vesper",
            "/is_old",
            "recorded as verbatim and is inferred",
            id="grounding of a boolean raised",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET grounding = 'inferred' WHERE {_NAME}"],
            "vesper",
            "/name",
            "the contract asks for normalized",
            id="grounding below the contract",
        ),
        pytest.param(
            [f"UPDATE holocron_claim SET grounding = 'certain' WHERE {_NAME}"],
            "vesper",
            "/name",
            "no grounding",
            id="grounding unknown",
        ),
        pytest.param(
            [
                (
                    "UPDATE holocron_citation SET (start_offset, end_offset) ="
                    " (SELECT s.start_offset, s.end_offset FROM holocron_citation s JOIN holocron_claim o"
                    " ON o.artifact_id = 5 AND o.pointer = '/logs/1/port'"
                    f" AND s.artifact_id = 5 AND s.claim_ordinal = o.ordinal) WHERE {_NAME_CITED}"
                )
            ],
            "vesper",
            "/name",
            "recorded as verbatim and is inferred",
            id="citation moved",
        ),
        pytest.param(
            [f"UPDATE holocron_citation SET start_offset = start_offset + 4 WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "no segment",
            id="citation narrowed",
        ),
        pytest.param(
            [f"UPDATE holocron_citation SET end_offset = 100000 WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "no segment",
            id="citation beyond the text",
        ),
        pytest.param(
            [f"UPDATE holocron_citation SET start_offset = -5 WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "no segment",
            id="citation before the text",
        ),
        pytest.param(
            [f"UPDATE holocron_citation SET content_id = 1 WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "not the item's",
            id="citation to another content",
        ),
        pytest.param(
            [f"UPDATE holocron_citation SET position = 1 WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "not the item's",
            id="citation to another item",
        ),
        pytest.param(
            [f"DELETE FROM holocron_citation WHERE {_NAME_CITED}"],
            "vesper",
            "/name",
            "cites nothing",
            id="citation removed",
        ),
        pytest.param(
            [
                (
                    "INSERT INTO holocron_citation"
                    " SELECT 5, c.ordinal, 9, s.segment, s.content_id, s.position,"
                    " s.start_offset, s.end_offset FROM holocron_citation s"
                    " JOIN holocron_claim o ON o.artifact_id = 5"
                    " AND o.pointer = '/logs/1/port' AND s.artifact_id = 5 AND s.claim_ordinal = o.ordinal"
                    " JOIN holocron_claim c ON c.artifact_id = 5 AND c.pointer = '/name'"
                )
            ],
            "vesper",
            "/name",
            "does not hold it",
            id="citation added",
        ),
        pytest.param(
            [
                f"DELETE FROM holocron_citation WHERE {_NAME_CITED}",
                f"DELETE FROM holocron_claim WHERE {_NAME}",
            ],
            "vesper",
            "/name",
            "has no claim",
            id="claim removed",
        ),
        pytest.param(
            [f"DELETE FROM holocron_claim WHERE {_LOG} AND pointer = '/sold'"],
            "vesper",
            "/sold",
            "has no claim",
            id="claim of a null removed",
        ),
        pytest.param(
            [f"DELETE FROM holocron_claim WHERE {_LOG} AND pointer = '/scrapped'"],
            "vesper",
            "/scrapped",
            "has no claim",
            id="claim of an absent value removed",
        ),
        pytest.param(
            [
                (
                    "INSERT INTO holocron_claim (artifact_id, ordinal, pointer, value, grounding)"
                    " VALUES (5, 99, '/captain', '\"Tal\"', 'verbatim')"
                )
            ],
            "vesper",
            "/captain",
            "has nothing there",
            id="claim added",
        ),
        pytest.param(
            [
                (
                    "INSERT INTO holocron_claim (artifact_id, ordinal, pointer, value, null_reason)"
                    " VALUES (5, 99, '/captain', 'null', 'redacted')"
                )
            ],
            "vesper",
            "/captain",
            "has nothing there",
            id="claim of a null added",
        ),
        pytest.param(
            [
                (
                    "INSERT INTO holocron_claim (artifact_id, ordinal, pointer, value, grounding)"
                    " VALUES (5, 99, '/name', '\"Vesper\"', 'verbatim')"
                )
            ],
            "vesper",
            "/name",
            "two claims",
            id="claim doubled",
        ),
        pytest.param(
            ["UPDATE holocron_bundle_item SET media_type = 'text/markdown' WHERE bundle_id = 5"],
            "vesper",
            "",
            "bundle does not have its hash",
            id="media type",
        ),
        pytest.param(
            ["UPDATE holocron_bundle_item SET content_id = 1 WHERE bundle_id = 5"],
            "vesper",
            "",
            "bundle does not have its hash",
            id="bundle's content",
        ),
        pytest.param(
            ["DELETE FROM holocron_bundle_item WHERE bundle_id = 5"],
            "vesper",
            "",
            "bundle does not have its hash",
            id="bundle's item removed",
        ),
        pytest.param(
            ["UPDATE holocron_bundle SET subject = 'hesper' WHERE id = 5"],
            "hesper",
            "",
            "bundle does not have its hash",
            id="bundle's subject",
        ),
        pytest.param(
            ["UPDATE holocron_job SET bundle_id = 1 WHERE id = 5"],
            "ship 0",
            "",
            "key of its derivation, evidence and model",
            id="job's evidence",
        ),
        pytest.param(
            ["UPDATE holocron_job SET derivation_id = 1 WHERE id = 5"],
            "vesper",
            "",
            "key of its derivation, evidence and model",
            id="job's question",
        ),
        pytest.param(
            ["UPDATE holocron_derivation SET definition = replace(definition, 'integer', 'number')"],
            "",
            "",
            "'ship_log' does not have its hash",
            id="question",
        ),
        pytest.param(
            ["UPDATE holocron_derivation SET definition = '{}' WHERE id = 2"],
            "",
            "",
            "'ship_log' cannot be read",
            id="question that cannot be read",
        ),
        pytest.param(
            ["UPDATE holocron_derivation SET definition = 'not JSON' WHERE id = 2"],
            "",
            "",
            "'ship_log' cannot be read",
            id="question that is no JSON",
        ),
        pytest.param(
            ["UPDATE holocron_subject SET artifact_id = 1 WHERE subject = 'ship 2'"],
            "ship 2",
            "",
            "another subject's answer",
            id="pointer to another subject",
        ),
        pytest.param(
            ["UPDATE holocron_subject SET artifact_id = 5 WHERE subject = 'ship 2'"],
            "ship 2",
            "",
            "another subject's answer",
            id="pointer to another derivation",
        ),
        pytest.param(
            ["UPDATE holocron_subject SET artifact_id = 77 WHERE subject = 'ship 2'"],
            "ship 2",
            "",
            "not there",
            id="pointer to nothing",
        ),
        pytest.param(
            ["UPDATE holocron_subject SET artifact_id = 2 WHERE subject = 'ship 1'"],
            "ship 1",
            "",
            "accepted last",
            id="pointer to the old answer",
        ),
        pytest.param(
            [
                ("UPDATE holocron_artifact SET value = replace(value, 'Vesper', '') WHERE id = 5"),
                "UPDATE holocron_artifact SET value = replace(value, '\"name\":\"\",', '') WHERE id = 5",
            ],
            "vesper",
            "",
            "breaks its contract",
            id="artifact without a required value",
        ),
        pytest.param(
            ["UPDATE holocron_subject SET artifact_id = NULL WHERE subject = 'ship 1'"],
            "ship 1",
            "",
            "accepted last",
            id="pointer removed",
        ),
        pytest.param(
            ["UPDATE holocron_subject SET job_id = 1 WHERE subject = 'ship 2'"],
            "ship 2",
            "",
            "another subject's job",
            id="wanted job",
        ),
        pytest.param(
            ["UPDATE {ship_log} SET name = 'Hesper'"], "vesper", "", "rows of ship_log", id="row: text"
        ),
        pytest.param(
            ["UPDATE {ship_log} SET is_old = 0"], "vesper", "", "rows of ship_log", id="row: boolean"
        ),
        pytest.param(
            ["UPDATE {ship_log} SET length = 34.500001"], "vesper", "", "rows of ship_log", id="row: number"
        ),
        pytest.param(
            ["UPDATE {ship_log} SET seen = '1801-05-04'"], "vesper", "", "rows of ship_log", id="row: date"
        ),
        pytest.param(
            ["UPDATE {ship_log} SET seen = 'yesterday'"], "vesper", "", "cannot be read", id="row: no date"
        ),
        pytest.param(["UPDATE {ship_log} SET sold = 'x'"], "vesper", "", "rows of ship_log", id="row: null"),
        pytest.param(
            ["UPDATE {ship_log} SET name = NULL"], "vesper", "", "rows of ship_log", id="row: nulled"
        ),
        pytest.param(["DELETE FROM {ship_log}"], "vesper", "", "rows of ship_log", id="row removed"),
        pytest.param(
            ["UPDATE {ship_log_logs} SET crew = crew + 1 WHERE row_number = 2"],
            "vesper",
            "",
            "logs are not those",
            id="child row changed",
        ),
        pytest.param(
            ["DELETE FROM {ship_log_logs} WHERE row_number = 2"],
            "vesper",
            "",
            "logs are not those",
            id="child row removed",
        ),
        pytest.param(
            ["INSERT INTO {ship_log_logs} VALUES (5, 3, 'Cantis', 1)"],
            "vesper",
            "",
            "logs are not those",
            id="child row added",
        ),
        pytest.param(
            ["UPDATE {ship_log_logs} SET row_number = row_number + 10"],
            "vesper",
            "",
            "logs are not those",
            id="child rows numbered anew",
        ),
        pytest.param(
            ["UPDATE {ship_facts} SET port = 'Cantis' WHERE artifact_id = 2"],
            "ship 1",
            "",
            "rows of ship_facts",
            id="superseded row",
        ),
        pytest.param(
            ["INSERT INTO {ship_facts} (artifact_id, name) VALUES (5, 'Vesper')"],
            "",
            "",
            "no answer gives",
            id="row of another derivation's answer",
        ),
        pytest.param(["DROP TABLE {ship_log_logs}"], "", "", "is missing", id="table removed"),
    ],
)
def test_every_planted_lie_is_found(
    honest_store: Store, changes: list[str], subject: str, pointer: str, said: str
) -> None:
    """One change behind Holocron's back is found, at its subject and place, and said in one sentence."""
    names = {name: _table(honest_store, name) for name in ("ship_facts", "ship_log", "ship_log_logs")}
    with honest_store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        for change in changes:
            for name, table in names.items():
                change = change.replace(f"{{{name}}}", table)
            connection.exec_driver_sql(change)
    found = _lies(honest_store)
    assert [lie for lie in found if lie[:2] == (subject, pointer) and said in lie[2]], found
    assert all("\n" not in sentence for _, _, sentence in found)


def test_a_store_in_use_has_no_lies(store: Store, store_url: str) -> None:
    """Verifying while another process derives finds nothing: what is half done is not there yet."""

    def derive() -> None:
        with Store(store_url) as own:
            model = ScriptedModel(HONEST, latency_s=0.005)
            derive_evidence(own, model, make_derivation(), ships(60))
            derive_evidence(own, model, make_derivation(instructions="Again."), ships(60))

    other = threading.Thread(target=derive)
    other.start()
    looks = 0
    while other.is_alive():
        assert _lies(store) == []
        looks += 1
    other.join()
    assert looks > 1
    assert _lies(store) == []


def test_rows_of_a_contract_that_was_given_up_are_checked(honest_store: Store, log_text: str) -> None:
    """Old tables, which no view shows, are held to their answers too."""
    table = _table(honest_store, "ship_log")
    newer = make_derivation({"type": "object", "properties": {"name": {"type": "string"}}}, name="ship_log")
    derive_evidence(
        honest_store,
        ScriptedModel([{"cite": [1], "name": "Vesper"}]),
        newer,
        [inline_bundle("vesper", log_text)],
    )
    assert _lies(honest_store) == []
    run_sql(honest_store, f"UPDATE {table} SET name = 'Hesper'")
    assert [sentence for _, _, sentence in _lies(honest_store)] == [
        f"the rows of {table} are not those of the answer"
    ]


def test_an_honest_choice_of_objects_is_no_lie(store: Store, log_text: str) -> None:
    """Where several objects are possible, an answer whose nulls were dropped is still true."""
    part: JSONValue = {"type": "string"}
    one: JSONValue = {"type": "object", "properties": {"name": part, "yard": part}, "required": ["name"]}
    two: JSONValue = {"type": "object", "properties": {"name": part, "port": part}, "required": ["name"]}
    contract: JSONValue = {"type": "object", "properties": {"ship": {"anyOf": [one, two]}}}
    assert isinstance(contract, dict)
    model = ScriptedModel([{"ship": {"cite": [1], "name": "Vesper", "port": None}}])
    assert derive_evidence(store, model, make_derivation(contract), [inline_bundle("v", log_text)]).is_clean
    assert _lies(store) == []
