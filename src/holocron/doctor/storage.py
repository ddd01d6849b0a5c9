"""Checks of where answers rest: the database and the disk.

In: a database's URL, folders. Out: diagnoses. Never: makes a database, or upgrades one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from holocron.doctor.diagnosis import Cause, Diagnosis, fail, show_size, warn, well
from holocron.doctor.machine import find_free_bytes
from holocron.errors import (
    SettingsInvalid,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreTooNew,
    StoreTooOld,
)
from holocron.store import Store
from holocron.store.control import count_waiting, list_pauses, resuming
from holocron.store.tables import EVERY_DERIVATION
from holocron.store.workers import list_worker_rows

_MEND_RIGHTS = "Give yourself the right to open its folder, or choose another place with --database."
_MEND_DAMAGE = "holocron verify reads all of it."
_LITTLE_BYTES = 2_000_000_000
_TOO_LITTLE_BYTES = 100_000_000
_CAUSES: Mapping[type[StoreError], Cause] = {
    StoreTooOld: Cause.DATABASE_OLD,
    StoreTooNew: Cause.DATABASE_NEW,
    StoreBusy: Cause.DATABASE_BUSY,
    StoreFull: Cause.DISK_LOW,
}


def examine_storage(url: str, *, shown: str, file: Path | None, model: str) -> Iterator[Diagnosis]:
    """Check the database, its queue, and the disk that it lies on.

    shown: the URL without its password. file: where an embedded database lies. model: the one that is set.
    """
    try:
        opened = check_database(url, shown=shown, file=file)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        yield fail(
            "database", Cause.DATABASE_UNREACHABLE, f"{file} cannot be looked at: {reason}", _MEND_RIGHTS
        )
        return
    yield opened
    if opened.cause is None and (file is None or file.exists()):
        try:
            with Store(url, upgrades=False) as store:
                yield from check_queue(store, model)
        except StoreError as problem:
            yield fail("queue", Cause.DATABASE_UNREACHABLE, str(problem), problem.hint or _MEND_DAMAGE)
    if file is not None:
        yield check_disk(file.parent, "the database")


def check_database(url: str, *, shown: str, file: Path | None) -> Diagnosis:
    """Check that the database can be opened and has this Holocron's schema."""
    if file is not None and not file.exists():
        return _check_folder(file)
    try:
        with Store(url, upgrades=False) as store:
            version, title = store.read_version(), store.dialect.title
    except SettingsInvalid as problem:
        return fail("database", Cause.SETTING_INVALID, str(problem), problem.hint)
    except StoreError as problem:
        cause = _CAUSES.get(type(problem), Cause.DATABASE_UNREACHABLE)
        said = str(problem) if shown in str(problem) else f"{shown}: {problem}"
        return fail("database", cause, said, problem.hint or _MEND_DAMAGE)
    return well("database", f"{title} at {shown} answers and has schema version {version}")


def _check_folder(file: Path) -> Diagnosis:
    folder = file.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if folder.is_dir() and os.access(folder, os.W_OK):
        return well("database", f"there is no database at {file} yet; the first derive makes it")
    return fail(
        "database",
        Cause.DATABASE_UNREACHABLE,
        f"a database cannot be made at {file}: {folder} cannot be written",
        "Choose another place with --database or HOLOCRON_DATABASE_URL.",
    )


def check_queue(store: Store, model: str) -> Iterator[Diagnosis]:
    """Check that the jobs that wait are for somebody: the model that is set, or a worker's."""
    paused = list_pauses(store)
    if paused:
        names = "all derivations" if EVERY_DERIVATION in paused else ", ".join(sorted(paused))
        mend = "; ".join(map(resuming, sorted(paused)))
        yield warn("queue", Cause.QUEUE_PAUSED, f"the queue is paused for {names}", mend)
    waiting = count_waiting(store)
    served = {model, *(row.model for row in list_worker_rows(store))}
    for name in sorted(waiting.keys() - served):
        yield warn(
            "queue",
            Cause.QUEUE_WAITING,
            f"{waiting[name]:,} jobs wait for the model {name!r}, and neither this project nor a worker "
            f"has it",
            f"Work them: holocron worker --model {name}. Or enqueue them again with HOLOCRON_MODEL={model}.",
        )
    if not paused and waiting.keys() <= served:
        yield well("queue", f"{sum(waiting.values()):,} jobs wait for a worker")


def check_disk(place: Path, what: str, find_free: Callable[[Path], int] = find_free_bytes) -> Diagnosis:
    """Check that there is room on a place's disk. what: what lies there, as a sentence says it."""
    try:
        free = find_free(place)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        return fail("disk", Cause.DISK_LOW, f"the disk of {place} cannot be asked: {reason}", "Check it.")
    said = f"{show_size(free)} are free where {what} lies ({place})"
    mend = (
        "Free some room: holocron models rm NAME takes a model away, docker system df shows Docker's share."
    )
    if free < _TOO_LITTLE_BYTES:
        return fail("disk", Cause.DISK_LOW, f"only {said}", mend)
    if free < _LITTLE_BYTES:
        return warn("disk", Cause.DISK_LOW, f"only {said}", mend)
    return well("disk", said)
