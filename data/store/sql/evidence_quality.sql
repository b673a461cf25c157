-- evidence_quality. Grain: one row a run with at least one passing test (PASS or FLAKY).
-- n_passed = n_witnessed + n_vacuous + n_unknown; shares 0..1 of n_passed.
-- vacuous: passed without touching the target; unknown: nobody could see.
CREATE OR REPLACE VIEW evidence_quality AS
SELECT
    c.run_id, c.plan, c.environment, c.deployment_id, c.revision, c.started_at,
    n.n_passed, n.n_witnessed, n.n_vacuous, n.n_unknown, n.n_witnessed / n.n_passed AS witnessed_share,
    n.n_vacuous / n.n_passed AS vacuous_share, n.n_unknown / n.n_passed AS unknown_share
FROM (
    SELECT
        run_id, sum(n_passed + n_flaky)::BIGINT AS n_passed, sum(n_witnessed)::BIGINT AS n_witnessed,
        sum(n_vacuous)::BIGINT AS n_vacuous, sum(n_unknown)::BIGINT AS n_unknown
    FROM store.suite_count GROUP BY run_id
) AS n
JOIN store.context AS c USING (run_id)
WHERE n.n_passed > 0;
COMMENT ON VIEW evidence_quality IS 'One row a run: what its passes are worth';
