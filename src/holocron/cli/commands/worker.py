"""`holocron worker`: works the queue until it is told to stop."""

from __future__ import annotations

import os
import threading
import time
from typing import Self

import click

from holocron.cli.exits import Exit
from holocron.cli.given import Given, model_option, pass_given
from holocron.cli.interrupts import Interrupts, Stoppable
from holocron.cli.project import open_project_model, require_database, show_database
from holocron.cli.service_lines import ServiceLines
from holocron.llm.model import ModelIdentity
from holocron.settings import MOST_SLOTS
from holocron.store import Store
from holocron.store.agenda import list_left
from holocron.store.control import list_pauses
from holocron.work.serving import Service, StoreWait

#: what the engine and the database may take beyond the grace before the process ends without them
_BEYOND_S = 5.0


@click.command(
    epilog="""\b
Examples:
  holocron worker
  holocron worker --model openai:qwen3 --concurrency 32
  holocron worker --until-empty"""
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, MOST_SLOTS),
    metavar="N",
    help="Requests in flight. Default: the model's.",
)
@click.option("--until-empty", is_flag=True, help="End when no job of this model is open.")
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a stop waits for answers before their jobs are given back.",
)
@click.option("--json", "as_json", is_flag=True, help="Print every line as a JSON object on standard output.")
@model_option
@pass_given
def command(given: Given, /, concurrency: int | None, grace: float, model: str | None, **flags: bool) -> Exit:
    """Work the open jobs of one model, whatever their derivation, in the order of their priority.

    The questions and the evidence are read from the database: this machine needs neither the project's
    derivations nor its files. Start as many as you like, on as many machines as reach the database. A
    server's database that does not answer yet is waited for, but not with --until-empty.

    SIGTERM or Ctrl-C stops it: nothing more is claimed, what is in flight is finished or given back within
    the grace, and it exits with 0. A second one ends it at once; nothing is lost.

    Exit codes: 0 stopped, or the queue is empty; 3 the queue is empty but for a derivation that cannot be
    worked here; 1 could not run; 2 usage; 130 stopped at once.
    """
    settings = given.load_settings(model=model, slots=concurrency)
    # in a folder that is not the project's it would wait for jobs in a new, empty database
    require_database(settings)
    lines = ServiceLines(as_json=flags["as_json"])
    until_empty, shown = flags["until_empty"], show_database(settings)
    with _Stop(grace) as stop, open_project_model(settings) as ready, Interrupts(lines) as interrupts:
        waiting = StoreWait(settings.database_url, lines)
        stop.turn_to(waiting)
        interrupts.on_worker(stop)
        # who waits for the end of the queue is told at once that it cannot be worked
        store = Store(settings.database_url) if until_empty else waiting.open()
        if store is None:
            return stop.code or Exit.DONE
        with store, lines:
            service = Service(store, ready, observer=lines, until_empty=until_empty, grace_s=grace)
            lines.announce_start(model=ready.identity.name, slots=ready.slots, database=shown)
            stop.turn_to(service)
            service.run()
            if until_empty and stop.code is None:
                _tell_left(lines, store, ready.identity)
    ended = Exit.INCOMPLETE if lines.skipped else Exit.DONE
    return ended if stop.code is None else stop.code


def _tell_left(lines: ServiceLines, store: Store, model: ModelIdentity) -> None:
    lines.announce_left(list_left(store, model), set(list_pauses(store)), model.name)


class _Stop:
    """Stops a service, and ends the process where an engine does not let go in time."""

    def __init__(self, grace_s: float) -> None:
        self._working: Stoppable | None = None
        self._grace_s = grace_s
        self._end_at: float | None = None
        #: how the command ends; None while nobody asked it to
        self.code: Exit | None = None
        self._is_over = False
        threading.Thread(target=self._watch, name="holocron-stop", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True

    def turn_to(self, working: Stoppable) -> None:
        """Take what a signal stops from now on; one that came before stops it at once."""
        self._working = working
        if self.code is Exit.INTERRUPTED:
            working.abort()
        elif self.code is not None:
            working.stop()

    def stop(self) -> None:
        self.code = Exit.DONE
        self._end_at = time.monotonic() + self._grace_s + _BEYOND_S
        if self._working is not None:
            self._working.stop()

    def abort(self) -> None:
        self.code = Exit.INTERRUPTED
        self._end_at = time.monotonic() + _BEYOND_S
        if self._working is not None:
            self._working.abort()

    def _watch(self) -> None:
        while self._end_at is None or time.monotonic() < self._end_at:
            if self._is_over:
                return
            time.sleep(0.5)
        # what it still held is taken over, as if it had been killed
        os._exit(self.code or Exit.DONE)
