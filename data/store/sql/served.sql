-- store.served: whether the gate approved, and whether users got it in the end: `settled` of
-- data/rules/deciding.py in SQL, which a test compares. Grain: one row a run that was judged.
-- Not documented for analysts: `labels` and what the guard knows of returns are made of it.
CREATE OR REPLACE VIEW store.served AS
SELECT
    v.run_id, v.verdict IN ('PROMOTE', 'PROMOTE_WITH_WATCH') AS approved,
    CASE
        WHEN v.verdict NOT IN ('PROMOTE', 'PROMOTE_WITH_WATCH', 'HOLD') THEN false
        WHEN (d.verdict, d.input_hash) IS DISTINCT FROM (v.verdict, v.input_hash)
            THEN approved AND NOT coalesce(d."at" > v."at", false)
        WHEN d.decision <> 'promote' OR d.how IN ('waiting', 'time-out') THEN false
        ELSE approved OR (
            len(list_filter(v.criteria, lambda c: c.priority = 'P1')) > 0
            AND len(list_filter(v.criteria, lambda c: c.priority = 'P1' AND c.outcome NOT IN ('PASS', 'FLAKY'))) = 0)
    END AS served
FROM store.verdict AS v
LEFT JOIN store.decision AS d USING (run_id);
