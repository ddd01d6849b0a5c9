"""Tables as SQL files, one per database: what `holocron db upgrade` runs, and snapshots of derived tables.

In: holocron.store's tables. Out: src/holocron/store/schema/*.sql, tests/store/snapshots/*.sql.
Until the first release, `python tests/schema_files.py` writes step 1 anew; afterwards nobody does.
"""

from __future__ import annotations

from pathlib import Path

import sqlglot
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.mssql import mssqlpython
from sqlalchemy.schema import CreateIndex, CreateTable, CreateView, ExecutableDDLElement, SetColumnComment
from sqlglot import expressions

from factories import make_derivation
from holocron.derivation import Derivation
from holocron.store import tables
from holocron.store.derived import shape_tables
from holocron.store.migrations import SEPARATOR

FOLDER = Path(__file__).parents[1] / "src" / "holocron" / "store" / "schema"
SNAPSHOTS = Path(__file__).parent / "store" / "snapshots"


def make_dialects() -> dict[str, Dialect]:
    """Return what compiles SQL for each database, as if it had met a server."""
    # question marks stand for parameters, whatever a column is called
    server = mssqlpython.dialect(paramstyle="qmark")
    server.server_version_info = (16,)
    server._setup_version_attributes()
    server.default_schema_name = "holocron"
    return {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect(), "mssql": server}


def render_schema(dialect: Dialect) -> str:
    """Return the statements that make the fixed tables as they are now."""
    elements: list[ExecutableDDLElement] = []
    for table in tables.metadata.sorted_tables:
        elements.append(CreateTable(table))
        elements += [CreateIndex(index) for index in sorted(table.indexes, key=lambda index: str(index.name))]
    return _render(elements, dialect)


def rich_derivation() -> Derivation:
    """Return a derivation with every kind of column, hard names and a child table."""
    text = {"type": "string"}
    properties = {
        "select": {"type": "string", "description": "100% it's a name"},
        "a b]c": {"type": "integer"},
        "weight": {"type": "number"},
        "Weight": {"type": "number"},
        "is_old": {"type": "boolean"},
        "day": {"type": "string", "format": "date"},
        "moment": {"type": "string", "format": "date-time"},
        "either": {"anyOf": [{"type": "object", "properties": {"a": text}}, text]},
        "ports": {"type": "array", "items": {"type": "object", "properties": {"order": text}}},
    }
    return make_derivation({"type": "object", "properties": properties}, name="ship")


def render_derived(dialect: Dialect) -> str:
    """Return the statements that make the tables and views of rich_derivation."""
    elements: list[ExecutableDDLElement] = []
    for made in shape_tables(rich_derivation()).walk():
        elements.append(CreateTable(made.table))
        if dialect.supports_comments:
            elements += [SetColumnComment(column) for column in made.table.c if column.comment]
        elements.append(CreateView(made.current_rows(), made.view_name))
    return _render(elements, dialect)


def _render(elements: list[ExecutableDDLElement], dialect: Dialect) -> str:
    text = SEPARATOR.join(str(element.compile(dialect=dialect)).strip() for element in elements)
    return "\n".join(line.rstrip().replace("\t", "  ") for line in text.splitlines()) + ";\n"


def check_tsql(statement: str, *, parsed: bool = True) -> None:
    """Raise where a statement is no T-SQL; what only an administrator says is not all parsed."""
    for found in sqlglot.parse(statement, read="tsql"):
        assert found is not None
        assert not (parsed and isinstance(found, expressions.Command)), f"not understood: {statement}"


def main() -> None:
    """Write step 1 and the snapshots for every database."""
    for name, dialect in make_dialects().items():
        for place, text in (
            (FOLDER / f"0001.{name}.sql", render_schema(dialect)),
            (SNAPSHOTS / f"derived.{name}.sql", render_derived(dialect)),
        ):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
