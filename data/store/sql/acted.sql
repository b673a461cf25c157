-- acted. Grain: one row a run and action that the gate carried out (rollback, promote, issue).
CREATE OR REPLACE VIEW acted AS
SELECT c.*, a."action" AS action_taken, a.outcome, a.message, a."at" AS acted_at
FROM store.acted AS a
JOIN store.context AS c USING (run_id);
COMMENT ON VIEW acted IS 'One row a run and action that the gate carried out itself';
