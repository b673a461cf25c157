-- pass_rate_by_deployment. Grain: one row a plan, environment and deployment, over all of its runs.
-- pass_share 0..1 = n_passed / n_tests. Every test counts, also those that did not run or were
--   skipped: absence of evidence is never a pass. FLAKY is not a pass; it has its own share.
-- started_at: of the deployment's first run, UTC.
CREATE OR REPLACE VIEW pass_rate_by_deployment AS
SELECT
    environment, plan, deployment_id, arg_max(revision, started_at) AS revision,
    min(started_at) AS started_at, count(DISTINCT run_id) AS n_runs, count(*) AS n_tests,
    count_if(outcome = 'PASS') AS n_passed, count_if(outcome IN ('FAIL', 'ERROR')) AS n_failed,
    count_if(outcome = 'FLAKY') AS n_flaky, count_if(outcome = 'SKIPPED') AS n_skipped,
    count_if(outcome = 'NOT_RUN') AS n_not_run, count_if(grade = 'VACUOUS') AS n_vacuous,
    count_if(outcome = 'PASS') / count(*) AS pass_share,
    count_if(outcome = 'FLAKY') / count(*) AS flaky_share
FROM tests
GROUP BY environment, plan, deployment_id;
COMMENT ON VIEW pass_rate_by_deployment IS 'One row a plan, environment and deployment: share of all its tests that passed (0..1)';
