-- decisions. Grain: one row a run whose verdict waited, or waits, for a person.
CREATE OR REPLACE VIEW decisions AS
SELECT
    c.*, d.verdict AS asked_verdict, d.decision, d."by" AS decided_by, d.reason AS decision_reason,
    d.how AS decided_how, d."at" AS decided_at
FROM store.decision AS d
JOIN store.context AS c USING (run_id);
COMMENT ON VIEW decisions IS 'One row a run whose verdict waited, or waits, for a person';
