from __future__ import annotations

import io
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from holocron.cli.exits import Exit
from holocron.cli.given import Given
from holocron.cli.progress import Tally, Trouble
from holocron.cli.running import RunOutcome, exit_code, report
from holocron.errors import EvidenceMissing, EvidenceUnreadable
from holocron.evidence import EvidenceRejected
from holocron.store import JobStatus
from holocron.work import DeriveSummary

UNUSABLE = [EvidenceRejected("x.txt", EvidenceUnreadable("x.txt is empty"))]


def make_outcome(
    *, unusable: bool = False, stopped: bool = False, unchanged: int = 0, **statuses: int
) -> RunOutcome:
    """Return an outcome with so many jobs in each status."""
    summary = DeriveSummary(
        derivation="ships",
        unchanged=unchanged,
        statuses=Counter({JobStatus(name): number for name, number in statuses.items()}),
        unusable=UNUSABLE if unusable else [],
        stopped=stopped,
    )
    return RunOutcome(summary=summary, tally=Tally(), elapsed_s=2.0)


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        pytest.param([make_outcome(accepted=3)], Exit.DONE, id="all-accepted"),
        pytest.param([make_outcome()], Exit.DONE, id="nothing-to-do"),
        pytest.param([make_outcome(accepted=3, rejected=1)], Exit.INCOMPLETE, id="rejected"),
        pytest.param([make_outcome(accepted=3, failed=1)], Exit.INCOMPLETE, id="failed"),
        pytest.param([make_outcome(accepted=3, unusable=True)], Exit.INCOMPLETE, id="unusable"),
        pytest.param([make_outcome(accepted=1), make_outcome(rejected=1)], Exit.INCOMPLETE, id="one-of-two"),
        pytest.param([make_outcome(ready=3, stopped=True)], Exit.INTERRUPTED, id="stopped"),
    ],
)
def test_exit_codes_say_how_it_ended(outcomes: list[RunOutcome], code: Exit) -> None:
    """0 for all accepted, 3 for a finished run with troubles, 130 for one that was stopped."""
    assert exit_code(outcomes) is code


def test_evidence_of_which_nothing_is_usable_is_an_error() -> None:
    """A run without a single subject did not run."""
    with pytest.raises(EvidenceMissing, match="1 of 1"):
        exit_code([make_outcome(unusable=True)])


def test_the_report_names_counts_troubles_and_the_next_step() -> None:
    """It says what became of all, which were not believed and why, and what to type."""
    outcome = make_outcome(accepted=1200, rejected=1, failed=1, unchanged=7, unusable=True)
    outcome.tally.rejected = 1
    outcome.tally.troubles.append(
        Trouble(subject="a\x1b.txt", status=JobStatus.REJECTED, reason="/year: 1\n2")
    )
    out = io.StringIO()
    with redirect_stdout(out):
        report([outcome], Given(project=Path("p"), model="y"), "x")
    assert out.getvalue().splitlines() == [
        (
            "ships: 1,202 subjects: 1,200 accepted, 1 rejected, 1 failed; 7 unchanged, so not asked again;"
            " 1 worked in 2 s. 1 piece of evidence cannot be used."
        ),
        "  rejected: a\\x1b.txt: /year: 1 2",
        *(
            f"Look at them: holocron --project p jobs --status {status}."
            " Work them again: holocron --project p retry --model x"
            for status in ("rejected", "failed")
        ),
    ]


def test_a_stopped_run_says_that_nothing_is_lost() -> None:
    """Open jobs are counted, and the same command goes on."""
    out = io.StringIO()
    with redirect_stdout(out):
        report([make_outcome(accepted=1, ready=2, claimed=1, stopped=True)], Given())
    assert "3 still open" in out.getvalue()
    assert "goes on from here" in out.getvalue()
