"""Rounds: groups of checks at the same time, none of which may hold the others up.

In: generators of diagnoses, each with a limit. Out: their diagnoses, group by group, as they come.
Never: waits beyond a group's limit: what hangs is left in its thread, which ends with the process.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from holocron.doctor.diagnosis import Cause, Diagnosis, fail

#: how long a wait that Ctrl-C must be able to end may be
_SLICE_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A group of checks of which each needs the one before it."""

    #: what is looked at, e.g. `database`
    name: str
    checks: Callable[[], Iterator[Diagnosis]]
    limit_s: float


class _End:
    """A group is through, perhaps with a fault of ours."""

    def __init__(self, problem: BaseException | None = None) -> None:
        self.problem = problem


_Found = queue.SimpleQueue["Diagnosis | _End"]


def make_rounds(rounds: Sequence[Round]) -> Iterator[Diagnosis]:
    """Run all groups at once and yield their diagnoses in the order of the groups.

    A group that is not through in its limit ends with a diagnosis that says so.
    """
    began = time.monotonic()
    results: list[_Found] = []
    for group in rounds:
        found: _Found = queue.SimpleQueue()
        results.append(found)
        threading.Thread(
            target=_run, args=(group, found), name=f"holocron-doctor-{group.name}", daemon=True
        ).start()
    for group, found in zip(rounds, results, strict=True):
        yield from _collect(group, found, began + group.limit_s)


def _run(group: Round, found: _Found) -> None:
    try:
        for diagnosis in group.checks():
            found.put(diagnosis)
    except BaseException as problem:  # noqa: BLE001 - raised again in the caller's thread
        found.put(_End(problem))
    else:
        found.put(_End())


def _collect(group: Round, found: _Found, until: float) -> Iterator[Diagnosis]:
    while True:
        try:
            item = found.get(timeout=max(0.001, min(_SLICE_S, until - time.monotonic())))
        except queue.Empty:
            if time.monotonic() < until:
                continue
            yield fail(
                group.name,
                Cause.CHECK_SLOW,
                f"the checks of the {group.name} were not through after {group.limit_s:g} s",
                "Something that they need neither answers nor refuses: a server, a name server or a disk.",
            )
            return
        if isinstance(item, _End):
            if item.problem is not None:
                raise item.problem
            return
        yield item
