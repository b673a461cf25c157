-- labels. Grain: one row a run of which it is known how its deployment turned out.
-- label: good or bad. source: person (goldenpath label; beats the rest), else what said so by itself:
--   rollback (it served, and a later run records that its deployment went back from it to what served
--   earlier: is_rollback in runs). What a person promoted served, what a person held did not,
--   later_run (a later run of the same revision, before any other served, disagreed; one whose
--   approval a person held says nothing).
-- Automatic labels are for counting only: no verdict ever rests on one. at: when it was known, UTC.
CREATE OR REPLACE VIEW labels AS
WITH judged AS (
    SELECT
        c.*, v.verdict, v."at" AS verdict_at, r.is_rollback,
        s.approved, s.served, v.verdict = 'ROLL_BACK' OR (v.verdict = 'HOLD' AND v.rule LIKE 'P1 FAIL %') AS red
    FROM store.context AS c
    JOIN store.run AS r USING (run_id)
    JOIN store.verdict AS v USING (run_id)
    JOIN store.served AS s USING (run_id)
    WHERE c.revision IS NOT NULL AND v.verdict <> 'SUPERSEDED' AND coalesce(r.purpose, 'validation') = 'validation'
), stepped AS (
    SELECT *, revision IS DISTINCT FROM lag(revision) OVER history AS begins
    FROM judged
    WINDOW history AS (PARTITION BY plan, environment ORDER BY started_at, run_id)
), placed AS (
    SELECT *, sum(begins::INT) OVER (
        PARTITION BY plan, environment ORDER BY started_at, run_id
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS stay
    FROM stepped
), stays AS (
    SELECT
        plan, environment, stay, any_value(revision) AS revision, min(verdict_at) AS came_at,
        bool_or(coalesce(is_rollback, false)) AS is_rollback, bool_or(served) AS served,
        arg_max(approved AND served, (started_at, run_id)) AS ended_approved,
        arg_max(red, (started_at, run_id)) AS ended_red,
        max((started_at, run_id)) AS ended, max(verdict_at) AS ended_at
    FROM placed GROUP BY plan, environment, stay
), beside AS (
    -- what served last before each stay, and whether its own revision had served by then
    SELECT
        *, last_value(if(served, stay, NULL) IGNORE NULLS) OVER earlier AS left_stay,
        last_value(if(served, revision, NULL) IGNORE NULLS) OVER earlier AS left_revision,
        count_if(served) OVER (
            PARTITION BY plan, environment, revision ORDER BY stay
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS n_own
    FROM stays
    WINDOW earlier AS (
        PARTITION BY plan, environment ORDER BY stay
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
), followed AS (
    SELECT s.*, r.back_at, r.back
    FROM stays AS s
    LEFT JOIN (
        SELECT
            plan, environment, left_stay AS stay, min(came_at) AS back_at,
            arg_min(revision, came_at) AS back
        FROM beside
        WHERE is_rollback AND n_own > 0 AND left_revision <> revision
        GROUP BY ALL
    ) AS r USING (plan, environment, stay)
), automatic AS (
    SELECT
        p.run_id,
        CASE
            WHEN p.approved AND f.ended_red THEN 'bad'
            WHEN p.served AND f.back IS NOT NULL THEN 'bad'
            WHEN NOT p.approved AND f.ended_approved THEN 'good'
        END AS label,
        if(label = 'bad' AND NOT (p.approved AND f.ended_red), 'rollback', 'later_run') AS source,
        if(source = 'rollback', f.back || ' came back',
           'a later run of the same revision disagreed') AS note,
        if(source = 'rollback', f.back_at, f.ended_at) AS "at"
    FROM placed AS p
    JOIN followed AS f USING (plan, environment, stay)
)
SELECT
    c.*, coalesce(l.label, a.label) AS label, if(l.label IS NULL, a.source, 'person') AS source,
    if(l.label IS NULL, a.note, l.note) AS note, l."by" AS labelled_by,
    if(l.label IS NULL, a."at", l."at") AS labelled_at
FROM store.context AS c
LEFT JOIN store.labels AS l USING (run_id)
LEFT JOIN automatic AS a USING (run_id)
WHERE coalesce(l.label, a.label) IS NOT NULL;
COMMENT ON VIEW labels IS 'One row a run of which it is known how its deployment turned out: by a person, else by a later rollback or a later run';
