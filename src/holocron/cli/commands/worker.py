"""`holocron worker`: works the queue until it is told to stop."""

from __future__ import annotations

import os
import threading
import time

import click

from holocron.cli.exits import Exit
from holocron.cli.given import Given, model_option, pass_given
from holocron.cli.interrupts import Interrupts
from holocron.cli.project import open_project_model, show_database
from holocron.cli.service_lines import ServiceLines
from holocron.store import Store
from holocron.work.serving import Service

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
    "--concurrency", type=click.IntRange(min=1), metavar="N", help="Requests in flight. Default: the model's."
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
def command(
    given: Given,
    /,
    concurrency: int | None,
    grace: float,
    model: str | None,
    **flags: bool,
) -> Exit:
    """Work the open jobs of one model, whatever their derivation, in the order of their priority.

    The questions and the evidence are read from the database: this machine needs neither the project's
    derivations nor its files. Start as many as you like, on as many machines as reach the database.

    SIGTERM or Ctrl-C stops it: nothing more is claimed, what is in flight is finished or given back within
    the grace, and it exits with 0. A second one ends it at once; nothing is lost.

    Exit codes: 0 stopped, or the queue is empty; 3 the queue is empty but for a derivation that cannot be
    worked here; 1 could not run; 2 usage; 130 stopped at once.
    """
    settings = given.load_settings(model=model, slots=concurrency)
    lines = ServiceLines(as_json=flags["as_json"])
    with open_project_model(settings) as ready, Store(settings.database_url) as store:
        service = Service(store, ready, observer=lines, until_empty=flags["until_empty"], grace_s=grace)
        lines.announce_start(model=ready.identity.name, slots=ready.slots, database=show_database(settings))
        stop = _Stop(service, grace)
        with Interrupts(lines) as interrupts, lines:
            interrupts.on_worker(stop)
            service.run()
    stop.is_over = True
    if stop.code is not None:
        return stop.code
    return Exit.INCOMPLETE if lines.skipped else Exit.DONE


class _Stop:
    """Stops a service, and ends the process where an engine does not let go in time."""

    def __init__(self, service: Service, grace_s: float) -> None:
        self._service = service
        self._grace_s = grace_s
        self._end_at: float | None = None
        #: how the command ends; None while nobody asked it to
        self.code: Exit | None = None
        #: whether the service has ended by itself
        self.is_over = False
        threading.Thread(target=self._watch, name="holocron-stop", daemon=True).start()

    def stop(self) -> None:
        self.code = Exit.DONE
        self._end_at = time.monotonic() + self._grace_s + _BEYOND_S
        self._service.stop()

    def abort(self) -> None:
        self.code = Exit.INTERRUPTED
        self._end_at = time.monotonic() + _BEYOND_S
        self._service.abort()

    def _watch(self) -> None:
        while self._end_at is None or time.monotonic() < self._end_at:
            if self.is_over:
                return
            time.sleep(0.5)
        # what it still held is taken over, as if it had been killed
        os._exit(self.code or Exit.DONE)
