-- What ten million results need to be asked at once. `run_no` counts runs from 1 in the order in which
-- they were first stored: rows of one run lie together, and a number is a cheap key where a text is not.
-- The tables below are derived: data/store/derived/*.sql fills them in the transaction that
-- stores a run, and again as a whole when what fills them changes. Tests hold them to the facts.
-- `priority` of a test is that of its phase: a join less in every question for tests.
-- `test` loses its `body`: its columns are the whole fact, as those of `sample` are.

CREATE TABLE store.number (run_id VARCHAR, run_no INTEGER);
INSERT INTO store.number
SELECT run_id, row_number() OVER (ORDER BY committed_at, run_id) FROM store.commits;

CREATE TABLE store.test_0006 AS
SELECT
    n.run_no, p.priority, t.* EXCLUDE (body),
    coalesce(bool_or(attempt <> 1) OVER (PARTITION BY t.run_id, t.phase, t.suite, t.test_id), false) AS retried
FROM store.test AS t
JOIN store.number AS n ON n.run_id = t.run_id
LEFT JOIN store.phase AS p ON p.run_id = t.run_id AND p.phase = t.phase
ORDER BY n.run_no, t.seq;
DROP TABLE store.test;
ALTER TABLE store.test_0006 RENAME TO test;

CREATE TABLE store.sample_0006 AS
SELECT n.run_no, s.* FROM store.sample AS s JOIN store.number AS n USING (run_id)
ORDER BY n.run_no, s.seq;
DROP TABLE store.sample;
ALTER TABLE store.sample_0006 RENAME TO sample;

-- One row a run.
CREATE TABLE store.place (
    run_no INTEGER, run_id VARCHAR, plan VARCHAR, environment VARCHAR, deployment_id VARCHAR,
    revision VARCHAR, started_at TIMESTAMPTZ
);

-- One row a run and test that was tried more than once: its final outcome.
CREATE TABLE store.retried (
    run_no INTEGER, run_id VARCHAR, phase VARCHAR, priority VARCHAR, suite VARCHAR,
    test_id VARCHAR, outcome VARCHAR, n_attempts BIGINT, duration_ms DOUBLE, witnessed BOOLEAN,
    n_connections BIGINT, sent_bytes BIGINT, received_bytes BIGINT, findings VARCHAR[],
    message VARCHAR, signature VARCHAR, stage VARCHAR, "at" TIMESTAMPTZ
);

-- One row a plan, environment, phase, suite and test that ever ended.
CREATE TABLE store.test_name (
    test_no INTEGER, plan VARCHAR, environment VARCHAR, phase VARCHAR, suite VARCHAR,
    test_id VARCHAR
);

-- One row a run and test that ended: its final outcome. is_outage: over 80 % of the run's tests were red.
CREATE TABLE store.ended (
    run_no INTEGER, test_no INTEGER, is_red BOOLEAN, is_flaky BOOLEAN, is_outage BOOLEAN
);

-- One row a run and test that ended red or flaky: what was said of it.
CREATE TABLE store.trouble (
    run_no INTEGER, test_no INTEGER, is_flaky BOOLEAN, is_outage BOOLEAN, message VARCHAR,
    signature VARCHAR
);

-- One row a run, phase and suite with a test: how many ended how. n_witnessed, n_vacuous and n_unknown
-- are of passes and flaky ones.
CREATE TABLE store.suite_count (
    run_no INTEGER, run_id VARCHAR, phase VARCHAR, suite VARCHAR, n_tests BIGINT, n_passed BIGINT,
    n_failed BIGINT, n_errors BIGINT, n_skipped BIGINT, n_flaky BIGINT, n_not_run BIGINT,
    n_witnessed BIGINT, n_vacuous BIGINT, n_unknown BIGINT
);

-- One row a run, phase, probe, metric and unit. Percentiles by nearest rank, of samples that are ok.
CREATE TABLE store.metric (
    run_no INTEGER, run_id VARCHAR, phase VARCHAR, probe VARCHAR, metric VARCHAR, unit VARCHAR,
    n BIGINT, n_failed BIGINT, "min" DOUBLE, mean DOUBLE, p50 DOUBLE, p95 DOUBLE, p99 DOUBLE,
    "max" DOUBLE
);

-- One row a run, phase and suite that announced a test of which nothing was heard.
CREATE TABLE store.missing (
    run_no INTEGER, run_id VARCHAR, phase VARCHAR, suite VARCHAR, n_missing BIGINT
);

-- What filled the tables above: they are filled anew when it changes.
CREATE TABLE store.derived (digest VARCHAR NOT NULL);
