-- load_steps. Grain: one row a run, phase, probe under load and step of its load: the last attempt.
-- Rates in executions a second, step_duration_s seconds, shares 0 to 1. step counts from 1.
-- achieved_per_s counts what ended, in the drain too: a target that is only slow keeps up here and
--   shows it in the latencies of load_by_deployment. NULL of a step that was not reached.
-- Of an INVALID load nobody knows where the target bends or breaks: is_knee, is_first_failing NULL.
CREATE OR REPLACE VIEW load_steps AS
WITH last AS (
    SELECT run_id, phase, probe, max(attempt) AS attempt FROM store.probe GROUP BY ALL
), told AS (
    -- the document is read once: most of it are histograms, which are skipped
    SELECT
        run_id, phase, probe,
        json_transform("load", '{"model": "VARCHAR", "processes": "BIGINT", "invalid": "VARCHAR",
            "knee": "VARCHAR", "stages": [{"label": "VARCHAR", "duration_s": "DOUBLE",
            "n_intended": "BIGINT", "n": "BIGINT", "n_failed": "BIGINT", "in_flight": "BIGINT",
            "outcome": "VARCHAR", "reason": "VARCHAR"}]}') AS d
    FROM store.probe
    SEMI JOIN last USING (run_id, phase, probe, attempt)
    WHERE "load" IS NOT NULL
), steps AS (
    SELECT
        run_id, phase, probe, d.model AS load_model, d.processes AS n_processes,
        d.invalid AS invalid_reason, d.knee AS knee,
        unnest(range(1, len(d.stages) + 1)) AS step, unnest(d.stages) AS s
    FROM told
)
SELECT
    c.*, l.phase, ph.priority, l.probe, l.load_model, l.n_processes, l.step, l.s.label AS step_label,
    l.s.outcome AS step_outcome, l.s.reason AS step_reason,
    l.invalid_reason <> '' AS is_invalid, l.invalid_reason,
    l.s.duration_s AS step_duration_s,
    CASE WHEN l.s.outcome <> 'NOT_RUN' AND l.s.duration_s > 0
        THEN l.s.n_intended / l.s.duration_s END AS asked_per_s,
    CASE WHEN l.s.outcome <> 'NOT_RUN' AND l.s.duration_s > 0
        THEN l.s.n / l.s.duration_s END AS achieved_per_s,
    CASE WHEN l.s.n_intended > 0 THEN l.s.n / l.s.n_intended END AS achieved_share,
    l.s.n_intended, l.s.n AS n_executions, l.s.n_failed,
    l.s.in_flight AS n_in_flight_max,
    CASE WHEN l.invalid_reason = '' THEN l.knee <> '' AND l.s.label = l.knee END AS is_knee,
    CASE WHEN l.invalid_reason = '' THEN coalesce(l.step = min(l.step) FILTER (l.s.outcome = 'FAIL')
        OVER (PARTITION BY l.run_id, l.phase, l.probe), false) END AS is_first_failing
FROM steps AS l
JOIN store.context AS c USING (run_id)
LEFT JOIN store.phase AS ph ON ph.run_id = l.run_id AND ph.phase = l.phase;
COMMENT ON VIEW load_steps IS 'One row a run, phase, probe under load and step: rate asked and achieved, outcome, and whether the figures are INVALID';
