CREATE TABLE holocron_bundle (
  id INTEGER NOT NULL,
  bundle_hash VARCHAR(64) NOT NULL,
  subject VARCHAR(400) NOT NULL,
  CONSTRAINT pk_holocron_bundle PRIMARY KEY (id),
  CONSTRAINT uq_bundle_hash UNIQUE (bundle_hash)
);

CREATE TABLE holocron_content (
  id INTEGER NOT NULL,
  content_hash VARCHAR(64) NOT NULL,
  text TEXT NOT NULL,
  CONSTRAINT pk_holocron_content PRIMARY KEY (id),
  CONSTRAINT uq_content_hash UNIQUE (content_hash)
);

CREATE TABLE holocron_derivation (
  id INTEGER NOT NULL,
  derivation_hash VARCHAR(64) NOT NULL,
  name VARCHAR(40) NOT NULL,
  version VARCHAR(100) NOT NULL,
  definition TEXT NOT NULL,
  created_at DATETIME NOT NULL,
  CONSTRAINT pk_holocron_derivation PRIMARY KEY (id),
  CONSTRAINT uq_derivation_hash UNIQUE (derivation_hash)
);

CREATE TABLE holocron_derived_table (
  table_name VARCHAR(128) NOT NULL,
  derivation_name VARCHAR(40) NOT NULL,
  contract_hash VARCHAR(64) NOT NULL,
  view_name VARCHAR(128) NOT NULL,
  is_current BOOLEAN NOT NULL,
  asked INTEGER NOT NULL,
  created_at DATETIME NOT NULL,
  CONSTRAINT pk_holocron_derived_table PRIMARY KEY (table_name)
);

CREATE TABLE holocron_model (
  id INTEGER NOT NULL,
  fingerprint VARCHAR(64) NOT NULL,
  name TEXT NOT NULL,
  digest VARCHAR(200) NOT NULL,
  CONSTRAINT pk_holocron_model PRIMARY KEY (id),
  CONSTRAINT uq_model_fingerprint UNIQUE (fingerprint)
);

CREATE TABLE holocron_pause (
  derivation_name VARCHAR(40) NOT NULL,
  paused_at DATETIME NOT NULL,
  CONSTRAINT pk_pause PRIMARY KEY (derivation_name)
)
 WITHOUT ROWID;

CREATE TABLE holocron_schema_version (
  version INTEGER NOT NULL,
  upgraded_at DATETIME NOT NULL,
  CONSTRAINT pk_holocron_schema_version PRIMARY KEY (version)
);

CREATE TABLE holocron_worker (
  id INTEGER NOT NULL,
  host VARCHAR(255) NOT NULL,
  process_id INTEGER NOT NULL,
  process_started BIGINT NOT NULL,
  model TEXT NOT NULL,
  slots INTEGER NOT NULL,
  started_at DATETIME NOT NULL,
  seen_at DATETIME NOT NULL,
  CONSTRAINT pk_holocron_worker PRIMARY KEY (id)
);

CREATE TABLE holocron_bundle_item (
  bundle_id INTEGER NOT NULL,
  position INTEGER NOT NULL,
  content_id INTEGER NOT NULL,
  media_type VARCHAR(100) NOT NULL,
  source TEXT NOT NULL,
  source_hash VARCHAR(64) NOT NULL,
  CONSTRAINT pk_bundle_item PRIMARY KEY (bundle_id, position),
  CONSTRAINT fk_bundle_item_bundle FOREIGN KEY(bundle_id) REFERENCES holocron_bundle (id),
  CONSTRAINT fk_bundle_item_content FOREIGN KEY(content_id) REFERENCES holocron_content (id)
)
 WITHOUT ROWID;

CREATE TABLE holocron_job (
  id INTEGER NOT NULL,
  job_key VARCHAR(64) NOT NULL,
  derivation_id INTEGER NOT NULL,
  bundle_id INTEGER NOT NULL,
  model_id INTEGER NOT NULL,
  status VARCHAR(20) NOT NULL,
  priority INTEGER NOT NULL,
  available_at DATETIME NOT NULL,
  attempt INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  worker_id INTEGER,
  lease_expires_at DATETIME,
  last_error TEXT,
  created_at DATETIME NOT NULL,
  finished_at DATETIME,
  CONSTRAINT pk_holocron_job PRIMARY KEY (id),
  CONSTRAINT uq_job_key UNIQUE (job_key),
  CONSTRAINT fk_job_derivation FOREIGN KEY(derivation_id) REFERENCES holocron_derivation (id),
  CONSTRAINT fk_job_bundle FOREIGN KEY(bundle_id) REFERENCES holocron_bundle (id),
  CONSTRAINT fk_job_model FOREIGN KEY(model_id) REFERENCES holocron_model (id),
  CONSTRAINT fk_job_worker FOREIGN KEY(worker_id) REFERENCES holocron_worker (id)
);

CREATE INDEX ix_job_claim ON holocron_job (status, model_id, derivation_id, priority DESC, id);

CREATE INDEX ix_job_worker ON holocron_job (worker_id);

CREATE TABLE holocron_run (
  id INTEGER NOT NULL,
  job_id INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  outcome VARCHAR(20) NOT NULL,
  manifest TEXT NOT NULL,
  started_at DATETIME NOT NULL,
  finished_at DATETIME NOT NULL,
  CONSTRAINT pk_holocron_run PRIMARY KEY (id),
  CONSTRAINT uq_run_attempt UNIQUE (job_id, attempt),
  CONSTRAINT fk_run_job FOREIGN KEY(job_id) REFERENCES holocron_job (id)
);

CREATE TABLE holocron_subject (
  derivation_name VARCHAR(40) NOT NULL,
  subject VARCHAR(400) NOT NULL,
  job_id INTEGER NOT NULL,
  artifact_id INTEGER,
  CONSTRAINT pk_subject PRIMARY KEY (derivation_name, subject),
  CONSTRAINT fk_subject_job FOREIGN KEY(job_id) REFERENCES holocron_job (id)
)
 WITHOUT ROWID;

CREATE INDEX ix_subject_artifact ON holocron_subject (artifact_id);

CREATE INDEX ix_subject_job ON holocron_subject (job_id);

CREATE TABLE holocron_artifact (
  id INTEGER NOT NULL,
  job_id INTEGER NOT NULL,
  value TEXT NOT NULL,
  value_hash VARCHAR(64) NOT NULL,
  CONSTRAINT pk_holocron_artifact PRIMARY KEY (id),
  CONSTRAINT fk_artifact_run FOREIGN KEY(id) REFERENCES holocron_run (id),
  CONSTRAINT fk_artifact_job FOREIGN KEY(job_id) REFERENCES holocron_job (id)
);

CREATE INDEX ix_artifact_job ON holocron_artifact (job_id);

CREATE TABLE holocron_completion (
  run_id INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  text TEXT NOT NULL,
  finish_reason VARCHAR(20) NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  prompt_ms INTEGER NOT NULL,
  output_ms INTEGER NOT NULL,
  findings TEXT NOT NULL,
  CONSTRAINT pk_completion PRIMARY KEY (run_id, turn),
  CONSTRAINT fk_completion_run FOREIGN KEY(run_id) REFERENCES holocron_run (id)
);

CREATE TABLE holocron_claim (
  artifact_id INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  pointer TEXT NOT NULL,
  value TEXT NOT NULL,
  grounding VARCHAR(20),
  null_reason VARCHAR(20),
  CONSTRAINT pk_claim PRIMARY KEY (artifact_id, ordinal),
  CONSTRAINT ck_claim_null CHECK ((grounding IS NULL AND null_reason IS NOT NULL) OR (grounding IS NOT NULL AND null_reason IS NULL)),
  CONSTRAINT fk_claim_artifact FOREIGN KEY(artifact_id) REFERENCES holocron_artifact (id)
)
 WITHOUT ROWID;

CREATE TABLE holocron_citation (
  artifact_id INTEGER NOT NULL,
  claim_ordinal INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  content_id INTEGER NOT NULL,
  position INTEGER NOT NULL,
  start_offset INTEGER NOT NULL,
  end_offset INTEGER NOT NULL,
  CONSTRAINT pk_citation PRIMARY KEY (artifact_id, claim_ordinal, ordinal),
  CONSTRAINT fk_citation_claim FOREIGN KEY(artifact_id, claim_ordinal) REFERENCES holocron_claim (artifact_id, ordinal),
  CONSTRAINT fk_citation_content FOREIGN KEY(content_id) REFERENCES holocron_content (id)
)
 WITHOUT ROWID;
