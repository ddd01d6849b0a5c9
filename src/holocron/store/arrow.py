"""Arrow: current rows as record batches, for Parquet files and data frames.

In: a derived table. Out: Arrow schemas and batches, a few rows at a time. Needs the extra `[arrow]`.
Never: holds more than one batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING

from holocron.errors import UsageError
from holocron.store.derived import ColumnKind, DerivedTable

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 1000


def arrow_schema(table: DerivedTable) -> pa.Schema:
    """Return the Arrow schema of a table's current rows.

    Raises: UsageError where pyarrow is not installed.
    """
    pa = _pyarrow()
    types = {
        ColumnKind.TEXT: pa.string(),
        ColumnKind.JSON: pa.string(),
        ColumnKind.INTEGER: pa.int64(),
        ColumnKind.NUMBER: pa.float64(),
        ColumnKind.BOOLEAN: pa.bool_(),
        ColumnKind.DATE: pa.date32(),
        ColumnKind.DATETIME: pa.timestamp("us", tz="UTC"),
    }
    own = [pa.field("subject", pa.string(), nullable=False)]
    own += [pa.field(name, pa.int32()) for name in ("row_number", "parent_row") if name in table.table.c]
    shown = [pa.field(column.name, types[column.kind]) for column in table.columns]
    return pa.schema([*own, *shown, pa.field("artifact_id", pa.int64(), nullable=False)])


def arrow_batches(schema: pa.Schema, rows: Iterable[Mapping[str, object]]) -> Iterator[pa.RecordBatch]:
    """Yield rows as record batches of the schema."""
    pa = _pyarrow()
    source = iter(rows)
    while batch := [dict(row) for row in islice(source, _BATCH)]:
        yield pa.RecordBatch.from_pylist(batch, schema=schema)


def _pyarrow() -> ModuleType:
    try:
        return import_module("pyarrow")
    except ModuleNotFoundError as problem:
        raise UsageError(
            "Arrow and Parquet need pyarrow, which is not installed",
            hint="pip install 'holocron-analytics[arrow]'",
        ) from problem
