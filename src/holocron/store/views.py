"""Views: which contract's rows the views of a derivation show.

In: a contract's tables. Out: tables and views in the database. Never: changes a table that has rows, shows
half of a contract, keeps readers waiting for long, or fails the commit of an answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, MetaData, Row, Table, case, false, insert, inspect, select, true, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import DropView

from holocron.derivation.derivations import Derivation
from holocron.errors import (
    DerivationInvalid,
    HolocronError,
    StoreBusy,
    StoreError,
    StoreUnreachable,
    ViewHeld,
)
from holocron.store import tables
from holocron.store.derived import DerivedTable, comment_of
from holocron.store.dialects import Dialect
from holocron.store.dialects.dialect import first_line
from holocron.store.store import PLANNING, Store, retried


def create_tables(
    connection: Connection, dialect: Dialect, derivation: Derivation, root: DerivedTable, now: dt.datetime
) -> None:
    """Make the contract's tables where they are missing; the first contract of a name is shown at once.

    Call it under the lock PLANNING.
    Raises: DerivationInvalid where a view's name belongs to another derivation.
    """
    known = _known_tables(connection, root)
    current = {row.table_name: row.view_name for row in known if row.is_current}
    _refuse_taken_views(connection, root, current.values())
    names = {row.table_name for row in known}
    inspector = inspect(connection)
    for made in root.walk():
        if made.table.name not in names:
            made.table.create(connection)
            connection.execute(
                insert(tables.derived_table).values(
                    table_name=made.table.name,
                    derivation_name=derivation.name,
                    contract_hash=derivation.contract_hash,
                    view_name=made.view_name,
                    is_current=False,
                    asked=0,
                    created_at=now,
                )
            )
        elif made.table.name in current and not inspector.has_table(made.view_name):
            # someone dropped it
            _make_view(connection, dialect, made)
    if not current:
        _show(connection, dialect, root)


def ask_tables(connection: Connection, root: DerivedTable) -> None:
    """Note that this contract is the one asked for last. Call it under the lock PLANNING."""
    wanted = {made.table.name for made in root.walk()}
    known = _known_tables(connection, root)
    others = max((row.asked for row in known if row.table_name not in wanted), default=0)
    if all(row.asked > others for row in known if row.table_name in wanted):
        return
    connection.execute(
        update(tables.derived_table)
        .where(tables.derived_table.c.table_name.in_(wanted))
        .values(asked=others + 1)
    )


def are_hidden(connection: Connection, root: DerivedTable) -> bool:
    """Tell whether a contract has current rows while the views show one that was not asked for later.

    Rows of an earlier contract stay in the views until this one has some.
    """
    wanted = {made.table.name for made in root.walk()}
    known = _known_tables(connection, root)
    shown = [row for row in known if row.is_current]
    asked = max((row.asked for row in known if row.table_name in wanted), default=0)
    if {row.table_name for row in shown} == wanted or any(row.asked > asked for row in shown):
        return False
    current = tables.subject.c.artifact_id == root.table.c.artifact_id
    query = select(root.table.c.artifact_id).join_from(root.table, tables.subject, current).limit(1)
    return connection.execute(query).first() is not None


def swap_views(store: Store, root: DerivedTable) -> None:
    """Point the derivation's views at a contract that is hidden, all of them in one transaction.

    Raises: ViewHeld where that cannot be had, so that the views stay what they were; StoreUnreachable where
    the server went away.
    """
    try:
        _swap(store, root)
    except (StoreError, DerivationInvalid, DBAPIError) as problem:
        if isinstance(problem, StoreUnreachable) and problem.retryable:
            raise
        reason, hint = _explain(store, root, problem)
        raise ViewHeld(
            f"the views of {root.view_name!r} still show the earlier contract: {reason}", hint=hint
        ) from problem


def _explain(store: Store, root: DerivedTable, problem: HolocronError | DBAPIError) -> tuple[str, str]:
    """Return what stands in the way of a swap, and what mends it."""
    if isinstance(problem, StoreBusy):
        with store.reading() as connection:
            shown = [row.view_name for row in _known_tables(connection, root) if row.is_current]
            holders = store.dialect.name_holders(connection, shown)
        return holders or str(problem), "They are swapped when that is over."
    if isinstance(problem, HolocronError):
        return str(problem), problem.hint
    # whatever else a person did to a view, the answers are there
    return first_line(problem), "They are swapped when that is mended."


@retried
def _swap(store: Store, root: DerivedTable) -> None:
    with store.writing() as connection:
        # nobody else swaps views, or asks for another contract
        store.dialect.lock(connection, PLANNING)
        if are_hidden(connection, root):
            shown = [row.view_name for row in _known_tables(connection, root) if row.is_current]
            _refuse_taken_views(connection, root, shown)
            store.dialect.wait_briefly(connection)
            for name in sorted({*shown} - {made.view_name for made in root.walk()}):
                connection.execute(DropView(Table(name, MetaData()), if_exists=True))
            _show(connection, store.dialect, root)
    root.is_hidden = False


def _show(connection: Connection, dialect: Dialect, root: DerivedTable) -> None:
    wanted = [made.table.name for made in root.walk()]
    connection.execute(
        update(tables.derived_table)
        .where(tables.derived_table.c.derivation_name == root.view_name)
        .values(is_current=case((tables.derived_table.c.table_name.in_(wanted), true()), else_=false()))
    )
    for made in root.walk():
        _make_view(connection, dialect, made)


def _make_view(connection: Connection, dialect: Dialect, made: DerivedTable) -> None:
    dialect.replace_view(connection, made.view_name, made.current_rows())
    comments = {column.name: comment_of(column.description) for column in made.columns}
    dialect.publish_view(
        connection, made.view_name, {name: comment for name, comment in comments.items() if comment}
    )


def _known_tables(connection: Connection, root: DerivedTable) -> Sequence[Row[*tuple[Any, ...]]]:
    # the root's view has the derivation's name
    query = select(tables.derived_table).where(tables.derived_table.c.derivation_name == root.view_name)
    return connection.execute(query).all()


def _refuse_taken_views(connection: Connection, root: DerivedTable, own: Iterable[str]) -> None:
    """Raise where a view's name is in use by anything but the derivation's own views."""
    derived = tables.derived_table
    query = select(derived.c.view_name, derived.c.derivation_name).where(
        derived.c.is_current, derived.c.derivation_name != root.view_name
    )
    owners = {view.casefold(): f"the derivation {owner!r}" for view, owner in connection.execute(query)}
    free = {name.casefold() for name in own}
    inspector = inspect(connection)
    for made in root.walk():
        owner = owners.get(made.view_name.casefold())
        if owner is None and made.view_name.casefold() not in free and inspector.has_table(made.view_name):
            owner = "something else in this database"
        if owner is not None:
            raise DerivationInvalid(
                f"the view {made.view_name!r} of {root.view_name!r} cannot be made:"
                f" the name belongs to {owner}",
                hint="Rename the derivation or the property.",
            )
