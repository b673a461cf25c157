-- Audits are runs with a purpose of their own; a cell says what became of the test.

ALTER TABLE store.run ADD COLUMN purpose VARCHAR;
ALTER TABLE store.sensitivity ADD COLUMN phase VARCHAR;
ALTER TABLE store.sensitivity ADD COLUMN outage BOOLEAN;
ALTER TABLE store.sensitivity ADD COLUMN outcome VARCHAR;

CREATE TABLE store.suite_audit (
    seq BIGINT, run_id VARCHAR, phase VARCHAR, suite VARCHAR, audited BOOLEAN, reason VARCHAR,
    n_tests BIGINT, controls VARCHAR[], red_before VARCHAR[], unmoved VARCHAR[],
    duration_s DOUBLE, "at" TIMESTAMPTZ, body VARCHAR
);
