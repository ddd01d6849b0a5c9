"""Running: work with progress and interrupts around it, and what is said at its end.

In: a function that works. Out: an outcome, its report and the exit code.
Never: works jobs itself; `derive`, `retry` and `demo` all come through here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from holocron.cli.exits import Exit
from holocron.cli.given import Given
from holocron.cli.interrupts import Interrupts
from holocron.cli.progress import Tally, open_display, show_duration
from holocron.cli.project import show_database
from holocron.cli.terminal import one_line, say, show_count
from holocron.errors import EvidenceMissing
from holocron.fingerprint import JSONValue
from holocron.settings import Settings
from holocron.store import JobStatus
from holocron.store.tables import OPEN
from holocron.work import DeriveSummary, Worker, WorkObserver

Work = Callable[[WorkObserver, Callable[[Worker], None]], DeriveSummary]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """One derivation's run: what the store says of it, and what was seen on the way."""

    summary: DeriveSummary
    tally: Tally
    elapsed_s: float

    @property
    def open_jobs(self) -> int:
        """Return how many jobs still need a worker."""
        return sum(self.summary.statuses[status] for status in OPEN)

    def to_json(self) -> dict[str, JSONValue]:
        """Return the outcome as scripts read it."""
        summary, statuses = self.summary, self.summary.statuses
        return {
            "derivation": summary.derivation,
            "subjects": summary.subjects,
            "unchanged": summary.unchanged,
            "restored": summary.restored,
            "accepted": statuses[JobStatus.ACCEPTED],
            "rejected": statuses[JobStatus.REJECTED],
            "failed": statuses[JobStatus.FAILED],
            "cancelled": statuses[JobStatus.CANCELLED],
            "open": self.open_jobs,
            "unusable": [{"source": entry.source, "reason": str(entry.error)} for entry in summary.unusable],
            "troubles": [
                {"subject": trouble.subject, "status": str(trouble.status), "reason": trouble.reason}
                for trouble in self.tally.troubles
            ],
            "tokens": self.tally.tokens,
            "seconds": round(self.elapsed_s, 3),
            "stopped": summary.stopped,
        }


def run_work(title: str, work: Work) -> RunOutcome:
    """Run work with progress on standard error; the first Ctrl-C stops it, the second aborts it."""
    began = time.monotonic()
    display = open_display(title)
    with Interrupts(display) as interrupts, display:
        summary = work(display, interrupts.on_worker)
    return RunOutcome(summary=summary, tally=display.tally, elapsed_s=time.monotonic() - began)


def exit_code(outcomes: Sequence[RunOutcome]) -> Exit:
    """Return how the command ends.

    Raises: EvidenceMissing where there was evidence and none of it was usable.
    """
    if any(outcome.summary.stopped for outcome in outcomes):
        return Exit.INTERRUPTED
    refuse_unusable([outcome.summary for outcome in outcomes])
    is_clean = all(outcome.summary.is_clean for outcome in outcomes)
    return Exit.DONE if is_clean else Exit.INCOMPLETE


def refuse_unusable(summaries: Sequence[DeriveSummary]) -> None:
    """Raise EvidenceMissing where there was evidence and none of it was usable."""
    unusable = sum(len(summary.unusable) for summary in summaries)
    if unusable and not any(summary.subjects for summary in summaries):
        raise EvidenceMissing(
            f"nothing that was found can be used: {unusable} of {unusable} pieces of evidence",
            hint="Evidence is UTF-8 text: .txt, .md, .html, .json, .csv, or .bundle.jsonl.",
        )


def outcomes_to_json(settings: Settings, outcomes: Sequence[RunOutcome], code: Exit) -> dict[str, JSONValue]:
    """Return what `--json` prints at the end of a run."""
    return {
        "database": show_database(settings),
        "model": settings.model,
        "derivations": [outcome.to_json() for outcome in outcomes],
        "exit_code": code,
    }


def report(outcomes: Sequence[RunOutcome], given: Given, model: str | None = None) -> None:
    """Say what became of every derivation, and where to look next.

    given, model: what the next commands are to be typed with, as Given.name_work.
    """
    for outcome in outcomes:
        say(_describe(outcome))
        for trouble in outcome.tally.troubles:
            say(f"  {trouble.status}: {one_line(trouble.subject)}: {one_line(trouble.reason, 160)}")
    statuses = {status for outcome in outcomes for status, jobs in outcome.summary.statuses.items() if jobs}
    for status in (JobStatus.REJECTED, JobStatus.FAILED):
        if status in statuses:
            look = given.name_command(f"jobs --status {status}")
            say(f"Look at them: {look}. Work them again: {given.name_work('retry', model)}")
    partly_read = sum(outcome.summary.partly_read for outcome in outcomes)
    if partly_read:
        say(
            f"Read in part: {partly_read} of them, whose evidence is longer than the model's window."
            " holocron why says what was not read."
        )
    if any(outcome.open_jobs and not outcome.summary.stopped for outcome in outcomes):
        say("Some jobs are paused, or open elsewhere; 'holocron status' says which.")
    if any(outcome.summary.stopped for outcome in outcomes):
        say("Stopped. Nothing is lost: the same command goes on from here.")


def _describe(outcome: RunOutcome) -> str:
    summary, statuses = outcome.summary, outcome.summary.statuses
    text = f"{summary.derivation}: {show_count(summary.subjects, 'subject')}"
    text += f": {statuses[JobStatus.ACCEPTED]:,} accepted"
    for status in (JobStatus.REJECTED, JobStatus.FAILED, JobStatus.CANCELLED):
        if statuses[status]:
            text += f", {statuses[status]:,} {status}"
    if outcome.open_jobs:
        text += f", {outcome.open_jobs:,} still open"
    if summary.unchanged:
        text += f"; {summary.unchanged:,} unchanged, so not asked again"
    if outcome.tally.done:
        text += f"; {outcome.tally.done:,} worked in {show_duration(outcome.elapsed_s)}"
    text += "."
    if summary.unusable:
        text += f" {show_count(len(summary.unusable), 'piece')} of evidence cannot be used."
    return text
