-- Runs of the past whose deployment went back to what served earlier, by the rule of
-- data/rules/returning.py: from now on each run records it itself, when it is judged.

UPDATE store.run AS u
SET
    is_rollback = true,
    body = regexp_replace(u.body, '"is_rollback":\s*false', '"is_rollback":true')
FROM (
    WITH ran AS (
        SELECT
            r.run_id, r.plan, r.environment, r.started_at,
            coalesce(r.revision, d.revision, s.revision) AS revision
        FROM store.run AS r
        LEFT JOIN store.deploy AS d USING (run_id)
        LEFT JOIN (
            SELECT run_id, CASE WHEN count(DISTINCT name) = 1 THEN min(name) END AS revision
            FROM (SELECT run_id, unnest(seen) AS name FROM store.revision)
            GROUP BY run_id
        ) AS s USING (run_id)
    ), line AS (
        SELECT plan, environment, revision, started_at AS since, run_id, false AS rolled_back
        FROM ran JOIN store.verdict AS v USING (run_id)
        WHERE v.verdict IN ('PROMOTE', 'PROMOTE_WITH_WATCH') AND revision IS NOT NULL
        UNION ALL
        SELECT plan, environment, substr(a."action", 14), a."at", run_id, true
        FROM ran JOIN store.acted AS a USING (run_id)
        WHERE a.outcome = 'done' AND starts_with(a."action", 'roll back to ')
    ), turned AS (
        SELECT *, lag(revision) OVER history AS before
        FROM line WINDOW history AS (PARTITION BY plan, environment ORDER BY since, run_id)
    ), stayed AS (
        SELECT *, count(*) FILTER (revision IS DISTINCT FROM before) OVER (
            PARTITION BY plan, environment ORDER BY since, run_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS stay
        FROM turned
    ), told AS (
        -- beside each: what served before its stay, and whether the gate began or renewed that
        SELECT
            plan, environment, revision, since,
            first_value(before) OVER within_stay AS replaced,
            bool_or(rolled_back) OVER within_stay AS went_back
        FROM stayed
        WINDOW within_stay AS (
            PARTITION BY plan, environment, stay ORDER BY since, run_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    ), first_served AS (
        SELECT plan, environment, revision, min(since) AS since FROM line GROUP BY ALL
    ), judged AS (
        SELECT
            n.run_id, n.plan, n.environment, n.revision,
            if(l.revision = n.revision, l.replaced, l.revision) AS other,
            l.revision = n.revision AND l.went_back AS again
        FROM ran AS n
        ASOF JOIN told AS l
            ON l.plan = n.plan AND l.environment = n.environment AND n.started_at > l.since
        WHERE n.revision IS NOT NULL
    )
    SELECT j.run_id
    FROM judged AS j
    LEFT JOIN first_served AS mine
        ON mine.plan = j.plan AND mine.environment = j.environment AND mine.revision = j.revision
    LEFT JOIN first_served AS theirs
        ON theirs.plan = j.plan AND theirs.environment = j.environment AND theirs.revision = j.other
    WHERE j.again OR mine.since < theirs.since
) AS r
WHERE u.run_id = r.run_id AND NOT u.is_rollback;
