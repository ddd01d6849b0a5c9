"""Deriving from Python: the same path as the command, with Pydantic models in and out.

In: a Pydantic model or a Derivation, evidence, a model name. Out: Results over the store's current artifacts.
Never: keeps answers anywhere but in the store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar, overload

from pydantic import BaseModel

from holocron.derivation import Derivation, derivation_from_model
from holocron.errors import UsageError
from holocron.evidence import EvidenceBundle, EvidenceRejected, find_evidence, read_bundles
from holocron.fingerprint import JSONValue
from holocron.llm.catalogue import open_model
from holocron.llm.model import LanguageModel
from holocron.settings import Settings
from holocron.store import JobStatus, Store
from holocron.store.arrow import arrow_batches, arrow_schema
from holocron.store.derived import shape_tables
from holocron.store.reports import (
    StoredArtifact,
    StoredCitation,
    StoredClaim,
    find_settled,
    iterate_view,
    load_artifact,
)
from holocron.work import DeriveSummary, WorkObserver, derive_evidence

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
Evidence: TypeAlias = "str | Path | EvidenceBundle | Sequence[str | Path | EvidenceBundle]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact(Generic[T]):
    """An accepted answer about one subject: its typed value and the evidence of every leaf."""

    subject: str
    value: T
    stored: StoredArtifact

    def claim(self, pointer: str) -> StoredClaim:
        """Return the claim at a JSON pointer, e.g. `/homeworld`.

        Raises: UsageError where the answer has no leaf there.
        """
        for claim in self.stored.claims:
            if claim.pointer == pointer:
                return claim
        raise UsageError(f"the artifact about {self.subject!r} has no value at {pointer}")

    def citation(self, pointer: str) -> StoredCitation:
        """Return the first citation of a leaf: source, offsets and quote.

        Raises: UsageError where there is no such leaf, or it is null and so cites nothing.
        """
        claim = self.claim(pointer)
        if not claim.citations:
            raise UsageError(f"{pointer} of {self.subject!r} is null: {claim.null_reason}")
        return claim.citations[0]


class Results(Generic[T]):
    """The current artifacts of the subjects of one call, read from the store as they are asked for."""

    def __init__(
        self,
        *,
        database_url: str,
        derivation: Derivation,
        subjects: frozenset[str],
        summary: DeriveSummary,
        value_type: type[BaseModel] | None,
    ) -> None:
        """Remember where the artifacts are; derive() makes these."""
        self._database_url = database_url
        self._derivation = derivation
        self._subjects = subjects
        self._value_type = value_type
        #: counts, unusable evidence, and how every job ended
        self.summary = summary

    def __repr__(self) -> str:
        """Return what became of the subjects, in one line."""
        counts = ", ".join(f"{number} {status}" for status, number in self.summary.statuses.items())
        return f"<Results of {self._derivation.name}: {counts or 'no subjects'}>"

    def __len__(self) -> int:
        """Return how many subjects were accepted."""
        return self.summary.statuses[JobStatus.ACCEPTED]

    def __iter__(self) -> Iterator[Artifact[T]]:
        """Yield the current artifacts, by subject."""
        with Store(self._database_url) as store:
            for number in find_settled(store, self._derivation.name, self._subjects):
                stored = load_artifact(store, number)
                yield Artifact(subject=stored.subject, value=self._typed(stored.value), stored=stored)

    def to_arrow(self, table: str | None = None) -> pa.Table:
        """Return current rows as an Arrow table; needs the extra `[arrow]`.

        table: for the rows of an array, its view (`character_facts_ships`) or its own name (`ships`).
        Raises: UsageError where there is no such view.
        """
        root = shape_tables(self._derivation)
        made = root if table is None else root.find(table)
        schema = arrow_schema(made)
        # after arrow_schema, which says what to install where it is missing
        import pyarrow as pa

        with Store(self._database_url) as store:
            rows = iterate_view(store, made.table, made.settled_rows(), self._subjects)
            return pa.Table.from_batches(arrow_batches(schema, rows), schema=schema)

    def to_pandas(self, table: str | None = None) -> pd.DataFrame:
        """Return current rows as a pandas data frame; needs pandas beside the extra `[arrow]`.

        Raises: UsageError where pandas is not installed.
        """
        rows = self.to_arrow(table)
        try:
            return rows.to_pandas()
        except ModuleNotFoundError as problem:
            raise UsageError("pandas is not installed", hint="pip install pandas") from problem

    def _typed(self, value: JSONValue) -> T:
        if self._value_type is None:
            return value  # type: ignore[return-value]  # T is JSONValue where a Derivation was given
        return self._value_type.model_validate(value)  # type: ignore[return-value]  # T is that model


@overload
def derive(
    question: type[M],
    evidence: Evidence,
    *,
    model: str | LanguageModel | None = None,
    database: str | None = None,
    force: bool = False,
    observer: WorkObserver | None = None,
) -> Results[M]: ...


@overload
def derive(
    question: Derivation,
    evidence: Evidence,
    *,
    model: str | LanguageModel | None = None,
    database: str | None = None,
    force: bool = False,
    observer: WorkObserver | None = None,
) -> Results[JSONValue]: ...


def derive(
    question: type[BaseModel] | Derivation,
    evidence: Evidence,
    *,
    model: str | LanguageModel | None = None,
    database: str | None = None,
    force: bool = False,
    observer: WorkObserver | None = None,
) -> Results[M] | Results[JSONValue]:
    """Derive typed rows from evidence and return the accepted answers.

    question: a Pydantic model, whose schema is the contract, or a Derivation.
    evidence: paths, folders, globs or bundles; relative paths are found from the project's folder.
    model: a name such as `builtin`, `gguf:PATH`, or an open LanguageModel, which is left open.
    database: a database URL; without it, as model, the project's settings decide.
    Raises: EvidenceMissing, DerivationError, ModelError, StoreError; a rejected answer is no error.
    """
    name = model if isinstance(model, str) else None
    _refuse_other_types(question, evidence, model)
    settings = Settings.load(given={"model": name, "database_url": database})
    derivation = question if isinstance(question, Derivation) else derivation_from_model(question)
    subjects: set[str] = set()

    def bundles() -> Iterator[EvidenceBundle | EvidenceRejected]:
        for bundle in _read_evidence(evidence, settings.root):
            if isinstance(bundle, EvidenceBundle):
                subjects.add(bundle.subject)
            yield bundle

    opened = (
        closing(
            open_model(
                settings.model,
                slots=settings.slots,
                context_tokens=settings.context_tokens,
                servers=settings.servers,
            )
        )
        if model is None or isinstance(model, str)
        else nullcontext(model)
    )
    with opened as ready, Store(settings.database_url) as store:
        summary = derive_evidence(store, ready, derivation, bundles(), force=force, observer=observer)
    return Results(
        database_url=settings.database_url,
        derivation=derivation,
        subjects=frozenset(subjects),
        summary=summary,
        value_type=None if isinstance(question, Derivation) else question,
    )


def _refuse_other_types(question: object, evidence: object, model: object) -> None:
    """Raise UsageError for what a type checker would have told."""
    if not isinstance(question, Derivation) and not (
        isinstance(question, type) and issubclass(question, BaseModel)
    ):
        raise UsageError(f"a Pydantic model class or a Derivation was expected, and not {question!r}")
    if not isinstance(evidence, (str, Path, EvidenceBundle, Sequence)) or not evidence:
        raise UsageError(
            f"no evidence was given: {evidence!r}", hint="Give a path, a folder, a glob, a bundle, or a list."
        )
    if not (model is None or isinstance(model, (str, LanguageModel))):
        raise UsageError(f"a model's name or a LanguageModel was expected, and not {model!r}")


def _read_evidence(evidence: Evidence, root: Path) -> Iterator[EvidenceBundle | EvidenceRejected]:
    given = [evidence] if isinstance(evidence, (str, Path, EvidenceBundle)) else list(evidence)
    patterns = [str(entry) for entry in given if not isinstance(entry, EvidenceBundle)]
    yield from (entry for entry in given if isinstance(entry, EvidenceBundle))
    if patterns:
        yield from read_bundles(find_evidence(patterns, root), root)
