CREATE TABLE holocron_bundle (
  id BIGINT NOT NULL IDENTITY,
  bundle_hash NVARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
  subject NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
  CONSTRAINT pk_holocron_bundle PRIMARY KEY (id),
  CONSTRAINT uq_bundle_hash UNIQUE (bundle_hash)
);

CREATE TABLE holocron_content (
  id BIGINT NOT NULL IDENTITY,
  content_hash NVARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
  text NVARCHAR(max) NOT NULL,
  CONSTRAINT pk_holocron_content PRIMARY KEY (id),
  CONSTRAINT uq_content_hash UNIQUE (content_hash)
);

CREATE TABLE holocron_derivation (
  id BIGINT NOT NULL IDENTITY,
  derivation_hash NVARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
  name NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
  version NVARCHAR(100) NOT NULL,
  definition NVARCHAR(max) NOT NULL,
  created_at DATETIME2(7) NOT NULL,
  CONSTRAINT pk_holocron_derivation PRIMARY KEY (id),
  CONSTRAINT uq_derivation_hash UNIQUE (derivation_hash),
  CONSTRAINT ck_derivation_definition CHECK (ISJSON(definition) = 1)
);

CREATE TABLE holocron_derived_table (
  table_name NVARCHAR(128) COLLATE Latin1_General_100_BIN2 NOT NULL,
  derivation_name NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
  contract_hash NVARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
  view_name NVARCHAR(128) COLLATE Latin1_General_100_BIN2 NOT NULL,
  is_current BIT NOT NULL,
  asked INTEGER NOT NULL,
  created_at DATETIME2(7) NOT NULL,
  CONSTRAINT pk_holocron_derived_table PRIMARY KEY (table_name)
);

CREATE TABLE holocron_model (
  id BIGINT NOT NULL IDENTITY,
  fingerprint NVARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
  name NVARCHAR(max) NOT NULL,
  digest NVARCHAR(200) NOT NULL,
  CONSTRAINT pk_holocron_model PRIMARY KEY (id),
  CONSTRAINT uq_model_fingerprint UNIQUE (fingerprint)
);

CREATE TABLE holocron_pause (
  derivation_name NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
  paused_at DATETIME2(7) NOT NULL,
  CONSTRAINT pk_pause PRIMARY KEY (derivation_name)
);

CREATE TABLE holocron_schema_version (
  version INTEGER NOT NULL,
  upgraded_at DATETIME2(7) NOT NULL,
  CONSTRAINT pk_holocron_schema_version PRIMARY KEY (version)
);

CREATE TABLE holocron_worker (
  id BIGINT NOT NULL IDENTITY,
  host NVARCHAR(255) NOT NULL,
  process_id INTEGER NOT NULL,
  process_started BIGINT NOT NULL,
  model NVARCHAR(max) NOT NULL,
  slots INTEGER NOT NULL,
  started_at DATETIME2(7) NOT NULL,
  seen_at DATETIME2(7) NOT NULL,
  CONSTRAINT pk_holocron_worker PRIMARY KEY (id)
);

CREATE TABLE holocron_bundle_item (
  bundle_id BIGINT NOT NULL,
  position INTEGER NOT NULL,
  content_id BIGINT NOT NULL,
  media_type NVARCHAR(100) NOT NULL,
  source NVARCHAR(max) NOT NULL,
  source_hash NVARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
  CONSTRAINT pk_bundle_item PRIMARY KEY (bundle_id, position),
  CONSTRAINT fk_bundle_item_bundle FOREIGN KEY(bundle_id) REFERENCES holocron_bundle (id),
  CONSTRAINT fk_bundle_item_content FOREIGN KEY(content_id) REFERENCES holocron_content (id)
);

CREATE TABLE holocron_job (
  id BIGINT NOT NULL IDENTITY,
  job_key NVARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
  derivation_id BIGINT NOT NULL,
  bundle_id BIGINT NOT NULL,
  model_id BIGINT NOT NULL,
  status NVARCHAR(20) NOT NULL,
  priority INTEGER NOT NULL,
  available_at DATETIME2(7) NOT NULL,
  attempt INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  worker_id BIGINT NULL,
  lease_expires_at DATETIME2(7) NULL,
  last_error NVARCHAR(max) NULL,
  created_at DATETIME2(7) NOT NULL,
  finished_at DATETIME2(7) NULL,
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
  id BIGINT NOT NULL IDENTITY,
  job_id BIGINT NOT NULL,
  attempt INTEGER NOT NULL,
  outcome NVARCHAR(20) NOT NULL,
  manifest NVARCHAR(max) NOT NULL,
  started_at DATETIME2(7) NOT NULL,
  finished_at DATETIME2(7) NOT NULL,
  CONSTRAINT pk_holocron_run PRIMARY KEY (id),
  CONSTRAINT uq_run_attempt UNIQUE (job_id, attempt),
  CONSTRAINT ck_run_manifest CHECK (ISJSON(manifest) = 1),
  CONSTRAINT fk_run_job FOREIGN KEY(job_id) REFERENCES holocron_job (id)
);

CREATE TABLE holocron_subject (
  derivation_name NVARCHAR(40) COLLATE Latin1_General_100_BIN2 NOT NULL,
  subject NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
  job_id BIGINT NOT NULL,
  artifact_id BIGINT NULL,
  CONSTRAINT pk_subject PRIMARY KEY (derivation_name, subject),
  CONSTRAINT fk_subject_job FOREIGN KEY(job_id) REFERENCES holocron_job (id)
);

CREATE INDEX ix_subject_artifact ON holocron_subject (artifact_id);

CREATE INDEX ix_subject_job ON holocron_subject (job_id);

CREATE TABLE holocron_artifact (
  id BIGINT NOT NULL,
  job_id BIGINT NOT NULL,
  value NVARCHAR(max) NOT NULL,
  value_hash NVARCHAR(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
  CONSTRAINT pk_holocron_artifact PRIMARY KEY (id),
  CONSTRAINT ck_artifact_value CHECK (ISJSON(value) = 1),
  CONSTRAINT fk_artifact_run FOREIGN KEY(id) REFERENCES holocron_run (id),
  CONSTRAINT fk_artifact_job FOREIGN KEY(job_id) REFERENCES holocron_job (id)
);

CREATE INDEX ix_artifact_job ON holocron_artifact (job_id);

CREATE TABLE holocron_completion (
  run_id BIGINT NOT NULL,
  turn INTEGER NOT NULL,
  text NVARCHAR(max) NOT NULL,
  finish_reason NVARCHAR(20) NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  prompt_ms INTEGER NOT NULL,
  output_ms INTEGER NOT NULL,
  findings NVARCHAR(max) NOT NULL,
  CONSTRAINT pk_completion PRIMARY KEY (run_id, turn),
  CONSTRAINT ck_completion_findings CHECK (ISJSON(findings) = 1),
  CONSTRAINT fk_completion_run FOREIGN KEY(run_id) REFERENCES holocron_run (id)
);

CREATE TABLE holocron_claim (
  artifact_id BIGINT NOT NULL,
  ordinal INTEGER NOT NULL,
  pointer NVARCHAR(max) NOT NULL,
  value NVARCHAR(max) NOT NULL,
  grounding NVARCHAR(20) NULL,
  null_reason NVARCHAR(20) NULL,
  CONSTRAINT pk_claim PRIMARY KEY (artifact_id, ordinal),
  CONSTRAINT ck_claim_null CHECK ((grounding IS NULL AND null_reason IS NOT NULL) OR (grounding IS NOT NULL AND null_reason IS NULL)),
  CONSTRAINT fk_claim_artifact FOREIGN KEY(artifact_id) REFERENCES holocron_artifact (id)
);

CREATE TABLE holocron_citation (
  artifact_id BIGINT NOT NULL,
  claim_ordinal INTEGER NOT NULL,
  ordinal INTEGER NOT NULL,
  segment INTEGER NOT NULL,
  content_id BIGINT NOT NULL,
  position INTEGER NOT NULL,
  start_offset INTEGER NOT NULL,
  end_offset INTEGER NOT NULL,
  CONSTRAINT pk_citation PRIMARY KEY (artifact_id, claim_ordinal, ordinal),
  CONSTRAINT fk_citation_claim FOREIGN KEY(artifact_id, claim_ordinal) REFERENCES holocron_claim (artifact_id, ordinal),
  CONSTRAINT fk_citation_content FOREIGN KEY(content_id) REFERENCES holocron_content (id)
);
