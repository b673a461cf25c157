-- phases. Grain: one row a run and phase, with the final outcomes of its tests and probes.
-- phase_started_at NULL: the phase was not started, `reason` says why.
-- Units: duration_s seconds, n_* counts (n_failed: FAIL and ERROR), *_at UTC.
CREATE OR REPLACE VIEW phases AS
SELECT
    c.*, p.phase, p.ordinal, p.priority, p.started_at AS phase_started_at,
    p.finished_at AS phase_finished_at,
    date_diff('millisecond', p.started_at, p.finished_at) / 1000 AS duration_s, p.reason,
    coalesce(t.n_tests, 0) AS n_tests, coalesce(t.n_passed, 0) AS n_passed,
    coalesce(t.n_failed, 0) AS n_failed, coalesce(t.n_flaky, 0) AS n_flaky,
    coalesce(t.n_not_run, 0) AS n_not_run, coalesce(b.n_probes, 0) AS n_probes,
    coalesce(b.n_probes_failed, 0) AS n_probes_failed
FROM store.phase AS p
JOIN store.context AS c USING (run_id)
LEFT JOIN (
    SELECT
        run_id, phase, sum(n_tests)::BIGINT AS n_tests, sum(n_passed)::BIGINT AS n_passed,
        sum(n_failed + n_errors)::BIGINT AS n_failed, sum(n_flaky)::BIGINT AS n_flaky,
        sum(n_not_run)::BIGINT AS n_not_run
    FROM store.suite_count GROUP BY run_id, phase
) AS t ON t.run_id = p.run_id AND t.phase = p.phase
LEFT JOIN (
    SELECT
        run_id, phase, count(*) AS n_probes,
        count(*) FILTER (outcome IN ('FAIL', 'ERROR')) AS n_probes_failed
    FROM probes GROUP BY run_id, phase
) AS b ON b.run_id = p.run_id AND b.phase = p.phase;
COMMENT ON VIEW phases IS 'One row a run and phase, with the final outcomes of its tests and probes';
