"""Audit of the derived tables: the rows that stand there, beside the rows that the answers give.

In: questions, and artifacts' values by batches. Out: sentences on rows that differ, lack or are nobody's.
Never: mends a row.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, Select, Table, exists, inspect, select

from holocron.derivation import Derivation
from holocron.fingerprint import JSONValue
from holocron.store import tables
from holocron.store.derived import ColumnKind, DerivedTable, rows_of, shape_tables
from holocron.store.store import Store

_Rows = dict[int, list[dict[str, object]]]


class RowAudit:
    """Compares the derived tables of one database with the answers."""

    def __init__(self, store: Store, derivations: Mapping[int, Derivation]) -> None:
        """Find the tables that these questions, by their number, have in the store."""
        self._store = store
        with store.reading() as connection:
            made = set(connection.execute(select(tables.derived_table.c.table_name)).scalars())
            present = set(inspect(connection).get_table_names())
        #: tables that the store has a record of and the database has not
        self.missing = sorted(made - present)
        self._roots: dict[int, DerivedTable] = {}
        shaped: dict[str, DerivedTable] = {}
        for number, derivation in derivations.items():
            root = shaped.setdefault(derivation.name + derivation.contract_hash, shape_tables(derivation))
            if all(table.table.name in present for table in root.walk()):
                self._roots[number] = root

    def compare(self, derivation_id: int, values: Mapping[int, JSONValue]) -> Iterator[tuple[int, str]]:
        """Yield artifacts, of one question, whose rows are not those of their value, with a sentence."""
        root = self._roots.get(derivation_id)
        if root is None:
            return
        expected: dict[str, _Rows] = defaultdict(lambda: defaultdict(list))
        for artifact_id, value in values.items():
            for table, row in rows_of(root, artifact_id, value):
                expected[table.name][artifact_id].append(row)
        for made in root.walk():
            with self._store.reading() as connection:
                stored, unreadable = self._load(connection, made.table, list(values))
            wanted = expected[made.table.name]
            for artifact_id in values:
                if artifact_id in unreadable:
                    yield artifact_id, f"a row of {made.table.name} cannot be read"
                elif not _are_same(made, wanted.get(artifact_id, []), stored.get(artifact_id, [])):
                    yield artifact_id, f"the rows of {made.table.name} are not those of the answer"

    def strays(self) -> Iterator[tuple[int, str]]:
        """Yield numbers of artifacts in tables that hold no rows of theirs, with a sentence."""
        owners: dict[str, list[int]] = defaultdict(list)
        roots: dict[str, DerivedTable] = {}
        for number, root in self._roots.items():
            owners[root.table.name].append(number)
            roots[root.table.name] = root
        for name, root in roots.items():
            for made in root.walk():
                with self._store.reading() as connection:
                    for row in connection.execute(_strays_of(made.table, owners[name])):
                        yield row[0], f"{made.table.name} has rows that no answer gives"

    def _load(
        self, connection: Connection, table: Table, artifact_ids: Sequence[int]
    ) -> tuple[_Rows, set[int]]:
        """Return rows by artifact, and the artifacts whose rows no longer have their columns' types."""
        key = [table.c.artifact_id, *([table.c.row_number] if "row_number" in table.c else [])]
        query = select(table).order_by(*key)
        names = table.c.keys()
        rows: _Rows = defaultdict(list)
        try:
            for row in self._store.select_in(connection, query, table.c.artifact_id, artifact_ids):
                rows[row[0]].append(dict(zip(names, row, strict=True)))
        except ValueError:
            if len(artifact_ids) == 1:
                return {}, set(artifact_ids)
            unreadable: set[int] = set()
            rows.clear()
            for artifact_id in artifact_ids:
                found, bad = self._load(connection, table, [artifact_id])
                rows |= found
                unreadable |= bad
            return rows, unreadable
        return rows, set()


def _strays_of(table: Table, derivation_ids: Sequence[int]) -> Select[int]:
    owned = exists().where(
        tables.artifact.c.id == table.c.artifact_id,
        tables.job.c.id == tables.artifact.c.job_id,
        tables.job.c.derivation_id.in_(derivation_ids),
    )
    return select(table.c.artifact_id).where(~owned).distinct()


def _are_same(
    made: DerivedTable, expected: Sequence[Mapping[str, object]], stored: Sequence[Mapping[str, object]]
) -> bool:
    documents = {column.name for column in made.columns if column.kind is ColumnKind.JSON}
    return len(expected) == len(stored) and all(
        _is_same(wanted[name], value) or (name in documents and _is_same_json(wanted[name], value))
        for wanted, row in zip(expected, stored, strict=True)
        for name, value in row.items()
    )


def _is_same_json(wanted: object, value: object) -> bool:
    """Tell whether two JSON texts mean the same: PostgreSQL writes 1e16 as an integer."""
    try:
        return bool(json.loads(str(wanted)) == json.loads(str(value)))
    except ValueError:
        return False


def _is_same(wanted: object, value: object) -> bool:
    """Tell whether two cells are equal; 3 is 3.0 in a column of numbers, and true is not 1."""
    numbers = isinstance(wanted, int | float) and isinstance(value, int | float)
    alike = isinstance(wanted, bool) == isinstance(value, bool) if numbers else type(wanted) is type(value)
    return alike and wanted == value
