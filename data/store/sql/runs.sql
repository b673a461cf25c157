-- runs. Grain: one row a run. Audits are not among them: see `sensitivity`.
-- verdict NULL: not judged (it goes on, or was killed). finished_at NULL: it did not end.
-- Units: duration_s seconds, n_* counts of tests and probes by final outcome (n_failed: FAIL and
--   ERROR), coverage_* counts of tests and probes, *_at UTC. label: what people found out later.
CREATE OR REPLACE VIEW runs AS
SELECT
    c.*, v.verdict, v.rule, v.coverage.expected AS coverage_expected,
    v.coverage.seen AS coverage_seen, e.finished_at,
    date_diff('millisecond', c.started_at, e.finished_at) / 1000 AS duration_s,
    e.reason AS end_reason,
    coalesce(t.n_tests, 0) AS n_tests, coalesce(t.n_passed, 0) AS n_passed,
    coalesce(t.n_failed, 0) AS n_failed, coalesce(t.n_flaky, 0) AS n_flaky,
    coalesce(t.n_skipped, 0) AS n_skipped, coalesce(t.n_not_run, 0) AS n_not_run,
    coalesce(t.n_vacuous, 0) AS n_vacuous, coalesce(b.n_probes, 0) AS n_probes,
    coalesce(b.n_probes_failed, 0) AS n_probes_failed,
    r.is_rollback, r.irreversible_migration, r.plan_path, r.plan_hash, r.gate_version,
    v.input_hash, l.label, l.note AS label_note
FROM store.run AS r
JOIN store.context AS c USING (run_id)
LEFT JOIN store.run_end AS e USING (run_id)
LEFT JOIN store.verdict AS v USING (run_id)
LEFT JOIN store.labels AS l USING (run_id)
LEFT JOIN (
    SELECT
        run_id, sum(n_tests)::BIGINT AS n_tests, sum(n_passed)::BIGINT AS n_passed,
        sum(n_failed + n_errors)::BIGINT AS n_failed, sum(n_flaky)::BIGINT AS n_flaky,
        sum(n_skipped)::BIGINT AS n_skipped, sum(n_not_run)::BIGINT AS n_not_run,
        sum(n_vacuous)::BIGINT AS n_vacuous
    FROM store.suite_count GROUP BY run_id
) AS t USING (run_id)
LEFT JOIN (
    SELECT
        run_id, count(*) AS n_probes, count(*) FILTER (outcome IN ('FAIL', 'ERROR')) AS n_probes_failed
    FROM probes GROUP BY run_id
) AS b USING (run_id)
WHERE r.purpose IS DISTINCT FROM 'audit';
COMMENT ON VIEW runs IS 'One row a run: verdict, counts by final outcome, label';
