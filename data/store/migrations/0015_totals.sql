-- Totals that reports told of their runs or suites.

CREATE TABLE store.totals (
    seq BIGINT, run_id VARCHAR, phase VARCHAR, suite VARCHAR, n_tests BIGINT, n_passed BIGINT,
    n_failed BIGINT, n_errors BIGINT, n_skipped BIGINT, duration_s DOUBLE, "at" TIMESTAMPTZ,
    body VARCHAR
);
