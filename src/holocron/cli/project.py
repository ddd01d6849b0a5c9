"""The project: its store, its model, its derivations, and how a person names them.

In: settings and arguments. Out: open things, or one sentence about what is missing.
Never: makes a database for a command that only reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from itertools import chain, islice
from pathlib import Path
from typing import NoReturn

from holocron.derivation import Derivation
from holocron.errors import StoreUnreachable, UsageError
from holocron.evidence import EvidenceBundle, EvidenceRejected, find_evidence, read_bundles
from holocron.llm.catalogue import open_model
from holocron.llm.model import LanguageModel
from holocron.settings import Settings
from holocron.store import Store
from holocron.store.control import list_derivations
from holocron.store.reports import list_jobs
from holocron.store.tables import OPEN


def open_project_model(settings: Settings) -> AbstractContextManager[LanguageModel]:
    """Return the model of the settings, to be used in a `with`.

    Raises: ModelNotFound, ModelDamaged, SettingsInvalid.
    """
    return closing(
        open_model(
            settings.model,
            slots=settings.slots,
            context_tokens=settings.context_tokens,
            servers=settings.servers,
        )
    )


def open_store_to_read(settings: Settings) -> Store:
    """Open the store where there is one.

    Raises: StoreUnreachable where nothing has been derived yet, and what Store raises.
    """
    file = settings.database_file
    if file is not None and not file.exists():
        raise StoreUnreachable(
            f"there is no database at {file} yet",
            hint="Make one with 'holocron derive', or name another with --project or --database.",
        )
    return Store(settings.database_url)


def show_database(settings: Settings) -> str:
    """Return where the database is, without a password."""
    if settings.database_file is not None:
        return str(settings.database_file)
    scheme, _, place = settings.database_url.partition("://")
    return f"{scheme}://{place.rpartition('@')[2].partition('?')[0]}"


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
            hint=f"Type: holocron derive {first} {name}",
        )
    raise UsageError(
        f"there is no derivation {name!r}", hint="The derivations are: " + ", ".join(catalogue) + "."
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
    path = Path.cwd() / subject
    if path.is_file() and path.resolve().is_relative_to(root.resolve()):
        return path.resolve().relative_to(root.resolve()).as_posix()
    return subject


def refuse_unknown_derivation(store: Store, name: str) -> None:
    """Raise UsageError where the store has no derivation of a name."""
    names = list_derivations(store)
    if name not in names:
        raise UsageError(
            f"the database has no derivation {name!r}",
            hint="It has: " + ", ".join(names) + "." if names else "Nothing was enqueued or derived yet.",
        )


def refuse_unknown_subject(store: Store, subject: str, derivation: str | None) -> NoReturn:
    """Raise UsageError that says why nothing is known: no job, an open one, or one that did not end well."""
    jobs = list_jobs(store, subject=subject, derivation=derivation, wanted=True, limit=1)
    if not jobs:
        raise UsageError(
            f"nothing was derived about {subject!r}", hint="'holocron jobs' lists the subjects there are."
        )
    job = jobs[0]
    if job.status in OPEN:
        raise UsageError(f"the job about {subject!r} is still {job.status}", hint="Work it: holocron derive.")
    raise UsageError(
        f"nothing is accepted about {subject!r}: its job was {job.status}: {job.last_error}",
        hint=f"Work it again: holocron retry {job.derivation}.",
    )
