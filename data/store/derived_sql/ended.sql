-- store.ended: the final outcome of each test that ended.
INSERT INTO store.ended
WITH outage AS (
    SELECT run_no FROM store.settled WHERE run_no BETWEEN $first AND $last
    GROUP BY run_no HAVING count_if(outcome IN ('FAIL', 'ERROR')) > 0.8 * count(*)
), run AS (
    SELECT p.run_no, p.plan, p.environment, o.run_no IS NOT NULL AS is_outage
    FROM store.place AS p
    LEFT JOIN outage AS o ON o.run_no = p.run_no
    WHERE p.run_no BETWEEN $first AND $last
)
SELECT
    s.run_no, t.test_no, s.outcome IN ('FAIL', 'ERROR'), s.outcome = 'FLAKY', run.is_outage,
    CASE WHEN s.outcome <> 'PASS' THEN s.message END,
    CASE WHEN s.outcome <> 'PASS' THEN s.signature END
FROM store.settled AS s
JOIN run ON run.run_no = s.run_no
JOIN store.test_name AS t
    ON t.plan = run.plan AND t.environment = run.environment AND t.phase = s.phase
    AND t.suite = s.suite AND t.test_id = s.test_id
WHERE s.run_no BETWEEN $first AND $last AND s.outcome NOT IN ('NOT_RUN', 'SKIPPED')
ORDER BY s.run_no, t.test_no;
