from __future__ import annotations

import io
import time
from contextlib import redirect_stderr

import pytest

from factories import accept, claim, plan_ships, reject, ship_bundle, ship_value
from holocron.cli.progress import (
    MAX_TROUBLES_KEPT,
    MAX_UNUSABLE_SHOWN,
    BarDisplay,
    LineDisplay,
    RunDisplay,
    Tally,
    Trouble,
    show_duration,
)
from holocron.errors import EvidenceUnreadable, ModelUnavailable
from holocron.evidence import EvidenceRejected
from holocron.store import JobStatus, Store


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5999, "100 min"), (6000, "1.7 h")],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    """Seconds up to a hundred, then minutes, then hours."""
    assert show_duration(seconds) == text


def test_a_tally_says_only_what_there_is_to_say() -> None:
    """Rejected, failed, tokens and time left appear when they are there."""
    tally = Tally(queued=10, accepted=2, began=time.monotonic() - 4)
    assert tally.describe() == "2 of 10 done, 2 accepted, 16 s left"
    tally = Tally(queued=1200, accepted=1, rejected=1, failed=1, postponed=2, tokens=400)
    tally.began = time.monotonic() - 4
    assert tally.describe() == (
        "3 of 1,200 done, 1 accepted, 1 rejected, 1 failed, 2 tried again, 100 tokens/s, 27 min left"
    )
    assert Tally(queued=2, accepted=1, stopping=True).describe().endswith("stopping")
    assert Tally(queued=2, elsewhere=2).describe().endswith("2 held by other processes")


def test_results_are_counted_and_the_first_troubles_kept(store: Store) -> None:
    """A display counts verdicts and failures, and keeps the first subjects with their first finding."""
    planner, _ = plan_ships(store, *(ship_bundle(number) for number in range(20)))
    jobs = claim(store, planner)
    display = RunDisplay("ships")
    display.on_planned(5, 20)
    display.on_results([accept(jobs[0], ship_value(0)), *(reject(job) for job in jobs[1:19])])
    display.on_failure(jobs[19], ModelUnavailable("it is away"), retried=True)
    display.on_failure(jobs[19], ModelUnavailable("it is away"), retried=False)
    tally = display.tally
    assert (tally.read, tally.queued, tally.accepted, tally.rejected) == (25, 20, 1, 18)
    assert (tally.failed, tally.postponed) == (1, 1)
    assert len(tally.troubles) == MAX_TROUBLES_KEPT
    assert tally.troubles[0] == Trouble(
        subject="ship 1", status=JobStatus.REJECTED, reason="/name: It does not stand there."
    )


def test_unusable_evidence_is_named_at_first_and_then_counted() -> None:
    """The first are named with their mend, the others are a number at the end."""
    err = io.StringIO()
    with redirect_stderr(err), LineDisplay("ships") as display:
        for number in range(MAX_UNUSABLE_SHOWN + 3):
            error = EvidenceUnreadable(f"{number}.txt is \x1b[1mempty", hint="Fill it.")
            display.on_unusable(EvidenceRejected(f"{number}.txt", error))
    lines = err.getvalue().splitlines()
    assert lines[0] == "cannot be used: 0.txt is \\x1b[1mempty. Fill it."
    assert lines[-1] == "… and 3 more cannot be used"
    assert len(lines) == MAX_UNUSABLE_SHOWN + 1


def test_lines_end_with_a_last_one() -> None:
    """Where standard error is no terminal, quick work is one plain line at the end."""
    err = io.StringIO()
    with redirect_stderr(err), LineDisplay("ships") as display:
        display.on_planned(0, 3)
        display.tally.accepted = 3
        display.refresh()
    assert err.getvalue().splitlines() == ["ships: 3 of 3 done, 3 accepted"]


def test_nothing_is_said_where_nothing_is_to_do() -> None:
    """A run over unchanged evidence shows no progress."""
    err = io.StringIO()
    with redirect_stderr(err), LineDisplay("ships") as display:
        display.on_planned(3, 0)
    assert err.getvalue() == ""


def test_a_bar_shows_hostile_text_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the bar moves, and a file's name is neither markup nor control."""
    monkeypatch.setenv("TERM", "xterm")
    err = io.StringIO()
    err.isatty = lambda: True  # type: ignore[method-assign]  # it plays a terminal
    with redirect_stderr(err), BarDisplay("ships") as display:
        display.on_unusable(EvidenceRejected("x", EvidenceUnreadable("[red]x[/red]\x1b]0;owned\x07")))
        display.on_planned(0, 4)
        display.on_tokens(12)
        display.on_waiting(1)
        display.refresh(force=True)
        display.announce_stop()
    text = err.getvalue()
    assert "[red]x[/red]\\x1b]0;owned\\x07" in text
    assert "\x1b]0;" not in text
    assert "once more aborts" in text
