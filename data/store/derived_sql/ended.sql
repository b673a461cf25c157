-- store.ended: the final outcome of each test that ended.
INSERT INTO store.ended
WITH outage AS (
    SELECT run_no FROM store.suite_count WHERE run_no BETWEEN $first AND $last
    GROUP BY run_no HAVING sum(n_failed + n_errors) > 0.8 * sum(n_tests)
)
SELECT
    s.run_no, t.test_no, s.outcome IN ('FAIL', 'ERROR'), s.outcome = 'FLAKY', o.run_no IS NOT NULL
FROM store.settled AS s
JOIN store.place AS p ON p.run_no = s.run_no
LEFT JOIN outage AS o ON o.run_no = s.run_no
JOIN store.test_name AS t
    ON t.plan = p.plan AND t.environment = p.environment AND t.phase = s.phase
    AND t.suite = s.suite AND t.test_id = s.test_id
WHERE s.run_no BETWEEN $first AND $last AND s.outcome NOT IN ('NOT_RUN', 'SKIPPED');
