-- Requests to the hook receiver, and runs that a newer deployment ended.

ALTER TABLE store.run_end ADD COLUMN superseded_by VARCHAR;

CREATE TABLE store.hook_delivery (
    row_id VARCHAR PRIMARY KEY, "at" TIMESTAMPTZ NOT NULL, source VARCHAR, kind VARCHAR,
    client VARCHAR, delivery_id VARCHAR, event VARCHAR, status INTEGER, outcome VARCHAR,
    reason VARCHAR, environment VARCHAR, deployed_at TIMESTAMPTZ, "key" VARCHAR, run_id VARCHAR,
    flow_run_id VARCHAR, superseded VARCHAR, n_bytes BIGINT, took_ms DOUBLE, body VARCHAR NOT NULL
);
