"""Column types that mean the same on every database.

In: nothing. Out: SQLAlchemy types. Times are UTC without a zone in Python, JSON is text.
Never: imports a server's dialect before a server is spoken to; each takes longer than a small command.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from sqlalchemy import TIMESTAMP, BigInteger, DateTime, Dialect, Integer, Unicode, UnicodeText
from sqlalchemy.types import TypeDecorator, TypeEngine

#: keys are equal where their code points are; SQL Server's own order is blind to case
_BINARY = {"mssql": "Latin1_General_100_BIN2", "postgresql": "C"}


class _Zoned(TypeDecorator[dt.datetime]):
    """PostgreSQL's timestamptz, which every tool reads as the same moment."""

    impl = TIMESTAMP(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else value.replace(tzinfo=dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:  # noqa: ARG002 - as above
        return None if value is None else value.astimezone(dt.UTC).replace(tzinfo=None)


class _DateTime2(TypeDecorator[dt.datetime]):
    """SQL Server's DATETIME2(7); SQLAlchemy's default there rounds to 3 ms and ends in 1753."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[dt.datetime]:
        from sqlalchemy.dialects.mssql import DATETIME2

        made: TypeEngine[dt.datetime] = DATETIME2(7)  # type: ignore[no-untyped-call]  # SQLAlchemy left it out
        return dialect.type_descriptor(made)


class _Jsonb(TypeDecorator[str]):
    """PostgreSQL's jsonb, read back as the text that the other databases hold."""

    impl = UnicodeText
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB(none_as_null=True))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - as above
        return None if value is None else json.loads(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - as above
        return None if value is None else dump_sorted(value)


def dump_sorted(value: Any) -> str:
    """Return JSON text that does not depend on the order of keys, which jsonb does not keep."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def storable(text: str) -> str:
    """Return words as every database holds them: without NUL, and without half a character."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def exact_text(length: int) -> TypeEngine[str]:
    """Return the type of short text that is a key: compared and sorted by code points everywhere."""
    made: TypeEngine[str] = Unicode(length)
    for dialect, collation in _BINARY.items():
        made = made.with_variant(Unicode(length, collation=collation), dialect)
    return made


#: the type of every number that identifies a row; SQLite numbers INTEGER keys only
ID = BigInteger().with_variant(Integer(), "sqlite")
#: a SHA-256 in hexadecimal
HASH = exact_text(64)
#: a moment, in UTC
MOMENT = DateTime().with_variant(_DateTime2(), "mssql").with_variant(_Zoned(), "postgresql")
#: JSON that people query; what is hashed or kept verbatim is UnicodeText
JSON_TEXT = UnicodeText().with_variant(_Jsonb(), "postgresql")
