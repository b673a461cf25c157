-- revenue_at_risk_by_deployment. Grain: one row a plan, environment and deployment: the verdict of
--   its last judged run.
-- revenue_at_risk: an amount of revenue_currency in each revenue_per; NULL when the plan names none.
CREATE OR REPLACE VIEW revenue_at_risk_by_deployment AS
SELECT
    environment, plan, deployment_id, revision, started_at, run_id, verdict, revenue_at_risk,
    revenue_currency, revenue_per, revenue_note
FROM verdicts
QUALIFY row_number() OVER (
    PARTITION BY environment, plan, deployment_id ORDER BY started_at DESC, run_id DESC) = 1;
COMMENT ON VIEW revenue_at_risk_by_deployment IS 'One row a plan, environment and deployment: money of the capabilities that its last verdict could not prove';
