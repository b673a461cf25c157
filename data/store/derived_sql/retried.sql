-- store.retried: the final outcome of tests that were tried more than once.
-- FLAKY when a red attempt was followed by a pass; a retry that did not end (NOT_RUN, SKIPPED) leaves
-- the red it was to check; else the last attempt's.
INSERT INTO store.retried
WITH attempts AS (
    SELECT
        run_no, phase, suite, test_id, count(*) AS n_attempts,
        max(attempt) AS last_attempt,
        arg_max(outcome, attempt) AS last_outcome,
        arg_max(outcome, attempt) FILTER (outcome IN ('FAIL', 'ERROR', 'PASS')) AS last_decided,
        max(attempt) FILTER (outcome IN ('FAIL', 'ERROR')) AS red_attempt
    FROM store.test
    WHERE retried AND run_no BETWEEN $first AND $last
    GROUP BY run_no, phase, suite, test_id
), final AS (
    SELECT *, CASE
        WHEN last_outcome = 'PASS' AND red_attempt < last_attempt THEN 'FLAKY'
        WHEN last_outcome IN ('NOT_RUN', 'SKIPPED') THEN coalesce(last_decided, last_outcome)
        ELSE last_outcome
    END AS outcome
    FROM attempts
)
SELECT
    f.run_no, t.run_id, f.phase, t.priority, f.suite, f.test_id, f.outcome, f.n_attempts, t.duration_ms,
    t.witnessed, t.n_connections, t.sent_bytes, t.received_bytes, t.findings,
    if(f.outcome <> 'PASS', coalesce(red.message, t.message), t.message),
    if(f.outcome <> 'PASS', coalesce(red.signature, t.signature), t.signature),
    if(f.outcome <> 'PASS', coalesce(red.stage, t.stage), t.stage), t."at"
FROM final AS f
JOIN store.test AS t
    ON t.retried AND t.run_no BETWEEN $first AND $last AND t.run_no = f.run_no AND t.phase = f.phase AND t.suite = f.suite
    AND t.test_id = f.test_id AND t.attempt = f.last_attempt
LEFT JOIN (FROM store.test WHERE retried AND run_no BETWEEN $first AND $last) AS red
    ON red.run_no = f.run_no AND red.phase = f.phase AND red.suite = f.suite
    AND red.test_id = f.test_id AND red.attempt = f.red_attempt
ORDER BY f.run_no, t.seq;
