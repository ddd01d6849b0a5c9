"""Derived tables: a contract's rows, readable without JSON, on every database."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from factories import (
    accept,
    claim,
    finish,
    make_derivation,
    plan_ships,
    rows,
    run_sql,
    ship_bundle,
    ship_value,
)
from holocron.errors import DerivationInvalid
from holocron.fingerprint import JSONValue
from holocron.store import Store, commit_results
from holocron.store.derived import MAX_NAME_BYTES, DerivedTable, fit_name, shape_tables
from holocron.store.reports import iterate_view

_TEXT: JSONValue = {"type": "string"}
_LONG = "a_very_long_property_name_that_no_database_would_ever_take_as_it_stands_in_the_contract"


def _object(**properties: JSONValue) -> dict[str, JSONValue]:
    return {"type": "object", "properties": properties}


def _array(items: JSONValue) -> JSONValue:
    return {"type": "array", "items": items}


def _read(
    store: Store, contract: dict[str, JSONValue], value: JSONValue
) -> dict[str, list[dict[str, object]]]:
    """Store one answer and return every view's rows, without the artifact's number and the subject."""
    planner, _ = plan_ships(store, derivation=make_derivation(contract))
    finish(store, planner, value)
    found: dict[str, list[dict[str, object]]] = {}
    for made in planner.tables.walk():
        shown = [dict(row) for row in iterate_view(store, made.table, made.current_rows())]
        for row in shown:
            assert row.pop("subject") == "ship 1"
            assert row.pop("artifact_id") == 1
        found[made.view_name] = shown
    return found


@pytest.mark.parametrize(
    ("part", "value", "expected"),
    [
        pytest.param(_TEXT, "a'b\"c%s:x?\n\t 海 🚀 e\u0301", "a'b\"c%s:x?\n\t 海 🚀 e\u0301", id="text"),
        pytest.param({"type": "integer"}, 2**63 - 1, 2**63 - 1, id="largest integer"),
        pytest.param({"type": "integer"}, -(2**63) + 1, -(2**63) + 1, id="smallest integer"),
        pytest.param({"type": "integer"}, 3.0, 3, id="integer written as 3.0"),
        pytest.param({"type": "integer"}, 1e300, None, id="integer that no column holds"),
        pytest.param({"type": "number"}, 0.1, 0.1, id="number"),
        pytest.param({"type": "number"}, 3, 3.0, id="whole number"),
        pytest.param({"type": "number"}, 1.7976931348623157e308, 1.7976931348623157e308, id="largest number"),
        pytest.param({"type": "number"}, -0.0, 0.0, id="minus zero"),
        pytest.param({"type": "boolean"}, True, True, id="true"),
        pytest.param({"type": "boolean"}, False, False, id="false"),
        pytest.param({"type": "string", "format": "date"}, "1979-02-28", dt.date(1979, 2, 28), id="date"),
        pytest.param({"type": "string", "format": "date"}, "0001-01-01", dt.date(1, 1, 1), id="first date"),
        pytest.param(
            {"type": "string", "format": "date-time"},
            "1979-02-28T23:30:00.25+02:00",
            dt.datetime(1979, 2, 28, 21, 30, 0, 250_000),
            id="date-time with a zone",
        ),
        pytest.param(
            {"type": "string", "format": "date-time"},
            "1979-02-28t23:30:00z",
            dt.datetime(1979, 2, 28, 23, 30),
            id="date-time in lower case",
        ),
        pytest.param(
            {"type": "string", "format": "date-time"},
            "1998-12-31T23:59:60Z",
            dt.datetime(1999, 1, 1),
            id="leap second",
        ),
        pytest.param(
            {"type": "string", "format": "date-time"},
            "0001-01-01T00:00:00+14:00",
            None,
            id="date-time before the year 1",
        ),
        pytest.param(
            {"type": "string", "format": "date-time"},
            "9999-12-31T23:59:59-14:00",
            None,
            id="date-time after the year 9999",
        ),
        pytest.param({"type": "string", "format": "time"}, "12:00:00Z", "12:00:00Z", id="time stays text"),
        pytest.param({"enum": ["a", "b"]}, "b", "b", id="enum"),
        pytest.param({"enum": [1, 2]}, 2, 2, id="enum of integers"),
        pytest.param({"type": ["string", "integer"]}, 7, "7", id="two types"),
        pytest.param({"type": ["string", "boolean"]}, True, "true", id="text or boolean"),
        pytest.param({"anyOf": [_TEXT, {"type": "integer"}]}, "x", '"x"', id="choice of scalars"),
        pytest.param(
            {"anyOf": [_object(a=_TEXT), _object(b=_TEXT)]}, {"b": "x"}, '{"b": "x"}', id="choice of objects"
        ),
        pytest.param({"type": ["string", "null"]}, None, None, id="null"),
    ],
)
def test_a_leaf_has_a_column_of_its_type(
    store: Store, part: JSONValue, value: JSONValue, expected: object
) -> None:
    """Each kind of leaf is read back with its SQL type."""
    found = _read(store, _object(leaf=part), {"leaf": value})
    assert found == {"ship_facts": [{"leaf": expected}]}
    assert type(found["ship_facts"][0]["leaf"]) is type(expected)


def test_an_absent_property_is_null(store: Store) -> None:
    """A property that the answer leaves out is a null, also below an object that is absent."""
    contract = _object(name=_TEXT, home=_object(port=_TEXT, berth=_object(number={"type": "integer"})))
    assert _read(store, contract, {"name": "x"}) == {
        "ship_facts": [{"name": "x", "home_port": None, "home_berth_number": None}]
    }


def test_nested_objects_are_columns(store: Store) -> None:
    """An object's leaves are columns of the row that holds it, named by their path."""
    contract = _object(home=_object(port=_TEXT, berth=_object(number={"type": "integer"})))
    assert _read(store, contract, {"home": {"port": "Arven", "berth": {"number": 3}}}) == {
        "ship_facts": [{"home_port": "Arven", "home_berth_number": 3}]
    }


def test_arrays_are_child_tables(store: Store) -> None:
    """Arrays of objects and scalars, inside objects and arrays, are numbered rows under their parent."""
    log = _object(port=_TEXT, crew=_array(_TEXT), papers=_object(seals=_array(_object(mark=_TEXT))))
    contract = _object(name=_TEXT, logs=_array(log), home=_object(tags=_array({"type": "integer"})))
    value: JSONValue = {
        "name": "x",
        "logs": [
            {"port": "A", "crew": ["p", "q"], "papers": {"seals": [{"mark": "m"}]}},
            {"port": "B", "crew": []},
            {"port": "C", "crew": ["r"], "papers": {"seals": [{"mark": "n"}, {"mark": None}]}},
        ],
        "home": {"tags": [7, 7]},
    }
    assert _read(store, contract, value) == {
        "ship_facts": [{"name": "x"}],
        "ship_facts_logs": [
            {"row_number": 1, "port": "A"},
            {"row_number": 2, "port": "B"},
            {"row_number": 3, "port": "C"},
        ],
        "ship_facts_logs_crew": [
            {"row_number": 1, "parent_row": 1, "value": "p"},
            {"row_number": 2, "parent_row": 1, "value": "q"},
            {"row_number": 3, "parent_row": 3, "value": "r"},
        ],
        "ship_facts_logs_papers_seals": [
            {"row_number": 1, "parent_row": 1, "mark": "m"},
            {"row_number": 2, "parent_row": 3, "mark": "n"},
            {"row_number": 3, "parent_row": 3, "mark": None},
        ],
        "ship_facts_home_tags": [{"row_number": 1, "value": 7}, {"row_number": 2, "value": 7}],
    }


def test_an_array_of_arrays_is_rows_of_json(store: Store) -> None:
    """What fits neither a column nor a child table is JSON text."""
    contract = _object(grid=_array(_array({"type": "integer"})))
    assert _read(store, contract, {"grid": [[1, 2], []]}) == {
        "ship_facts": [{}],
        "ship_facts_grid": [{"row_number": 1, "value": "[1, 2]"}, {"row_number": 2, "value": "[]"}],
    }


def test_a_null_array_has_no_rows(store: Store) -> None:
    """A null in place of an array, or of an object that holds one, is no row and no fault."""
    contract = _object(
        a={"type": ["array", "null"], "items": _TEXT},
        b={"anyOf": [_object(c=_array(_TEXT)), {"type": "null"}]},
    )
    found = _read(store, contract, {"a": None, "b": None})
    assert found["ship_facts_a"] == []


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["subject", "artifact_id", "row_number", "parent_row"], id="our own columns"),
        pytest.param(["Subject", "ARTIFACT_ID"], id="our own columns in other letters"),
        pytest.param(["select", "from", "order", "table", "index", "group", "rowid", "oid"], id="SQL words"),
        pytest.param(["name", "Name", "NAME"], id="differ by case"),
        pytest.param([_LONG, _LONG + "_2", _LONG.upper()], id="too long"),
        pytest.param(["海" * 21, "海" * 21 + "x", "海" * 22], id="too long in bytes"),
        pytest.param(["ß", "ss", "SS", "ẞ"], id="equal when folded"),
        pytest.param(
            ['a"b', "a'b", "a`b", "a]b", "a;b--", "a%sb", "a:b", "a(b)", "a.b", "a\\b"], id="quotes"
        ),
        pytest.param(["🚀", "e\u0301", "\u00e9", "\uff41"], id="unicode"),
        pytest.param(["1", "1st", "-", "$", "#"], id="not a word"),
    ],
)
def test_property_names_become_columns(store: Store, names: list[str]) -> None:
    """Any property name has a column of its own, in the root and in a child, and its own value in it."""
    part = _object(**{name: {"type": "integer"} for name in names})
    contract = _object(**{name: {"type": "integer"} for name in names}, items=_array(part))
    value: JSONValue = {name: number for number, name in enumerate(names)}
    found = _read(store, contract, {**value, "items": [value]})
    (root,), (child,) = found["ship_facts"], found["ship_facts_items"]
    assert list(root.values()) == list(range(len(names)))
    assert list(child.values()) == [1, *range(len(names))]
    assert all(len(name.encode()) <= MAX_NAME_BYTES for name in (*root, *child))


@pytest.mark.parametrize("name", ["growth %", "%", "%%", "100%s", "%(a)s", 'a"%]'])
def test_a_name_with_a_percent_sign_is_a_name(store: Store, name: str) -> None:
    """Columns, child tables and descriptions stand whatever is in a name, and outlive a new contract."""
    grown: JSONValue = {"type": "integer", "description": "How much it grew, in %."}
    contract = _object(**{name: grown, f"{name} of": _array(_object(**{name: grown}))})
    value: dict[str, JSONValue] = {name: 7, f"{name} of": [{name: 8}]}
    (root,), (child,) = _read(store, contract, value).values()
    assert (root, child) == ({name: 7}, {"row_number": 1, name: 8})
    wider, _ = plan_ships(store, derivation=make_derivation(_object(**{name: grown, "port": _TEXT})))
    finish(store, wider, {name: 9, "port": "Arven"})
    assert not wider.tables.is_hidden
    (shown,) = iterate_view(store, wider.tables.table, wider.tables.current_rows())
    assert (shown[name], shown["port"]) == (9, "Arven")


@pytest.mark.parametrize(
    "contract",
    [
        pytest.param(_object(items=_array(_TEXT), Items=_array(_TEXT)), id="differ by case"),
        pytest.param(
            _object(a=_array(_object(b=_array(_TEXT))), a_b=_array(_TEXT), a__b=_array(_TEXT)), id="same path"
        ),
        pytest.param(_object(**{_LONG: _array(_TEXT), _LONG + "s": _array(_TEXT)}), id="too long"),
        pytest.param(_object(**{"海" * 30: _array(_TEXT), "海" * 31: _array(_TEXT)}), id="too long in bytes"),
        pytest.param(
            _object(**{"a/b": _array(_TEXT), "%s": _array(_TEXT), "'\"": _array(_TEXT)}), id="signs"
        ),
    ],
)
def test_arrays_never_share_a_table(store: Store, contract: dict[str, JSONValue]) -> None:
    """Arrays whose names meet each have a table and a view of their own."""
    parts = contract["properties"]
    assert isinstance(parts, dict)
    value: JSONValue = {
        name: [name] if part["items"] == _TEXT else [{"b": ["deep"]}] for name, part in parts.items()
    }
    found = _read(store, contract, value)
    said = sorted(str(row["value"]) for shown in found.values() for row in shown if "value" in row)
    assert said == sorted(
        "deep" if entry == [{"b": ["deep"]}] else str(entry[0])
        for entry in value.values()  # type: ignore[union-attr,index]  # made above
    )


@given(st.lists(st.text(min_size=1, max_size=90), min_size=1, max_size=12))
def test_fitted_names_are_short_and_apart(names: list[str]) -> None:
    """Whatever the names are, fitted ones fit every database and differ in any case of letters."""
    taken: set[str] = set()
    fitted = [fit_name(name, taken) for name in names]
    assert len({name.casefold() for name in fitted}) == len(names)
    assert all(0 < len(name.encode()) <= MAX_NAME_BYTES for name in fitted)


def test_a_new_contract_makes_new_tables_and_swaps_the_views(store: Store) -> None:
    """Old rows stay in the views until the new contract has some, and in their tables; both ways."""
    old, new = make_derivation(), make_derivation(_object(name=_TEXT, tags=_array(_TEXT)))
    planner, _ = plan_ships(store, derivation=old)
    finish(store, planner, ship_value(1))
    newer, _ = plan_ships(store, derivation=new)
    assert rows(store, "SELECT port FROM ship_facts") == [("Arven",)]
    assert rows(store, f'SELECT count(*) FROM "{planner.tables.table.name}"') == [(1,)]
    finish(store, newer, {"name": "Vessel 1", "tags": ["yard"]})
    assert rows(store, "SELECT subject, name FROM ship_facts") == [("ship 1", "Vessel 1")]
    assert rows(store, "SELECT value FROM ship_facts_tags") == [("yard",)]
    plan_ships(store, derivation=old)
    assert rows(store, "SELECT name, port, launched FROM ship_facts") == [("Vessel 1", "Arven", 1801)]
    views = "SELECT view_name FROM holocron_derived_table WHERE is_current = '1'"
    assert rows(store, views) == [("ship_facts",)]
    plan_ships(store, derivation=new)
    assert rows(store, "SELECT value FROM ship_facts_tags") == [("yard",)]


def test_the_order_of_properties_is_the_order_of_columns(store: Store) -> None:
    """Columns stand as the contract was written; another order is another contract."""
    planner, _ = plan_ships(store, derivation=make_derivation(_object(b=_TEXT, a=_TEXT)))
    assert [column.name for column in planner.tables.columns] == ["b", "a"]
    other, _ = plan_ships(store, derivation=make_derivation(_object(a=_TEXT, b=_TEXT)))
    assert other.tables.table.name != planner.tables.table.name


@pytest.mark.parametrize(
    ("array", "name"), [("facts", "ship_facts"), ("Facts", "ship_facts")], ids=["same", "other case"]
)
def test_a_view_of_another_derivation_is_not_taken(store: Store, array: str, name: str) -> None:
    """Two derivations whose views would have one name are refused by name; nothing is half made."""
    plan_ships(store, derivation=make_derivation(_object(**{array: _array(_TEXT)}), name="ship"))
    with pytest.raises(DerivationInvalid, match=r"belongs to the derivation 'ship'$"):
        plan_ships(store, derivation=make_derivation(name=name))
    assert rows(
        store, "SELECT count(*) FROM holocron_derived_table WHERE derivation_name = 'ship_facts'"
    ) == [(0,)]


def test_a_view_that_a_derivation_gave_up_is_free(store: Store) -> None:
    """A name that belonged to an older contract of another derivation can be used; going back is refused."""
    older = make_derivation(_object(facts=_array(_TEXT)), name="ship")
    plan_ships(store, derivation=older)
    newer, _ = plan_ships(store, derivation=make_derivation(_object(name=_TEXT), name="ship"))
    finish(store, newer, {"name": "Vessel 1"})
    planner, _ = plan_ships(store)
    finish(store, planner, ship_value(1))
    with pytest.raises(DerivationInvalid, match="'ship_facts'"):
        plan_ships(store, derivation=older)
    assert rows(store, "SELECT port FROM ship_facts") == [("Arven",)]


@pytest.mark.parametrize("kind", ["TABLE", "VIEW"])
def test_a_name_that_someone_else_has_is_not_taken(store: Store, kind: str) -> None:
    """A table or view that Holocron did not make is left alone, and named."""
    what = "(id INTEGER)" if kind == "TABLE" else "AS SELECT 1 AS id"
    run_sql(store, f"CREATE {kind} ship_facts {what}")
    with pytest.raises(DerivationInvalid, match="'ship_facts'"):
        plan_ships(store)
    assert rows(store, "SELECT count(*) FROM holocron_derivation") == [(0,)]
    rows(store, "SELECT id FROM ship_facts")


def test_an_old_contract_can_be_finished_after_the_swap(store: Store) -> None:
    """A worker of the older contract still commits into the older tables, and shows nothing."""
    planner, _ = plan_ships(store)
    plan_ships(store, derivation=make_derivation(_object(name=_TEXT)))
    assert claim(store, planner) == []
    finish(store, plan_ships(store)[0], ship_value(1))
    assert rows(store, "SELECT port FROM ship_facts") == [("Arven",)]


def test_tables_follow_from_the_contract_alone(store: Store) -> None:
    """Shaping the same contract twice gives the same tables, so that another process finds them."""
    planner, _ = plan_ships(store, derivation=make_derivation(_object(a=_array(_object(b=_TEXT)))))
    again: DerivedTable = shape_tables(make_derivation(_object(a=_array(_object(b=_TEXT)))))
    assert [made.table.name for made in again.walk()] == [made.table.name for made in planner.tables.walk()]
    with store.reading() as connection:
        for made in again.walk():
            assert connection.execute(select(made.table)).all() == []


def test_an_older_contract_that_is_still_wanted_does_not_turn_the_views_back(store: Store) -> None:
    """Of two contracts with open jobs the one asked for last keeps the views, whichever commits last."""
    planner, _ = plan_ships(store, ship_bundle(1), ship_bundle(2))
    newer, _ = plan_ships(store, ship_bundle(1), derivation=make_derivation(_object(name=_TEXT)))
    finish(store, newer, {"name": "Vessel 1"})
    (late,) = claim(store, planner)
    assert commit_results(store, planner.tables, [accept(late, ship_value(2))])
    assert rows(store, "SELECT subject, name FROM ship_facts") == [("ship 1", "Vessel 1")]
    # asked for again, the older one shows what it has
    again, _ = plan_ships(store, ship_bundle(1))
    finish(store, again, ship_value(1))
    assert rows(store, "SELECT port FROM ship_facts ORDER BY subject") == [("Arven",), ("Arven",)]


def test_a_late_answer_to_an_old_contract_shows_nothing(store: Store) -> None:
    """A worker of an older contract that finishes last does not turn the views back."""
    planner, _ = plan_ships(store)
    (late,) = claim(store, planner)
    newer, _ = plan_ships(store, derivation=make_derivation(_object(name=_TEXT)))
    finish(store, newer, {"name": "Vessel 1"})
    assert commit_results(store, planner.tables, [accept(late, ship_value(1))])
    assert rows(store, "SELECT subject, name FROM ship_facts") == [("ship 1", "Vessel 1")]
    with pytest.raises(DBAPIError, match="port"):
        rows(store, "SELECT port FROM ship_facts")
