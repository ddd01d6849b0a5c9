"""Presence: which process a worker is, and whether another one on this host still lives.

In: worker records. Out: yes or no. Never: sends a signal.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable
from pathlib import Path

import psutil

from holocron.store import Store
from holocron.store.workers import WorkerProcess, forget_worker, register_worker

#: workers of this process that have not signed off; one that broke cannot always tell the database
_signed_on: set[tuple[str, int]] = set()
#: Docker and Podman mount a file of the container's own folder there
_CONTAINER = re.compile(r"/containers/(?:[^ ]*/)?([0-9a-f]{64})/[^ ]* /etc/hostname ")


def sign_on(store: Store, *, model: str = "", slots: int = 0) -> int:
    """Record this process as a worker and return its number; others are told its model and slots."""
    number = register_worker(
        store,
        host=name_host(),
        process_id=os.getpid(),
        process_started=_started(psutil.Process()),
        model=model,
        slots=slots,
    )
    _signed_on.add((str(store.url), number))
    return number


def sign_off(store: Store, worker_id: int) -> None:
    """Take a worker's record away; may be called twice."""
    _signed_on.discard((str(store.url), worker_id))
    forget_worker(store, worker_id)


def name_host() -> str:
    """Return what tells apart the places where a process number means something.

    Machines and containers may share a name. A container has an id, which it keeps when it is started again,
    so that it knows its own dead; elsewhere, on Linux, the namespace of process numbers stands for the place.
    """
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        container = _CONTAINER.search(mounts)
        place = container[1] if container else str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        place = ""
    return f"{socket.gethostname()} {place}".strip()


def find_dead(store: Store, workers: Iterable[WorkerProcess]) -> list[int]:
    """Return the workers that ran on this host and are gone."""
    return [number for number, lives in look_at(store, workers).items() if not lives]


def find_living(store: Store, workers: Iterable[WorkerProcess]) -> list[int]:
    """Return the workers of this host that live: a machine that slept makes them silent, not dead."""
    return [number for number, lives in look_at(store, workers).items() if lives]


def look_at(store: Store, workers: Iterable[WorkerProcess]) -> dict[int, bool]:
    """Return the workers that ran on this host, and whether each still lives."""
    host = name_host()
    return {worker.worker_id: _lives(store, worker) for worker in workers if worker.host == host}


def _started(process: psutil.Process) -> int:
    """Return when a process began, in seconds since the machine did: setting the clock moves both."""
    return round(process.create_time() - psutil.boot_time())


def _lives(store: Store, worker: WorkerProcess) -> bool:
    try:
        process = psutil.Process(worker.process_id)
        # both are rounded somewhere on the way
        same = abs(_started(process) - worker.process_started) < 5
        if same and worker.process_id == os.getpid():
            return (str(store.url), worker.worker_id) in _signed_on
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
