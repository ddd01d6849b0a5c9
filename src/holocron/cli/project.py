"""The project: its store, its model, its derivations, and how a person names them.

In: settings and arguments. Out: open things, or one sentence about what is missing.
Never: makes a database for a command that only reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from difflib import get_close_matches
from itertools import chain, islice
from pathlib import Path
from typing import NoReturn

from holocron.cli.terminal import quote_word
from holocron.derivation import Derivation
from holocron.errors import EngineUnreachable, StoreUnreachable, UsageError
from holocron.evidence import EvidenceBundle, EvidenceRejected, find_evidence, read_bundles
from holocron.llm.catalogue import open_model
from holocron.llm.model import LanguageModel
from holocron.settings import Settings
from holocron.store import Store
from holocron.store.control import list_derivations
from holocron.store.dialects import show_url
from holocron.store.reports import list_jobs
from holocron.store.tables import OPEN

#: subjects among which one that was misspelt is looked for
_MOST_GUESSED = 1000


@contextmanager
def open_project_model(settings: Settings) -> Iterator[LanguageModel]:
    """Give the model of the settings, and close it afterwards.

    Raises: ModelNotFound, ModelDamaged, SettingsInvalid, EngineUnreachable.
    """
    with explain_address(settings):
        opened = open_model(
            settings.model,
            slots=settings.slots,
            context_tokens=settings.context_tokens,
            servers=settings.servers,
        )
        with closing(opened) as model:
            yield model


@contextmanager
def explain_address(settings: Settings) -> Iterator[None]:
    """Say of an Ollama that cannot be reached which variable holds its address, and why that one counts."""
    try:
        yield
    except EngineUnreachable as problem:
        if problem.address.lower() == settings.servers.ollama_url.rstrip("/").lower():
            problem.hint = f"{settings.servers.ollama.reason}. {problem.hint}"
        raise


def open_store_as_is(settings: Settings) -> Store:
    """Open the store where there is one, and neither make nor upgrade any.

    Raises: as require_database, and as Store.
    """
    require_database(settings)
    return Store(settings.database_url, upgrades=False)


def require_database(settings: Settings) -> None:
    """Refuse a database file that is not there. Raises: StoreUnreachable."""
    file = settings.database_file
    if file is not None and not file.exists():
        raise StoreUnreachable(
            f"there is no database at {file} yet",
            hint="Make one with 'holocron derive' or 'holocron enqueue', or name another with --project or "
            "--database.",
        )


def show_database(settings: Settings) -> str:
    """Return where the database is, without login, password and options."""
    if settings.database_file is not None:
        return str(settings.database_file)
    return show_url(settings.database_url)


def guess_name(wrong: str, names: Iterable[str]) -> str:
    """Return a question after the name that was meant, with a space behind it; empty where none is near."""
    return "".join(f"Did you mean {name!r}? " for name in get_close_matches(wrong, list(names), 1))


def name_near(wrong: str, names: Iterable[str], what: str) -> str:
    """Return a mend for a name that is not there: the one that was meant, and all there are.

    what: what the names are, e.g. `The derivations are`.
    """
    known = list(names)
    return f"{guess_name(wrong, known)}{what}: {', '.join(known)}."


def choose_derivations(catalogue: Mapping[str, Derivation], name: str | None) -> list[Derivation]:
    """Return the derivation of a name, or all of them.

    Raises: UsageError.
    """
    if name is None:
        return list(catalogue.values())
    if name in catalogue:
        return [catalogue[name]]
    if Path(name).exists():
        first = next(iter(catalogue))
        raise UsageError(
            f"{name!r} is a path, and a derivation's name comes first",
            hint=f"Type: holocron derive {first} {quote_word(name)}",
        )
    raise UsageError(
        f"there is no derivation {name!r}", hint=name_near(name, catalogue, "The derivations are")
    )


def read_evidence(
    derivation: Derivation, paths: Sequence[str], root: Path
) -> Iterator[EvidenceBundle | EvidenceRejected]:
    """Return the bundles at the paths, or those that the derivation names.

    paths: files, folders or globs, from the working folder.
    Raises: EvidenceMissing, UsageError where neither names any evidence.
    """
    if not paths and not derivation.evidence:
        raise UsageError(
            f"the derivation {derivation.name!r} names no evidence, and no path was given",
            hint=f"Type: holocron derive {derivation.name} PATH, or add 'evidence:' to the derivation.",
        )
    if paths:
        found = find_evidence(paths, Path.cwd())
    else:
        # a kind of evidence that is not there yet stops nothing
        found = find_evidence(derivation.evidence, root, every=False)
    bundles = read_bundles(found, root)
    # the first one is looked for now: a path that names nothing is told before a model is loaded
    return chain(list(islice(bundles, 1)), bundles)


def name_subject(subject: str, root: Path) -> str:
    """Return the subject that a person means: a path on this machine is its file's subject."""
    try:
        path = (Path.cwd() / subject).resolve()
        if path.is_file() and path.is_relative_to(root.resolve()):
            subject = path.relative_to(root.resolve()).as_posix()
    except OSError:
        # a subject may be longer than a file's name, and a file out of reach is no reason to hide its answer
        pass
    # a name that is not UTF-8 is written out, as where it became a subject
    return subject.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def refuse_unknown_derivation(store: Store, name: str) -> None:
    """Raise UsageError where the store has no derivation of a name."""
    names = list_derivations(store)
    if name not in names:
        raise UsageError(
            f"the database has no derivation {name!r}",
            hint=name_near(name, names, "It has") if names else "Nothing was enqueued or derived yet.",
        )


def guess_subject(store: Store, subject: str, derivation: str | None) -> str:
    """Return guess_name of the subjects of the newest jobs."""
    jobs = list_jobs(store, derivation=derivation, wanted=True, limit=_MOST_GUESSED)
    return guess_name(subject, {job.subject for job in jobs})


def refuse_unknown_subject(store: Store, subject: str, derivation: str | None) -> NoReturn:
    """Raise UsageError that says why nothing is known: no job, an open one, or one that did not end well."""
    if derivation is not None:
        refuse_unknown_derivation(store, derivation)
    jobs = list_jobs(store, subject=subject, derivation=derivation, wanted=True, limit=1)
    if not jobs:
        raise UsageError(
            f"nothing was derived about {subject!r}",
            hint=f"{guess_subject(store, subject, derivation)}'holocron jobs' lists the subjects there are.",
        )
    job = jobs[0]
    if job.status in OPEN:
        raise UsageError(
            f"the job about {subject!r} is still {job.status}",
            hint=f"Work it: holocron worker --until-empty --model {quote_word(job.model)}",
        )
    raise UsageError(
        f"nothing is accepted about {subject!r}: its job was {job.status}: {job.last_error}",
        hint=f"Work it again: holocron retry {job.derivation} --model {quote_word(job.model)}",
    )
