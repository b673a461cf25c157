-- criteria. Grain: one row a judged run and criterion, `ordinal` from 1 in the verdict's order.
CREATE OR REPLACE VIEW criteria AS
SELECT
    c.*, u.ordinal, u.x.id AS criterion, u.x.priority AS priority, u.x.outcome AS outcome,
    u.x.sentence AS sentence, u.x.evidence AS evidence
FROM (
    SELECT run_id, unnest(criteria) AS x, generate_subscripts(criteria, 1) AS ordinal
    FROM store.verdict
) AS u
JOIN store.context AS c USING (run_id);
COMMENT ON VIEW criteria IS 'One row a judged run and criterion, with the sentence of numbers that decided it';
