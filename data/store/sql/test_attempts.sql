-- test_attempts. Grain: one row a run, phase, suite, test and attempt.
-- Units: duration_ms milliseconds, *_bytes bytes, n_* counts, *_at UTC.
-- `witnessed` is NULL where nothing could see whether the test touched its target.
CREATE OR REPLACE VIEW test_attempts AS
SELECT
    c.* EXCLUDE (run_no), t.phase, t.priority, t.suite, t.test_id, t.attempt, t.outcome, t.duration_ms,
    t.witnessed, t.n_connections, t.sent_bytes, t.received_bytes, t.findings, t.message,
    t.detail, t.signature, t.stage, t."at" AS ended_at
FROM store.test AS t
JOIN store.numbered AS c ON c.run_no = t.run_no;
COMMENT ON VIEW test_attempts IS 'One row a run, phase, suite, test and attempt. witnessed: whether the attempt touched its target, NULL = nobody could see';
