-- store.settled: the final outcome of each test, by number of the run. Grain: one row a run, phase,
-- suite and test. Not documented for analysts: `tests` is this with the run beside it.
CREATE OR REPLACE VIEW store.settled AS
SELECT
    run_no, run_id, phase, priority, suite, test_id, outcome, 1 AS n_attempts, duration_ms, witnessed,
    n_connections, sent_bytes, received_bytes, findings, message, signature, stage, "at"
FROM store.test
WHERE NOT retried
UNION ALL
FROM store.retried;
