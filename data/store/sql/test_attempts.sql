-- test_attempts. Grain: one row a run, phase, suite, test and attempt.
-- Units: duration_ms milliseconds, *_bytes bytes, n_* counts, *_at UTC.
-- `witnessed` is NULL where nothing could see whether the test touched its target.
CREATE OR REPLACE VIEW test_attempts AS
SELECT
    c.*, t.phase, p.priority, t.suite, t.test_id, t.attempt, t.outcome, t.duration_ms,
    t.witnessed, t.n_connections, t.sent_bytes, t.received_bytes, t.findings, t.message,
    t.detail, t.signature, t.stage, t."at" AS ended_at
FROM store.test AS t
JOIN store.context AS c USING (run_id)
LEFT JOIN store.phase AS p USING (run_id, phase);
COMMENT ON VIEW test_attempts IS 'One row a run, phase, suite, test and attempt. witnessed: whether the attempt touched its target, NULL = nobody could see';
