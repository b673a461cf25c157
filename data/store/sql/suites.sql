-- suites. Grain: one row a run, phase and suite.
-- n_collected: size of the manifest, NULL when nothing was collected (not the same as 0).
-- n_missing: tests of the manifest without any result. n_vacuous: passed without touching the target.
-- exit_code, broken, command: of the last attempt, the worst of its shards; timed_out: of any; exit_code NULL: killed.
-- Units: duration_s seconds of all attempts, n_* counts of tests by final outcome, *_at UTC.
CREATE OR REPLACE VIEW suites AS
WITH known AS (
    SELECT run_id, phase, suite FROM store.suite
    UNION SELECT run_id, phase, suite FROM store.collected
    UNION SELECT run_id, phase, suite FROM store.suite_count
), shared AS (
    -- Shards of one attempt as one: the worst of each. A shard without tests (5) is none.
    SELECT
        run_id, phase, suite, attempt, min(command) AS command, bool_or(timed_out) AS timed_out,
        coalesce(
            arg_max(exit_code, abs(exit_code)) FILTER (exit_code <> 0 AND (exit_code <> 5 OR n = 1)),
            CASE WHEN n > 1 AND bool_and(exit_code = 5) THEN 5
                 WHEN bool_and(exit_code IS NOT NULL) THEN 0 END) AS exit_code,
        max(broken) AS broken, sum(duration_s) AS duration_s, min(started_at) AS started_at
    FROM (SELECT *, count(*) OVER (PARTITION BY run_id, phase, suite, attempt) AS n
          FROM store.suite)
    GROUP BY run_id, phase, suite, attempt, n
), process AS (
    SELECT
        run_id, phase, suite, count(*) AS n_attempts, arg_max(command, attempt) AS command,
        -- arg_max leaves NULLs out, and the NULL of a killed process is the answer here
        arg_max_null(exit_code, attempt) AS exit_code, bool_or(timed_out) AS timed_out,
        arg_max(broken, attempt) AS broken, sum(duration_s) AS duration_s,
        min(started_at) AS suite_started_at
    FROM shared GROUP BY ALL
), manifest AS (
    SELECT run_id, phase, suite, len(test_ids) AS n_collected, len(deselected) AS n_deselected
    FROM store.collected
)
SELECT
    c.*, k.phase, p.priority, k.suite, m.n_collected, m.n_deselected,
    coalesce(n.n_tests, 0) AS n_tests, coalesce(n.n_passed, 0) AS n_passed,
    coalesce(n.n_failed, 0) AS n_failed, coalesce(n.n_errors, 0) AS n_errors,
    coalesce(n.n_skipped, 0) AS n_skipped, coalesce(n.n_flaky, 0) AS n_flaky,
    coalesce(n.n_not_run, 0) AS n_not_run, coalesce(x.n_missing, 0) AS n_missing,
    coalesce(n.n_vacuous, 0) AS n_vacuous, coalesce(s.n_attempts, 0) AS n_attempts,
    s.command, s.exit_code, s.timed_out, s.broken, s.duration_s, s.suite_started_at
FROM known AS k
JOIN store.context AS c ON c.run_id = k.run_id
LEFT JOIN store.phase AS p ON p.run_id = k.run_id AND p.phase = k.phase
LEFT JOIN process AS s
    ON s.run_id = k.run_id AND s.phase = k.phase AND s.suite = k.suite
LEFT JOIN manifest AS m
    ON m.run_id = k.run_id AND m.phase = k.phase AND m.suite = k.suite
LEFT JOIN store.missing AS x
    ON x.run_id = k.run_id AND x.phase = k.phase AND x.suite = k.suite
LEFT JOIN store.suite_count AS n
    ON n.run_id = k.run_id AND n.phase = k.phase AND n.suite = k.suite;
COMMENT ON VIEW suites IS 'One row a run, phase and suite: manifest, counts by final outcome, and the process';
