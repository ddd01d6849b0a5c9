"""`holocron export`: current rows, streamed into a file that other programs read."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import click

from holocron.cli.given import Given, pass_given, read_words
from holocron.cli.project import open_store_as_is, refuse_unknown_derivation
from holocron.cli.terminal import note, plain_text
from holocron.errors import HolocronError
from holocron.store import Store
from holocron.store.arrow import arrow_batches, arrow_schema
from holocron.store.derived import DerivedTable
from holocron.store.reports import find_tables, iterate_values, iterate_view


@click.command(
    epilog="""\b
Examples:
  holocron export entity_facts --format csv --output facts.csv
  holocron export entity_facts --format csv --table journeys
  holocron export entity_facts --format jsonl | head"""
)
@click.argument("name")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "parquet"]),
    default="csv",
    show_default=True,
    help="What to write.",
)
@click.option(
    "--output", "-o", type=read_words, metavar="FILE", default="-", help="Where to. Default: standard output."
)
@click.option("--table", metavar="CHILD", help="The rows of one array, e.g. journeys, and not of the root.")
@pass_given
def command(given: Given, name: str, form: str, output: str, table: str | None) -> None:
    """Write the current rows of the derivation NAME.

    csv and parquet have the columns of the view; jsonl has one object per subject, with the whole answer, or
    one per row where --table is given. A file is complete or not there: it is written beside its place first.

    Values are written as they are. A spreadsheet takes a text that begins with = + - or @ for a formula:
    import such a column as text.
    """
    if form == "parquet" and output == "-" and sys.stdout.isatty():
        raise click.UsageError("Parquet is binary and this is a terminal; name a file with --output.")
    with open_store_as_is(given.load_settings()) as store:
        refuse_unknown_derivation(store, name)
        root = find_tables(store, name)
        made = root if table is None else root.find(table)
        if form == "parquet":
            rows = _write_parquet(store, made, output)
        elif form == "jsonl" and table is None:
            rows = _write_lines(output, _answer_lines(store, name))
        elif form == "jsonl":
            rows = _write_lines(output, map(_to_line, iterate_view(store, made.table, made.current_rows())))
        else:
            rows = _write_csv(store, made, output)
    if output != "-":
        note(f"{rows:,} rows in {output}")


@contextmanager
def _open_output(output: str) -> Iterator[BinaryIO]:
    """Give a stream whose content appears under the file's name only where the block succeeds."""
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    part: Path | None = None
    try:
        if path.is_file() or not path.exists():
            part = path.with_name(f".{path.name}.{os.getpid()}.part")
        # a device or a pipe must not be replaced by a file
        with (part or path).open("wb") as stream:
            yield stream
        if part is not None:
            part.replace(path)
    except OSError as problem:
        raise HolocronError(
            f"{path} cannot be written: {problem.strerror}",
            hint="Name a file in a folder that is there and that you may write to.",
        ) from problem
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def _encoder_for(output: str) -> Callable[[str], bytes]:
    """Return how text becomes bytes; on a terminal, evidence may not control it."""
    if output == "-" and sys.stdout.isatty():
        return lambda text: plain_text(text).encode()
    return str.encode


class _Sheet:
    """What csv.writer writes to."""

    def __init__(self, stream: BinaryIO, encode: Callable[[str], bytes]) -> None:
        self._stream = stream
        self._encode = encode

    def write(self, text: str) -> int:
        return self._stream.write(self._encode(text))


def _write_csv(store: Store, made: DerivedTable, output: str) -> int:
    query = made.current_rows()
    number = 0
    with _open_output(output) as stream:
        writer = csv.writer(_Sheet(stream, _encoder_for(output)), lineterminator="\n")
        writer.writerow(query.selected_columns.keys())
        for row in iterate_view(store, made.table, query):
            writer.writerow([_to_cell(value) for value in row.values()])
            number += 1
    return number


def _write_lines(output: str, lines: Iterator[str]) -> int:
    encode = _encoder_for(output)
    number = 0
    with _open_output(output) as stream:
        for line in lines:
            stream.write(encode(line + "\n"))
            number += 1
    return number


def _write_parquet(store: Store, made: DerivedTable, output: str) -> int:
    schema = arrow_schema(made)
    import pyarrow.parquet as pq  # after arrow_schema, which says what to do where it is missing

    number = 0
    with _open_output(output) as stream, pq.ParquetWriter(stream, schema) as writer:
        for batch in arrow_batches(schema, iterate_view(store, made.table, made.current_rows())):
            writer.write_batch(batch)
            number += batch.num_rows
    return number


def _answer_lines(store: Store, name: str) -> Iterator[str]:
    for subject, value in iterate_values(store, name):
        yield json.dumps({"subject": subject, "value": value}, ensure_ascii=False)


def _to_line(row: Mapping[str, object]) -> str:
    return json.dumps(dict(row), ensure_ascii=False, default=_to_cell)


def _to_cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, (dt.date, dt.datetime)) else value
