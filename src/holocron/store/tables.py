"""The fixed tables: evidence, questions, jobs, runs, artifacts, claims, citations.

In: nothing. Out: SQLAlchemy tables that mean the same on every dialect.
Never: holds a derived table (see derived.py) or a word of one vendor's SQL (see dialects/).
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Unicode,
    UnicodeText,
    UniqueConstraint,
)

from holocron.store.types import HASH, ID, MOMENT, exact_text


class JobStatus(StrEnum):
    """Where a job stands."""

    #: waiting to be claimed
    READY = "ready"
    #: a worker holds its lease
    CLAIMED = "claimed"
    #: an artifact was accepted
    ACCEPTED = "accepted"
    #: the answer was not believed; the model's words are kept
    REJECTED = "rejected"
    #: the engine or the evidence gave out too often
    FAILED = "failed"
    #: a newer job for the same subject took its place before it was worked
    SUPERSEDED = "superseded"
    #: a person took it out of the queue; asking again puts it back
    CANCELLED = "cancelled"


#: the statuses that end a job until it is retried
FINISHED = (
    JobStatus.ACCEPTED,
    JobStatus.REJECTED,
    JobStatus.FAILED,
    JobStatus.SUPERSEDED,
    JobStatus.CANCELLED,
)
#: the statuses that still need a worker
OPEN = (JobStatus.READY, JobStatus.CLAIMED)
#: the statuses of jobs that were taken away unworked; asking again queues them again
TAKEN_AWAY = (JobStatus.SUPERSEDED, JobStatus.CANCELLED)

# sqlite_with_rowid=False: SQLite then keeps the rows in their key's tree, not in a second one
# the prefix keeps every other name free for derivations, whose names are views
metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s"})


def _is_json(column: str, *, constraint: str) -> CheckConstraint:
    """Return SQL Server's check that a text is JSON; the others have a type for it, or take our word."""
    return CheckConstraint(f"ISJSON({column}) = 1", name=constraint).ddl_if(dialect="mssql")


#: the longest name of a subject
SUBJECT_CHARACTERS = 400
_SUBJECT = exact_text(SUBJECT_CHARACTERS)
_DERIVATION_NAME = exact_text(40)
_TABLE_NAME = exact_text(128)

schema_version = Table(
    "holocron_schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("upgraded_at", MOMENT, nullable=False),
)

content = Table(
    "holocron_content",
    metadata,
    Column("id", ID, Identity(), primary_key=True),
    Column("content_hash", HASH, nullable=False),
    Column("text", UnicodeText, nullable=False),
    UniqueConstraint("content_hash", name="uq_content_hash"),
)

bundle = Table(
    "holocron_bundle",
    metadata,
    Column("id", ID, Identity(), primary_key=True),
    Column("bundle_hash", HASH, nullable=False),
    Column("subject", _SUBJECT, nullable=False),
    UniqueConstraint("bundle_hash", name="uq_bundle_hash"),
)

bundle_item = Table(
    "holocron_bundle_item",
    metadata,
    Column("bundle_id", ID, ForeignKey("holocron_bundle.id", name="fk_bundle_item_bundle"), nullable=False),
    Column("position", Integer, nullable=False),
    Column(
        "content_id", ID, ForeignKey("holocron_content.id", name="fk_bundle_item_content"), nullable=False
    ),
    Column("media_type", Unicode(100), nullable=False),
    Column("source", UnicodeText, nullable=False),
    Column("source_hash", HASH, nullable=False),
    PrimaryKeyConstraint("bundle_id", "position", name="pk_bundle_item"),
    sqlite_with_rowid=False,
)

derivation = Table(
    "holocron_derivation",
    metadata,
    Column("id", ID, Identity(), primary_key=True),
    Column("derivation_hash", HASH, nullable=False),
    Column("name", _DERIVATION_NAME, nullable=False),
    Column("version", Unicode(100), nullable=False),
    Column("definition", UnicodeText, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    UniqueConstraint("derivation_hash", name="uq_derivation_hash"),
    _is_json("definition", constraint="ck_derivation_definition"),
)

model = Table(
    "holocron_model",
    metadata,
    Column("id", ID, Identity(), primary_key=True),
    Column("fingerprint", HASH, nullable=False),
    Column("name", UnicodeText, nullable=False),
    Column("digest", Unicode(200), nullable=False),
    UniqueConstraint("fingerprint", name="uq_model_fingerprint"),
)

worker = Table(
    "holocron_worker",
    metadata,
    Column("id", ID, Identity(), primary_key=True),
    Column("host", Unicode(255), nullable=False),
    Column("process_id", Integer, nullable=False),
    #: the process's own start time, so that a reused number is not taken for the same process
    Column("process_started", BigInteger, nullable=False),
    #: the model as its user named it, and how many requests are in flight at most
    Column("model", UnicodeText, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("started_at", MOMENT, nullable=False),
    #: when it last said that it is there
    Column("seen_at", MOMENT, nullable=False),
)

pause = Table(
    "holocron_pause",
    metadata,
    #: whose jobs are not claimed; EVERY_DERIVATION for all
    Column("derivation_name", _DERIVATION_NAME, nullable=False),
    Column("paused_at", MOMENT, nullable=False),
    PrimaryKeyConstraint("derivation_name", name="pk_pause"),
    sqlite_with_rowid=False,
)
#: stands in holocron_pause for all derivations; no derivation can be called so
EVERY_DERIVATION = "*"

job = Table(
    "holocron_job",
    metadata,
    Column("id", ID, Identity(), primary_key=True),
    Column("job_key", HASH, nullable=False),
    Column(
        "derivation_id", ID, ForeignKey("holocron_derivation.id", name="fk_job_derivation"), nullable=False
    ),
    Column("bundle_id", ID, ForeignKey("holocron_bundle.id", name="fk_job_bundle"), nullable=False),
    Column("model_id", ID, ForeignKey("holocron_model.id", name="fk_job_model"), nullable=False),
    Column("status", Unicode(20), nullable=False),
    Column("priority", Integer, nullable=False, default=0),
    Column("available_at", MOMENT, nullable=False),
    #: the number of the last claim; with worker_id it fences the lease
    Column("attempt", Integer, nullable=False, default=0),
    #: how often the engine failed, and how often a worker vanished with the job
    Column("failures", Integer, nullable=False, default=0),
    Column("worker_id", ID, ForeignKey("holocron_worker.id", name="fk_job_worker")),
    Column("lease_expires_at", MOMENT),
    Column("last_error", UnicodeText),
    Column("created_at", MOMENT, nullable=False),
    #: by the clock of the worker that had it answered; whatever else ends a job goes by the database's
    Column("finished_at", MOMENT),
    UniqueConstraint("job_key", name="uq_job_key"),
)
Index("ix_job_worker", job.c.worker_id)
# the order of the claim, so that its cost does not grow with the finished jobs
Index("ix_job_claim", job.c.status, job.c.model_id, job.c.derivation_id, job.c.priority.desc(), job.c.id)

subject = Table(
    "holocron_subject",
    metadata,
    Column("derivation_name", _DERIVATION_NAME, nullable=False),
    Column("subject", _SUBJECT, nullable=False),
    #: the job whose answer is wanted; an older job's answer is kept and does not become current
    Column("job_id", ID, ForeignKey("holocron_job.id", name="fk_subject_job"), nullable=False),
    #: the artifact that the views show; the last accepted one until the wanted job is accepted
    Column("artifact_id", ID),
    PrimaryKeyConstraint("derivation_name", "subject", name="pk_subject"),
    sqlite_with_rowid=False,
)
Index("ix_subject_artifact", subject.c.artifact_id)
Index("ix_subject_job", subject.c.job_id)

run = Table(
    "holocron_run",
    metadata,
    Column("id", ID, Identity(), primary_key=True),
    Column("job_id", ID, ForeignKey("holocron_job.id", name="fk_run_job"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("outcome", Unicode(20), nullable=False),
    Column("manifest", UnicodeText, nullable=False),
    Column("started_at", MOMENT, nullable=False),
    Column("finished_at", MOMENT, nullable=False),
    UniqueConstraint("job_id", "attempt", name="uq_run_attempt"),
    _is_json("manifest", constraint="ck_run_manifest"),
)

completion = Table(
    "holocron_completion",
    metadata,
    Column("run_id", ID, ForeignKey("holocron_run.id", name="fk_completion_run"), nullable=False),
    #: 0 for the first answer, then one for each repair
    Column("turn", Integer, nullable=False),
    Column("text", UnicodeText, nullable=False),
    Column("finish_reason", Unicode(20), nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("prompt_ms", Integer, nullable=False),
    Column("output_ms", Integer, nullable=False),
    Column("findings", UnicodeText, nullable=False),
    PrimaryKeyConstraint("run_id", "turn", name="pk_completion"),
    _is_json("findings", constraint="ck_completion_findings"),
)

artifact = Table(
    "holocron_artifact",
    metadata,
    # one run makes at most one artifact, so they share the number
    Column(
        "id", ID, ForeignKey("holocron_run.id", name="fk_artifact_run"), primary_key=True, autoincrement=False
    ),
    Column("job_id", ID, ForeignKey("holocron_job.id", name="fk_artifact_job"), nullable=False),
    Column("value", UnicodeText, nullable=False),
    Column("value_hash", HASH, nullable=False),
    _is_json("value", constraint="ck_artifact_value"),
)
Index("ix_artifact_job", artifact.c.job_id)

claim = Table(
    "holocron_claim",
    metadata,
    Column("artifact_id", ID, ForeignKey("holocron_artifact.id", name="fk_claim_artifact"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("pointer", UnicodeText, nullable=False),
    Column("value", UnicodeText, nullable=False),
    Column("grounding", Unicode(20)),
    Column("null_reason", Unicode(20)),
    PrimaryKeyConstraint("artifact_id", "ordinal", name="pk_claim"),
    CheckConstraint(
        "(grounding IS NULL AND null_reason IS NOT NULL) OR (grounding IS NOT NULL AND null_reason IS NULL)",
        name="ck_claim_null",
    ),
    sqlite_with_rowid=False,
)

citation = Table(
    "holocron_citation",
    metadata,
    Column("artifact_id", ID, nullable=False),
    Column("claim_ordinal", Integer, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("segment", Integer, nullable=False),
    Column("content_id", ID, ForeignKey("holocron_content.id", name="fk_citation_content"), nullable=False),
    #: the item's place in the job's bundle, which names its source
    Column("position", Integer, nullable=False),
    #: code points from the beginning of the text
    Column("start_offset", Integer, nullable=False),
    Column("end_offset", Integer, nullable=False),
    PrimaryKeyConstraint("artifact_id", "claim_ordinal", "ordinal", name="pk_citation"),
    ForeignKeyConstraint(
        ["artifact_id", "claim_ordinal"],
        ["holocron_claim.artifact_id", "holocron_claim.ordinal"],
        name="fk_citation_claim",
    ),
    sqlite_with_rowid=False,
)

derived_table = Table(
    "holocron_derived_table",
    metadata,
    Column("table_name", _TABLE_NAME, primary_key=True),
    Column("derivation_name", _DERIVATION_NAME, nullable=False),
    Column("contract_hash", HASH, nullable=False),
    Column("view_name", _TABLE_NAME, nullable=False),
    #: whether the views show this contract's tables
    Column("is_current", Boolean(create_constraint=False), nullable=False),
    #: rises with every contract that is asked for: late answers to an older one do not bring its views back
    Column("asked", Integer, nullable=False),
    Column("created_at", MOMENT, nullable=False),
)
