-- incidents. Grain: one row a judged run and failure signature, `ordinal` from 1, worst first.
-- n: failures with this signature. seen_on_rollback_target: it failed before this deployment too.
CREATE OR REPLACE VIEW incidents AS
SELECT
    c.*, u.ordinal, u.x.signature AS signature, u.x.priority AS priority,
    u.x.symptom AS symptom, u.x.impact AS impact, u.x.likely_cause AS likely_cause,
    u.x."action" AS recommended_action, u.x.n AS n, u.x.evidence AS evidence,
    u.x.capabilities AS capabilities, u.x.seen_on_rollback_target AS seen_on_rollback_target,
    u.x.first_seen_deployment AS first_seen_deployment,
    lag(c.deployment_id) OVER (
        PARTITION BY c.plan, c.environment, u.x.signature ORDER BY c.started_at, c.run_id
    ) AS last_seen_deployment
FROM (
    SELECT run_id, unnest(incidents) AS x, generate_subscripts(incidents, 1) AS ordinal
    FROM store.verdict
) AS u
JOIN store.context AS c USING (run_id);
COMMENT ON VIEW incidents IS 'One row a judged run and failure signature: symptom, impact, likely cause, action';
