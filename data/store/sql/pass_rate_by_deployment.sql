-- pass_rate_by_deployment. Grain: one row a plan, environment and deployment, over all of its runs.
-- pass_share 0..1 = n_passed / n_tests. Every test counts, also those that did not run or were
--   skipped: absence of evidence is never a pass. FLAKY is not a pass; it has its own share.
-- started_at: of the deployment's first run, UTC.
CREATE OR REPLACE VIEW pass_rate_by_deployment AS
SELECT
    c.environment, c.plan, c.deployment_id, arg_max(c.revision, c.started_at) AS revision,
    min(c.started_at) AS started_at, count(DISTINCT n.run_no) AS n_runs,
    sum(n.n_tests)::BIGINT AS n_tests, sum(n.n_passed)::BIGINT AS n_passed,
    sum(n.n_failed + n.n_errors)::BIGINT AS n_failed, sum(n.n_flaky)::BIGINT AS n_flaky,
    sum(n.n_skipped)::BIGINT AS n_skipped, sum(n.n_not_run)::BIGINT AS n_not_run,
    sum(n.n_vacuous)::BIGINT AS n_vacuous, sum(n.n_passed) / sum(n.n_tests) AS pass_share,
    sum(n.n_flaky) / sum(n.n_tests) AS flaky_share
FROM store.suite_count AS n
JOIN store.context AS c USING (run_id)
GROUP BY c.environment, c.plan, c.deployment_id;
COMMENT ON VIEW pass_rate_by_deployment IS 'One row a plan, environment and deployment: share of all its tests that passed (0..1)';
