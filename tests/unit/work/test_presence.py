"""Presence: which of the workers of this host are gone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import psutil
import pytest

from holocron.store import Store
from holocron.store.workers import WorkerProcess, list_workers
from holocron.work import presence
from holocron.work.presence import find_dead, find_living, name_host, sign_off, sign_on

_HERE = name_host()


def _began(process: psutil.Process | None = None) -> float:
    return (process or psutil.Process()).create_time() - psutil.boot_time()


def _worker(process_id: int, *, started: float | None = None, host: str = _HERE) -> WorkerProcess:
    began = _began() if started is None else started
    return WorkerProcess(worker_id=1, host=host, process_id=process_id, process_started=int(began))


def test_this_process_lives(store: Store) -> None:
    """A worker signs on as this process, and is not dead."""
    number = sign_on(store)
    (worker,) = list_workers(store)
    assert (worker.worker_id, worker.host, worker.process_id) == (number, _HERE, os.getpid())
    assert (find_dead(store, [worker]), find_living(store, [worker])) == ([], [number])
    sign_off(store, number)
    assert list_workers(store) == []


def test_a_worker_of_this_process_that_has_signed_off_is_dead(store: Store) -> None:
    """A worker that broke off, and could not tell the database, does not live on with its process."""
    number = sign_on(store)
    (worker,) = list_workers(store)
    presence._signed_on.discard((str(store.url), number))
    assert find_dead(store, [worker]) == [number]


def test_a_process_that_has_ended_is_dead(store: Store) -> None:
    """A process number that nobody has belongs to a dead worker; on another host it says nothing."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert find_dead(store, [_worker(ended.pid)]) == [1]
    assert _HERE.startswith(socket.gethostname())
    elsewhere = [_worker(ended.pid, host="elsewhere"), _worker(os.getpid(), host="elsewhere")]
    assert (find_dead(store, elsewhere), find_living(store, elsewhere)) == ([], [])


def test_a_number_that_was_given_again_is_dead(store: Store) -> None:
    """A process of the same number that began at another time is another one."""
    began = _began()
    assert find_dead(store, [_worker(os.getpid(), started=began - 3600)]) == [1]
    presence._signed_on.add((str(store.url), 1))
    assert find_dead(store, [_worker(os.getpid(), started=began + 2)]) == []


@pytest.mark.skipif(os.name == "nt", reason="THERE ARE NO ZOMBIES on Windows")
def test_a_process_that_nobody_has_buried_is_dead(store: Store) -> None:
    """A process that has ended and still has its number does not work."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    started = _began(psutil.Process(ended.pid))
    for _ in range(500):
        if psutil.Process(ended.pid).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.01)
    assert find_dead(store, [_worker(ended.pid, started=started)]) == [1]
    ended.wait()


@pytest.mark.parametrize(
    "place",
    [
        "/var/lib/docker/containers/{}/hostname",
        "/docker/containers/{}/hostname",
        "/containers/overlay-containers/{}/userdata/hostname",
    ],
    ids=["Docker", "Docker Desktop", "Podman"],
)
def test_a_container_is_named_by_its_id(place: str) -> None:
    """The id of a container is read from where its files are mounted; it stays when it is started again."""
    mount = f"2 1 0:5 {place.format('4a' * 32)} /etc/hostname ro - ext4 x rw"
    mounts = f"1 0 0:1 / / rw - overlay overlay rw\n{mount}\n"
    found = presence._CONTAINER.search(mounts)
    assert found is not None
    assert found[1] == "4a" * 32
