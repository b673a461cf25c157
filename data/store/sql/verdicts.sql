-- verdicts. Grain: one row a judged run.
-- Units: revenue_at_risk is an amount of revenue_currency in each revenue_per, *_at UTC;
--   coverage_expected and coverage_seen count tests and probes.
CREATE OR REPLACE VIEW verdicts AS
SELECT
    c.*, v.verdict, v.rule, v.reasons, v.coverage.expected AS coverage_expected,
    v.coverage.seen AS coverage_seen, v.not_seen, v.counterfactual,
    v.revenue_at_risk.amount AS revenue_at_risk, v.revenue_at_risk.currency AS revenue_currency,
    v.revenue_at_risk.per AS revenue_per, v.revenue_note, v.notes, v.rollback_refusals,
    v.input_hash, v."at" AS judged_at
FROM store.verdict AS v
JOIN store.context AS c USING (run_id);
COMMENT ON VIEW verdicts IS 'One row a judged run: what to do and the rule and numbers that decided';
