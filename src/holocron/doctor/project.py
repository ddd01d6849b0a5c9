"""Checks of the project: its folder, its derivations, its evidence, and whether a window holds them.

In: the project's folder. Out: diagnoses. Never: asks a model, or reads the evidence through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from holocron.derivation import Derivation
from holocron.derivation.catalogue import list_derivation_files, load_catalogue, load_derivation
from holocron.doctor.diagnosis import Cause, Diagnosis, fail, warn, well
from holocron.errors import DerivationError, EvidenceError
from holocron.evidence import find_evidence
from holocron.pipeline import Question

#: less than this for evidence is read in pieces of a page
_LITTLE_ROOM_TOKENS = 512
_WINDOW_STEP = 256
#: a subject is a path or a name
_SUBJECT = "x" * 60


def examine_project(root: Path, *, is_marked: bool) -> Iterator[Diagnosis]:
    """Check a project's folder, its derivations and their evidence. is_marked: it holds a holocron.toml."""
    if is_marked:
        yield well("project", f"the project is {root}")
    else:
        yield warn(
            "project",
            Cause.PROJECT_MISSING,
            f"no holocron.toml marks a project, so {root} is taken for one",
            "Make a project with: holocron init. Or name one: holocron --project DIR doctor",
        )
    questions, troubles = load_questions(root)
    yield from troubles
    if questions and not troubles:
        names = ", ".join(question.derivation.name for question in questions)
        yield well("derivations", f"{_count(len(questions), 'derivation')} can be asked: {names}")
    for question in questions:
        yield from check_evidence(question.derivation, root)


def load_questions(root: Path) -> tuple[list[Question], list[Diagnosis]]:
    """Return the derivations of a project that can be asked, and what is wrong with the others."""
    paths = list_derivation_files(root)
    if not paths:
        return [], [
            warn(
                "derivations",
                Cause.DERIVATIONS_MISSING,
                f"{root} has no derivations/NAME.yaml, so there is nothing to ask",
                "Make a project with: holocron init. A worker alone needs none: it reads the database.",
            )
        ]
    questions: list[Question] = []
    troubles: list[Diagnosis] = []
    for path in paths:
        try:
            questions.append(Question.prepare(load_derivation(path)))
        except DerivationError as problem:
            sentence = str(problem) if path.name in str(problem) else f"{path.name}: {problem}"
            troubles.append(fail("derivations", Cause.DERIVATION_INVALID, sentence, _mend(problem)))
    if not troubles:
        try:
            load_catalogue(root)
        except DerivationError as problem:
            troubles.append(fail("derivations", Cause.DERIVATION_INVALID, str(problem), _mend(problem)))
    return questions, troubles


def check_evidence(derivation: Derivation, root: Path) -> Iterator[Diagnosis]:
    """Check that each place that a derivation names holds something; none are named is as good."""
    missing = 0
    for pattern in derivation.evidence:
        reason = _why_missing(pattern, root)
        if reason:
            missing += 1
            yield warn(
                "evidence",
                Cause.EVIDENCE_MISSING,
                f"the derivation {derivation.name!r} names evidence that is not there: {reason}",
                f"Put it there, or correct 'evidence:' in the derivation; it is found from {root}.",
            )
    if derivation.evidence and not missing:
        yield well("evidence", f"the evidence of {derivation.name!r} is there")


def _why_missing(pattern: str, root: Path) -> str:
    """Return why a pattern names nothing; empty where its first file is there."""
    try:
        first = next(iter(find_evidence([pattern], root)), None)
    except EvidenceError as problem:
        return str(problem)
    # a file's own name is found whether it is there or not
    return "" if first is not None and first.exists() else f"there is no {pattern}"


def check_windows(
    questions: Sequence[Question],
    window: int,
    *,
    trained: int,
    estimate: Callable[[str], int],
) -> Iterator[Diagnosis]:
    """Check that a window of so many tokens holds every derivation with some evidence.

    trained: tokens of the model's own window; 0 where it is not known. estimate: tokens that a text takes.
    """
    rooms: list[tuple[int, str]] = []
    for question in questions:
        derivation = question.derivation
        prompt = derivation.render_prompt(_SUBJECT, ())
        static = sum(estimate(message.content) + 12 for message in prompt.messages)
        answer = min(derivation.options.max_output_tokens, window // 2)
        room = window - answer - static
        rooms.append((room, derivation.name))
        if room >= _LITTLE_ROOM_TOKENS:
            continue
        wanted = static + derivation.options.max_output_tokens + 2 * _LITTLE_ROOM_TOKENS
        mend = _mend_window(-(-wanted // _WINDOW_STEP) * _WINDOW_STEP, trained)
        said = f"the window of {window:,} tokens"
        taken = (
            f"{derivation.name!r}: its question takes about {static:,} and its answer up to {answer:,} tokens"
        )
        if room <= 0:
            yield fail("window", Cause.WINDOW_SMALL, f"{said} is too small for {taken}", mend)
        else:
            left = (
                f"{said} leaves about {room:,} for the evidence of {taken}; longer evidence is read in part"
            )
            yield warn("window", Cause.WINDOW_SMALL, left, mend)
    if not rooms:
        yield well("window", f"the window of a request is {window:,} tokens")
    elif min(rooms)[0] >= _LITTLE_ROOM_TOKENS:
        least, name = min(rooms)
        yield well(
            "window", f"the window of {window:,} tokens leaves {least:,} or more for evidence (in {name!r})"
        )


def _mend_window(wanted: int, trained: int) -> str:
    if trained and wanted > trained:
        return f"The model's own window has {trained:,} tokens: choose one with a longer one, or ask less."
    return f"Set HOLOCRON_CONTEXT_TOKENS={wanted}, or shorten the instructions, the contract or the examples."


def _mend(problem: DerivationError) -> str:
    return problem.hint or "Correct the file; holocron derive says the same before it asks anything."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
