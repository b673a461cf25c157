-- tests. Grain: one row a run, phase, suite and test: its final outcome over all attempts.
-- outcome: FLAKY when a red attempt was followed by a pass; a retry that did not end (NOT_RUN,
--   SKIPPED) leaves the red it was to check; else the last attempt's.
-- grade: of a pass or FLAKY: VACUOUS when its last attempt never touched the target, WITNESSED
--   when it did; NULL when it did not pass, or when nobody could see (`witnessed` is NULL).
--   PROVEN and INSENSITIVE need an audit: join `sensitivity`.
-- message, signature, stage: of the last red attempt where there is one (so a FLAKY test keeps the
--   cause), else of the last attempt. The other columns are the last attempt's.
-- Units: duration_ms milliseconds, *_bytes bytes, n_* counts, *_at UTC.
-- Tests that were tried once, nearly all of them, go past the grouping: it is the costly part.
CREATE OR REPLACE VIEW tests AS
WITH retried AS (
    SELECT DISTINCT run_id, phase, suite, test_id FROM store.test WHERE attempt <> 1
), attempts AS (
    SELECT
        run_id, phase, suite, test_id, count(*) AS n_attempts,
        max(attempt) AS last_attempt,
        arg_max(outcome, attempt) AS last_outcome,
        arg_max(outcome, attempt) FILTER (outcome IN ('FAIL', 'ERROR', 'PASS')) AS last_decided,
        max(attempt) FILTER (outcome IN ('FAIL', 'ERROR')) AS red_attempt
    FROM store.test
    SEMI JOIN retried USING (run_id, phase, suite, test_id)
    GROUP BY run_id, phase, suite, test_id
), final AS (
    SELECT *, CASE
        WHEN last_outcome = 'PASS' AND red_attempt < last_attempt THEN 'FLAKY'
        WHEN last_outcome IN ('NOT_RUN', 'SKIPPED') THEN coalesce(last_decided, last_outcome)
        ELSE last_outcome
    END AS outcome
    FROM attempts
), settled AS (
    SELECT
        run_id, phase, suite, test_id, outcome, 1 AS n_attempts, duration_ms, witnessed,
        n_connections, sent_bytes, received_bytes, findings, message, signature, stage, "at"
    FROM store.test
    ANTI JOIN retried USING (run_id, phase, suite, test_id)
    UNION ALL
    SELECT
        f.run_id, f.phase, f.suite, f.test_id, f.outcome, f.n_attempts, t.duration_ms, t.witnessed,
        t.n_connections, t.sent_bytes, t.received_bytes, t.findings,
        if(f.outcome <> 'PASS', coalesce(red.message, t.message), t.message),
        if(f.outcome <> 'PASS', coalesce(red.signature, t.signature), t.signature),
        if(f.outcome <> 'PASS', coalesce(red.stage, t.stage), t.stage), t."at"
    FROM final AS f
    JOIN store.test AS t
        ON t.run_id = f.run_id AND t.phase = f.phase AND t.suite = f.suite
        AND t.test_id = f.test_id AND t.attempt = f.last_attempt
    LEFT JOIN store.test AS red
        ON red.run_id = f.run_id AND red.phase = f.phase AND red.suite = f.suite
        AND red.test_id = f.test_id AND red.attempt = f.red_attempt
)
SELECT
    c.*, s.phase, p.priority, s.suite, s.test_id, s.outcome,
    CASE WHEN s.outcome IN ('PASS', 'FLAKY') AND s.witnessed IS NOT NULL
         THEN if(s.witnessed, 'WITNESSED', 'VACUOUS') END AS grade,
    s.n_attempts, s.duration_ms, s.witnessed, s.n_connections, s.sent_bytes, s.received_bytes,
    s.findings, s.message, s.signature, s.stage, s."at" AS ended_at
FROM settled AS s
JOIN store.context AS c ON c.run_id = s.run_id
LEFT JOIN store.phase AS p ON p.run_id = s.run_id AND p.phase = s.phase;
COMMENT ON VIEW tests IS 'One row a run, phase, suite and test: final outcome over all attempts, and what a pass is worth';
COMMENT ON COLUMN tests.outcome IS 'PASS, FAIL, ERROR, NOT_RUN, SKIPPED, or FLAKY: red, then a pass on retry';
COMMENT ON COLUMN tests.grade IS 'WITNESSED or VACUOUS of a pass; NULL: not passed, or nobody could see';
