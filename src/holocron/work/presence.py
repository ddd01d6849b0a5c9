"""Presence: which process a worker is, and whether another one on this host still lives.

In: worker records. Out: yes or no. Never: sends a signal.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable

import psutil

from holocron.store import Store
from holocron.store.queue import WorkerProcess, register_worker


def register_this_process(store: Store) -> int:
    """Record this process as a worker and return its number."""
    return register_worker(
        store,
        host=socket.gethostname(),
        process_id=os.getpid(),
        process_started=int(psutil.Process().create_time()),
    )


def find_dead(workers: Iterable[WorkerProcess]) -> list[int]:
    """Return the workers that ran on this host and are gone; others are judged by their leases alone."""
    host = socket.gethostname()
    return [worker.worker_id for worker in workers if worker.host == host and not _lives(worker)]


def _lives(worker: WorkerProcess) -> bool:
    try:
        process = psutil.Process(worker.process_id)
        # the clock may be set between two readings of the same process
        same = abs(process.create_time() - worker.process_started) < 5
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
