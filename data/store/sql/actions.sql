-- actions. Grain: one row a judged run and recommended action, `ordinal` from 1, most urgent first.
-- What the gate then did itself is in `acted`.
CREATE OR REPLACE VIEW actions AS
SELECT c.*, u.ordinal, u.x.priority AS priority, u.x."text" AS "text"
FROM (
    SELECT run_id, unnest(actions) AS x, generate_subscripts(actions, 1) AS ordinal
    FROM store.verdict
) AS u
JOIN store.context AS c USING (run_id);
COMMENT ON VIEW actions IS 'One row a judged run and recommended action, most urgent first';
