-- Base tables: one a kind of fact, one row a fact, in the order of `seq` within a run.
-- Typed columns are for analysts; `body` is the fact as JSON and the source for reading back.
-- `sample` has no `body`: its columns are the whole fact, and it has most of the rows.
-- No primary keys but on `commits`: a run is replaced as a whole in one transaction, its facts are
-- folded to one a key before, and an index on text keys costs more than it gives here.
-- Units are in the names; times are UTC.

CREATE TABLE store.commits (
    run_id VARCHAR PRIMARY KEY,
    n_facts BIGINT NOT NULL,
    digest VARCHAR NOT NULL,
    spool_bytes BIGINT,
    committed_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE store.commits IS 'One row a run: what was committed of it (sha256 over its folded facts), and how long its spool was then';

CREATE TABLE store.labels (
    run_id VARCHAR PRIMARY KEY,
    label VARCHAR NOT NULL CHECK (label IN ('good', 'bad')),
    note VARCHAR NOT NULL,
    "by" VARCHAR NOT NULL,
    "at" TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE store.labels IS 'What people found out later about a deployment; survives a re-commit of its run';

CREATE TABLE store.run (
    seq BIGINT, run_id VARCHAR, plan VARCHAR, plan_path VARCHAR, plan_hash VARCHAR,
    plan_json VARCHAR, environment VARCHAR, deployment_id VARCHAR, revision VARCHAR,
    is_rollback BOOLEAN, irreversible_migration BOOLEAN, gate_version VARCHAR,
    started_at TIMESTAMPTZ, body VARCHAR
);

CREATE TABLE store.run_end (
    seq BIGINT, run_id VARCHAR, finished_at TIMESTAMPTZ, reason VARCHAR, body VARCHAR
);

CREATE TABLE store.deploy (
    seq BIGINT, run_id VARCHAR, deployer VARCHAR, outcome VARCHAR, revision VARCHAR,
    revisions MAP(VARCHAR, VARCHAR), previous VARCHAR, attempts BIGINT, duration_s DOUBLE,
    message VARCHAR, log_tail VARCHAR, "at" TIMESTAMPTZ, body VARCHAR
);

CREATE TABLE store.health (
    seq BIGINT, run_id VARCHAR, stage VARCHAR, service VARCHAR, state VARCHAR,
    status_code BIGINT, latency_ms DOUBLE, n_reads BIGINT, ready_after_s DOUBLE, message VARCHAR,
    dependencies STRUCT("name" VARCHAR, state VARCHAR, latency_ms DOUBLE, error VARCHAR, owned BOOLEAN)[],
    "at" TIMESTAMPTZ, body VARCHAR
);

CREATE TABLE store.revision (
    seq BIGINT, run_id VARCHAR, stage VARCHAR, service VARCHAR, expected VARCHAR,
    seen VARCHAR[], n_reads BIGINT, error VARCHAR, "at" TIMESTAMPTZ, body VARCHAR
);

CREATE TABLE store.phase (
    seq BIGINT, run_id VARCHAR, phase VARCHAR, ordinal BIGINT, priority VARCHAR,
    started_at TIMESTAMPTZ, finished_at TIMESTAMPTZ, reason VARCHAR, body VARCHAR
);

CREATE TABLE store.collected (
    seq BIGINT, run_id VARCHAR, phase VARCHAR, suite VARCHAR, test_ids VARCHAR[],
    deselected VARCHAR[], "at" TIMESTAMPTZ, body VARCHAR
);

CREATE TABLE store.test (
    seq BIGINT, run_id VARCHAR, phase VARCHAR, suite VARCHAR, test_id VARCHAR, attempt BIGINT,
    outcome VARCHAR, duration_ms DOUBLE, witnessed BOOLEAN, n_connections BIGINT,
    sent_bytes BIGINT, received_bytes BIGINT, findings VARCHAR[], message VARCHAR,
    detail VARCHAR, signature VARCHAR, stage VARCHAR, "at" TIMESTAMPTZ, body VARCHAR
);

CREATE TABLE store.suite (
    seq BIGINT, run_id VARCHAR, phase VARCHAR, suite VARCHAR, attempt BIGINT, command VARCHAR[],
    exit_code BIGINT, timed_out BOOLEAN, broken VARCHAR, stdout_path VARCHAR,
    stderr_path VARCHAR, output_tail VARCHAR, duration_s DOUBLE, started_at TIMESTAMPTZ,
    body VARCHAR
);

CREATE TABLE store.probe (
    seq BIGINT, run_id VARCHAR, phase VARCHAR, probe VARCHAR, kind VARCHAR, attempt BIGINT,
    outcome VARCHAR, n BIGINT, n_failed BIGINT, message VARCHAR,
    failures STRUCT(ordinal BIGINT, step VARCHAR, signature VARCHAR, message VARCHAR)[],
    duration_s DOUBLE, started_at TIMESTAMPTZ, body VARCHAR
);

CREATE TABLE store.sample (
    seq BIGINT, run_id VARCHAR, phase VARCHAR, probe VARCHAR, metric VARCHAR, ordinal BIGINT,
    "value" DOUBLE, unit VARCHAR, ok BOOLEAN, "at" TIMESTAMPTZ
);

CREATE TABLE store.sensitivity (
    seq BIGINT, run_id VARCHAR, suite VARCHAR, test_id VARCHAR, fault VARCHAR,
    turned_red BOOLEAN, "at" TIMESTAMPTZ, body VARCHAR
);

CREATE TABLE store.verdict (
    seq BIGINT, run_id VARCHAR, verdict VARCHAR, rule VARCHAR, reasons VARCHAR[],
    coverage STRUCT(expected BIGINT, seen BIGINT), not_seen VARCHAR[], counterfactual VARCHAR,
    criteria STRUCT(id VARCHAR, priority VARCHAR, outcome VARCHAR, sentence VARCHAR,
                    evidence VARCHAR[])[],
    revenue_at_risk STRUCT(amount DOUBLE, currency VARCHAR, per VARCHAR), revenue_note VARCHAR,
    incidents STRUCT(signature VARCHAR, priority VARCHAR, symptom VARCHAR, impact VARCHAR,
                     likely_cause VARCHAR, "action" VARCHAR, n BIGINT, evidence VARCHAR[],
                     capabilities VARCHAR[], seen_on_rollback_target BOOLEAN,
                     first_seen_deployment VARCHAR)[],
    actions STRUCT(priority VARCHAR, "text" VARCHAR)[], notes VARCHAR[],
    rollback_refusals VARCHAR[], input_hash VARCHAR, "at" TIMESTAMPTZ, body VARCHAR
);

CREATE TABLE store.acted (
    seq BIGINT, run_id VARCHAR, "action" VARCHAR, outcome VARCHAR, message VARCHAR,
    "at" TIMESTAMPTZ, body VARCHAR
);
