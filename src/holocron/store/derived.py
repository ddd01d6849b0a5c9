"""Derived tables: a contract as SQL tables, and an accepted value as their rows.

In: a derivation's shape; accepted values. Out: tables, the selects behind their views, and rows. The root's
scalars are columns, nested objects are columns with their path as name, each array is a child table; what
fits neither is JSON text. Never: touches a database (see views.py).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Select,
    Table,
    UnicodeText,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.types import TypeEngine

from holocron.derivation.derivations import Derivation
from holocron.derivation.shapes import (
    ArrayShape,
    ObjectShape,
    ScalarKind,
    ScalarShape,
    Shape,
)
from holocron.errors import UsageError
from holocron.fingerprint import JSONValue
from holocron.store import tables
from holocron.store.types import ID, JSON_TEXT, MOMENT, dump_sorted

#: the shortest limit among the databases (PostgreSQL's, in bytes)
MAX_NAME_BYTES = 63
#: our own columns, which a contract's column never shadows
_OWN = ("artifact_id", "subject", "row_number", "parent_row")
_COMMENT_CHARACTERS = 3000
_LEAP_SECOND = re.compile(r"(\d\d:\d\d):60")


class ColumnKind(StrEnum):
    """The SQL types that a leaf can have."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    JSON = "json"


_SQL: dict[ColumnKind, TypeEngine[Any]] = {
    ColumnKind.TEXT: UnicodeText(),
    ColumnKind.INTEGER: BigInteger(),
    ColumnKind.NUMBER: Double(),
    ColumnKind.BOOLEAN: Boolean(),
    ColumnKind.DATE: Date(),
    ColumnKind.DATETIME: MOMENT,
    ColumnKind.JSON: JSON_TEXT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedColumn:
    """One column and the path to its value inside a row's object; an empty path is the item itself."""

    name: str
    path: tuple[str, ...]
    kind: ColumnKind
    description: str = ""


@dataclass(slots=True, kw_only=True)
class DerivedTable:
    """One table of a contract: the root, or one of its arrays."""

    view_name: str
    table: Table
    columns: list[DerivedColumn]
    #: the path from the parent's object to the array; empty for the root
    path: tuple[str, ...] = ()
    children: list[DerivedTable] = field(default_factory=list)
    #: whether the contract was last seen to have current rows while the views show an earlier one; the root's
    is_hidden: bool = False

    def walk(self) -> Iterator[DerivedTable]:
        """Yield this table and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, name: str) -> DerivedTable:
        """Return the table of a view (`ship_facts_voyages`) or of an array by its own name (`voyages`).

        Raises: UsageError where there is none.
        """
        views = {made.view_name: made for made in self.walk()}
        made = views.get(name) or views.get(f"{self.view_name}_{name}")
        if made is None:
            raise UsageError(
                f"{self.view_name!r} has no table {name!r}", hint="The views are " + ", ".join(views) + "."
            )
        return made

    def current_rows(self) -> Select[tuple[object, ...]]:
        """Return the select behind the view: rows of current artifacts, with their subject."""
        own = [self.table.c.row_number] if self.path else []
        own += [self.table.c.parent_row] if "parent_row" in self.table.c else []
        shown = [self.table.c[column.name] for column in self.columns]
        join = self.table.join(tables.subject, tables.subject.c.artifact_id == self.table.c.artifact_id)
        return select(tables.subject.c.subject, *own, *shown, self.table.c.artifact_id).select_from(join)

    def settled_rows(self) -> Select[tuple[object, ...]]:
        """Return current_rows without those whose subject waits for another answer, or was refused one."""
        accepted = exists().where(
            tables.job.c.id == tables.subject.c.job_id, tables.job.c.status == tables.JobStatus.ACCEPTED
        )
        return self.current_rows().where(accepted)


def shape_tables(derivation: Derivation) -> DerivedTable:
    """Return the tables of a derivation's contract."""
    prefix = f"{derivation.name}__{derivation.contract_hash[:8]}"
    metadata = MetaData()
    # the foreign key's target must be known to this collection of tables too
    tables.artifact.to_metadata(metadata)
    tables.run.to_metadata(metadata)
    maker = _Maker(metadata=metadata, table_prefix=prefix, view_prefix=derivation.name)
    return maker.make(derivation.contract.shape, (), depth=0, path=())


@dataclass(slots=True, kw_only=True)
class _Maker:
    metadata: MetaData
    table_prefix: str
    view_prefix: str
    views: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def make(
        self, items: Shape, names: tuple[str, ...], *, depth: int, path: tuple[str, ...]
    ) -> DerivedTable:
        columns: list[DerivedColumn] = []
        arrays: list[tuple[tuple[str, ...], ArrayShape]] = []
        _collect(items, (), columns, arrays, {name.casefold() for name in _OWN})
        view_name = fit_name("_".join((self.view_prefix, *names)), self.views)
        table = Table(
            fit_name("__".join((self.table_prefix, *names)), self.names),
            self.metadata,
            Column("artifact_id", ID, ForeignKey(tables.artifact.c.id), nullable=False),
            *([Column("row_number", Integer, nullable=False)] if depth else []),
            *([Column("parent_row", Integer, nullable=False)] if depth > 1 else []),
            *(
                Column(column.name, _SQL[column.kind], comment=comment_of(column.description))
                for column in columns
            ),
            PrimaryKeyConstraint("artifact_id", *(["row_number"] if depth else [])),
            sqlite_with_rowid=not depth,
        )
        for column in columns:
            if column.kind is ColumnKind.JSON:
                name = fit_name(f"ck_{table.name}_{column.name}", self.names)
                table.append_constraint(_is_json(table.c[column.name], name))
        made = DerivedTable(view_name=view_name, table=table, columns=columns, path=path)
        for array_path, array in arrays:
            child = self.make(array.items, (*names, *array_path), depth=depth + 1, path=array_path)
            made.children.append(child)
        return made


def _collect(
    shape: Shape,
    path: tuple[str, ...],
    columns: list[DerivedColumn],
    arrays: list[tuple[tuple[str, ...], ArrayShape]],
    taken: set[str],
) -> None:
    if isinstance(shape, ObjectShape):
        for part in shape.properties:
            _collect(part.shape, (*path, part.name), columns, arrays, taken)
    elif isinstance(shape, ArrayShape) and path:
        if shape.max_items != 0:
            arrays.append((path, shape))
    else:
        name = fit_name("_".join(path) or "value", taken)
        columns.append(
            DerivedColumn(name=name, path=path, kind=_column_kind(shape), description=shape.description)
        )


def _is_json(column: Column[Any], name: str) -> CheckConstraint:
    """Return SQL Server's check that a text is JSON of any kind; PostgreSQL has a type for it."""
    check = func.ISJSON(column, literal_column("VALUE")) == 1
    return CheckConstraint(check, name=name).ddl_if(dialect="mssql")


def comment_of(description: str) -> str | None:
    """Return a description as a column's comment, of which SQL Server holds 7,500 bytes."""
    return description[:_COMMENT_CHARACTERS] or None


def fit_name(name: str, taken: set[str]) -> str:
    """Return a name that fits every database and none that is taken, in any case of letters."""
    if len(name.encode()) > MAX_NAME_BYTES:
        name = _cut(name, MAX_NAME_BYTES - 9) + "_" + hashlib.sha256(name.encode()).hexdigest()[:8]
    fitted, number = name, 1
    while _folded(fitted) in taken:
        number += 1
        fitted = f"{_cut(name, MAX_NAME_BYTES - 5)}_{number}"
    taken.add(_folded(fitted))
    return fitted


def _folded(name: str) -> str:
    """Return what two names share that SQL Server takes for one: case, width and spaces at the end."""
    return unicodedata.normalize("NFKC", name).casefold().rstrip()


def _cut(name: str, size_bytes: int) -> str:
    return name.encode()[:size_bytes].decode(errors="ignore")


def _column_kind(shape: Shape) -> ColumnKind:
    if not isinstance(shape, ScalarShape):
        return ColumnKind.JSON
    kinds = set(shape.kinds)
    if kinds == {ScalarKind.STRING}:
        return {"date": ColumnKind.DATE, "date-time": ColumnKind.DATETIME}.get(
            shape.format or "", ColumnKind.TEXT
        )
    if kinds == {ScalarKind.INTEGER}:
        return ColumnKind.INTEGER
    if kinds == {ScalarKind.BOOLEAN}:
        return ColumnKind.BOOLEAN
    if kinds and kinds <= {ScalarKind.INTEGER, ScalarKind.NUMBER}:
        return ColumnKind.NUMBER
    return ColumnKind.TEXT


def rows_of(
    root: DerivedTable, artifact_id: int, value: JSONValue
) -> Iterator[tuple[Table, dict[str, object]]]:
    """Yield every table's rows for one accepted value, parents first."""
    yield root.table, _row(root, artifact_id, value)
    yield from _child_rows(root, artifact_id, value, parent_row=None, counts={})


def _child_rows(
    parent: DerivedTable,
    artifact_id: int,
    value: JSONValue,
    parent_row: int | None,
    counts: dict[str, int],
) -> Iterator[tuple[Table, dict[str, object]]]:
    for child in parent.children:
        items = _at(value, child.path)
        for item in items if isinstance(items, (list, tuple)) else ():
            number = counts[child.table.name] = counts.get(child.table.name, 0) + 1
            row = _row(child, artifact_id, item)
            row["row_number"] = number
            if parent_row is not None:
                row["parent_row"] = parent_row
            yield child.table, row
            yield from _child_rows(child, artifact_id, item, number, counts)


def _row(table: DerivedTable, artifact_id: int, value: JSONValue) -> dict[str, object]:
    row: dict[str, object] = {"artifact_id": artifact_id}
    for column in table.columns:
        row[column.name] = _to_sql(_at(value, column.path), column.kind)
    return row


def _at(value: JSONValue, path: tuple[str, ...]) -> JSONValue:
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _to_sql(value: JSONValue, kind: ColumnKind) -> object:
    if value is None:
        return None
    match kind:
        case ColumnKind.INTEGER:
            # 3.0 is an integer to JSON Schema, and so is 1e300, which no column holds
            number = int(value) if isinstance(value, float) else value
            return number if isinstance(number, int) and -(2**63) <= number < 2**63 else None
        case ColumnKind.DATE:
            return dt.date.fromisoformat(str(value))
        case ColumnKind.DATETIME:
            return read_datetime(str(value))
        case ColumnKind.JSON:
            return dump_sorted(value)
        case ColumnKind.TEXT:
            return value if isinstance(value, str) else json.dumps(value)
        case _:
            return value


def read_datetime(text: str) -> dt.datetime | None:
    """Return an RFC 3339 date-time as UTC without a zone; a leap second is the second after it.

    None where UTC puts it before the year 1 or after the year 9999, which no column holds.
    """
    ordinary, leaps = _LEAP_SECOND.subn(r"\1:59", text.upper())
    try:
        moment = dt.datetime.fromisoformat(ordinary) + dt.timedelta(seconds=leaps)
        return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError:
        return None
