CREATE TABLE ship__6c057e72 (
  artifact_id BIGINT NOT NULL,
  [select] NVARCHAR(max) NULL,
  [a b]]c] BIGINT NULL,
  weight DOUBLE PRECISION NULL,
  [Weight_2] DOUBLE PRECISION NULL,
  is_old BIT NULL,
  day DATE NULL,
  moment DATETIME2(7) NULL,
  either NVARCHAR(max) NULL,
  PRIMARY KEY (artifact_id),
  FOREIGN KEY(artifact_id) REFERENCES holocron_artifact (id),
  CONSTRAINT ck_ship__6c057e72_either CHECK (ISJSON(either, VALUE) = 1)
);

execute sp_addextendedproperty 'MS_Description', N'100% it''s a name', 'schema', holocron, 'table', ship__6c057e72, 'column', [select];

CREATE VIEW ship AS SELECT holocron_subject.subject, ship__6c057e72.[select], ship__6c057e72.[a b]]c], ship__6c057e72.weight, ship__6c057e72.[Weight_2], ship__6c057e72.is_old, ship__6c057e72.day, ship__6c057e72.moment, ship__6c057e72.either, ship__6c057e72.artifact_id
FROM ship__6c057e72 JOIN holocron_subject ON holocron_subject.artifact_id = ship__6c057e72.artifact_id;

CREATE TABLE ship__6c057e72__ports (
  artifact_id BIGINT NOT NULL,
  row_number INTEGER NOT NULL,
  [order] NVARCHAR(max) NULL,
  PRIMARY KEY (artifact_id, row_number),
  FOREIGN KEY(artifact_id) REFERENCES holocron_artifact (id)
);

CREATE VIEW ship_ports AS SELECT holocron_subject.subject, ship__6c057e72__ports.row_number, ship__6c057e72__ports.[order], ship__6c057e72__ports.artifact_id
FROM ship__6c057e72__ports JOIN holocron_subject ON holocron_subject.artifact_id = ship__6c057e72__ports.artifact_id;
