-- soaks. Grain: one row a run, phase and probe whose users stay on their sockets: the last attempt.
-- Counts of messages and of sockets; lost_share 0 to 1: lost and unsent ones, of all that were due.
-- Of an INVALID load the counts stay, for a generator that is late loses nothing.
CREATE OR REPLACE VIEW soaks AS
WITH last AS (
    SELECT run_id, phase, probe, max(attempt) AS attempt FROM store.probe GROUP BY ALL
), told AS (
    SELECT
        run_id, phase, probe,
        json_transform("load", '{"invalid": "VARCHAR", "stages": [{"n": "BIGINT", "n_failed": "BIGINT"}],
            "soak": {"n_drops": "BIGINT", "n_returns": "BIGINT", "n_vain": "BIGINT", "n_late": "BIGINT",
            "n_lost": "BIGINT", "n_unsent": "BIGINT", "n_duplicated": "BIGINT"}}') AS d
    FROM store.probe
    SEMI JOIN last USING (run_id, phase, probe, attempt)
    WHERE json_type("load", '$.soak') = 'OBJECT'
), counted AS (
    SELECT *, coalesce(list_sum([s.n FOR s IN d.stages]), 0)::BIGINT AS n_messages FROM told
)
SELECT
    c.*, s.phase, ph.priority, s.probe, s.d.invalid <> '' AS is_invalid, s.n_messages,
    coalesce(list_sum([t.n_failed FOR t IN s.d.stages]), 0)::BIGINT AS n_failed,
    s.d.soak.n_late AS n_late, s.d.soak.n_lost AS n_lost, s.d.soak.n_unsent AS n_unsent,
    s.d.soak.n_duplicated AS n_duplicated,
    CASE WHEN s.n_messages > 0
        THEN (s.d.soak.n_lost + s.d.soak.n_unsent) / s.n_messages END AS lost_share,
    s.d.soak.n_drops AS n_drops, s.d.soak.n_returns AS n_returns, s.d.soak.n_vain AS n_vain
FROM counted AS s
JOIN store.context AS c USING (run_id)
LEFT JOIN store.phase AS ph ON ph.run_id = s.run_id AND ph.phase = s.phase;
COMMENT ON VIEW soaks IS 'One row a run, phase and probe whose users stay on their sockets: what became of sockets and messages';
