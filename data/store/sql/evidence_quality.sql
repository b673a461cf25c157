-- evidence_quality. Grain: one row a run with at least one passing test (PASS or FLAKY).
-- n_passed = n_witnessed + n_vacuous + n_unknown; shares 0..1 of n_passed.
-- vacuous: passed without touching the target; unknown: nobody could see.
CREATE OR REPLACE VIEW evidence_quality AS
SELECT
    run_id, plan, environment, deployment_id, revision, started_at,
    count(*) AS n_passed, count_if(grade = 'WITNESSED') AS n_witnessed,
    count_if(grade = 'VACUOUS') AS n_vacuous, count_if(grade IS NULL) AS n_unknown,
    count_if(grade = 'WITNESSED') / count(*) AS witnessed_share,
    count_if(grade = 'VACUOUS') / count(*) AS vacuous_share,
    count_if(grade IS NULL) / count(*) AS unknown_share
FROM tests
WHERE outcome IN ('PASS', 'FLAKY')
GROUP BY run_id, plan, environment, deployment_id, revision, started_at;
COMMENT ON VIEW evidence_quality IS 'One row a run: what its passes are worth';
